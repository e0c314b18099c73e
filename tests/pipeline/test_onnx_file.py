"""Forecasters as ONNX files, run by onnxruntime: the columns of predict, facts, refusals."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx_runs import assert_close, run, session_of, zero_states
from panel_cases import N_MONTHS, QUICK, SHOP_COLUMNS, monthly, only_sales, rows_after, shop_sales

from gatecast import Forecaster
from gatecast.config import DataConfig, TrainingConfig
from gatecast.errors import ConfigError, NotFittedError
from gatecast.forecasting import available_models
from gatecast.forecasting.onnx_files.models import EXPORTED
from gatecast.layers import LSTM, Dense
from gatecast.models import Sequential


def inputs_for(session, context):
    """Return what a file reads of series."""
    fields = ("values", "series", "end", "last_step", "futr_exog", "hist_exog", "stat_exog")
    known = {name: getattr(context, name) for name in fields}
    if context.calendar is not None:
        known["last_date"] = context.calendar.last.astype("M8[D]").astype(np.int64)
    names = {port.name for port in session.get_inputs()}
    return {name: value for name, value in known.items() if name in names}


def assert_predicts(forecaster, path, source=None, *, futr_df=None, **options):
    """Check that a file gives the columns of predict."""
    forecaster.to_onnx(path, **options)
    session = session_of(path)
    table = forecaster.predict(source, level=options.get("level"), futr_df=futr_df)
    outputs = run(session, **inputs_for(session, forecaster._session.context(source, futr_df)[1]))
    quantiles = outputs.pop("quantiles")
    assert set(outputs) == {name for name in table if name in outputs} == set(list(table)[-len(outputs) :])
    for name, found in outputs.items():
        assert_close(found, table[name].reshape(found.shape))
    return session, quantiles


@pytest.fixture(scope="module")
def lstm(sales):
    return Forecaster(12, model="lstm", **QUICK).fit(monthly(sales))


@pytest.mark.slow
@pytest.mark.parametrize("n", [132, 40, 9])
def test_file_gives_the_forecasts_of_predict_for_any_length(lstm, sales, n, tmp_path):
    assert_predicts(lstm, tmp_path / "x.onnx", monthly(sales[:n]))
    assert_predicts(lstm, tmp_path / "x.onnx", level=[50, 99.5])


@pytest.mark.slow
def test_file_gives_intervals_that_nothing_was_measured_for(sales, tmp_path):
    few = Forecaster(3, model="gru", **QUICK).fit(monthly(sales[:8]))
    assert not few.state_.calibrator.measured
    assert_predicts(few, tmp_path / "x.onnx")


@pytest.mark.slow
def test_file_keeps_bounds_and_whole_numbers(sales, tmp_path):
    data = DataConfig(integer=True, lower_bound=1, upper_bound=300)
    counts = Forecaster(3, model="rnn", data=data, **QUICK).fit(monthly(np.round(np.clip(sales, 1, 300))))
    session, _ = assert_predicts(counts, tmp_path / "x.onnx")
    outputs = run(session, **inputs_for(session, counts._session.context(None, None)[1]))
    assert (outputs["RNN"] == np.round(outputs["RNN"])).all()


@pytest.mark.slow
def test_file_gives_the_forecasts_of_many_series_of_other_lengths(panel_table, tmp_path):
    panel = Forecaster(4, model="lstm", **QUICK).fit(panel_table)
    assert_predicts(panel, tmp_path / "x.onnx")


@pytest.mark.slow
def test_file_reads_the_time_of_series_that_share_a_season(tmp_path):
    rng, months = np.random.default_rng(0), np.arange("2010-01", "2020-01", dtype="M8[M]").astype("M8[D]")
    rows = []
    for k, n in enumerate((90, 80, 70, 60, 50, 40, 30, 20, 15, 10, 5, 3)):
        y = np.exp(4 + 0.3 * np.sin(2 * np.pi * np.arange(120) / 12) + np.cumsum(rng.normal(0, 0.02, 120)))
        end = 120 - k
        rows.append((np.full(n, f"s{k}"), months[end - n : end], y[end - n : end]))
    table = dict(zip(("unique_id", "ds", "y"), map(np.concatenate, zip(*rows, strict=True)), strict=True))
    short = Forecaster(4, model="lstm", **QUICK).fit(table)
    assert short.state_.ensemble.effects.season.season_length == 12
    session, _ = assert_predicts(short, tmp_path / "x.onnx")
    assert [port.name for port in session.get_inputs()] == ["values", "last_step"]
    assert f"steps from {table['ds'][0]!s} to the newest value" in onnx.load(tmp_path / "x.onnx").doc_string
    pretrained = Forecaster(4, model="pretrained").fit(table)
    with pytest.raises(ConfigError, match=r"estimated anew at every step. Leave state=True out"):
        pretrained.to_onnx(tmp_path / "x.onnx", state=True)


@pytest.mark.slow
def test_pretrained_file_goes_on_as_a_stream_does(sales, tmp_path):
    forecaster = Forecaster(12, model="pretrained").fit(monthly(sales[:120]))
    assert_predicts(forecaster, tmp_path / "x.onnx")
    forecaster.to_onnx(tmp_path / "x.onnx", state=True)
    session = session_of(tmp_path / "x.onnx")
    stream, state = forecaster.stream(), zero_states(session, 1)
    expected = stream.predict()
    for n in range(120, 126):
        outputs = run(session, values=sales[None, :n], **state)
        assert_close(outputs["Pretrained"][0], expected["Pretrained"])
        state = {name: outputs[f"{name}.next"] for name in state}
        expected = stream.step(sales[n]).forecast
    assert state["length"] == [125]


@pytest.mark.slow
def test_file_of_one_model_of_several_has_its_own_forecast(sales, tmp_path):
    several = Forecaster(6, model=["lstm", "naive"], **QUICK).fit(monthly(sales))
    several.to_onnx(tmp_path / "x.onnx", model="LSTM")
    session = session_of(tmp_path / "x.onnx")
    outputs = run(session, values=sales[None])
    assert list(outputs) == ["LSTM", "quantiles"]
    assert_close(outputs["LSTM"][0], several.predict_components()["LSTM"])
    for options, message in (
        ({}, r"ensemble of models cannot be exported.*lstm, naive. Choose one of them, as model=\"lstm\""),
        ({"model": "naive"}, r"'naive' cannot be exported.*Fit a Forecaster with model=\"lstm\""),
        ({"model": "lsmt"}, r"no model 'lsmt'. Did you mean lstm"),
        ({"model": "lstm", "state": True}, r"reads the past anew at every step. Leave state=True out"),
    ):
        with pytest.raises(ConfigError, match=message):
            several.to_onnx(tmp_path / "y.onnx", **options)
    assert not (tmp_path / "y.onnx").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"point": "mean"}, r"Means cannot be exported.*Fit with point=\"median\""),
        ({"hierarchy": True}, r"Totals that add up cannot be exported.*Fit without hierarchy="),
    ],
)
def test_what_a_file_cannot_hold_is_refused_with_advice(options, message, tmp_path):
    forecaster = Forecaster(2, model="lstm", **SHOP_COLUMNS, **QUICK, **options).fit(
        only_sales(shop_sales(40)), evaluate=False
    )
    with pytest.raises(ConfigError, match=message):
        forecaster.to_onnx(tmp_path / "x.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "columns"),
    [
        ("lstm", {"futr_exog": "promo", "hist_exog": "visitors", "stat_exog": "kind"}),
        ("lstm", {"hist_exog": "visitors"}),
        ("pretrained", {"futr_exog": "promo"}),
    ],
)
def test_file_reads_exogenous_columns(model, columns, tmp_path):
    table = shop_sales()
    names = ["shop", "month", "sales", *columns.values()]
    past = {name: column for name, column in shop_sales(N_MONTHS - 6).items() if name in names}
    if "visitors" in past:
        past["visitors"][:2] = past["visitors"][5:9] = np.nan
    if "promo" in past:
        past["promo"][3] = np.nan
    forecaster = Forecaster(6, model=model, data=DataConfig(**columns), **SHOP_COLUMNS, **QUICK)
    forecaster.fit(past, evaluate=False)
    future = {name: rows_after(table, N_MONTHS - 6)[name] for name in ("shop", "month", "promo")}
    future = future if "promo" in past else None
    assert_predicts(forecaster, tmp_path / "x.onnx", futr_df=future)
    facts = {
        item.key: json.loads(item.value)
        for item in onnx.load(tmp_path / "x.onnx").metadata_props
        if "_exog" in item.key
    }
    expected = {"futr_exog": ["promo"], "hist_exog": ["visitors"], "stat_exog": ["kind=inner", "kind=outer"]}
    assert facts == {kind: expected[kind] for kind in columns}
    if model == "pretrained":
        with pytest.raises(ConfigError, match=r"exogenous columns change in time. Leave state=True out"):
            forecaster.to_onnx(tmp_path / "x.onnx", state=True)


@pytest.mark.slow
def test_file_says_what_it_forecasts(lstm, tmp_path):
    lstm.to_onnx(tmp_path / "x.onnx")
    proto = onnx.load(tmp_path / "x.onnx")
    facts = {item.key: item.value for item in proto.metadata_props}
    assert facts["model"] == "lstm"
    assert (facts["horizon"], facts["frequency"], facts["season_length"]) == ("12", "MS", "12")
    assert json.loads(facts["quantile_levels"]) == list(lstm.state_.calibrator.quantiles)
    assert json.loads(facts["interval_levels"]) == [80, 95]
    assert proto.graph.name == "LSTM"
    assert {node.domain for node in proto.graph.node} == {""}
    assert "NaN where missing" in proto.doc_string


def test_forecaster_that_is_not_fitted_is_refused(tmp_path):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Forecaster(3, model="lstm").to_onnx(tmp_path / "x.onnx")


@pytest.mark.slow
def test_file_of_a_users_network_gives_the_forecasts_of_predict(sales, tmp_path):
    network = Sequential([LSTM(4), Dense(6)])
    own = Forecaster(6, model=network, training=TrainingConfig(max_steps=5)).fit(monthly(sales))
    assert_predicts(own, tmp_path / "x.onnx")


@pytest.mark.slow
def test_file_of_a_network_of_segments_gives_the_forecasts_of_predict(sales, tmp_path):
    segments = Forecaster(12, model="segrnn", **QUICK).fit(monthly(sales), evaluate=False)
    assert_predicts(segments, tmp_path / "x.onnx")
    assert_predicts(segments, tmp_path / "x.onnx", monthly(sales[:30]))


@pytest.mark.slow
def test_file_of_an_es_lstm_gives_what_predict_and_each_step_of_a_stream_do(sales, tmp_path):
    """Smoothing starts anew from the parameters of the series at every step, in a stream too."""
    forecaster = Forecaster(12, model="es-lstm", **QUICK).fit(monthly(sales[:120]), evaluate=False)
    session, _ = assert_predicts(forecaster, tmp_path / "x.onnx")
    assert [port.name for port in session.get_inputs()] == ["values", "series", "end"]
    assert_predicts(forecaster, tmp_path / "x.onnx", monthly(sales[:30]))
    stream = forecaster.stream()
    for n in range(121, 124):
        expected = stream.step(sales[n - 1]).forecast
        outputs = run(session, values=sales[None, :n], series=[0], end=[n - 120])
        assert_close(outputs["ES-LSTM"][0], expected["ES-LSTM"])


@pytest.mark.slow
def test_file_of_an_es_lstm_lists_the_series_that_it_knows(panel_table, tmp_path):
    forecaster = Forecaster(4, model="es-lstm", **QUICK).fit(panel_table, evaluate=False)
    assert_predicts(forecaster, tmp_path / "x.onnx")
    facts = {item.key: item.value for item in onnx.load(tmp_path / "x.onnx").metadata_props}
    assert json.loads(facts["series"]) == [str(name) for name in forecaster.state_.panel.ids]
    with pytest.raises(ConfigError, match=r"'es-lstm' reads the past anew at every step. Leave state=True out"):
        forecaster.to_onnx(tmp_path / "x.onnx", state=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", available_models())
def test_each_model_of_the_registry_is_exported_or_refused_with_one_that_is(name, sales, tmp_path):
    if name in ("ets", "ces"):
        pytest.importorskip("statsforecast")
    months = monthly(sales[:60])
    forecaster = Forecaster(3, model=name, **(QUICK if name in EXPORTED else {})).fit(months, evaluate=False)
    if name in EXPORTED:
        for n in (60, 25, 2):
            assert_predicts(forecaster, tmp_path / "x.onnx", monthly(sales[:n]))
        return
    with pytest.raises(ConfigError, match=r"cannot be exported to ONNX.*Fit a Forecaster with model=\"lstm\""):
        forecaster.to_onnx(tmp_path / "x.onnx")


@pytest.mark.slow
def test_pretrained_file_of_days_gives_what_predict_and_each_step_of_a_stream_do(tmp_path):
    days = np.arange("2019-01-01", "2019-07-20", dtype="M8[D]")
    y = 50 + 9 * np.sin(2 * np.pi * np.arange(len(days)) / 7) + np.random.default_rng(0).normal(0, 1, len(days))
    forecaster = Forecaster(9, model="pretrained").fit({"ds": days[:190], "y": y[:190]}, evaluate=False)
    session, _ = assert_predicts(forecaster, tmp_path / "x.onnx")
    for n in (100, 11):  # of a series that is shorter than two weeks, the other network
        assert_predicts(forecaster, tmp_path / "x.onnx", {"ds": days[:n], "y": y[:n]})
    stream = forecaster.stream()
    for n in range(191, 195):
        expected = stream.step(y[n - 1]).forecast
        assert_close(run(session, values=y[None, :n])["Pretrained"][0], expected["Pretrained"])
    with pytest.raises(ConfigError, match=r"reads the past anew at every step for these series. Leave state=True out"):
        forecaster.to_onnx(tmp_path / "x.onnx", state=True)
