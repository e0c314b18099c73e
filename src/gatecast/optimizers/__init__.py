"""Optimizers, where Keras has them: `from gatecast.optimizers import Adam`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, Optimizer, RMSprop, get
from gatecast.optimizers import schedules  # noqa: F401 - gatecast.optimizers.schedules

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Nadam", "Optimizer", "RMSprop", "get"]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, [*__all__, "schedules"])
