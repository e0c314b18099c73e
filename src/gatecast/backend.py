"""What scripts call of the backend of Keras: `from gatecast import backend as K`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.seeds import clear_session

__all__ = ["backend", "clear_session", "epsilon", "floatx"]


def backend() -> str:
    """Return "numpy": functions of yours get and return arrays of NumPy."""
    return "numpy"


def epsilon() -> float:
    """Return 1e-7, which keeps divisors and logarithms away from 0."""
    return 1e-7


def floatx() -> str:
    """Return "float32", the type of weights and outputs."""
    return "float32"


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
