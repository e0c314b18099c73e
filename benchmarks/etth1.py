"""Measure ETTh1 as papers on long horizons do: 12 months of training, 4 of validation, 4 of test, standardized.

usage: etth1.py FILE [--model auto] [--horizons 96,192,336,720] [--seed N] [--stride N]

FILE holds unique_id, ds, y of the seven columns, 17,420 hours each, of which the first 14,400 are used. Mean and
standard deviation are those of the training months. One Forecaster is fitted on the first 16 months (its validation
part is their end) and forecasts from every hour of the test part (`--stride 1`), without fitting again.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from gatecast import Forecaster
from gatecast.evaluation.calibration import predict_all
from gatecast.forecasting.context import PanelContext

TRAIN, VALIDATION, TEST = 8640, 2880, 2880
CONTEXT = 2048
"""Newest hours that the models read at an origin."""
ORIGINS_PER_BATCH = 64


def load(path: str) -> np.ndarray:
    """Return the standardized columns, shape (7, 14400)."""
    import duckdb

    rows = duckdb.sql(f"select y from read_parquet('{path}') order by unique_id, ds").fetchnumpy()
    y = np.asarray(rows["y"], float).reshape(7, -1)[:, : TRAIN + VALIDATION + TEST]
    past = y[:, :TRAIN]
    return (y - past.mean(axis=1, keepdims=True)) / past.std(axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--horizons", default="96,192,336,720")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stride", type=int, default=1)
    options = parser.parse_args()
    z = load(options.file)
    hours = np.datetime64("2016-07-01T00") + np.arange(z.shape[1]).astype("m8[h]")

    def table(stop: int) -> dict[str, np.ndarray]:
        """Return the first hours as a table."""
        return {"unique_id": np.repeat(np.arange(7), stop), "ds": np.tile(hours[:stop], 7), "y": z[:, :stop].ravel()}

    print("| h | model | MSE | MAE | fit, s | origins |")
    print("|---|---|---|---|---|---|")
    for h in map(int, options.horizons.split(",")):
        start = time.perf_counter()
        forecaster = Forecaster(h, model=options.model, seed=options.seed).fit(
            table(TRAIN + VALIDATION), evaluate=False
        )
        seconds = time.perf_counter() - start
        state = forecaster.state_
        context = PanelContext.from_panel(forecaster._session.read(table(z.shape[1]))[0], fitted_on=forecaster.panel_)
        offsets = np.arange(TEST, h - 1, -options.stride)
        errors: dict[str, list[np.ndarray]] = {}
        for batch in np.array_split(offsets, max(1, len(offsets) // ORIGINS_PER_BATCH)):
            past, actual = context.keep_last(CONTEXT + TEST).rolling_origins(batch, h)
            quantiles = predict_all(state.calibrator, state.ensemble, past.keep_last(CONTEXT), h)
            for name, forecast in quantiles.items():
                error = forecast[..., forecast.shape[-1] // 2] - actual
                errors.setdefault(name, []).append(np.array([(error**2).mean(), np.abs(error).mean()]) * len(batch))
        for name, sums in errors.items():
            mse, mae = np.sum(sums, axis=0) / len(offsets)
            print(f"| {h} | {name} | {mse:.3f} | {mae:.3f} | {seconds:.0f} | {len(offsets)} |", flush=True)


if __name__ == "__main__":
    main()
