"""`RecurrentRegressor` is a regressor of scikit-learn: its own checks, windows, scales, seeds, errors."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gatecast.errors import ConfigError, DataError
from gatecast.sklearn import RecurrentRegressor

QUICK = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "batches are drawn at random, as in MLPRegressor",
}
"""Checks of scikit-learn that do not apply, and why."""


@pytest.fixture(scope="module")
def windows():
    series = 1000 + 100 * np.sin(np.arange(160) / 4)
    return np.lib.stride_tricks.sliding_window_view(series, 12)[:-1].copy(), series[12:]


@pytest.mark.slow
@parametrize_with_checks(
    [RecurrentRegressor(hidden_layer_sizes=(16,), max_iter=60, batch_size=16)],
    expected_failed_checks=lambda _: EXPECTED,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_regressor_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_predict_has_the_unit_of_y_and_is_better_than_the_mean(windows):
    X, y = windows
    regressor = RecurrentRegressor(hidden_layer_sizes=(8,), max_iter=30, random_state=0).fit(X[:100], y[:100])
    assert regressor.score(X[100:], y[100:]) > 0.8
    assert abs(regressor.predict(X).mean() - y.mean()) < 20


def test_fit_without_change_of_unit_gives_the_same_predictions(windows):
    """A scale by a power of two is exact: the standardized values keep their bits."""
    X, y = windows
    before = RecurrentRegressor(**QUICK).fit(X, y).predict(X)
    np.testing.assert_array_equal(RecurrentRegressor(**QUICK).fit(4 * X, 2 * y).predict(4 * X), 2 * before)


def test_same_seed_gives_the_same_bits_and_none_gives_others(windows):
    X, y = windows
    first, second = (RecurrentRegressor(**QUICK).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    free = [clone(RecurrentRegressor(**QUICK | {"random_state": None})).fit(X, y).predict(X) for _ in range(2)]
    assert not np.array_equal(*free)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_windows_with_features_are_rows_with_their_steps_one_after_the_other(cell):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5, 3)), rng.normal(size=(30, 2))
    settings = QUICK | {"cell": cell, "n_features_per_step": 3}
    from_windows = RecurrentRegressor(**settings).fit(X, y)
    from_rows = RecurrentRegressor(**settings).fit(X.reshape(30, 15), y)
    np.testing.assert_array_equal(from_windows.predict(X), from_rows.predict(X.reshape(30, 15)))
    assert from_windows.model_.input_shape == (None, 5, 3)
    assert from_windows.predict(X.tolist()).shape == (30, 2)


def test_early_stopping_holds_back_the_last_samples(windows):
    X, y = windows
    settings = QUICK | {"early_stopping": True, "validation_fraction": 0.25, "max_iter": 8}
    regressor = RecurrentRegressor(**settings).fit(X, y)
    n_held_back = round(0.25 * len(y))
    errors = (regressor.predict(X[-n_held_back:]) - y[-n_held_back:]) / y[:-n_held_back].std()
    assert min(regressor.validation_loss_curve_) == pytest.approx(np.mean(errors**2), rel=1e-5)


def test_what_early_stopping_holds_back_changes_neither_scale_nor_first_epoch(windows):
    X, y = windows
    spoilt = y.copy()
    spoilt[-len(y) // 10 :] *= 100
    curves = [
        RecurrentRegressor(**QUICK | {"early_stopping": True}).fit(X, targets).loss_curve_ for targets in (y, spoilt)
    ]
    assert curves[0][0] == curves[1][0]


def test_early_stopping_of_one_sample_says_what_to_do(windows):
    X, y = windows
    with pytest.raises(DataError, match=r"Too few samples for early stopping.*1, of which 1 would be held back"):
        RecurrentRegressor(early_stopping=True).fit(X[:1], y[:1])


def test_warm_start_goes_on_and_another_shape_starts_anew(windows):
    X, y = windows
    regressor = RecurrentRegressor(**QUICK | {"warm_start": True, "max_iter": 4})
    first = regressor.fit(X, y).loss_curve_[0]
    assert regressor.fit(X, y).loss_curve_[0] < first / 5
    model = regressor.model_
    assert regressor.set_params(hidden_layer_sizes=(4,)).fit(X, y).model_ is not model
    model = regressor.model_
    assert regressor.set_params(loss="mae").fit(X, y).model_ is not model


def test_sample_weight_zero_leaves_samples_out(windows):
    X, y = windows
    spoilt, weight = y.copy(), np.ones(len(y))
    spoilt[::5], weight[::5] = y.mean(), 0
    settings = QUICK | {"max_iter": 20}
    weighted = RecurrentRegressor(**settings).fit(X, spoilt, sample_weight=weight)
    plain = RecurrentRegressor(**settings).fit(X, spoilt)
    kept = weight == 1
    error = [np.abs(one.predict(X[kept]) - y[kept]).mean() for one in (weighted, plain)]
    assert error[0] < error[1]


def test_regressor_goes_through_search_pipeline_and_pickle(windows):
    X, y = windows
    pipeline = make_pipeline(StandardScaler(), RecurrentRegressor(**QUICK))
    search = GridSearchCV(pipeline, {"recurrentregressor__cell": ["gru", "rnn"]}, cv=TimeSeriesSplit(2)).fit(X, y)
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(copy.predict(X), search.predict(X))


def test_table_of_pandas_keeps_the_names_of_its_columns(windows):
    X, y = windows
    table = pd.DataFrame(X, columns=[f"lag {lag}" for lag in range(12, 0, -1)])
    regressor = RecurrentRegressor(**QUICK).fit(table, y)
    assert list(regressor.feature_names_in_) == list(table.columns)
    with pytest.raises(ValueError, match="feature names"):
        regressor.predict(table[table.columns[::-1]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "lstmm"}, r"Unknown cell 'lstmm'. Did you mean lstm?"),
        ({"cell": 3}, "Available: lstm, gru, rnn"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes is empty"),
        ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes"),
        ({"max_iter": 0}, "max_iter"),
        ({"learning_rate_init": -1.0}, "learning_rate_init"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"early_stopping": "yes"}, "early_stopping"),
        ({"loss": "mze"}, "mze"),
        ({"dropout": 2.0}, "(?i)dropout"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_invalid_parameters_are_refused_in_one_sentence(settings, message, windows):
    with pytest.raises(ConfigError, match=message):
        RecurrentRegressor(**QUICK | settings).fit(*windows)


def test_columns_that_are_no_whole_steps_are_refused(windows):
    X, y = windows
    with pytest.raises(DataError, match=r"12 columns.*multiple of n_features_per_step = 5"):
        RecurrentRegressor(n_features_per_step=5).fit(X, y)
    with pytest.raises(DataError, match="Pass n_features_per_step=2"):
        RecurrentRegressor().fit(X.reshape(len(X), 6, 2), y)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sklearn", "sktime", "mlflow"])
def test_import_without_the_library_says_what_to_install(name):
    code = f"import sys; sys.modules['{name}'] = None; import gatecast.{name}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f'pip install "gatecast[{name}]"' in ran.stderr


@pytest.mark.slow
def test_import_gatecast_imports_none_of_the_libraries():
    code = "import sys, gatecast; gatecast.Forecaster; print({'sklearn', 'mlflow', 'sktime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
