"""Windows and padding, where Keras has them: `from gatecast.preprocessing.sequence import TimeseriesGenerator`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.data import TimeseriesGenerator, pad_sequences

__all__ = ["TimeseriesGenerator", "pad_sequences"]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
