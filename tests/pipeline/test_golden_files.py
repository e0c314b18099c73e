"""Files of every schema so far are read and forecast what they did, for ever; see scripts/make_golden_files.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from file_cases import FILES, kind_of, use

from gatecast._utils import safefile

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
RELEASED = ("pretrained", "stream")
"""Files that forecast with the weights that come with the package, which new versions may train anew."""

LATER = [
    ("calibrator", "point"),
    ("calibrator", "mean_factor"),
    ("calibrator", "assumed"),
    ("panel", "keys"),
    ("panel", "known_future"),
    ("panel", "holidays"),
    ("panel", "levels"),
    ("reconciliation",),
]
"""Fields that the first versions of schema 1 did not write."""


def test_every_schema_has_golden_files():
    assert [f"schema-{number + 1}" for number in range(safefile.SCHEMA)] == SCHEMAS
    for schema in SCHEMAS:
        assert {path.stem for path in (GOLDEN / schema).glob("*.gatecast")} == set(FILES)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", FILES)
def test_golden_files_forecast_what_they_did(schema, name):
    expected = json.loads((GOLDEN / schema / "forecasts.json").read_text())[name]
    forecast = use(name, GOLDEN / schema / f"{name}.gatecast")
    assert expected
    if name in RELEASED:
        assert all(np.isfinite(forecast[column]).all() for column in expected)
        return
    for column, values in expected.items():
        np.testing.assert_allclose(np.asarray(forecast[column]).ravel(), values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("path", LATER, ids=".".join)
def test_files_without_a_later_field_are_read(tmp_path, path):
    settings, arrays = safefile.read(GOLDEN / "schema-1" / "lstm.gatecast", kind_of("lstm"))
    holder = settings if len(path) == 1 else settings[path[0]]
    del holder[path[-1]]
    safefile.write(tmp_path / "old.gatecast", kind_of("lstm"), settings, arrays)
    assert np.isfinite(use("lstm", tmp_path / "old.gatecast")["LSTM"]).all()
