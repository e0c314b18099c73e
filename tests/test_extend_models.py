"""The walk of docs/contributing/add-a-model.md: its files are written, imported, and used in a fresh process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_packages import entry_points_of, write_metadata

PAGE = Path(__file__).parent.parent / "docs" / "contributing" / "add-a-model.md"


def walk() -> tuple[dict[str, str], str]:
    """Return the files of the page, and the program that uses the model."""
    text = PAGE.read_text(encoding="utf-8")
    files = dict(re.findall(r"<!-- file (\S+) -->\n```\w+\n(.*?)```\n", text, re.DOTALL))
    (program,) = re.findall(r"<!-- run -->\n```python\n(.*?)```\n", text, re.DOTALL)
    assert len(files) + 1 == len(re.findall(r"^```\w+$", text, re.MULTILINE))
    return files, program


@pytest.mark.slow
def test_model_added_as_the_page_says_keeps_the_contract_and_forecasts(tmp_path):
    files, program = walk()
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_metadata(tmp_path, "my-package", entry_points_of(files["pyproject.toml"]))
    program += "from gatecast.forecasting import available_models\n"
    program += "assert available_models()[-1] == 'window-average'\n"
    program += "assert np.isfinite(forecast['Ensemble']).all()\n"
    program += "assert 'window-average' in comparison.scores['model'].tolist()\n"
    program += "print('the model forecasts')\n"
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths}
    for command in (["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], ["-c", program]):
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout == "the model forecasts\n"
