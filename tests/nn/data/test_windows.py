"""Windows in batches are those of Keras."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from gatecast.errors import ConfigError, DataError
from gatecast.layers import LSTM, Dense, Input
from gatecast.models import Sequential
from gatecast.preprocessing import timeseries_dataset_from_array
from gatecast.preprocessing.sequence import TimeseriesGenerator, pad_sequences
from gatecast.utils import to_categorical

SERIES = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize(
    ("length", "stride", "rate", "start", "end"),
    list(itertools.product((1, 3), (1, 2), (1, 2), (None, 4), (None, 15))),
)
def test_windows_are_slices_of_the_series_and_of_the_targets(length, stride, rate, start, end):
    targets = 100 + np.arange(20)
    batches = timeseries_dataset_from_array(SERIES, targets, length, stride, rate, 4, False, None, start, end)
    part, truth = SERIES[start:end], targets[start:end]
    firsts = range(0, len(part) - (length - 1) * rate, stride)
    x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    np.testing.assert_array_equal(x, [part[k : k + (length - 1) * rate + 1 : rate] for k in firsts])
    np.testing.assert_array_equal(y, [truth[k] for k in firsts])
    assert len(batches) == -(-len(firsts) // 4)
    assert all(len(batch) == 4 for batch, _ in batches.take(len(batches) - 1))


def test_shuffled_windows_are_in_the_order_of_keras():
    order = np.arange(18)
    np.random.RandomState(3).shuffle(order)
    batches = timeseries_dataset_from_array(SERIES, None, 3, shuffle=True, seed=3, batch_size=5)
    np.testing.assert_array_equal(np.concatenate(list(batches))[:, 0, 0], 2.0 * order)
    np.testing.assert_array_equal(np.concatenate(list(batches.skip(2)))[:, 0, 0], 2.0 * order[10:])


def test_without_batches_there_are_single_windows():
    assert [x.shape for x in timeseries_dataset_from_array(SERIES, None, 19, batch_size=None)] == [(19, 2)] * 2
    assert [y for _, y in timeseries_dataset_from_array(SERIES, range(20), 19, batch_size=None)] == [0, 1]


def test_targets_that_are_shorter_end_the_windows():
    batches = list(timeseries_dataset_from_array(SERIES[:-3], SERIES[3:, 0], 3, batch_size=99))
    np.testing.assert_array_equal(batches[0][0][:, -1, 0] + 2, batches[0][1])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("length", "rate", "stride"), [(3, 1, 1), (4, 2, 1), (3, 1, 2)])
def test_the_generator_has_the_windows_before_each_target(length, rate, stride, reverse):
    targets = np.arange(20)
    generator = TimeseriesGenerator(
        SERIES, targets, length, sampling_rate=rate, stride=stride, reverse=reverse, batch_size=4
    )
    x, y = (np.concatenate(arrays) for arrays in zip(*generator, strict=True))
    rows = np.arange(length, 20, stride)
    windows = np.stack([SERIES[row - length : row : rate] for row in rows])
    np.testing.assert_array_equal(x, windows[:, ::-1] if reverse else windows)
    np.testing.assert_array_equal(y, rows)


@pytest.mark.parametrize("case", json.loads((Path(__file__).parents[1] / "golden" / "keras_windows.json").read_text()))
def test_windows_of_keras_come_out(case):
    generator = TimeseriesGenerator(SERIES, np.arange(20), **case["generator"])
    batches = [generator[k] for k in range(len(generator))]
    assert [[x[..., 0].tolist(), y.tolist()] for x, y in batches] == case["batches"]


def test_padding_and_classes_are_those_of_keras():
    sequences = [[1, 2, 3], [4], []]
    assert pad_sequences(sequences).tolist() == [[1, 2, 3], [0, 0, 4], [0, 0, 0]]
    assert pad_sequences(sequences, 2, padding="post", truncating="post").tolist() == [[1, 2], [4, 0], [0, 0]]
    assert pad_sequences(sequences, 2, "float32", value=-1.5).tolist() == [[2, 3], [-1.5, 4], [-1.5, -1.5]]
    assert pad_sequences([np.ones((1, 2)), np.ones((3, 2))]).shape == (2, 3, 2)
    assert to_categorical([[1], [0]]).tolist() == [[0, 1], [1, 0]]
    assert to_categorical([1], num_classes=3).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda: timeseries_dataset_from_array(SERIES, None, 21),
            DataError,
            "shorter than a window: got 20 steps, expected at least 21, a window",
        ),
        (
            lambda: timeseries_dataset_from_array(SERIES, None, 5, sampling_rate=6),
            DataError,
            "got 20 steps, expected at least 25, a window",
        ),
        (
            lambda: TimeseriesGenerator(SERIES, SERIES, 3, start_index=9, end_index=11),
            DataError,
            "got rows up to 11, expected more than 11",
        ),
        (lambda: timeseries_dataset_from_array(SERIES, None, 0), ConfigError, "Invalid sequence_length 0"),
        (lambda: timeseries_dataset_from_array(SERIES, None, 2, sampling_rate=0), ConfigError, "Invalid sampling_rate"),
        (lambda: timeseries_dataset_from_array(SERIES, None, 2, start_index=20), ConfigError, "Invalid start_index"),
        (lambda: timeseries_dataset_from_array(SERIES, None, 2, batch_size=0), ConfigError, "Invalid batch_size 0"),
        (lambda: TimeseriesGenerator(SERIES, [1], 2), DataError, "data and targets differ in length"),
        (lambda: TimeseriesGenerator(SERIES, SERIES, 20), DataError, "The data are shorter than a window"),
        (lambda: pad_sequences([[1]], padding="left"), ConfigError, "Invalid padding 'left'"),
        (lambda: to_categorical([3], num_classes=3), ConfigError, "Invalid classes (to_categorical): got 3 to 3"),
    ],
)
def test_impossible_windows_are_named(make, kind, text):
    with pytest.raises(kind) as caught:
        make()
    assert text in str(caught.value)


def test_defaults_are_those_of_keras():
    assert [len(x) for x in timeseries_dataset_from_array(np.arange(300), None, 1)] == [128, 128, 44]
    generator = TimeseriesGenerator(np.arange(300), np.arange(300), 1)
    assert [len(generator[k][1]) for k in range(len(generator))] == [128, 128, 43]
    shuffled = [
        np.concatenate(list(timeseries_dataset_from_array(np.arange(30), None, 1, shuffle=True, seed=seed)))
        for seed in (None, 0, 1)
    ]
    np.testing.assert_array_equal(shuffled[0], shuffled[1])
    assert (shuffled[0] != shuffled[2]).any()
    assert len(timeseries_dataset_from_array(np.arange(7), None, 7)) == 1


def test_shuffled_batches_have_every_row_after_a_window():
    generator = TimeseriesGenerator(np.arange(12), np.arange(12), 3, shuffle=True, batch_size=500)
    x, y = generator[0]
    assert len(x) == 500
    assert sorted(set(y.tolist())) == list(range(3, 12))
    np.testing.assert_array_equal(x, y[:, None] + [-3, -2, -1])


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 21), (-3, None)])
def test_bounds_that_hold_no_steps_are_refused(start, end):
    with pytest.raises(ConfigError, match="expected 0 <= start_index < end_index <= 20"):
        timeseries_dataset_from_array(SERIES, None, 1, start_index=start, end_index=end)
    assert len(list(timeseries_dataset_from_array(SERIES, None, 1, start_index=0, end_index=20, batch_size=20))) == 1


def test_batches_are_mapped_one_function_after_the_other():
    values = np.arange(40.0)[:, None]
    windows = timeseries_dataset_from_array(values, None, 5, batch_size=8)
    split = windows.map(lambda window: (window[:, :4], window[:, 4, 0]))
    scaled = split.map(lambda x, y: (x / 10, y / 10))
    assert len(scaled) == len(windows)
    for window, (x, y) in zip(windows, scaled, strict=True):
        np.testing.assert_array_equal(x, window[:, :4] / 10)
        np.testing.assert_array_equal(y, window[:, 4, 0] / 10)
    assert [x.shape for x, _ in scaled.skip(1).take(1)] == [(8, 4, 1)]
    model = Sequential([Input((4, 1)), LSTM(2), Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(scaled, epochs=2, verbose=0).history["loss"]).all()
