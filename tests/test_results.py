import numpy as np
import pytest
from chart_cases import make_forecast

from gatecast.data.panel import ColumnNames
from gatecast.errors import ConfigError
from gatecast.results import Evaluation, Forecast, Score, resolve_series_id, score_rows


def test_reprs_are_short():
    forecast = make_forecast(names=tuple(f"s{k}" for k in range(500)))
    evaluation = forecast.past.evaluation
    for record in (forecast, forecast.past, evaluation, evaluation.scores[0], evaluation.series(), forecast.chart()):
        assert len(repr(record)) < 120
        assert "array" not in repr(record)
    assert repr(forecast) == "Forecast('LSTM', 6,000 rows of 500 series, level=(80, 95))"
    assert repr(evaluation.scores[0]) == "Score('LSTM', mae=4, rmse=5, mase=0.5, skill=50)"


def test_forecast_html_shows_first_rows_escaped():
    html = make_forecast(names=("<b>a", "b"), target="x & y")._repr_html_()
    assert html.count("<tr>") == 11
    assert "the first 10 rows of 24" in html
    assert "&lt;b&gt;a" in html
    assert "<b>a" not in html
    assert "x &amp; y" in html


def test_forecast_html_of_a_single_row():
    html = Forecast({"ds": np.arange(1), "LSTM": np.ones(1)}, levels=())._repr_html_()
    assert html.count("<tr>") == 2
    assert "first" not in html


def test_evaluation_html_shows_scores_and_verdict():
    evaluation = make_forecast().past.evaluation
    html = evaluation._repr_html_()
    assert evaluation.verdict.split("'")[0] in html
    assert html.count("<tr>") == 3
    assert "seasonal naive" in html
    assert "0.500" in evaluation.scores[0]._repr_html_()


def test_evaluation_with_a_model_column_in_any_position():
    table = {"LSTM": np.ones(2), "y": np.zeros(2), "ds": np.arange(2), "shop": np.array(["a", "b"], object)}
    scores = (Score("LSTM", 1.0, 1.0, 1.0, 0.0),)
    evaluation = Evaluation(0, (1, 1, 1), 1, 1, scores, table, "", ColumnNames("shop", "ds", "y"))
    rows = evaluation.series("b")
    assert (rows.times.tolist(), rows.target_col) == ([1], "y")


def test_resolve_series_id():
    ids = np.array([7, 11, 7], object)
    assert resolve_series_id(ids, "11") == 11
    assert resolve_series_id(ids, None) == 7
    with pytest.raises(ConfigError, match="Unknown series: got 'c', expected one of 2 names"):
        resolve_series_id(ids, "c")


def test_score_rows_show_missing_forecasts_and_one_sided_errors_where_there_are_any():
    usual = score_rows([Score("LSTM", 2.0, 2.5, 1.0, 0.0, bias=1.5), Score("Naive", 2.0, 2.5, 1.0, 0.0, bias=2.0)])
    assert usual[0] == ("model", "MAE", "RMSE", "MASE", "skill")
    scores = [Score("LSTM", 2.0, 2.5, 1.0, 0.0, n_worse=3, bias=-1.9, n_missing=2), Score("Naive", 2.0, 2.5, 1.0, 0.0)]
    header, rows = score_rows(scores)
    assert header == ("model", "MAE", "RMSE", "MASE", "skill", "bias", "worse on", "missing")
    assert rows[0] == ("LSTM", "2.000", "2.500", "1.000", "0 %", "-1.900", "3", "2")
    assert rows[1] == ("last value", "2.000", "2.500", "1.000", "0 %", "-", "0", "0")
