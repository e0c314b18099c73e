"""Windows of series, where Keras has them: `from gatecast.preprocessing import timeseries_dataset_from_array`."""

from gatecast._utils.keras_names import missing_name
from gatecast.nn.data import TimeseriesDataset, timeseries_dataset_from_array
from gatecast.preprocessing import sequence  # noqa: F401 - gatecast.preprocessing.sequence

__all__ = ["TimeseriesDataset", "timeseries_dataset_from_array"]


def __getattr__(name: str) -> object:
    """Raise an error that says what to write instead of an unknown name."""
    raise missing_name(__name__, name, [*__all__, "sequence"])
