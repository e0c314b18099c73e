"""Fixed fits whose results are compared bit for bit, before and after a change that must not alter any.

    python tests/bits/fits.py record build/bits.json     # on the revision that is right
    python tests/bits/fits.py compare build/bits.json    # on the revision that is tested

Each result is a digest of the bytes of an array. Bits hold on one machine and one version of NumPy; so the record is
made where it is compared, and is not kept in the repository. `make bits BASE=main` does both.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from safetensors import safe_open

import gatecast as gc
from gatecast.config import DataConfig, NetworkConfig, TrainingConfig
from gatecast.layers import LSTM, Dense
from gatecast.models import Sequential

AIR = Path(__file__).parents[2] / "examples/air_passengers.csv"
QUICK = TrainingConfig(n_members=2, max_steps=20)
WEIGHTS = (".weights", ".smoothing", ".end")
"""Names of the arrays of a file that hold what training found."""


def panel(n_series: int = 20, length: int = 60, *, freq: str = "M", exogenous: bool = False) -> dict[str, np.ndarray]:
    """Seasonal series of unequal lengths, some with gaps."""
    rng = np.random.default_rng(7)
    parts = []
    for s in range(n_series):
        n = length - s % 5
        t = np.arange(n)
        season = {"M": 12, "Q": 4, "Y": 1}[freq]
        price = rng.random(n)
        y = (
            50
            + 5 * s
            + 0.3 * t
            + 10 * np.sin(2 * np.pi * t / max(season, 2))
            + rng.normal(0, 2, n)
            - 8 * price * exogenous
        )
        y[rng.random(n) < 0.02] = np.nan
        months = {"M": 1, "Q": 3, "Y": 12}[freq]
        start = np.datetime64("2010-01", "M")
        part = {"unique_id": np.full(n, f"s{s:02d}"), "ds": (start + months * t).astype("M8[D]"), "y": y}
        if exogenous:
            part |= {
                "price": price,
                "visits": rng.poisson(20, n) * 1.0,
                "shop": np.full(n, "north" if s % 2 else "south"),
            }
            part["day"] = np.array(["open", "sale", "closed"])[rng.integers(0, 3, n)]
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def future(table: dict[str, np.ndarray], h: int) -> dict[str, np.ndarray]:
    """The known columns for h months after each series."""
    rng = np.random.default_rng(8)
    ids, last = np.unique(table["unique_id"]), {}
    for name, when in zip(table["unique_id"], table["ds"], strict=True):
        last[name] = max(when, last.get(name, when))
    ds = np.concatenate([(last[name].astype("M8[M]") + 1 + np.arange(h)).astype("M8[D]") for name in ids])
    n = h * len(ids)
    day = np.array(["open", "sale", "closed"])[rng.integers(0, 3, n)]
    return {"unique_id": np.repeat(ids, h), "ds": ds, "price": rng.random(n), "day": day}


def columns(table: object) -> Iterator[tuple[str, np.ndarray]]:
    """The columns of numbers of a table."""
    for name, column in dict(table).items():  # type: ignore[call-overload]
        if np.asarray(column).dtype.kind in "fiu":
            yield name, np.asarray(column)


def saved_weights(forecaster: gc.Forecaster) -> Iterator[tuple[str, np.ndarray]]:
    """Weights as they stand in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gatecast"
        forecaster.save(path)
        with safe_open(path, "numpy") as file:
            for name in sorted(file.keys()):
                if name.endswith(WEIGHTS):
                    yield f"weights {name}", file.get_tensor(name)


def results(forecaster: gc.Forecaster, **given: object) -> Iterator[tuple[str, np.ndarray]]:
    """Forecasts at two horizons, intervals, scores, paths, weights."""
    for steps in (None, 2 * forecaster.h_ + 1) if not given else (None,):
        for name, column in columns(forecaster.predict(h=steps, level=[50, 80, 97], **given)):
            yield f"predict {steps} {name}", column
    for name, column in columns(forecaster.simulate(5, **given)):
        yield f"simulate {name}", column
    if forecaster.evaluation_ is not None:
        for name, column in columns(forecaster.evaluation_.table):
            yield f"evaluation {name}", column
        for score in forecaster.evaluation_.scores:
            yield f"score {score.model}", np.array([score.mae, score.rmse])
    yield from saved_weights(forecaster)


def looked_into(forecaster: gc.Forecaster, **given: object) -> Iterator[tuple[str, np.ndarray]]:
    """Gates and attributions."""
    for name, column in columns(forecaster.gates(**given).to_frame()):
        yield f"gates {name}", column
    for method in ("integrated", "occlusion"):
        for name, column in columns(forecaster.explain(step=2, quantile=0.9, method=method, **given).table):
            yield f"explain {method} {name}", column


def one_series() -> Iterator[tuple[str, np.ndarray]]:
    """Everything by default."""
    forecaster = gc.Forecaster(h=12).fit(str(AIR))
    yield from results(forecaster)
    yield from looked_into(forecaster)
    for name, column in columns(forecaster.predict_insample()):
        yield f"in-sample {name}", column


def one_kind(model: str) -> Callable[[], Iterator[tuple[str, np.ndarray]]]:
    """One model on the panel."""

    def fit() -> Iterator[tuple[str, np.ndarray]]:
        forecaster = gc.Forecaster(h=6, model=model, training=QUICK, network=NetworkConfig(units=8)).fit(panel())
        yield from results(forecaster)
        if model != "es-lstm":
            yield from looked_into(forecaster, id="s03")
        for name, column in columns(forecaster.predict_insample()):
            yield f"in-sample {name}", column

    return fit


def whole_panel() -> Iterator[tuple[str, np.ndarray]]:
    """Several kinds of models, quarters."""
    yield from results(gc.Forecaster(h=4, training=QUICK).fit(panel(freq="Q")))


def yearly() -> Iterator[tuple[str, np.ndarray]]:
    """Series without a season."""
    yield from results(gc.Forecaster(h=3, training=QUICK).fit(panel(freq="Y", length=30)))


def exogenous() -> Iterator[tuple[str, np.ndarray]]:
    """All three kinds of columns, words among them."""
    data = DataConfig(futr_exog=("price", "day"), hist_exog=("visits",), stat_exog=("shop",), lower_bound=0)
    table = panel(exogenous=True)
    forecaster = gc.Forecaster(h=6, model="lstm", training=QUICK, data=data).fit(table)
    yield from results(forecaster, futr_df=future(table, 6))
    yield from looked_into(forecaster, id="s03", futr_df=future(table, 6))
    for name, column in columns(forecaster.permutation_importance(table, n_windows=2, n_repeats=2).table):
        yield f"importance {name}", column


def own_network() -> Iterator[tuple[str, np.ndarray]]:
    """A network of the user's own layers."""
    network = Sequential([LSTM(8), Dense(6)])
    network.compile(loss="mse", optimizer="adam")
    forecaster = gc.Forecaster(h=6, model=network, training=QUICK).fit(panel())
    yield from results(forecaster)
    yield from looked_into(forecaster, id="s03")


def update() -> Iterator[tuple[str, np.ndarray]]:
    """Further training on new rows, and their scores."""
    table = panel()
    when = table["ds"] < np.datetime64("2014-06-01")
    old, new = ({name: column[rows] for name, column in table.items()} for rows in (when, ~when))
    for model in ("lstm", "es-lstm"):
        forecaster = gc.Forecaster(h=4, model=model, training=QUICK).fit(old)
        for score in forecaster.evaluate(table).scores:
            yield f"{model} evaluate {score.model}", np.array([score.mae, score.rmse])
        for name, column in results(forecaster.update(new)):
            yield f"{model} {name}", column


def cross_validation() -> Iterator[tuple[str, np.ndarray]]:
    """Cutoffs in the past, refit and not."""
    for refit in (True, False):
        folds = gc.Forecaster(h=4, training=QUICK).cross_validation(panel(), n_windows=2, refit=refit)
        for name, column in columns(folds):
            yield f"refit {refit} {name}", column


FITS: dict[str, Callable[[], Iterator[tuple[str, np.ndarray]]]] = {
    "one series": one_series,
    **{model: one_kind(model) for model in ("lstm", "gru", "rnn", "lstm-peephole", "slstm", "es-lstm")},
    "panel": whole_panel,
    "yearly": yearly,
    "exogenous": exogenous,
    "own network": own_network,
    "update": update,
    "cross-validation": cross_validation,
}


def digests() -> dict[str, dict[str, str]]:
    """Of every result of every fit."""
    found: dict[str, dict[str, str]] = {}
    for name, fit in FITS.items():
        found[name] = {
            key: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16] for key, array in fit()
        }
        print(f"{name}: {len(found[name])} results", file=sys.stderr)  # noqa: T201
    return found


def main(command: str, path: str) -> int:
    """Record or compare."""
    found = digests()
    if command == "record":
        Path(path).write_text(json.dumps(found, indent=1))
        return 0
    before = json.loads(Path(path).read_text())
    differ = [
        f"{name}: {key}: {'missing' if key not in found[name] else 'other bits'}"
        for name in before
        for key in before[name]
        if found[name].get(key) != before[name][key]
    ]
    print("\n".join(differ) or f"the same bits in {sum(map(len, before.values()))} results")  # noqa: T201
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
