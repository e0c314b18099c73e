"""ETS and CES around a library that may be missing: what it is asked, what is made of its answers, what is refused."""

from __future__ import annotations

import re
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from gatecast.errors import ConfigError
from gatecast.forecasting import statsforecast_models
from gatecast.forecasting.base import Overrides, PanelSummary, Task
from gatecast.forecasting.context import PanelContext
from gatecast.forecasting.statsforecast_models import MODELS, AutoCES, AutoETS, available, forecast_each

PROBABILITIES = (0.1, 0.25, 0.5, 0.75, 0.9)


class FakeETS:
    """The interface of AutoETS: the last value, with a distance to every level of a per cent a step and per cent."""

    asked: list[tuple[int, np.ndarray, int, list[float] | None]]

    def __init__(self, season_length: int) -> None:
        self.season = season_length

    def forecast(self, y: np.ndarray, h: int, level: list[float] | None = None) -> dict[str, np.ndarray]:
        self.asked.append((self.season, y, h, level))
        if y[0] == 13.0:
            raise Exception("no model able to be fitted")
        mean = np.full(h, y[-1]) * (np.nan if y[0] == 14.0 else 1e6 if y[0] == 15.0 else 1.0)
        said = {"mean": mean}
        for one in level or []:
            said |= {f"lo-{one}": mean - one / 100, f"hi-{one}": mean + one / 100}
        return said


class FakeCES:
    """The interface of AutoCES, fitted: the last value, of kind N with one parameter set."""

    def __init__(self, season_length: int) -> None:
        self.season = season_length

    def fit(self, y: np.ndarray) -> FakeCES:
        self.y = y
        par = {"alpha_0": 1.25, "alpha_1": 1.0, "beta_0": np.nan, "beta_1": np.nan}
        self.model_ = {"seasontype": "N", "m": 1, "par": par, "sigma2": 4.0}
        return self

    def predict(self, h: int) -> dict[str, np.ndarray]:
        return {"mean": np.full(h, self.y[-1])}


@pytest.fixture
def library(monkeypatch) -> type[FakeETS]:
    """A stand-in for statsforecast; what AutoETS was asked is kept."""
    monkeypatch.setattr(FakeETS, "asked", [], raising=False)
    package, module = ModuleType("statsforecast"), ModuleType("statsforecast.models")
    package.__spec__ = ModuleSpec("statsforecast", None)
    module.AutoETS, module.AutoCES = FakeETS, FakeCES
    monkeypatch.setitem(sys.modules, "statsforecast", package)
    monkeypatch.setitem(sys.modules, "statsforecast.models", module)
    return FakeETS


@pytest.fixture
def without(monkeypatch) -> None:
    """As if statsforecast were not installed."""
    monkeypatch.setattr(statsforecast_models, "find_spec", {}.get)


def test_without_the_extra_the_message_says_what_to_install(without):
    assert not available()
    with pytest.raises(ConfigError) as caught:
        forecast_each(np.ones((1, 20)), 3, 1, PROBABILITIES)
    assert str(caught.value) == "statsforecast is not installed. Install it: pip install 'gatecast[stats]'."


def test_it_is_looked_for_without_being_imported(library, monkeypatch):
    monkeypatch.delitem(sys.modules, "statsforecast.models")
    assert available()
    assert "statsforecast.models" not in sys.modules


def test_unknown_models_are_refused(library):
    with pytest.raises(ConfigError, match=re.escape("Unknown model 'ARIMA': expected 'ETS' or 'CES'.")):
        forecast_each(np.ones((1, 20)), 3, 1, PROBABILITIES, ("ARIMA",))


def test_quantiles_are_the_ends_of_intervals(library):
    values = np.arange(20.0)[None]
    said = forecast_each(values, 3, 1, PROBABILITIES)
    assert list(said) == list(MODELS)
    np.testing.assert_allclose(said["ETS"], np.tile([18.2, 18.5, 19.0, 19.5, 19.8], (1, 3, 1)))
    ((season, y, h, level),) = library.asked
    assert (season, h, level) == (1, 3, [50.0, 80.0])
    np.testing.assert_array_equal(y, values[0])


def test_ces_is_normal_with_the_variance_of_its_recursion(library):
    said = forecast_each(np.arange(20.0)[None], 4, 1, PROBABILITIES, ("CES",))["CES"]
    # a0 = 1.25, a1 = 1: l' = l + .25 e, c' = l - .25 c + 2.25 e, so psi is .25 at every step.
    spread = 2 * np.sqrt(1 + 0.0625 * np.arange(4))
    np.testing.assert_allclose(said[0, :, 4] - 19, 1.2815515655446004 * spread)
    np.testing.assert_allclose(said[0, :, 2], 19.0)


def test_only_the_median_asks_for_no_intervals(library):
    said = forecast_each(np.arange(20.0)[None], 2, 1, (0.5,), ("ETS",))["ETS"]
    assert said.tolist() == [[[19.0], [19.0]]]
    assert library.asked[0][3] is None


def test_gaps_are_filled_and_what_lies_before_a_series_is_cut_off(library):
    values = np.array([[np.nan, np.nan, 3.0, 4.0, np.nan, 5.0, 6.0, 7.0, 8.0, 9.0, 2.0, np.nan]])
    forecast_each(values, 1, 1, PROBABILITIES, ("ETS",))
    assert library.asked[0][1].tolist() == [3.0, 4.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 2.0, 2.0]


def test_series_that_cannot_be_fitted_have_no_answer(library):
    rows = {
        "good": np.arange(1.0, 13.0),
        "too short": np.append(np.full(5, np.nan), np.arange(7.0)),
        "few values, long gaps": np.where(np.arange(12) % 2 == 0, np.arange(12.0), np.nan),
        "constant": np.full(12, 5.0),
        "empty": np.full(12, np.nan),
        "an exception": np.arange(13.0, 25.0),
        "NaN": np.arange(14.0, 26.0),
        "diverged": np.arange(15.0, 27.0),
    }
    said = forecast_each(np.array(list(rows.values())), 2, 1, PROBABILITIES, ("ETS",))["ETS"]
    known = np.isfinite(said)
    assert known[0].all()
    assert not known[1:].any()
    assert len(library.asked) == 4  # the others are not even tried


def test_nothing_is_known_from_nothing(library):
    for m in (1, 30):
        assert np.isnan(forecast_each(np.empty((2, 0)), 3, m, PROBABILITIES)["CES"]).all()
    assert forecast_each(np.empty((0, 9)), 3, 1, PROBABILITIES)["ETS"].shape == (0, 3, 5)


def test_a_season_is_fitted_where_two_of_them_are_known(library):
    values = np.random.default_rng(0).random((2, 30))
    values[1, :7] = np.nan  # 23 points
    forecast_each(values, 1, 12, PROBABILITIES, ("ETS",))
    assert [season for season, *_ in library.asked] == [12, 1]


def test_the_newest_values_are_looked_at(library):
    values = np.random.default_rng(0).random((1, statsforecast_models.MAX_LENGTH + 50))
    forecast_each(values, 1, 1, PROBABILITIES, ("ETS",))
    np.testing.assert_array_equal(library.asked[0][1], values[0, 50:])


@pytest.mark.parametrize("level", [100.0, 0.0])
def test_long_seasons_are_taken_out_and_put_back(library, level):
    m = 2 * statsforecast_models.MAX_SEASON
    wave = np.sin(2 * np.pi * np.arange(6 * m) / m) + 0.001 * np.random.default_rng(0).standard_normal(6 * m)
    said = forecast_each(level + 10 * wave[None], m, m, PROBABILITIES, ("ETS",))["ETS"][0, :, 2]
    assert library.asked[0][0] == 1
    assert np.ptp(library.asked[0][1]) < 1.0
    np.testing.assert_allclose(said, level + 10 * wave[:m], atol=0.2)


@pytest.mark.parametrize(
    ("kind", "psi"),
    [
        # By hand, a0 = 1.5, a1 = 1.2, b0 = .4, b1 = .9, m = 3: the pair says .3, then .3 + .2 * 2.7 = .84,
        # then c' = .3 - .5 * 2.7 = -1.05 gives .84 - .2 * 1.05 = .63.
        ("N", [1.0, 0.3, 0.84, 0.63]),
        ("S", [1.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.84]),
        ("P", [1.0, 0.3, 0.84, 0.63 + 0.4]),
        ("F", [1.0, 0.3, 0.84, 0.63 - 0.5]),
    ],
)
def test_what_an_error_does_to_later_values(kind, psi):
    par = {"alpha_0": 1.5, "alpha_1": 1.2, "beta_0": 0.4, "beta_1": 0.9}
    np.testing.assert_allclose(statsforecast_models._responses(kind, 3, par, len(psi)), psi, atol=1e-12)
    np.testing.assert_allclose(statsforecast_models._responses(kind, 3, par, 1), [1.0])


@pytest.mark.parametrize("config", [AutoETS, AutoCES])
def test_default_for_without_the_extra_says_what_to_install(config, without):
    with pytest.raises(ConfigError, match="pip install"):
        config.default_for(PanelSummary(np.array([20])), Task(3), Overrides())


def test_models_forecast_each_series_by_itself(library):
    values, task = np.arange(20.0)[None], Task(3, quantiles=PROBABILITIES)
    for config, key in ((AutoETS(), "ETS"), (AutoCES(), "CES")):
        predicted = config.fit(PanelContext.from_values(values), task).predict_quantiles(
            PanelContext.from_values(values)
        )
        np.testing.assert_array_equal(predicted, forecast_each(values, 3, 1, PROBABILITIES, (key,))[key])
