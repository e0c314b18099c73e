"""Small example series that come with the package.

Every dataset is a function that returns a table with the columns `ds` (times) and `y` (values), in pandas if that is
installed, and otherwise in polars, in Arrow or as a dict of NumPy arrays. `path` returns the CSV file of a dataset, for
the command line and for other programs.

Example:
    >>> from gatecast import datasets
    >>> datasets.available()
    ('air_passengers', 'daily_visitors')
    >>> table = datasets.air_passengers(output="dict")
    >>> len(table["y"]), table["y"][:3].tolist()
    (144, [112.0, 118.0, 132.0])
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["air_passengers", "available", "daily_visitors", "path"]

_FILES = Path(__file__).parent / "files"
_OUTPUTS = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow", "arrow": "pyarrow", "dict": "dict"}


def air_passengers(output: str | None = None) -> Any:
    """Load the monthly number of international airline passengers in thousands, 1949 to 1960: 144 values.

    The series has a trend and a yearly season that grows with it.

    Args:
        output: "pandas", "polars", "pyarrow" or "dict"; by default the first of them that is installed.

    Returns:
        A table with the columns `ds` and `y`.

    Raises:
        ConfigError: An invalid output, or a library that is not installed.

    Source: Box & Jenkins 1976, Time Series Analysis: Forecasting and Control, series G.

    >>> air_passengers("dict")["ds"][-1].astype("M8[D]").item().isoformat()
    '1960-12-01'
    """
    return _load("air_passengers", output)


def daily_visitors(output: str | None = None) -> Any:
    """Load a synthetic daily number of visitors, 1 January 2021 to 23 August 2022: 600 values.

    The series grows slowly and has a weekly and a yearly season and noise, as `gatecast.data.synthetic.daily_example`
    generates it.

    Args:
        output: "pandas", "polars", "pyarrow" or "dict"; by default the first of them that is installed.

    Returns:
        A table with the columns `ds` and `y`.

    Raises:
        ConfigError: An invalid output, or a library that is not installed.

    >>> daily_visitors("dict")["y"][:2].tolist()
    [1035.5, 1029.4]
    """
    return _load("daily_visitors", output)


def available() -> tuple[str, ...]:
    """Return the names of the datasets.

    >>> "air_passengers" in available()
    True
    """
    return tuple(sorted(file.stem for file in _FILES.glob("*.csv")))


def path(name: str) -> Path:
    """Return the path of the CSV file of a dataset.

    Args:
        name: Name of the dataset, from `available`.

    Raises:
        ConfigError: There is no dataset of this name.

    >>> path("air_passengers").name
    'air_passengers.csv'
    """
    if name not in available():
        from difflib import get_close_matches

        from gatecast.errors import ConfigError

        close = get_close_matches(str(name), available(), n=1)
        raise ConfigError(
            f"Unknown dataset {name!r}",
            expected=f"one of {', '.join(map(repr, available()))}",
            fix=f"Did you mean {close[0]!r}?" if close else "",
        )
    return _FILES / f"{name}.csv"


def _load(name: str, output: str | None) -> Any:
    """A dataset as a table."""
    import numpy as np

    from gatecast.data.reader import installed_kind, to_frame_like
    from gatecast.errors import ConfigError

    if output is not None and output not in _OUTPUTS:
        raise ConfigError(f"Invalid output {output!r}", expected="pandas, polars, pyarrow or dict", argument="output")
    times, values = np.loadtxt(path(name), dtype=str, delimiter=",", skiprows=1, unpack=True)
    kind = installed_kind() if output is None else _OUTPUTS[output]
    return to_frame_like(kind, {"ds": times.astype("M8[us]"), "y": values.astype(np.float64)})
