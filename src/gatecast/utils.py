"""Helpers, where Keras has them: `from gatecast.utils import set_random_seed`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.data import PyDataset, pad_sequences, timeseries_dataset_from_array, to_categorical  # noqa: F401 - also in preprocessing
from gatecast.nn.seeds import clear_session, set_random_seed  # noqa: F401 - also in backend

__all__ = [
    "PyDataset",
    "Sequence",
    "set_random_seed",
    "to_categorical",
]

Sequence = PyDataset
"""`PyDataset` under its name in Keras 2."""


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, __all__)
