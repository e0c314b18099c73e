"""ETTh1 by the protocol of the long-horizon papers: 12 months to train, 4 to validate, 4 to test, standardised.

usage: etth1.py FILE [--horizons 96,192,336,720] [--seed N] [--stride N]

FILE holds unique_id, ds, y of the seven columns, 17,420 hours each, of which the first 14,400 are used. Statistics of
the standardisation are those of the training months. One Forecaster learns from the first 16 months (its own validation
part is their end) and forecasts from every hour of the test part (`--stride 1`), as it stands.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from gatecast.evaluation.calibration import predict_all
from gatecast.forecaster import Forecaster
from gatecast.forecasting.context import PanelContext

TRAIN, VALIDATION, TEST = 8640, 2880, 2880
LOOK_BACK = 2048
"""Newest hours that are handed over at every origin."""


def load(path: str) -> np.ndarray:
    """(7, 14400), standardised."""
    import duckdb

    rows = duckdb.sql(f"select y from read_parquet('{path}') order by unique_id, ds").fetchnumpy()
    y = np.asarray(rows["y"], float).reshape(7, -1)[:, : TRAIN + VALIDATION + TEST]
    past = y[:, :TRAIN]
    return (y - past.mean(axis=1, keepdims=True)) / past.std(axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--horizons", default="96,192,336,720")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stride", type=int, default=1)
    options = parser.parse_args()
    z = load(options.file)
    hours = np.datetime64("2016-07-01T00") + np.arange(z.shape[1])

    def table(stop: int) -> dict[str, np.ndarray]:
        """The first hours."""
        return {"unique_id": np.repeat(np.arange(7), stop), "ds": np.tile(hours[:stop], 7), "y": z[:, :stop].ravel()}

    print("| h | model | MSE | MAE | fit, s | origins |")
    print("|---|---|---|---|---|---|")
    for h in map(int, options.horizons.split(",")):
        began = time.perf_counter()
        forecaster = Forecaster(h, seed=options.seed).fit(table(TRAIN + VALIDATION), evaluate=False)
        seconds = time.perf_counter() - began
        trained = forecaster._trained
        whole = PanelContext.from_panel(forecaster._read(table(z.shape[1]))[0], fitted_on=forecaster.panel_)
        backs = np.arange(TEST, h - 1, -options.stride)
        errors: dict[str, list[np.ndarray]] = {}
        for some in np.array_split(backs, max(1, len(backs) // 64)):
            past, came = whole.keep_last(LOOK_BACK + TEST).rolling_origins(some, h)
            for name, said in predict_all(trained.calibrator, trained.learned, past.keep_last(LOOK_BACK), h).items():
                off = said[..., said.shape[-1] // 2] - came
                errors.setdefault(name, []).append(np.array([(off**2).mean(), np.abs(off).mean()]) * len(some))
        for name, sums in errors.items():
            mse, mae = np.sum(sums, axis=0) / len(backs)
            print(f"| {h} | {name} | {mse:.3f} | {mae:.3f} | {seconds:.0f} | {len(backs)} |", flush=True)


if __name__ == "__main__":
    main()
