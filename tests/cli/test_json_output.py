import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from gatecast import __version__
from gatecast.cli.json_output import SCHEMA_VERSION, document, error_document, rows, settings, to_json
from gatecast.cli.options import Options
from gatecast.errors import DataError

OPTIONS = Options(Path("air.csv"), horizon=12, out=Path("a.csv"))

NUMBER = (int, float)
SCORE = {
    "model": str,
    "mae": NUMBER,
    "rmse": NUMBER,
    "mase": NUMBER,
    "skill": NUMBER,
    "coverage": dict,
    "loses": int,
}
SCHEMA = {
    "schema_version": int,
    "data": {
        "file": str,
        "unique_id": str,
        "series": int,
        "time_col": str,
        "target_col": str,
        "id_col": str,
        "frequency": str,
        "season": int,
        "rows": int,
        "missing": int,
        "start": str,
        "end": str,
        "findings": [str],
    },
    "model": {"name": str, "horizon": int, "levels": [NUMBER]},
    "evaluation": {
        "cutoff": str,
        "rows": {"training": int, "validation": int, "test": int},
        "season": int,
        "horizon": int,
        "verdict": str,
        "scores": [SCORE],
    },
    "forecast": [
        {
            "unique_id": str,
            "ds": str,
            "LSTM": NUMBER,
            "LSTM-lo-80": NUMBER,
            "LSTM-hi-80": NUMBER,
            "LSTM-lo-95": NUMBER,
            "LSTM-hi-95": NUMBER,
            "SeasonalNaive": NUMBER,
        }
    ],
    "files": [str],
    "settings": {
        "seed": int,
        "options": {
            "horizon": (int, type(None)),
            "time_col": (str, type(None)),
            "id_col": (str, type(None)),
            "target_col": (str, type(None)),
            "freq": (str, type(None)),
            "season": (int, type(None)),
            "level": [NUMBER],
        },
        "versions": dict,
        "isa": str,
        "threads": int,
    },
    "seconds": NUMBER,
}


def check(value, schema, where="document"):
    """Exactly these keys, each of its type."""
    if isinstance(schema, dict):
        assert list(value) == list(schema), where
        for key, part in schema.items():
            check(value[key], part, f"{where}.{key}")
    elif isinstance(schema, list):
        assert isinstance(value, list), where
        for part in value:
            check(part, schema[0], where)
    else:
        assert isinstance(value, schema), f"{where}: {value!r}"


def read(result):
    return json.loads(to_json(document(result, OPTIONS, [Path("a.csv")])), parse_constant=pytest.fail)


def test_schema(make_result):
    told = read(make_result())
    check(told, SCHEMA)
    assert told["schema_version"] == SCHEMA_VERSION == 2
    assert told["data"]["start"] == "1951-01-01"
    assert told["evaluation"]["cutoff"] == "1958-12-01"
    assert told["evaluation"]["scores"][0]["coverage"] == {"80": 87.5, "95": 87.5}
    assert len(told["forecast"]) == told["model"]["horizon"] == 12
    assert told["forecast"][0]["ds"] == "1961-01-01"
    assert told["files"] == ["a.csv"]
    assert told["settings"]["versions"]["gatecast"] == __version__
    assert told["settings"]["options"]["horizon"] == 12


def test_no_scores_is_null(make_result):
    assert read(make_result(evaluated=False))["evaluation"] is None


def test_integer_times_stay_numbers(make_result):
    told = read(make_result(dated=False))
    assert (told["data"]["start"], told["data"]["end"], told["evaluation"]["cutoff"]) == (0, 119, 95)
    assert told["forecast"][0]["ds"] == 120


def test_what_is_not_finite_is_null(make_result):
    result = make_result()
    score = dataclasses.replace(result.evaluation.scores[0], mase=math.inf, coverage={80: math.nan})
    evaluation = dataclasses.replace(result.evaluation, scores=(score,))
    told = read(dataclasses.replace(result, evaluation=evaluation, naive=np.full(12, np.nan)))
    assert told["evaluation"]["scores"][0]["mase"] is None
    assert told["evaluation"]["scores"][0]["coverage"] == {"80": None}
    assert told["forecast"][0]["SeasonalNaive"] is None


def test_numpy_numbers_are_numbers(make_result):
    result = make_result()
    score = dataclasses.replace(result.evaluation.scores[0], mae=np.float64(1.5))
    evaluation = dataclasses.replace(result.evaluation, scores=(score,), split_sizes=tuple(np.array([1, 2, 3])))
    told = read(dataclasses.replace(result, evaluation=evaluation, season=np.int64(12)))
    assert told["evaluation"]["scores"][0]["mae"] == 1.5
    assert told["evaluation"]["rows"]["test"] == 3


def test_settings_say_what_computes():
    told = settings(OPTIONS)
    assert told["isa"]
    assert told["threads"] >= 1
    assert {"gatecast", "python", "numpy"} <= set(told["versions"])


def test_errors_keep_their_parts():
    error = DataError("a time occurs twice", where="row 3", got="2020", expected="one row", fix="Remove it.")
    told = error_document(error, "DataError", 1, "message")
    assert told == {
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
