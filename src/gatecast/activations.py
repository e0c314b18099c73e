"""Activations by their names in Keras, for `activation=`: `from gatecast.activations import relu`.

They are functions of NumPy arrays; layers take them, or their names, and compute them in the kernels.
"""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.activation_functions import (
    elu,
    exponential,
    gelu,
    get,
    hard_sigmoid,
    leaky_relu,
    linear,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swish,
    tanh,
)

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
