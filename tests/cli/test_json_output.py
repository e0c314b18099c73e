"""The document of a forecast, errors as documents, tables as rows."""

import dataclasses
import json
import math

import numpy as np
import pytest

from gatecast import __version__
from gatecast.cli.json_output import (
    SCHEMA_VERSION,
    error_document,
    forecast_document,
    reproduction_facts,
    rows,
    to_json,
)
from gatecast.cli.options import ForecasterOptions
from gatecast.errors import DataError

OPTIONS = ForecasterOptions(horizon="12").values()


def read(view):
    return json.loads(to_json(forecast_document(view, OPTIONS, ["a.csv"])), parse_constant=pytest.fail)


def test_forecast_document_has_data_scores_and_settings(make_view):
    document = read(make_view())
    assert document["schema_version"] == SCHEMA_VERSION == 2
    assert document["data"]["start"] == "1951-01-01"
    assert document["evaluation"]["cutoff"] == "1958-12-01"
    assert document["evaluation"]["scores"][0]["coverage"] == {"80": 87.5, "95": 87.5}
    assert len(document["forecast"]) == document["model"]["horizon"] == 12
    assert document["forecast"][0]["ds"] == "1961-01-01"
    assert document["files"] == ["a.csv"]
    assert document["settings"]["versions"]["gatecast"] == __version__
    assert document["settings"]["options"]["horizon"] == 12
    assert (document["settings"]["options"]["season"], document["settings"]["options"]["level"]) == (None, [80, 95])


def test_no_scores_is_null(make_view):
    assert read(make_view(evaluated=False))["evaluation"] is None


def test_integer_times_stay_numbers(make_view):
    document = read(make_view(dated=False))
    assert (document["data"]["start"], document["data"]["end"], document["evaluation"]["cutoff"]) == (0, 119, 95)
    assert document["forecast"][0]["ds"] == 120


def test_what_is_not_finite_is_null(make_view):
    view = make_view()
    score = dataclasses.replace(view.evaluation.scores[0], mase=math.inf, coverage={80: math.nan})
    evaluation = dataclasses.replace(view.evaluation, scores=(score,))
    document = read(dataclasses.replace(view, evaluation=evaluation, baseline_values=np.full(12, np.nan)))
    assert document["evaluation"]["scores"][0]["mase"] is None
    assert document["evaluation"]["scores"][0]["coverage"] == {"80": None}
    assert document["forecast"][0]["SeasonalNaive"] is None


def test_numpy_numbers_are_numbers(make_view):
    view = make_view()
    score = dataclasses.replace(view.evaluation.scores[0], mae=np.float64(1.5))
    evaluation = dataclasses.replace(view.evaluation, scores=(score,), split_sizes=tuple(np.array([1, 2, 3])))
    document = read(dataclasses.replace(view, evaluation=evaluation, season_length=np.int64(12)))
    assert document["evaluation"]["scores"][0]["mae"] == 1.5
    assert document["evaluation"]["rows"]["test"] == 3


def test_settings_say_what_computes():
    document = reproduction_facts(OPTIONS)
    assert document["isa"]
    assert document["threads"] >= 1
    assert {"gatecast", "python", "numpy"} <= set(document["versions"])


def test_errors_keep_their_parts():
    error = DataError("a time occurs twice", where="row 3", got="2020", expected="one row", fix="Remove it.")
    document = error_document(error, "DataError", 1, "message")
    assert document == {
        "schema_version": 2,
        "error": {
            "kind": "DataError",
            "exit_code": 1,
            "message": "message",
            "what": "a time occurs twice",
            "where": "row 3",
            "got": "2020",
            "expected": "one row",
            "fix": "Remove it.",
        },
    }
    assert set(error_document(ValueError("x"), "InternalError", 70, "m")["error"]) == {
        "kind",
        "exit_code",
        "message",
    }


TABLE = {
    "unique_id": np.array(["a", 'b "c", d'], object),
    "Jahr": np.array(["2020-01-01", "2020-02-01"], "datetime64[us]"),
    "LSTM": np.array([0.1, 1e300]),
    "LSTM-lo-80": np.array([math.nan, -1.5]),
}


def test_rows_are_plain():
    assert rows(TABLE) == [
        {"unique_id": "a", "Jahr": "2020-01-01", "LSTM": 0.1, "LSTM-lo-80": None},
        {"unique_id": 'b "c", d', "Jahr": "2020-02-01", "LSTM": 1e300, "LSTM-lo-80": -1.5},
    ]


def test_times_of_day_have_seconds():
    table = {"ds": np.array(["2020-01-01T00:30", "2020-01-01T01:00"], "datetime64[us]")}
    assert rows(table) == [{"ds": "2020-01-01T00:30:00"}, {"ds": "2020-01-01T01:00:00"}]
