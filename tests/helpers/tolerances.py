"""The tolerances of `gatecast.testing`, under the name that the tests import."""

from gatecast.testing.tolerances import EPS32, EPS64, SAFETY, close, difference, rounding, step

__all__ = ["EPS32", "EPS64", "SAFETY", "close", "difference", "rounding", "step"]
