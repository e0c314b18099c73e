"""The recipe of the registry of MLflow: it needs MLflow, which `make test-peers` installs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.peers, pytest.mark.slow]

RECIPE = Path(__file__).parents[2] / "examples" / "mlflow_registry.py"


def test_registry_recipe_serves_the_best_candidate_that_beats_the_naive_forecast(tmp_path):
    pytest.importorskip("mlflow")
    environment = {
        **os.environ,
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": (tmp_path / "runs").as_uri(),
    }
    done = subprocess.run(
        [sys.executable, str(RECIPE)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    line = (
        r"^(\S+): mean absolute error (\S+), \w+ (\S+), (\d+) % in the 80 % interval: (champion|logged, not promoted)$"
    )
    rows = re.findall(line, done.stdout, re.MULTILINE)
    assert [name for name, *_ in rows] == ["naive", "dot", "pretrained", "drift"]
    best = float("inf")
    for _, error, naive, _, end in rows:
        is_better = float(error) < min(float(naive), best)
        assert (end == "champion") == is_better
        best = min(best, float(error)) if is_better else best
    version = max(k for k, row in enumerate(rows, 1) if row[-1] == "champion")
    assert f"served: version {version}" in done.stdout
