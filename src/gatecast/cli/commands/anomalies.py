"""`gatecast anomalies`: which values of a table are anomalies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatecast.cli.input_files import check_source
from gatecast.cli.options import LEVELS, File, ForecasterOptions, Json, Out, SafeCsv, Setting, parse_option
from gatecast.cli.output import format_findings, format_table, print_document, print_parts
from gatecast.cli.output_files import TABLE, check_outputs, write_outputs
from gatecast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXAMPLE", "anomalies"]

EXAMPLE = "gatecast anomalies sales.csv --level 99 --out anomalies.csv"

MAX_ROWS = 20
"""Anomalies on the screen: those farthest from their forecasts, in the order of the table."""

Level = Annotated[
    str,
    typer.Option(metavar="P", help="Level of the intervals, in percent: 100 - P of 100 usual values are outside."),
    Setting("level", LEVELS, "99"),
]


def anomalies(
    file: File,
    options: ForecasterOptions,
    level: Level = "99",
    out: Out = None,
    safe_csv: SafeCsv = False,
    json: Json = False,
) -> None:
    """Find the values in FILE that are anomalies.

    Prints the values outside the interval of a forecast that had not seen them. --out writes all values that were
    judged, with forecast, interval and score.
    """
    source, percent = check_source(file), parse_option("--level", level, Level)
    if len(percent) != 1:
        raise ConfigError(f"Invalid --level {level!r}", expected="one percentage", fix="Write --level 99.")
    settings, targets = options.settings(), check_outputs([source], {TABLE: out})
    from gatecast.data.sources.writers import write
    from gatecast.forecaster import Forecaster

    # A newest value that is unlike all before is what is looked for.
    forecaster = Forecaster(**{**settings, "data": replace(settings["data"], keep_last=True)})
    forecaster.fit(source, evaluate=False, progress=False)
    table = forecaster.anomalies(level=percent[0], output="dict")
    findings = forecaster.findings_
    table = forecaster._session.with_offsets(table)
    files = write_outputs(targets, {"--out": lambda path: write(table, path, safe_csv=safe_csv)})
    sentence = summarize(table, percent[0])
    if json:
        from gatecast.cli.json_output import rows

        chosen = {name: column[table["is_anomaly"]] for name, column in table.items()}
        facts = {"level": percent[0], "values": len(table["score"]), "anomalies": rows(chosen), "files": files}
        print_document("anomalies", facts, findings)
        return
    print_parts(format_findings(findings), _format(table), sentence, files=files)


def summarize(table: Mapping[str, Any], level: float) -> str:
    """Return how many values are anomalies as a sentence.

    >>> import numpy as np
    >>> summarize({"is_anomaly": np.array([True, False])}, 99)
    '1 of 2 values is outside its 99 % interval.'
    """
    n, total = int(table["is_anomaly"].sum()), len(table["is_anomaly"])
    verb, whose = ("is", "its") if n == 1 else ("are", "their")
    return f"{n:,} of {total:,} values {verb} outside {whose} {level:g} % interval."


def _format(table: Mapping[str, Any]) -> str:
    """Return the anomalies farthest from their forecasts as lines of text."""
    import numpy as np

    from gatecast.cli.json_output import rows

    rows_outside = np.flatnonzero(table["is_anomaly"])
    chosen = np.sort(rows_outside[np.argsort(-np.abs(table["score"][rows_outside]), kind="stable")[:MAX_ROWS]])
    if not len(chosen):
        return ""
    lines = format_table(rows({name: x[chosen] for name, x in table.items() if name != "is_anomaly"}))
    more = len(rows_outside) - len(chosen)
    return lines + (f"\n... {more:,} more; --out FILE writes all of them" if more else "")
