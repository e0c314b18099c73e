"""Dependencies point downward, and heavy ones only where they are meant to be: the rules of docs/architecture.md."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gatecast

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "gatecast"
FILES = sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in SOURCE.rglob("*.py"))
FRONT = {"__init__", "__main__", "app/__init__", "data/__init__", "reporting/__init__"}
"""Doors: they re-export or start, and nothing imports them."""

THIRD_PARTY_ONLY_IN = {
    "duckdb": {"data/sql", "data/write"},
    "narwhals": {"data/tables"},
    "pandas": {"data/tables"},
    "polars": {"data/tables"},
    "pyarrow": {"data/tables"},
    "safetensors": {"checkpoint"},
    "typer": {"app/"},
    "rich": {"app/"},
    "matplotlib": {"drawing"},
    "plotly": {"figures", "reporting/build"},
    "optuna": {"studies"},
    "sqlalchemy": {"studies"},
    "gatecast._native": {"cells", "recurrent"},
}


def layers() -> list[list[str]]:
    """The layers of docs/architecture.md, lowest first, files of a layer in the order in which they may import."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"```layers\n(.*?)```", text, re.DOTALL)
    assert block is not None, "docs/architecture.md has no ```layers block"
    rows = [line.split(None, 1)[1] for line in block[1].splitlines() if line.strip()]
    return [[name.strip() for name in row.split(">")] for row in reversed(rows)]


def imports(file: str) -> set[str]:
    """Modules that a file imports anywhere in it, dotted."""
    tree = ast.parse((SOURCE / f"{file}.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the layer"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(file: str) -> set[str]:
    """Files of the package that a file imports."""
    names = {name.removeprefix("gatecast.").replace(".", "/") for name in imports(file) if name.startswith("gatecast.")}
    return names & set(FILES)


def test_every_file_has_its_place():
    placed = [name for layer in layers() for name in layer]
    assert len(placed) == len(set(placed))
    assert sorted(placed) == sorted(set(FILES) - FRONT)


@pytest.mark.parametrize("file", [name for name in FILES if name not in FRONT])
def test_imports_point_downward(file):
    rank = {name: (level, -place) for level, row in enumerate(layers()) for place, name in enumerate(row)}
    for other in own(file) - FRONT:
        assert rank[other] < rank[file], f"{file} imports {other}, which does not lie below it"


def test_network_side_and_data_side_do_not_know_each_other():
    network = {name for name in FILES if "/" not in name} & {
        name for level, row in enumerate(layers()) for name in row if level <= 3
    }
    for file in network:
        crossing = {name for name in own(file) if name.startswith("data/")}
        assert not crossing, f"{file} imports {crossing}"
    for file in (name for name in FILES if name.startswith("data/")):
        crossing = {name for name in own(file) if not name.startswith("data/")} - {"errors", "arrays"}
        assert not crossing, f"{file} imports {crossing}"


@pytest.mark.parametrize("library", THIRD_PARTY_ONLY_IN)
def test_libraries_are_known_only_where_they_are_meant_to_be(library):
    for file in FILES:
        used = any(name == library or name.startswith(f"{library}.") for name in imports(file))
        allowed = any(file == place or file.startswith(place) for place in THIRD_PARTY_ONLY_IN[library])
        assert not used or allowed, f"{file} imports {library}"


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, gatecast; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "duckdb",
        "narwhals",
        "pandas",
        "polars",
        "pyarrow",
        "typer",
        "rich",
        "matplotlib",
        "optuna",
        "plotly",
        "torch",
    }


def test_the_package_offers_its_public_names_and_no_others():
    assert set(gatecast.__all__) == {*dir(gatecast), "__version__"}
    assert gatecast.Forecaster.__module__ == "gatecast.forecaster"
    assert gatecast.Sequential.__module__ == "gatecast.models"
    assert issubclass(gatecast.GatecastError, Exception)
    with pytest.raises(AttributeError, match="no attribute 'forecast_everything'"):
        gatecast.forecast_everything  # noqa: B018


def test_source_files_and_functions_stay_small():
    long_files = {}
    for file in FILES:
        lines = (SOURCE / f"{file}.py").read_text(encoding="utf-8").splitlines()
        if len(lines) > 400:
            long_files[file] = len(lines)
    assert not long_files


def test_kernels_have_no_linkage_outside_their_level():
    """An inline function shared by two instruction-set levels could be merged by the linker: see simd-inl.h."""
    kernels = ROOT / "native" / "kernels"
    headers = sorted(kernels.rglob("*.h"))
    assert len(headers) > 10
    assert [path for path in (ROOT / "native").rglob("*-inl.h") if path not in headers] == []
    for header in [*headers, kernels / "kernels.cpp"]:
        text = header.read_text(encoding="utf-8")
        assert header.name.endswith(("-inl.h", ".cpp")), header.name
        assert not re.search(r"#include <(vector|algorithm|string|memory|functional)>", text), header.name
        assert text.count("namespace gatecast::GATECAST_ISA {") == 1, header.name
