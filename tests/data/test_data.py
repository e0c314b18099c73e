"""The public names of `gatecast.data`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gatecast.data


def test_public_names_stay_functions_and_classes_after_their_modules_are_imported():
    from gatecast.data import Freq, Panel, read

    panel, _ = read([1.0, 2.0, 4.0])
    assert isinstance(panel, Panel)
    assert panel.freq == Freq("step")
    assert dir(gatecast.data) == ["Freq", "Panel", "holiday_columns", "read"]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        gatecast.data.nothing  # noqa: B018


def test_import_of_the_package_alone_loads_nothing():
    code = "import sys; import gatecast.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"numpy", "duckdb", "narwhals", "pandas", "gatecast.data.reader"}
