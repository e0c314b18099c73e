"""Contract checks for plug-ins: each proves that a third party's class keeps the rules of its protocol."""

from gatecast.testing.models import check_model

__all__ = ["check_model"]
