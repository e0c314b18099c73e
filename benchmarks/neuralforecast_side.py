"""Run the LSTM (defaults) and NHITS of neuralforecast on a competition: the side of the peer of `against.py`.

Series shorter than the windows are padded at the start. Without that, neither accepts M3 monthly.

usage: neuralforecast_side.py FOLDER GROUP SEED   (needs neuralforecast; prints a line of JSON for each model)
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from competitions import GROUPS, load, seasonal_naive_scale

warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


def main() -> None:
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM, NHITS

    folder, group, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    file, h, m, _ = GROUPS[group]
    table, series, actual = load(folder / f"{file}.parquet", h)
    scale = seasonal_naive_scale(series, m)
    quiet = {
        "start_padding_enabled": True,
        "enable_progress_bar": False,
        "logger": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
    }
    for name, kind, more in (("LSTM", LSTM, {}), ("NHITS", NHITS, {"input_size": 2 * h})):
        start = time.perf_counter()
        job = NeuralForecast(models=[kind(h=h, random_seed=seed + 1, **more, **quiet)], freq=1)
        job.fit(pd.DataFrame(table))
        fitted = time.perf_counter()
        forecast = job.predict()
        end = time.perf_counter()
        f = forecast.sort_values(["unique_id", "ds"])[name].to_numpy().reshape(-1, h)
        smape = float((200 * np.abs(f - actual) / (np.abs(f) + np.abs(actual))).mean())
        mase = float(np.nanmean(np.abs(f - actual).mean(axis=1) / scale))
        result = {"model": name, "smape": smape, "mase": mase, "fit": fitted - start, "predict": end - fitted}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
