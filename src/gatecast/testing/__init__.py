"""Contract checks for code that extends gatecast: run them in the tests of your own package."""

from gatecast.testing.layers import LAYER_CHECKS, check_layer
from gatecast.testing.models import check_model

__all__ = ["LAYER_CHECKS", "check_layer", "check_model"]
