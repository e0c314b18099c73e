"""Small saved files of every kind, and replacements that people with bad intentions put into their settings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from panel_cases import SHOP_COLUMNS, monthly, ragged_panel, rows_after, shop_sales

import gatecast as gc
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.layers import GRU, LSTM, Bidirectional, Dense, Dropout, LayerNormalization, Residual

TINY: dict[str, Any] = {
    "network": NetworkConfig(units=4, n_layers=1),
    "training": TrainingConfig(n_members=1, max_steps=2),
}
"""One network of four units, hardly trained: files stay small."""

NO_VALUE = object()
"""Stands for a setting that is left out."""

HOSTILE: tuple[Any, ...] = (
    NO_VALUE,
    None,
    True,
    -1,
    0,
    2,
    10**9,
    2**70,
    0.5,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 1000,
    "../../etc/passwd",
    "\x1b[31m",
    [],
    [[]],
    [1, 2],
    {},
    {"name": 1},
)
"""What a setting is replaced by."""


def _series(length: int = 48) -> dict[str, Any]:
    """One monthly series."""
    return monthly(100 + 20 * np.sin(np.arange(length) * np.pi / 6))


def _save_one(path: Path, model: Any = "lstm", **options: Any) -> None:
    gc.Forecaster(3, model=model, **{**TINY, **options}).fit(_series()).save(path)


def _save_panel(path: Path) -> None:
    gc.Forecaster(3, model=["gru", "naive"], **TINY).fit(ragged_panel([40, 3, 44])).save(path)


def _save_exogenous(path: Path) -> None:
    table = shop_sales(40)
    few = {name: column[: 3 * 40] for name, column in table.items()}
    data = DataConfig(futr_exog="promo", stat_exog="kind", hist_exog="visitors", holidays="DE")
    gc.Forecaster(3, model="lstm", data=data, **SHOP_COLUMNS, **TINY).fit(few).save(path)


def _save_hierarchy(path: Path) -> None:
    table = ragged_panel([40, 40, 40, 40])
    shop, item = np.repeat(["a", "a", "b", "b"], 40), np.repeat(["x", "y", "x", "y"], 40)
    keyed = {"shop": shop, "item": item, "ds": table["ds"], "y": table["y"]}
    gc.Forecaster(3, model="naive", id_col=["shop", "item"], hierarchy=True).fit(keyed).save(path)


def _save_own_network(path: Path) -> None:
    network = gc.Sequential([GRU(4), Dense(3)])
    network.compile("adam", "mae")
    gc.Forecaster(3, model=network, training=TrainingConfig(max_steps=2)).fit(_series()).save(path)


def _save_stream(path: Path) -> None:
    gc.Forecaster(3, model=["naive", "pretrained"]).stream(_series()).save(path)


def _network() -> gc.Sequential:
    layers = [LSTM(4, return_sequences=True), Residual(LSTM(4, return_sequences=True)), Dropout(0.1)]
    network = gc.Sequential([gc.layers.Input((8, 2)), *layers, LayerNormalization(), Bidirectional(GRU(3)), Dense(1)])
    network.compile("adam", "huber")
    return network


FILES: dict[str, Callable[[Path], None]] = {
    "lstm": _save_one,
    "es-lstm": lambda path: _save_one(path, "es-lstm"),
    "segrnn": lambda path: _save_one(path, "segrnn"),
    "statistics": lambda path: _save_one(path, ["dot", "seasonal-naive", "seasonal-average"]),
    "pretrained": lambda path: _save_one(path, "pretrained"),
    "panel": _save_panel,
    "exogenous": _save_exogenous,
    "hierarchy": _save_hierarchy,
    "own-network": _save_own_network,
    "stream": _save_stream,
    "network": lambda path: _network().save(path),
}
"""How a file of each kind is made."""

KINDS = {"stream": "forecast stream", "network": "network"}
"""Kind in the header, where it is not a forecaster."""


def kind_of(name: str) -> str:
    """Return the kind in the header of a file."""
    return KINDS.get(name, "forecaster")


def use(name: str, path: Path) -> dict[str, Any]:
    """Load a file, and return what it forecasts."""
    if name == "network":
        return {"y": gc.Sequential.load(path).predict(np.full((2, 8, 2), 0.5))}
    if name == "stream":
        stream = gc.ForecastStream.load(path)
        return dict(stream.step(100.0).forecast_columns)
    forecaster = gc.load(path)
    futr = rows_after(shop_sales(), 40) if name == "exogenous" else None
    if futr is not None:
        some = np.isin(futr["shop"], ["shop 0", "shop 1", "shop 2"])
        futr = {column: values[some] for column, values in futr.items() if column not in ("sales", "visitors")}
    return dict(forecaster.predict(futr_df=futr, output="dict"))


def paths_in(settings: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where settings are, from the outside in; of long lists the first two items."""
    items = settings.items() if isinstance(settings, dict) else enumerate(settings[:2])
    for key, value in items:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from paths_in(value, (*at, key))


def replaced(settings: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of settings with another value at one place."""
    changed = copy.deepcopy(settings)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if value is NO_VALUE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return changed


def at(settings: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at one place."""
    for key in path:
        settings = settings[key]
    return settings
