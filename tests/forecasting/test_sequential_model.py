"""A network of the user's own on a panel: it learns what is there, sees nothing ahead, and is refused in words."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from gatecast import Sequential, optim
from gatecast.data import synthetic
from gatecast.errors import ConfigError, DataError, FormatError
from gatecast.forecasting.scaling import fit_scaler
from gatecast.forecasting.sequential_model.model import (
    SequentialSettings,
    build_network,
    default_settings,
    fit,
    from_state,
    predict_quantiles,
    to_state,
)
from gatecast.forecasting.sequential_model.windows import (
    holdout_length,
    observed_length,
    sample_origins,
    scale_values,
    targets_at,
    windows_at,
)
from gatecast.kernels import native
from gatecast.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Input,
    LayerNormalization,
    QuantileHead,
    Select,
)
from gatecast.losses import Pinball

H, Q, MID = 4, 5, 2
SMALL = SequentialSettings(6, max_steps=30, batch_size=64)
NETWORKS = {
    "lstm, two features": [LSTM(8), Dense(H)],
    "gru, own window": [GRU(8, input_shape=(9, 2)), Dense(H)],
    "one feature, any window": [Input((None, 1)), GRU(8), Dense(H)],
    "dense alone": [Dense(16, activation="relu"), Dense(H)],
    "dense, flat window": [Input((7,)), Dense(16, activation="tanh"), Dense(H)],
    "dense at every step": [Dense(4), Select((0, 1, 2, 3), last=True), Dense(H)],
    "quantiles": [GRU(8), Dense(H * Q), QuantileHead(Q)],
    "quantiles of a flat window": [Dense(16), Dense(H * Q), QuantileHead(Q)],
    "normalised": [BatchNormalization(), Bidirectional(LSTM(4)), LayerNormalization(), Dropout(0.1), Dense(H)],
}


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    values = np.full((40, 60), np.nan)
    for row in values:
        n = int(rng.integers(3, 61))
        row[-n:] = 100 + np.cumsum(rng.normal(0.2, 1, n))
    values[7, 40:45] = values[8, -1] = np.nan
    return values


def error(said, came):
    return np.abs(said[..., MID] - came).mean()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_kind_of_network_answers_and_comes_back_from_its_description(name, panel):
    fitted = fit(Sequential(NETWORKS[name]), panel, H, 1, SMALL, seed=3)
    said = predict_quantiles(fitted, panel, 1)
    assert said.shape == (40, H, Q)
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=2) > 0).all()
    assert (fitted.quantile_offsets is None) == name.startswith("quantiles")
    vector = fitted.weights.vector.copy()
    again = from_state(json.loads(json.dumps(to_state(fitted))), vector)
    assert again.network == fitted.network
    assert again.settings == fitted.settings
    assert predict_quantiles(again, panel, 1).tobytes() == said.tobytes()


def test_the_window_is_the_networks_own_or_that_of_the_settings():
    for name, window in [("gru, own window", 9), ("dense, flat window", 7), ("one feature, any window", 6)]:
        assert build_network(Sequential(NETWORKS[name]), H, SMALL)[1].input_size == window
    assert build_network(Sequential(NETWORKS["dense alone"]), H, SMALL)[0].shapes[0] == (12,)
    assert build_network(Sequential(NETWORKS["lstm, two features"]), H, SMALL)[0].shapes[0] == (6, 2)


def test_same_seed_same_bits_for_any_number_of_threads(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    first, before = fit(model, panel, H, 1, SMALL, seed=3), native.get_threads()
    try:
        for threads in (1, 3):
            native.set_threads(threads)
            again = fit(model, panel, H, 1, SMALL, seed=3)
            assert again.weights.vector.tobytes() == first.weights.vector.tobytes()
            assert again.quantile_offsets.tobytes() == first.quantile_offsets.tobytes()
    finally:
        native.set_threads(before)
    assert fit(model, panel, H, 1, SMALL, seed=4).weights.vector.tobytes() != first.weights.vector.tobytes()


def test_the_users_network_is_neither_changed_nor_are_its_weights_looked_at(panel):
    model = Sequential(NETWORKS["one feature, any window"])
    fresh = fit(model, panel, H, 1, SMALL, seed=0)
    assert model._weights is None
    model.compile("adam", "mse")
    model.fit(np.ones((8, 5, 1)), np.full((8, H), 50.0), epochs=2, verbose=0)
    before, layers = copy.deepcopy(model.get_weights()), list(model.layers)
    model._compiled = None
    assert fit(model, panel, H, 1, SMALL, seed=0).weights.vector.tobytes() == fresh.weights.vector.tobytes()
    assert model.layers == layers
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_training_goes_on_from_an_earlier_one(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    first, losses = fit(model, panel, H, 1, replace(SMALL, steps=100), seed=0), []
    fit(model, panel, H, 1, replace(SMALL, steps=1), 0, lambda step: losses.append(step.loss))
    fit(model, panel, H, 1, replace(SMALL, steps=1), 0, lambda step: losses.append(step.loss), start=first)
    assert losses[1] < losses[0]


def test_every_update_is_reported(panel):
    seen = []
    fit(Sequential(NETWORKS["dense alone"]), panel, H, 1, SMALL, 0, seen.append)
    assert [step.number for step in seen] == list(range(1, 31))
    assert all(np.isfinite(step.loss) for step in seen)


@pytest.mark.parametrize("name", ["lstm, two features", "dense alone", "quantiles"])
def test_it_learns_an_autoregression(name):
    rng = np.random.default_rng(1)
    values = np.stack([100 + synthetic.autoregression(rng, 80, phi=0.6) for _ in range(150)])
    past, came = values[:, :-H], values[:, -H:]
    fitted = fit(Sequential(NETWORKS[name]), past, H, 1, SequentialSettings(8, max_steps=200), seed=0)
    said = predict_quantiles(fitted, past, 1)
    assert error(said, came) < 0.9 * np.abs(past[:, -1:] - came).mean()
    inside = (said[..., 0] <= came) & (came <= said[..., -1])
    assert 0.9 < inside.mean() <= 1.0


@pytest.mark.parametrize("m", [1, 12])
@pytest.mark.parametrize("cell", [LSTM, GRU])
def test_trend_and_season_go_on(m, cell):
    rng = np.random.default_rng(4)
    values = np.stack([synthetic.trend_season(rng, 96) for _ in range(32)])
    past, came = values[:, :84], values[:, 84:]
    fitted = fit(Sequential([cell(24), Dense(12)]), past, 12, m, SequentialSettings(24, max_steps=250), seed=0)
    assert error(predict_quantiles(fitted, past, m), came) < 0.5 * np.abs(past[:, -12:] - came).mean()


def test_intervals_of_a_point_widen_as_random_walks_do():
    rng = np.random.default_rng(2)
    walks = 1000 + np.cumsum(rng.normal(size=(200, 92)), axis=1)
    past, came = walks[:, :80], walks[:, 80:]
    said = predict_quantiles(
        fit(Sequential([Dense(12)]), past, 12, 1, SequentialSettings(8, max_steps=200), seed=0), past, 1
    )
    width = (said[..., -1] - said[..., 0]).mean(axis=0)
    assert 2.5 < width[-1] / width[0] < 4.5  # the square root of 12
    inside = (said[..., 0] <= came) & (came <= said[..., -1])
    assert 0.9 < inside.mean() < 0.98


def test_a_network_that_learns_by_heart_does_not_believe_its_own_errors():
    noise = 100 + np.random.default_rng(0).normal(size=(1, 60))
    model = Sequential([Dense(128, activation="relu"), Dense(128, activation="relu"), Dense(2)])
    losses = []
    fitted = fit(
        model,
        noise,
        2,
        1,
        SequentialSettings(12, max_steps=300, learning_rate=0.01),
        0,
        lambda step: losses.append(step.loss),
    )
    assert losses[-1] < 0.1  # of the mean change
    assert (
        2 < (fitted.quantile_offsets[:, -1] - fitted.quantile_offsets[:, 0]).min() < 20
    )  # 95 % of noise are about 3.5 mean changes wide


def test_what_comes_after_the_end_changes_nothing(panel):
    model = Sequential(NETWORKS["lstm, two features"])
    poisoned = panel.copy()
    poisoned[:, 50:] = 1e9
    clean, other = (fit(model, values[:, :50], H, 1, SMALL, seed=0) for values in (panel, poisoned))
    assert clean.weights.vector.tobytes() == other.weights.vector.tobytes()
    assert (
        predict_quantiles(clean, panel[:, :50], 1).tobytes() == predict_quantiles(other, poisoned[:, :50], 1).tobytes()
    )


def test_windows_read_the_past_and_targets_stop_where_they_are_told():
    values = np.concatenate([np.full(3, np.nan), np.arange(10.0) ** 2])[None]
    values[0, 8] = np.nan
    rows = scale_values(values, fit_scaler(values, 1), 4)
    assert observed_length(rows).tolist() == [10]
    zero, at = np.zeros(1, np.int64), np.array([5])
    whole = windows_at(rows, zero, at, 4, 2, flat=False)
    assert whole.shape == (1, 4, 2)
    assert whole[0, :, 1].tolist() == [0.0, 1.0, 1.0, 1.0]  # the first column lies before the series
    assert whole[0, 0, 0] == whole[0, 1, 0]
    assert whole[0, -1, 0] == 0
    assert windows_at(rows, zero, at, 4, 2, flat=True)[0, 0].tolist() == whole[0].T.ravel().tolist()
    poisoned = rows._replace(z=np.where(np.arange(rows.z.shape[1]) > 5 + 3, np.float32(99), rows.z))
    np.testing.assert_array_equal(windows_at(poisoned, zero, at, 4, 2, flat=False), whole)
    y, weight = targets_at(rows, zero, at, np.array([10]), 6, 4)
    assert weight.tolist() == [[1, 1, 0, 1, 0, 0]]
    np.testing.assert_allclose(y[0, 0], rows.z[0, 6 + 3] - rows.z[0, 5 + 3])
    late = rows._replace(z=np.where(np.arange(rows.z.shape[1]) >= 10 + 3, np.float32(99), rows.z))
    np.testing.assert_array_equal(targets_at(late, zero, at, np.array([10]), 6, 4)[0], y)
    assert targets_at(rows, zero, np.array([8]), np.array([13]), 2, 4)[1].tolist() == [[0, 0]]  # no level there


def test_all_origins_come_equally_often():
    first, count = np.array([2, 0, 7]), np.array([5, 0, 2])
    found = (
        np.array(list(sample_origins(first, count, 3, 14, np.random.default_rng(0)))).transpose(0, 2, 1).reshape(-1, 2)
    )
    pairs, times = np.unique(found, axis=0, return_counts=True)
    assert pairs.tolist() == [[0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [2, 7], [2, 8]]
    assert (times == 6).all()


def test_of_very_many_origins_some_are_drawn():
    first, count = np.array([2, 5]), np.array([1, 2**21])
    which, at = next(sample_origins(first, count, 1000, 1, np.random.default_rng(0)))
    assert set(which.tolist()) <= {0, 1}
    assert len(np.unique(at)) > 990
    assert at.min() >= 2
    assert at.max() < 5 + 2**21


def test_series_too_short_for_it_hold_nothing_out():
    assert holdout_length(np.array([0, 5, 8, 100, 1000]), 6).tolist() == [0, 0, 0, 10, 100]


def test_a_series_is_told_the_same_whatever_stands_beside_it(panel):
    fitted = fit(Sequential(NETWORKS["one feature, any window"]), panel, H, 1, SMALL, seed=0)
    together = predict_quantiles(fitted, panel, 1)
    np.testing.assert_allclose(predict_quantiles(fitted, panel[3:6], 1), together[3:6], rtol=1e-5)
    np.testing.assert_allclose(predict_quantiles(fitted, panel, 1, batch=7), together, rtol=1e-5)
    wider = np.concatenate([np.full((40, 13), np.nan), panel], axis=1)
    np.testing.assert_allclose(predict_quantiles(fitted, wider, 1), together, rtol=1e-5)
    np.testing.assert_allclose(predict_quantiles(fitted, panel * 1024, 1), together * 1024, rtol=1e-4)


@pytest.mark.parametrize("name", ["lstm, two features", "one feature, any window", "quantiles"])
def test_short_constant_and_missing_series(name, panel):
    values = np.full((5, 30), np.nan)
    values[1] = 12.0
    values[2, -2:] = 5.0, 6.0
    values[3, -1] = 7.0
    values[4] = 0.0
    everything = np.concatenate([panel[:, -30:], values])
    fitted = fit(Sequential(NETWORKS[name]), everything, H, 1, SMALL, seed=0)
    said = predict_quantiles(fitted, values, 1)
    assert np.isnan(said[0]).all()
    assert np.isfinite(said[1:]).all()
    assert (np.diff(said[1:], axis=2) > 0).all()
    np.testing.assert_allclose(said[1, :, MID], 12.0, rtol=0.01)
    np.testing.assert_allclose(said[3, :, MID], 7.0, rtol=0.01)
    np.testing.assert_allclose(said[4], 0.0, atol=0.05)
    alone = fit(Sequential(NETWORKS[name]), values[2:3], H, 1, SMALL, seed=0)
    assert alone.trained_steps == 1
    told = predict_quantiles(alone, values[2:3], 1)[0]
    assert (np.diff(told, axis=1) > 0).all()
    np.testing.assert_allclose(told[:, MID], told[0, MID])  # as the one step that was learnt, and less sure
    assert (np.diff(told[:, -1] - told[:, 0]) > 0).all()


def test_nothing_to_predict_is_no_error(panel):
    fitted = fit(Sequential(NETWORKS["dense alone"]), panel, H, 1, SMALL, seed=0)
    assert predict_quantiles(fitted, panel[:0], 1).shape == (0, H, Q)
    assert np.isnan(predict_quantiles(fitted, panel[:, :0], 1)).all()


def test_gaps_are_not_learnt_from():
    rng = np.random.default_rng(3)
    values = np.stack([100 + synthetic.autoregression(rng, 80, phi=0.6) for _ in range(150)])
    values[rng.random(values.shape) < 0.3] = np.nan
    past, came = values[:, :-H], values[:, -H:]
    said = predict_quantiles(
        fit(Sequential([GRU(12), Dense(H)]), past, H, 1, SequentialSettings(8, max_steps=200), seed=0), past, 1
    )
    there = np.isfinite(came)
    assert np.abs(said[..., MID] - came)[there].mean() < 0.95  # 1 is the standard deviation; naive makes 1.1


def test_it_is_trained_as_it_was_compiled(panel):
    def losses(model, settings=SMALL):
        seen = []
        return fit(model, panel, H, 1, settings, 0, lambda step: seen.append(step.loss)), seen

    plain, squared = Sequential([Dense(H)]), Sequential([Dense(H)])
    squared.compile(optim.SGD(1e-9), "mse")
    fitted, seen = losses(squared)
    _, absolute = losses(plain)
    assert seen[0] > 1.5 * absolute[0]
    fresh = fit(squared, panel, H, 1, replace(SMALL, steps=1), seed=0)
    np.testing.assert_allclose(fitted.weights.vector, fresh.weights.vector, atol=1e-5)
    kept = Sequential([Dense(H)])
    kept.compile(optim.chain(optim.SGD(0.01), optim.ema()), "mae")
    assert np.isfinite(predict_quantiles(losses(kept)[0], panel, 1)).all()
    learns = Sequential([Dense(H * Q), QuantileHead(Q)])
    learns.compile(optim.Adam(0.01), "mse")
    assert (np.diff(predict_quantiles(losses(learns)[0], panel, 1), axis=2) > 0).all()


def test_moving_means_are_kept(panel):
    fitted = fit(Sequential([BatchNormalization(), LSTM(4), Dense(H)]), panel, H, 1, SMALL, seed=0)
    assert fitted.weights.views[0]["moving_mean"].any()


def test_settings_by_the_data():
    assert default_settings(6, 1, 20, 100) == SequentialSettings(8, max_steps=600)
    assert default_settings(18, 12, 100, 1000) == SequentialSettings(24, max_steps=1000)
    assert default_settings(12, 12, 120, 1) == SequentialSettings(24, max_steps=300)
    assert default_settings(24, 168, 700, 400).input_size == 169
    assert default_settings(6, 1, 2, 100).input_size == 2


REFUSED = {
    "a layer": (
        LSTM(4),
        r"^this is not a network: got LSTM\(.*\), expected a gatecast.Sequential\.$",
    ),
    "no layers": ([], r"^the network has no layers\. Write, say, Sequential\(\[LSTM\(32\), Dense\(4\)\]\)\.$"),
    "one output": (
        [LSTM(4), Dense(1)],
        r"^the network does not answer for 4 steps ahead \(Dense\): got outputs of shape \(None, 1\), "
        r"expected \(None, 4\), a number for each step\. End it with Dense\(4\)\.$",
    ),
    "quantiles without a head": (
        [LSTM(4), Dense(20)],
        r"^the network does not answer for 4 steps ahead \(Dense\): got outputs of shape \(None, 20\), "
        r"expected \(None, 4\), a number for each step\. End it with Dense\(4\), or with Dense\(20\), "
        r"QuantileHead\(5\)\.$",
    ),
    "too few quantiles": (
        [LSTM(4), Dense(15), QuantileHead(5)],
        r"^the network does not answer for 4 steps ahead \(QuantileHead\): got outputs of shape \(None, 15\), "
        r"expected \(None, 20\), 5 quantiles of each step\. End it with Dense\(20\), QuantileHead\(5\)\.$",
    ),
    "other quantiles": (
        [LSTM(4), Dense(12), QuantileHead(3)],
        r"^QuantileHead has other quantiles than the forecaster: got QuantileHead\(3\), expected 5 of them, for the "
        r"probabilities 0.025, 0.1, 0.5, 0.9, 0.975\. End the network with Dense\(20\), QuantileHead\(5\)\.$",
    ),
    "a time axis": (
        [LSTM(4, return_sequences=True), Dense(4)],
        r"^the network answers at every step of the window \(Dense\): got outputs of shape \(None, 6, 4\), expected "
        r"\(None, 4\), once for each of the 4 steps ahead\. Leave return_sequences=True out of its last recurrent "
        r"layer; Dense layers alone read a flat window: Input\(\(6,\)\)\.$",
    ),
    "three features": (
        [LSTM(4, input_shape=(24, 3)), Dense(4)],
        r"^the network reads other features than a forecaster gives: got an input of shape \(24, 3\), expected "
        r"\(time, 2\), the value and 1 where it is observed, or \(time, 1\), the value\. Begin it with "
        r"Input\(\(24, 2\)\), or leave the shape out\.$",
    ),
    "layers that do not fit": ([LSTM(4), LSTM(4), Dense(4)], r"\(LSTM\): got"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, panel):
    layers, message = REFUSED[name]
    model = Sequential(layers) if isinstance(layers, list) else layers
    with pytest.raises(ConfigError, match=message):
        fit(model, panel, H, 1, SMALL, seed=0)


def test_losses_that_do_not_fit_are_refused(panel):
    point, learns = Sequential([Dense(H)]), Sequential([Dense(H * Q), QuantileHead(Q)])
    for model in (point, learns):
        model.compile("adam", Pinball((0.1, 0.5, 0.9)))
    with pytest.raises(
        ConfigError,
        match=r"^the loss is not one of a number for each step: got Pinball\(quantiles=\(0.1, 0.5, 0.9\)\), 3 outputs "
        r'for a target value, expected a loss such as "mae" or Huber\(1.0\)\. Compile it with another loss, or let it '
        r"learn quantiles: end it with Dense\(20\), QuantileHead\(5\)\.$",
    ):
        fit(point, panel, H, 1, SMALL, seed=0)
    with pytest.raises(
        ConfigError,
        match=r"^the loss has other quantiles than the forecaster: got Pinball\(quantiles=\(0.1, 0.5, 0.9\)\), "
        r"expected Pinball\(quantiles=\(0.025, 0.1, 0.5, 0.9, 0.975\)\)\. Leave compile out: a network under a "
        r"QuantileHead learns the forecaster's\.$",
    ):
        fit(learns, panel, H, 1, SMALL, seed=0)


def test_a_training_that_runs_away_is_told_of(panel):
    model = Sequential([Dense(8, activation="relu"), Dense(H)])
    model.compile(optim.SGD(1e6), "mse")
    with pytest.raises(
        ConfigError,
        match=r"^the training ran away \(update \d+\): got .*, expected finite numbers\. Lower the learning rate, "
        r"or clip the gradient: optimizer=chain\(clip_by_global_norm\(1\.0\), Adam\(\)\)\.$",
    ):
        fit(model, panel, H, 1, SMALL, seed=0)


@pytest.mark.parametrize("values", [np.full((3, 9), np.nan), np.ones((3, 1))])
def test_nothing_to_learn_from(values):
    text = r"^there is nothing to learn from: got no series of two values, expected one at least\.$"
    with pytest.raises(DataError, match=text):
        fit(Sequential([Dense(H)]), values, H, 1, SMALL, seed=0)
    with pytest.raises(
        DataError, match=r"^there is nothing to learn from: got \(0, 5\), expected \(series, columns\)\.$"
    ):
        fit(Sequential([Dense(H)]), np.empty((0, 5)), H, 1, SMALL, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, r"^Settings' window is not a count: got 0, expected a whole number of at least 1\.$"),
        ({"rate": -1.0}, r"^Settings' rate is not a positive number: got -1\.0, expected a number above 0\.$"),
        (
            {"probabilities": (0.1, 0.9)},
            r"^Settings' probabilities have no middle: got \[0\.1, 0\.9\], expected an odd number around 0\.5\.$",
        ),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        SequentialSettings(**{"window": 6, **settings})


def test_a_description_that_is_none_is_refused(panel):
    fitted = fit(Sequential(NETWORKS["lstm, two features"]), panel, H, 1, SMALL, seed=0)
    good, vector = to_state(fitted), fitted.weights.vector
    for changed, told in [
        ({"layers": [{"eval": {"code": "1"}}]}, "KeyError: 'eval'"),
        ({"layers": []}, "ValueError: no layers"),
        ({"spread": None}, "a spread of shape None"),
        ({"spread": [[0.0]]}, r"a spread of shape \(1, 1\)"),
        ({"horizon": 5}, "the network does not answer for 5 steps ahead"),
        ({"horizon": "x"}, "horizon is not a count"),
        ({"settings": {}}, "KeyError: 'probabilities'"),
        ({"input_shape": [6, 0]}, r"shape \(Input\)"),
    ]:
        with pytest.raises(FormatError, match=rf"^this does not describe a network: got .*{told}"):
            from_state({**good, **changed}, vector)
    size = vector.size
    with pytest.raises(
        FormatError, match=rf"got ValueError: 3 weights for a network of {size}\. Save the forecaster again\.$"
    ):
        from_state(good, vector[:3])


def test_a_layer_of_the_users_own_learns_but_is_not_saved(panel):
    class Twice(Dense):
        """A Dense of another name."""

    fitted = fit(Sequential([Twice(8), Dense(H)]), panel, H, 1, SMALL, seed=0)
    assert np.isfinite(predict_quantiles(fitted, panel, 1)).all()
    with pytest.raises(ConfigError, match=r"^only gatecast's own layers and losses can be saved: got"):
        to_state(fitted)
