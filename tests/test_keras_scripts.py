"""Scripts of the usual kinds, written for Keras 3, run with `keras` replaced by `gatecast` in their imports.

`make test-peers` runs them with Keras too.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from gatecast.backend import clear_session

SCRIPTS = sorted((Path(__file__).parent / "keras_scripts").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_for_keras_runs_with_gatecast(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = re.sub(r"^import keras$", "import gatecast as keras", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    code = re.sub(r"^from keras\b", "from gatecast", code, flags=re.MULTILINE)
    assert "import keras" not in code
    with warnings.catch_warnings():
        # A model is saved under a name of Keras, whose format is another one.
        warnings.filterwarnings("ignore", message=".* is written in the format of gatecast")
        exec(compile(code, path.name, "exec"), {"__name__": "__main__"})
    clear_session()
