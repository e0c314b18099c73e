"""The walk of docs/extend.md is walked: its blocks go into a copy of the sources, which is built and then measured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatecast.kernels import runtime

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "extend.md"

CHECK = """
import numpy as np
from gatecast.kernels import native, reference, runtime
from gatecast.kernels.packing import pack, pack_mask, unpack
from gatecast.layers import Dense, Input
from gatecast.models import Sequential
from gatecast.nn.layers.leaky import Leaky

assert native.__file__.startswith({home!r}), native.__file__
rng = np.random.default_rng(0)
B, T, F, H = 21, 9, 3, 7
shapes = {{"Wx": (F, H), "Wh": (H, H), "b": (H,)}}
params = {{n: rng.normal(0, 0.5, s).astype(np.float32) for n, s in shapes.items()}}
x, dy = (rng.normal(size=(B, T, n)).astype(np.float32) for n in (F, H))
mask = rng.random((B, T)) < 0.8
y, _, cache = native.forward("leaky", params, pack(x), mask=pack_mask(mask))
dx, _, grads = native.backward(params, cache, pack(dy))
want, _, saved = reference.forward("leaky", params, x, mask=mask)
want_dx, _, want_grads = reference.backward("leaky", params, saved, dy)
np.testing.assert_allclose(unpack(y, B), want, atol=1e-5)
np.testing.assert_allclose(unpack(dx, B), want_dx, atol=1e-5)
for name, grad in want_grads.items():
    np.testing.assert_allclose(grads[name], grad, atol=1e-4)
    direction = rng.normal(size=params[name].shape)
    above, below = (
        (reference.forward("leaky", params | {{name: params[name] + s * direction}}, x, mask=mask)[0] * dy).sum()
        for s in (1e-6, -1e-6)
    )
    np.testing.assert_allclose((above - below) / 2e-6, (grad * direction).sum(), rtol=1e-5)
model = Sequential([Input((T, F)), Leaky(H), Dense(1)])
model.compile(loss="mean_squared_error", optimizer="adam")
target = x.mean(axis=(1, 2))
loss = model.fit(x, target, epochs=30, verbose=0).history["loss"]
assert loss[-1] < 0.5 * loss[0], loss
print("the toy cell works")
"""


def page() -> str:
    """Return the text of the page."""
    return PAGE.read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str, str]]:
    """(file, text to insert before, or "" for the end of the file; block) of every marked block of the page."""
    marked = r"<!-- insert (\S+) (?:before (.*?)|at the end) -->\n```\w+\n(.*?)```\n"
    return re.findall(marked, page(), re.DOTALL)


def test_the_page_marks_every_block_that_is_code():
    text = page()
    assert len(blocks()) == text.count("```python") + text.count("```cpp")
    assert {file for file, _, _ in blocks()} >= {
        "native/cells.def",
        "native/kernels/cells/rnn-inl.h",
        "src/gatecast/kernels/equations.py",
    }


@pytest.mark.slow
def test_a_cell_added_as_the_page_says_equals_its_equations_and_learns(tmp_path):
    if shutil.which("cmake") is None and not (Path(sys.executable).parent / "cmake").exists():
        pytest.skip("no cmake: it comes with the test extra")
    for name in ("native", "src", "CMakeLists.txt"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    for file, anchor, block in blocks():
        path = tmp_path / file
        text, anchor = path.read_text(encoding="utf-8") if path.exists() else "", anchor.replace("\\n", "\n")
        assert not anchor or text.count(anchor) == 1, f"{file} has {text.count(anchor)} places like {anchor!r}"
        at = text.index(anchor) if anchor else len(text)
        path.write_text(text[:at] + block + text[at:], encoding="utf-8")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    options = [
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-DGATECAST_LEVELS={runtime.available_isas()[-1]}",
        "-G",
        "Ninja",
    ]
    for command in (
        ["-S", str(tmp_path), "-B", str(tmp_path / "build"), *options],
        ["--build", str(tmp_path / "build")],
    ):
        done = subprocess.run(["cmake", *command], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for module in (tmp_path / "build").glob("_native*.so"):
        shutil.copy(module, tmp_path / "src" / "gatecast" / "kernels")
    home = str(tmp_path / "src")
    # An editable install finds its package before any path: the copy must come first.
    program = "import sys\nsys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in type(f).__module__]\n"
    program += "sys.meta_path[:] = [f for f in sys.meta_path if 'Editable' not in type(f).__name__]\n"
    program += f"sys.path.insert(0, {home!r})\n" + CHECK.format(home=home)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "the toy cell works\n", done.stderr[-3000:]
