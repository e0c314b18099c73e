"""Files with a valid digest and false settings are refused in one sentence, before anything is built from them."""

from __future__ import annotations

import numpy as np
import pytest
from file_cases import FILES, HOSTILE, NO_VALUE, kind_of, paths_in, replaced, use

from gatecast._utils import safefile
from gatecast.errors import FormatError, GatecastError

QUICK_KINDS = ("statistics", "panel", "exogenous", "own-network", "stream", "network")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each kind, and what it holds."""
    folder = tmp_path_factory.mktemp("files")
    for name in FILES:
        FILES[name](folder / name)
    return {name: (folder / name, *safefile.read(folder / name, kind_of(name))) for name in FILES}


def load(name, folder, settings, arrays):
    """Write a file with a valid digest, and use it."""
    path = folder / "changed.gatecast"
    safefile.write(path, kind_of(name), settings, arrays)
    return use(name, path)


@pytest.mark.parametrize("name", FILES)
def test_files_load_as_they_were_saved(files, name):
    assert use(name, files[name][0])


@pytest.mark.parametrize("name", QUICK_KINDS)
def test_hostile_settings_are_refused_or_forecast_finite_numbers(files, name, tmp_path):
    _, settings, arrays = files[name]
    rng = np.random.default_rng(0)
    paths = list(paths_in(settings))
    messages = []
    for _ in range(60):
        path = paths[rng.integers(len(paths))]
        value = HOSTILE[rng.integers(len(HOSTILE))]
        try:
            forecast = load(name, tmp_path, replaced(settings, path, value), arrays)
        except GatecastError as error:
            messages.append(str(error))
            continue
        for column in forecast.values():
            assert np.asarray(column).dtype.kind != "f" or np.isfinite(column).mean() > 0.6, (path, value)
    assert len(messages) > 20
    assert max(map(len, messages)) < 1200
    assert all(message.isprintable() for message in messages)


@pytest.mark.parametrize(
    ("name", "path", "value", "text"),
    [
        ("lstm", ("ensemble", "task", "horizon"), 10**9, "ensemble.task.horizon is 1000000000, expected a number"),
        ("lstm", ("ensemble", "task", "quantiles"), [0.9, 0.5, 0.1], "Invalid quantiles"),
        ("lstm", ("ensemble", "models", 0, "settings", "members", 0, "n_layers"), 10**9, "Invalid n_layers 1000000000"),
        ("lstm", ("ensemble", "models", 0, "settings", "members", 0, "units"), 10**6, "the file has 283"),
        (
            "lstm",
            ("ensemble", "models", 0, "settings", "members", 0, "units"),
            "4",
            "units is '4', expected an int",
        ),
        ("lstm", ("ensemble", "models", 0, "settings", "members", 0, "dropout"), float("nan"), "expected a finite"),
        ("lstm", ("calibrator", "weights", "LSTM"), float("nan"), "calibrator.weights.LSTM is nan"),
        ("lstm", ("calibrator", "weights"), {"LSTM": 0.5}, "weights sum to 0.5, expected 1"),
        ("lstm", ("calibrator", "levels", 0), float("inf"), "calibrator.levels.0 is inf"),
        ("lstm", ("calibrator", "levels", 0), 80.0, "calibrator.levels has an item twice"),
        ("lstm", ("calibrator", "bounds", "upper"), 0, "calibrator.bounds are not those of config.data"),
        ("lstm", ("panel", "freq"), "eons", "Invalid freq 'eons'"),
        ("lstm", ("panel", "freq"), "1", "does not go with panel.dated"),
        ("lstm", ("panel", "ids"), [], "array 'indptr' is int64 of shape"),
        ("lstm", ("config", "level"), [101], "Invalid level 101"),
        ("lstm", ("config", "h"), 10**9, "config.h is 1000000000"),
        ("lstm", ("evaluation", "sizes"), [1, 1, 10**9], "more rows than the series"),
        ("panel", ("panel", "ids"), [2**64, 1, 2], "panel.ids or panel.keys have integers"),
        ("panel", ("panel", "ids"), ["a", "a", "b"], "panel.ids are not different"),
        ("exogenous", ("panel", "categories", "kind"), [], "values that number none of its 0 categories"),
        ("exogenous", ("panel", "holidays", "DE", 0), "promo2", "names 'promo2', expected one of"),
        ("hierarchy", ("panel", "levels", 0), ["town"], "panel.levels names 'town'"),
        ("own-network", ("ensemble", "models", 0, "settings", "members", 0, "layers"), [], "no layers"),
        ("stream", ("stream", "n_steps"), -1, "stream.n_steps is -1"),
        ("stream", ("stream", "days"), 3, "stream.days is 3, expected 1 or 7"),
        ("network", ("layers", 5, "Dense", "units"), 10**9, "weights, the file has"),
        ("network", ("layers", 0, "LSTM", "units"), True, "LSTM.units is True, expected an integer"),
        ("network", ("layers", 0), {"os.system": {}}, "'os.system' is not one of LSTM"),
        ("network", ("input_shape",), [None, 10**9], "weights, the file has"),
        ("network", ("seed",), -1, "seed is -1"),
        ("network", ("compiled", "optimizer"), {"eval": {}}, "Invalid description of an optimizer"),
    ],
)
def test_a_false_setting_is_named(files, tmp_path, name, path, value, text):
    _, settings, arrays = files[name]
    with pytest.raises(FormatError, match=text):
        load(name, tmp_path, replaced(settings, path, value), arrays)


@pytest.mark.parametrize("name", FILES)
def test_every_array_is_needed_or_named(files, tmp_path, name):
    _, settings, arrays = files[name]
    # Weights by series are optional together: without all of them those of the panel count.
    for key in arrays:
        if key.startswith("weights.") and sum(other.startswith("weights.") for other in arrays) == 1:
            continue
        if name == "stream" and key.startswith(("stream.stat", "weights.")):
            continue
        with pytest.raises(FormatError) as caught:
            load(name, tmp_path, settings, {other: array for other, array in arrays.items() if other != key})
        assert str(caught.value).startswith("The file does not describe"), key


def test_a_stream_of_a_version_that_read_outliers_is_read(files, tmp_path):
    _, settings, arrays = files["stream"]
    names = {name for name in arrays if name.startswith("stream.sudden.")}
    assert len(names) == 7
    load("stream", tmp_path, settings, {name: array for name, array in arrays.items() if name not in names})


@pytest.mark.parametrize("name", FILES)
def test_numbers_that_are_not_finite_are_refused_by_name(files, tmp_path, name):
    _, settings, arrays = files[name]
    for key, array in arrays.items():
        if array.dtype.kind != "f" or not array.size:
            continue
        with pytest.raises(FormatError, match=rf"array '{key.removeprefix('stream.').split('.')[0]}|array|column"):
            load(name, tmp_path, settings, arrays | {key: np.full_like(array, np.inf)})


def test_a_setting_that_is_missing_is_named(files, tmp_path):
    _, settings, arrays = files["lstm"]
    for path in (("panel",), ("panel", "freq"), ("ensemble", "task", "horizon"), ("state", "notes")):
        with pytest.raises(FormatError, match=f"{'.'.join(path)} is missing"):
            load("lstm", tmp_path, replaced(settings, path, NO_VALUE), arrays)
