"""What a forecast shows: the series shown, its baseline, facts and tables."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from gatecast.cli.forecast_view import forecast_table, notes_of, summary_rows, view_forecast
from gatecast.cli.json_output import forecast_document
from gatecast.cli.options import ForecasterOptions
from gatecast.forecaster import Forecaster
from gatecast.reporting.text_tables import score_table
from gatecast.results import Score


@pytest.mark.slow
def test_view_forecast_shows_the_first_series_that_has_values(model_files):
    view = view_forecast(Forecaster.load(model_files / "shops.gatecast"), "shops.csv")
    assert (view.unique_id, view.n_series, len(view.values)) == ("north", 2, 60)
    assert len(view.mean) == len(view.baseline_values) == 3
    assert len(view.full_forecast.columns["LSTM"]) == 6
    assert set(view.evaluation.table["shop"]) == {"north"}
    assert dict(summary_rows(view))["shown"].startswith("series 'north', the first of 2;")


def test_view_forecast_refuses_a_forecast_that_is_not_finite(model_files, monkeypatch):
    forecaster = Forecaster.load(model_files / "sales.gatecast")
    table = forecaster.predict(output="dict")
    table["LSTM"][0] = np.nan
    monkeypatch.setattr(forecaster, "predict", lambda **_: table)
    with pytest.raises(FloatingPointError):
        view_forecast(forecaster, "sales.csv")


def test_baseline_is_the_first_simple_forecast_and_no_component_of_an_ensemble(make_view):
    view = make_view()
    model, naive = view.evaluation.scores
    component = replace(model, model="GRU")
    view = replace(view, evaluation=replace(view.evaluation, scores=(model, component, naive)))
    assert (view.baseline_col, view.baseline) == ("SeasonalNaive", "seasonal naive")


def test_baseline_without_a_season_is_naive(make_view):
    view = make_view()
    evaluation = view.evaluation
    table = {**evaluation.table, "Naive": evaluation.table["SeasonalNaive"]}
    del table["SeasonalNaive"]
    scores = (evaluation.scores[0], Score("Naive", 8.0, 10.0, 1.0, 0.0))
    view = replace(view, season_length=1, evaluation=replace(evaluation, scores=scores, table=table))
    rows = forecast_document(view, ForecasterOptions().values(), ())["forecast"]
    assert "Naive" in rows[0]
    assert "SeasonalNaive" not in rows[0]
    assert score_table(view.evaluation).rows[1][0] == view.baseline == "last value"
    assert replace(view, evaluation=None).baseline_col == "Naive"


def test_forecast_grid_has_a_column_for_each_level(make_view):
    grid = forecast_table(make_view(levels=(50, 80, 97.5)))
    assert grid.columns == ("ds", "LSTM", "50 %", "80 %", "97.5 %")


def test_notes_of_names_options_in_place_of_arguments():
    note = "Columns 'promo', 'price in EUR' are not used; futr_exog=['promo', 'price in EUR'] would use them."
    forecaster = SimpleNamespace(findings_=[note])
    assert notes_of(forecaster) == [
        "Columns 'promo', 'price in EUR' are not used; --futr-exog 'promo,price in EUR' would use them."
    ]


def test_with_labels_writes_the_times_of_history_forecast_and_all_series_alike(make_view):
    view = make_view()
    view = replace(view, all_series=replace(view.forecast, columns={**view.forecast.columns}))
    seen = []

    def labels(times):
        seen.append(len(times))
        return np.array([f"<{time}>" for time in times.astype("M8[D]")], object)

    labelled = view.with_labels(labels)
    assert seen == [len(view.times) + 2 * len(view.mean)]
    assert labelled.times[0] == f"<{view.times[0].astype('M8[D]')}>"
    for before, after in ((view.forecast, labelled.forecast), (view.all_series, labelled.all_series)):
        assert after.columns["ds"].tolist() == labels(before.columns["ds"]).tolist()
    assert forecast_table(labelled).rows[0][0] == labelled.forecast_times[0]
    assert view.with_labels(lambda times: times).times.tolist() == view.times.tolist()
