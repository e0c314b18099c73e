"""Panels that tests of the pipeline fit, and settings under which a fit takes a fraction of a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gatecast.config import NetworkConfig, TrainingConfig

Table = dict[str, npt.NDArray[Any]]

QUICK: dict[str, Any] = {
    "network": NetworkConfig(units=8),
    "training": TrainingConfig(n_members=1, max_steps=20),
}
"""One small network, briefly trained."""

N_SHOPS, N_MONTHS = 20, 66
MONTHS = np.arange("2015-01", "2020-07", dtype="M8[M]").astype("M8[D]")
SHOP_COLUMNS = {"id_col": "shop", "time_col": "month", "target_col": "sales"}


def shop_sales(n_rows: int = N_MONTHS, seed: int = 0) -> Table:
    """Return monthly sales of 20 shops; a promotion adds a third."""
    rng = np.random.default_rng(seed)
    promo = (rng.random((N_SHOPS, N_MONTHS)) < 0.3) * 1.0
    level = np.cumsum(rng.normal(0, 0.02, (N_SHOPS, N_MONTHS)), axis=1) + 0.2 * np.sin(np.arange(N_MONTHS) * np.pi / 6)
    table = {
        "shop": np.repeat([f"shop {s}" for s in range(N_SHOPS)], N_MONTHS),
        "month": np.tile(MONTHS, N_SHOPS),
        "sales": np.exp(4 + level + 0.3 * promo).ravel(),
        "promo": promo.ravel(),
        "kind": np.repeat(["inner", "outer"], N_SHOPS // 2 * N_MONTHS),
        "visitors": np.exp(level).ravel(),
    }
    return rows(table, np.tile(np.arange(N_MONTHS) < n_rows, N_SHOPS))


def rows(table: Table, selected: npt.NDArray[Any]) -> Table:
    """Return the selected rows of a table."""
    return {name: column[selected] for name, column in table.items()}


def rows_after(table: Table, n_rows: int, n_series: int = N_SHOPS) -> Table:
    """Return the rows of a table after the first `n_rows` of each series."""
    return rows(table, np.tile(np.arange(len(table["sales"]) // n_series) >= n_rows, n_series))


def only_sales(table: Table) -> Table:
    """Return the table without exogenous columns."""
    return {name: table[name] for name in ("shop", "month", "sales")}


def ragged_panel(lengths: list[int], seed: int = 0) -> Table:
    """Return seasonal monthly series of different lengths, called s00, s01, ..."""
    rng = np.random.default_rng(seed)
    values = [
        200 + 40 * np.sin((np.arange(n) + s) * np.pi / 6) + np.cumsum(rng.normal(size=n)) for s, n in enumerate(lengths)
    ]
    months = [np.datetime64("2010-01", "M") + np.arange(n) for n in lengths]
    return {
        "unique_id": np.repeat([f"s{k:02d}" for k in range(len(lengths))], lengths),
        "ds": np.concatenate(months).astype("M8[D]"),
        "y": np.concatenate(values),
    }


def monthly(values: npt.ArrayLike) -> Table:
    """Return one monthly series from January 2000 on."""
    values = np.asarray(values)
    return {"ds": np.datetime64("2000-01", "M") + np.arange(len(values)), "y": values}
