"""Section about anomalies: the values that are farthest from what was forecast of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatecast._utils.formatting import format_times, number_formatter
from gatecast.errors import ConfigError
from gatecast.reporting.blocks import Paragraph, Section, Table
from gatecast.reporting.text_tables import TextTable

__all__ = ["anomaly_section"]

LEVEL = 99
"""Of the intervals, in percent."""

MAX_LISTED = 60
"""Values in the table: those farthest from their forecasts."""

MAX_VALUES = 2_000_000
"""Values of a panel whose anomalies are looked for while a page is made."""


def anomaly_section(forecaster: Any, source: Any) -> Section | None:
    """Build the section; None if no model can judge these values, or if they are too many.

    Args:
        forecaster: A fitted `Forecaster`.
        source: The series, as for `predict`.
    """
    if forecaster.panel_.values.size > MAX_VALUES:
        return None
    try:
        table = forecaster.anomalies(source, level=LEVEL, output="dict")
    except ConfigError:
        return None
    n_judged = len(table["score"])
    outside = np.flatnonzero(table["is_anomaly"])
    usual = (100 - LEVEL) / 100 * n_judged
    intro = Paragraph(
        f"{len(outside):,} of {n_judged:,} values are outside the {LEVEL} % interval of a forecast that had not seen "
        f"them; by chance alone about {usual:.0f} would be. The score is the distance in half-widths of the interval."
    )
    if not len(outside):
        return Section("anomalies", "Anomalies", (intro,))
    listed = outside[np.argsort(-np.abs(table["score"][outside]), kind="stable")[:MAX_LISTED]]
    names = [name for name in table if name != "is_anomaly"]
    columns = [_texts(table[name][np.sort(listed)]) for name in names]
    caption = f"Anomalies: {len(outside):,}" + (f", the {MAX_LISTED} farthest" if len(outside) > MAX_LISTED else "")
    cells = TextTable(tuple(names), list(zip(*columns, strict=True)))
    return Section("anomalies", "Anomalies", (intro, Table(cells, caption, collapsed=len(outside) > 12)))


def _texts(column: Any) -> list[str]:
    """Return a column as texts."""
    if column.dtype.kind == "M":
        return list(format_times(column))
    if column.dtype.kind == "f":
        write = number_formatter(column)
        return [write(float(value)) for value in column]
    return [str(value) for value in column.tolist()]
