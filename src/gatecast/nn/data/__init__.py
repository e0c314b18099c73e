"""Batches for `fit`: windows of arrays, and the base of data that comes in batches."""

from gatecast.nn.data.batched import PyDataset
from gatecast.nn.data.labels import pad_sequences, to_categorical
from gatecast.nn.data.windows import TimeseriesDataset, TimeseriesGenerator, timeseries_dataset_from_array

__all__ = [
    "PyDataset",
    "TimeseriesDataset",
    "TimeseriesGenerator",
    "pad_sequences",
    "timeseries_dataset_from_array",
    "to_categorical",
]
