"""Values far above all others of their series, as a wrong decimal mark or unit makes them."""

from __future__ import annotations

import numpy as np

from gatecast._utils.typing import IntArray
from gatecast.data.panel import Panel

__all__ = ["HUGE_FACTOR", "find_huge"]

HUGE_FACTOR = 10
"""Values this many times as large as all others of their series are likely to be wrong."""

MIN_ROWS = 20
"""In shorter series no value is called huge."""

MAX_SHARE = 0.01
"""More values than this are no errors, but how the series is; a single one always may be an error."""


def find_huge(panel: Panel) -> IntArray:
    """Return the series with a value that is far larger than nearly all others, unless most values are zeros.

    Args:
        panel: The series; NaN is missing and never such a value.

    Returns:
        Indices of the series, ascending.

    >>> from gatecast.data.panel import from_values
    >>> find_huge(from_values([*range(1, 30), 3_000.0])).tolist(), find_huge(from_values(range(1, 30))).tolist()
    ([0], [])
    """
    with_rows = np.flatnonzero(panel.lengths)
    if not len(with_rows):
        return with_rows
    first, sizes = panel.indptr[:-1][with_rows], np.nan_to_num(np.abs(panel.values))
    largest = np.maximum.reduceat(sizes, first)
    is_huge = sizes > np.repeat(largest / HUGE_FACTOR, panel.lengths[with_rows])
    n_huge, n_positive, n_observed = (
        np.add.reduceat(each, first, dtype=np.int64) for each in (is_huge, sizes > 0, panel.mask)
    )
    are_few = n_huge <= np.maximum(1, MAX_SHARE * n_observed)
    return with_rows[are_few & (n_observed >= MIN_ROWS) & (2 * n_positive > n_observed)]
