"""Reconciliation beside hierarchicalforecast itself: the golden file says what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest
from witness_hierarchicalforecast import GOLDEN, answer


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_golden_file_is_what_the_library_says():
    said, golden = answer(), json.loads(GOLDEN.read_text(encoding="utf-8"))
    for name in ("errors", "base", "covariance", "mint", "wls-struct"):
        np.testing.assert_allclose(golden[name], said[name], rtol=1e-9, atol=1e-9)
