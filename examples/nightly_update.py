"""A model that learns every night, and an alarm when it no longer helps.

Run it from cron or a systemd timer: python nightly_update.py STATE SALES.csv

SALES.csv has the columns `day` and `sales`, and grows. STATE is a folder with the model and the record of its scores.
There is nothing to orchestrate:

1. Nothing there yet: train on what there is.
2. At least H new days: score the model on them first, which it has not seen, next to the naive forecast. Then update
   it, a third as long as a training.
3. Alarm, exit code 3: over the newest scores the naive forecast did better, or the 80 % interval held far less than it
   says. One week alone says little, so it takes three of them. That is drift: what the model learned is no longer so.
   Look at the data, then delete STATE/model.gatecast to train anew. The new model begins a new record.
"""

import json
import sys
from pathlib import Path

import gatecast as gc
from gatecast.config import TrainingConfig

H, LEVEL = 7, 80
WINDOW = 3  # newest scores that decide
MIN_COVERAGE = 60  # percent of the values in the 80 % interval, below which it is an alarm
ALARM = 3  # exit code
TRAINING = TrainingConfig(n_members=1, max_steps=60)  # leave this out for your own data


def record_of(evaluation):
    """Return what to keep of a score."""
    model = evaluation.scores[0]
    naive = next(score for score in evaluation.scores if score.model in ("SeasonalNaive", "Naive"))
    return {"mae": model.mae, "naive": naive.mae, "coverage": model.coverage[LEVEL]}


def main():
    state, sales = Path(sys.argv[1]), sys.argv[2]
    state.mkdir(parents=True, exist_ok=True)
    file, record = state / "model.gatecast", state / "scores.jsonl"
    if not file.exists():
        forecaster = gc.Forecaster(H, model="lstm", level=LEVEL, training=TRAINING).fit(sales, progress=False)
        record.write_text("", encoding="utf-8")
        forecaster.save(file)
        print(f"trained: {forecaster.evaluation_.verdict}")
        return 0
    forecaster = gc.load(file)
    known = len(forecaster.panel_.values)
    n_new = len(gc.data.read(sales)[0].values) - known
    if n_new < H:
        print(f"{n_new} new days: the next score is due after {H}")
        return 0
    # Score first: after the update the model has seen these days.
    score = record_of(forecaster.evaluate(sales, n_rows=n_new // H * H))
    # The file is replaced in one step: a crash leaves the old model and no score, and the next night does both again.
    forecaster.update(sales, progress=False).save(file)
    with record.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(score) + "\n")
    newest = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()][-WINDOW:]
    mae, naive, coverage = (sum(row[name] for row in newest) / len(newest) for name in ("mae", "naive", "coverage"))
    print(f"mean absolute error of the newest {len(newest)} scores: {mae:.2f}, naive {naive:.2f}")
    print(f"{coverage:.0f} % of the values were in the {LEVEL} % interval")
    if len(newest) == WINDOW and (mae > naive or coverage < MIN_COVERAGE):
        reason = "the naive forecast did better" if mae > naive else "the intervals are too narrow"
        print(f"ALARM: {reason}", file=sys.stderr)
        return ALARM
    return 0


sys.exit(main())
