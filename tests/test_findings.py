"""What is noticed about the data is on every result, and every command says it in the same place."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from doors import csv_text
from panel_cases import QUICK

from gatecast.cli.main import main
from gatecast.forecaster import Forecaster, load
from gatecast.selection.compare import compare

UNUSED = "Column 'visits' is not used; futr_exog=['visits'] (known ahead) or hist_exog would use it."
EMPTY = "1 of 60 rows has no value."
OPTIONS = ["-n", "3", "--model", "lstm", "--units", "4", "--n-layers", "1", "--n-members", "1", "--max-steps", "3"]


def table(n=60, first="2015-01"):
    """A monthly series with a hole, and a column that nothing uses."""
    months = (np.datetime64(first) + np.arange(n)).astype("M8[D]").astype(str).tolist()
    sales = [20.0 + k % 12 + k % 5 for k in range(n)]
    return {"month": months, "sales": [*sales[:7], None, *sales[8:]], "visits": [float(k % 7) for k in range(n)]}


@pytest.fixture(scope="module")
def fitted():
    """Fitted on 60 months."""
    return Forecaster(3, model="lstm", target_col="sales", **QUICK).fit(table())


def check(findings):
    """The first names columns and frequency; the hole and the unused column are said."""
    assert findings[0].startswith("time column: 'month', target: 'sales', frequency: monthly (MS); ")
    assert {UNUSED, EMPTY} <= set(findings)


def test_findings_of_fit_are_those_of_the_state_and_its_evaluation(fitted, tmp_path):
    check(fitted.data_notes_)
    assert list(fitted.evaluation_.findings) == fitted.data_notes_
    fitted.save(tmp_path / "a.gatecast")
    loaded = load(tmp_path / "a.gatecast")
    assert loaded.findings_ == list(loaded.evaluation_.findings) == fitted.data_notes_


@pytest.mark.parametrize("source", [None, table()])
@pytest.mark.parametrize("method", ["predict", "simulate", "gates", "explain"])
def test_findings_of_every_result_of_a_fitted_forecaster(fitted, method, source):
    result = getattr(fitted, method)(source=source)
    check(fitted.findings_)
    if hasattr(result, "findings"):
        assert list(result.findings) == fitted.findings_


def test_findings_of_new_rows_are_about_these_rows(fitted):
    later = {name: column[:10] for name, column in table(first="2020-01").items()}
    evaluation = fitted.evaluate(later)
    assert evaluation.findings[0].endswith("10 points from 2020-01-01 to 2020-10-01.")
    assert "1 of 10 rows has no value." in evaluation.findings
    assert list(evaluation.findings) == fitted.findings_
    assert fitted.predict_insample(output="dict")
    assert fitted.findings_ == fitted.data_notes_
    updated = Forecaster(3, model="naive", target_col="sales").fit(table()).update(later)
    assert updated.findings_ == list(evaluation.findings)
    assert set(updated.findings_) < set(updated.data_notes_)


def test_findings_of_results_that_fit_anew():
    quick = {"target_col": "sales", "season_length": 12, **QUICK}
    forecaster = Forecaster(3, model="lstm", hist_exog="visits", **quick)
    forecaster.cross_validation(table())
    assert EMPTY in forecaster.findings_
    importance = forecaster.permutation_importance(table(), n_windows=1, n_repeats=1)
    assert EMPTY in importance.findings
    check(compare(table(), 3, models="naive", n_windows=1, **quick).findings)


def test_findings_are_kept_where_a_table_has_a_place_for_them(fitted):
    frame = fitted.predict(pd.DataFrame(table()))
    check(frame.attrs["findings"])
    arrow = fitted.predict(pa.table(table()))
    check(json.loads(arrow.schema.metadata[b"findings"]))
    assert isinstance(fitted.predict(pl.DataFrame(table())), pl.DataFrame)
    check(fitted.findings_)


def test_findings_of_a_future_table_name_it(tmp_path):
    past = table() | {"visits": [float(k % 7) for k in range(60)]}
    fitted = Forecaster(2, model="naive", target_col="sales", futr_exog="visits").fit(past)
    (tmp_path / "plan.csv").write_text("Date,Visits\n2020-01-01,1\n2020-02-01,2\n2020-03-01,3\n")
    fitted.predict(futr_df=tmp_path / "plan.csv")
    assert fitted.findings_[-3:] == [
        "future table plan.csv: column 'Date' holds the times, as 'month' does in the data.",
        "future table plan.csv: column 'Visits' is read as 'visits'.",
        "future table plan.csv: 1 of its 3 rows are later than the 2 steps to forecast and are not used.",
    ]


@pytest.mark.parametrize(
    "ask", [Forecaster.predict, Forecaster.simulate, Forecaster.predict_components], ids=lambda ask: ask.__name__
)
def test_findings_name_a_future_table_that_nothing_reads(ask):
    past, plan = table() | {"visits": [float(k % 7) for k in range(60)]}, {"month": ["2020-01"], "visits": [1.0]}
    fitted = Forecaster(1, model="naive", target_col="sales").fit(past)
    ask(fitted)
    assert not any("futr_df" in note for note in fitted.findings_)
    ask(fitted, futr_df=plan)
    note = "futr_df is not used, because futr_exog names no column: name those of the table, and fit again."
    assert fitted.findings_[-1] == note
    advised = Forecaster(1, model="naive", target_col="sales", futr_exog="visits").fit(past)
    ask(advised, futr_df=plan)
    assert not any("not used" in note for note in advised.findings_)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "is_trained"),
    [
        ("forecast a.csv OPTIONS", False),
        ("train a.csv --out b.gatecast OPTIONS", False),
        ("backtest a.csv --n-windows 1 OPTIONS", False),
        ("compare a.csv -n 3 --models naive --n-windows 1", False),
        ("explain a.csv OPTIONS", False),
        ("explain m.gatecast", False),
        ("predict m.gatecast", True),
        ("predict m.gatecast a.csv", True),
        ("simulate m.gatecast a.csv --n-paths 2", True),
        ("evaluate m.gatecast a.csv", True),
        ("update m.gatecast a.csv --out b.gatecast", True),
    ],
)
def test_every_command_says_its_findings(fitted, words, is_trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(csv_text(table()))
    fitted.save("m.gatecast")
    fits = words.split()[1] == "a.csv"
    args = [part for word in words.split() for part in (OPTIONS if word == "OPTIONS" else [word])]
    args += ["--target-col", "sales"] * fits
    assert main([*args, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    advice = "--futr-exog visits (known ahead) or --hist-exog would use it"
    advice += " (with gatecast train)" * is_trained
    assert findings[0].startswith("time column: 'month', target: 'sales', ")
    assert {f"Column 'visits' is not used; {advice}.", EMPTY} <= set(findings)
    assert main(args) == 0
    out = " ".join(capsys.readouterr().out.split())
    places = [out.index(finding) for finding in findings]
    assert places == sorted(places)
    if not words.startswith("forecast"):
        assert out.startswith(f"data: {findings[0]} note: {findings[1]}")
