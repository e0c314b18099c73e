"""Tables, documents and lines that commands print."""

import json

import numpy as np
import pytest

from gatecast.cli.output import (
    MAX_ROWS,
    format_findings,
    format_table,
    format_verdict,
    print_document,
    print_parts,
    print_table,
)
from gatecast.results import Evaluation


def test_format_table_writes_each_column_with_its_own_decimals():
    rows = [{"model": "a", "mae": 12345.6, "p": 0.5, "n": 3}, {"model": "b", "mae": 2.0, "p": None, "n": 12}]
    assert format_table(rows).splitlines() == [
        "model    mae       p   n",
        "a      12346  0.5000   3",
        "b          2       -  12",
    ]


def test_print_table_shows_a_header_and_counts_the_rows_left_out(capsys):
    print_table({"t": np.arange(MAX_ROWS + 3), "y": np.ones(MAX_ROWS + 3)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["t", "y"]
    assert len(lines) == MAX_ROWS + 2
    assert lines[-1].startswith("... 3 more rows; --out")


def test_print_document_writes_null_for_numbers_that_are_not_finite(capsys):
    print_document("train", {"a": float("nan"), "b": {"c": [np.float32(1.5), np.inf]}, "d": (1, 2)})
    document = json.loads(capsys.readouterr().out)
    assert document == {"schema_version": 2, "command": "train", "a": None, "b": {"c": [1.5, None]}, "d": [1, 2]}


def test_print_parts_leaves_out_empty_ones(capsys):
    print_parts("a", "", None, files=["x.csv", "y.png"])
    assert capsys.readouterr().out == "a\n\nwritten: x.csv\nwritten: y.png\n"


def test_format_findings_says_which_command_has_the_option():
    findings = [
        "time column: 'ds'.",
        "Column 'a' is not used; futr_exog=['a'] would use it.",
        "Truth values in the futr_exog column 'b' are read as 1 (true) and 0 (false).",
    ]
    lines = format_findings(findings, "predict").splitlines()
    assert lines[1:] == [
        "note: Column 'a' is not used; --futr-exog a would use it (with gatecast train).",
        "note: Truth values in the --futr-exog column 'b' are read as 1 (true) and 0 (false).",
    ]
    assert "gatecast train" not in format_findings(findings, "backtest")


@pytest.mark.parametrize(
    ("verdict", "command", "expected"),
    [
        ('It is larger. Prefer model="naive". It held.', "", 'It is larger. Prefer --model "naive". It held.'),
        ('Take point="mean" here.', "evaluate", 'Take --point "mean" here (with gatecast train).'),
        ("It is 5 % smaller.", "evaluate", "It is 5 % smaller."),
    ],
)
def test_format_verdict_names_options(verdict, command, expected):
    evaluation = Evaluation(9, (9, 3, 3), 1, 3, (), {}, verdict)
    assert format_verdict(evaluation, command) == expected
