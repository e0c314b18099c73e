"""Series that the tests of the server share."""

from __future__ import annotations

MONTHS = [f"{year}-{month:02}" for year in range(2019, 2024) for month in range(1, 13)]
SALES = [float(100 + k + 10 * (k % 12)) for k in range(60)]
SERIES = {"ds": MONTHS, "y": SALES}
MEMBERS = {"type", "title", "status", "detail", "instance", "what", "where", "got", "expected", "fix"}
"""Members of every problem document."""


def as_csv() -> bytes:
    """Return the series as CSV."""
    return ("ds,y\n" + "".join(f"{month},{sale}\n" for month, sale in zip(MONTHS, SALES, strict=True))).encode()
