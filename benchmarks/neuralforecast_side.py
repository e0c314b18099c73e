"""The same competition by neuralforecast's LSTM (its defaults) and NHITS: the peers' side of `against.py`.

Series shorter than the windows are padded in front, without which neither would take M3 monthly.

usage: neuralforecast_side.py FOLDER GROUP SEED   (needs neuralforecast; prints a line of JSON a model)
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
from competitions import GROUPS, load, scaled

warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


def main() -> None:
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM, NHITS

    folder, group, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    file, h, m, _ = GROUPS[group]
    table, series, actual = load(folder / f"{file}.parquet", h)
    unit = scaled(series, m)
    quiet = {
        "start_padding_enabled": True,
        "enable_progress_bar": False,
        "logger": False,
        "enable_model_summary": False,
        "accelerator": "cpu",
    }
    for name, kind, more in (("LSTM", LSTM, {}), ("NHITS", NHITS, {"input_size": 2 * h})):
        began = time.perf_counter()
        job = NeuralForecast(models=[kind(h=h, random_seed=seed + 1, **more, **quiet)], freq=1)
        job.fit(pd.DataFrame(table))
        fitted = time.perf_counter()
        said = job.predict()
        done = time.perf_counter()
        f = said.sort_values(["unique_id", "ds"])[name].to_numpy().reshape(-1, h)
        smape = float((200 * np.abs(f - actual) / (np.abs(f) + np.abs(actual))).mean())
        mase = float(np.nanmean(np.abs(f - actual).mean(axis=1) / unit))
        found = {"model": name, "smape": smape, "mase": mase, "fit": fitted - began, "predict": done - fitted}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
