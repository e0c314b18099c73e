"""What hierarchicalforecast says on a hierarchy with two crossed levels: the source of the golden file.

usage: python tests/peers/witness_hierarchicalforecast.py
It needs hierarchicalforecast 1.5, and no gatecast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent.parent / "evaluation" / "golden" / "reconciliation.json"
PARENTS = ((0, 0, 0, 0, 0, 0), (1, 1, 1, 2, 2, 2), (3, 4, 4, 3, 4, 4))


def draw_question() -> dict[str, np.ndarray]:
    """Draw errors [n_errors, n_series] without a mean, and forecasts [n_series, n_steps] that do not add up."""
    rng = np.random.default_rng(3)
    n_base, n_totals, n_errors = 6, 5, 12
    S = np.vstack([np.zeros((n_totals, n_base)), np.eye(n_base)])
    for level in PARENTS:
        S[list(level), np.arange(n_base)] += 1
    parts = rng.normal(size=(n_base, n_errors))
    errors = (S @ parts + 0.3 * rng.normal(size=(len(S), n_errors))).round(3)
    base = (S @ rng.normal(50, 10, (n_base, 3)) + 3 * rng.normal(size=(len(S), 3))).round(3)
    return {"S": S, "errors": (errors - errors.mean(axis=1, keepdims=True)).T, "base": base}


def answer() -> dict[str, Any]:
    """Ask the library."""
    import hierarchicalforecast
    from hierarchicalforecast.methods import MinTrace
    from hierarchicalforecast.utils import _shrunk_covariance_schaferstrimmer_no_nans

    asked = draw_question()
    S, errors, base = asked["S"], asked["errors"], asked["base"]
    n = len(errors)
    # Errors that sum to 0 are refused as those of an overfitted model; a shift leaves their covariance as it is.
    shifted = {"y_insample": errors.T + 1, "y_hat_insample": np.zeros_like(errors.T)}
    mint = MinTrace("mint_shrink", mint_shr_ridge=0.0).fit_predict(S=S, y_hat=base, **shifted)
    covariance = _shrunk_covariance_schaferstrimmer_no_nans(errors.T, 0.0) * (n - 1) / n
    return {
        "hierarchicalforecast": hierarchicalforecast.__version__,
        "parents": PARENTS,
        "errors": errors.tolist(),
        "base": base.tolist(),
        "covariance": covariance.tolist(),
        "mint": mint["mean"].tolist(),
        "wls-struct": MinTrace("wls_struct").fit_predict(S=S, y_hat=base)["mean"].tolist(),
    }


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(answer()) + "\n", encoding="utf-8")
