"""Anomalies of a fitted forecaster: of its series, of newer rows, of totals; refusals."""

from __future__ import annotations

import numpy as np
import pytest

import gatecast as gc
from gatecast.errors import ConfigError
from gatecast.reporting.sections.anomalies import anomaly_section

N = 72


def table_of(ids=("a", "b"), n=N, spikes=((0, 50),)):
    rng = np.random.default_rng(3)
    y = 100 + rng.normal(0, 2, (len(ids), n))
    for s, t in spikes:
        y[s, t] += 40
    months = np.arange("2018-01", np.datetime64("2018-01") + n, dtype="M8[M]").astype("M8[D]")
    return {"id": np.repeat(ids, n), "ds": np.tile(months, len(ids)), "y": y.ravel()}


def fit(table, **settings):
    return gc.Forecaster(4, **{"model": "dot", "season_length": 1, **settings}).fit(table, evaluate=False)


@pytest.fixture(scope="module")
def fitted():
    return fit(table_of())


@pytest.mark.slow
def test_anomalies_are_rows_with_forecast_interval_and_score(fitted):
    table = fitted.anomalies()
    name = fitted.model_name_
    assert list(table) == ["id", "ds", "y", name, f"{name}-lo-99", f"{name}-hi-99", "score", "is_anomaly"]
    row = np.abs(table["score"]).argmax()
    assert (table["id"][row], table["ds"][row].astype("M8[D]").astype(str)) == ("a", "2022-03-01")
    assert table["is_anomaly"][row]
    assert table["is_anomaly"].sum() <= 4
    outside = (table["y"] < table[f"{name}-lo-99"]) | (table["y"] > table[f"{name}-hi-99"])
    assert (outside == table["is_anomaly"]).all()


@pytest.mark.slow
def test_newer_rows_are_judged_alone(fitted):
    months = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]")
    table = fitted.anomalies({"id": ["a"] * 3, "ds": months, "y": [101.0, 160.0, 99.0]})
    assert table["is_anomaly"].tolist() == [False, True, False]
    assert table["id"].tolist() == ["a"] * 3


@pytest.mark.slow
def test_anomalies_of_one_series_have_no_id():
    table = table_of(("a",))
    said = fit({name: table[name] for name in ("ds", "y")}).anomalies(level=95)
    assert list(said)[:2] == ["ds", "y"]
    assert said["is_anomaly"][said["ds"].astype("M8[D]") == np.datetime64("2022-03-01")].all()


@pytest.mark.slow
def test_anomalies_of_totals_are_judged_too():
    said = fit(table_of(), id_col="id", hierarchy=True).anomalies()
    found = set(zip(said["id"][said["is_anomaly"]], said["ds"][said["is_anomaly"]].astype("M8[D]"), strict=True))
    day = np.datetime64("2022-03-01")
    assert {("a", day), ("total", day)} <= found
    # Of a hundred usual values one is outside by chance.
    assert len(found) <= 2 + 0.03 * len(said["id"])


@pytest.mark.slow
def test_networks_alone_judge_newer_rows_and_no_others():
    training = gc.config.TrainingConfig(n_members=1, max_steps=20)
    model = fit(table_of(), model="lstm", training=training)
    with pytest.raises(ConfigError, match="No model can judge values that it was fitted on: got LSTM"):
        model.anomalies()
    assert anomaly_section(model, None) is None
    months = np.array(["2024-01-01", "2024-02-01"], "M8[D]")
    newer = {"id": np.repeat(["a", "b"], 2), "ds": np.tile(months, 2), "y": [100.0, 400.0, 99.0, 101.0]}
    assert model.anomalies(newer)["is_anomaly"].tolist() == [False, True, False, False]


@pytest.mark.slow
def test_the_report_lists_anomalies(fitted):
    section = anomaly_section(fitted, None)
    assert section.title == "Anomalies"
    assert "values are outside the 99 % interval" in section.blocks[0].text
    assert ("a", "2022-03-01") in [row[:2] for row in section.blocks[1].cells.rows]


@pytest.mark.parametrize("level", [[80, 95], None, 0, 100])
def test_levels_that_are_none_are_refused(level):
    with pytest.raises(ConfigError, match="Invalid level"):
        fit(table_of(n=30, spikes=())).anomalies(level=level)


def spike(n_old, n_new, at, seed, size=400.0):
    """Return noise around -200 with a value far outside among the new ones."""
    v = -200 + np.random.default_rng(seed).normal(0, 8, n_old + n_new)
    v[n_old + at] += size
    days = np.datetime64("2024-01-01") + np.arange(n_old + n_new)
    return {"day": days[:n_old], "v": v[:n_old]}, {"day": days[n_old:], "v": v[n_old:]}


@pytest.mark.parametrize("n_new", [10, 29, 30, 45, 79, 80, 120])
@pytest.mark.parametrize("model", ["naive", "dot"])
def test_a_value_far_outside_is_found_among_any_number_of_new_ones(n_new, model):
    found, others = [], []
    for seed in range(4):
        old, new = spike(120, n_new, 5, seed)
        forecaster = gc.Forecaster(7, model=model, season_length=1).fit(old, evaluate=False)
        is_anomaly = np.asarray(forecaster.anomalies(new)["is_anomaly"])
        found.append(is_anomaly[5])
        others += np.delete(is_anomaly, 5).tolist()
    assert all(found)
    assert np.mean(others) < 0.06


@pytest.mark.parametrize("n", [35, 50, 90])
def test_a_value_far_outside_is_found_in_the_series_of_fit(n):
    for seed in range(4):
        old, _ = spike(n, 1, -6, seed)
        judged = gc.Forecaster(4, model="dot", season_length=1).fit(old, evaluate=False).anomalies()
        days = judged["day"][np.asarray(judged["is_anomaly"])]
        assert old["day"][n - 6] in days
        assert len(days) <= 4
