"""What is shipped: licences of others, the bill of materials, tests in the source distribution; and no requests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTICES = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
SBOM = json.loads((ROOT / "src" / "gatecast" / "sbom.cdx.json").read_text(encoding="utf-8"))


def words(text):
    """Return the words of a text, however its lines are broken."""
    return " ".join(text.split())


def license_text(package):
    """Return the licence that an installed package brings."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        pytest.skip(f"needs {package}")
    return next(file for file in files if file.name.lower().startswith("license")).read_text()


@pytest.mark.parametrize("package", ["nanobind", "plotly"])
def test_notices_have_the_licence_of_what_is_passed_on(package):
    text = license_text(package)
    # Years and names of the holder change from release to release, the permission does not.
    body = text[max(text.find("Permission is hereby"), 0) :]
    assert words(body) in words(NOTICES)


def test_notices_have_the_licence_of_what_nanobind_links():
    nanobind = pytest.importorskip("nanobind")
    header = Path(nanobind.__file__).parent / "ext" / "robin_map" / "include" / "tsl" / "robin_map.h"
    comment = header.read_text(encoding="utf-8").partition("*/")[0].removeprefix("/**")
    assert words(re.sub(r"^ \*", "", comment, flags=re.MULTILINE)) in words(NOTICES)


@pytest.mark.slow
def test_interactive_charts_carry_the_notice_of_plotly(tmp_path):
    pytest.importorskip("plotly")
    import gatecast as gc

    forecaster = gc.Forecaster(h=3, model="naive").fit({"y": [float(k % 5) for k in range(40)]})
    forecaster.evaluation_.plot(tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert re.search(r"plotly\.js v[\d.]+\s.*?Licensed under the MIT license", page[:2_000_000], re.DOTALL)


def test_sbom_is_what_pyproject_says():
    pytest.importorskip("tomllib")
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "make_sbom.py"), "--check"], check=False)
    assert done.returncode == 0, "run scripts/make_sbom.py"


def test_sbom_names_each_dependency_once_and_all_that_is_linked():
    names = [item["bom-ref"] for item in SBOM["components"]]
    assert len(set(names)) == len(names)
    assert {"required:numpy", "required:duckdb", "holidays:holidays", "linked:nanobind", "linked:robin-map"} <= set(
        names
    )
    assert SBOM["dependencies"][0]["dependsOn"] == names
    for item in SBOM["components"]:
        if item["bom-ref"].startswith("linked:"):
            assert f"## {item['name']}" in NOTICES


@pytest.mark.slow
def test_source_distribution_has_its_tests_the_notices_and_the_sbom(tmp_path):
    backend = pytest.importorskip("scikit_build_core.build")
    if not (ROOT / "CMakeLists.txt").exists():
        pytest.skip("needs the sources")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        made = backend.build_sdist(str(tmp_path))
        metadata = backend.prepare_metadata_for_build_wheel(str(tmp_path))
    finally:
        os.chdir(before)
    with tarfile.open(tmp_path / made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ["THIRD_PARTY_NOTICES.md", "LICENSE", "src/gatecast/sbom.cdx.json", "tests/test_supply_chain.py"]
    assert set(wanted) <= names
    assert {"docs/index.md", "scripts/check_words.py", "native/cells.def", "Makefile", ".ci/run"} <= names
    assert not [name for name in names if name.startswith((".venv", "build/", "demo/")) or name.endswith(".so")]
    text = (tmp_path / metadata / "METADATA").read_text(encoding="utf-8")
    assert "License-File: LICENSE\n" in text
    assert "License-File: THIRD_PARTY_NOTICES.md\n" in text


@pytest.mark.slow
def test_fit_predict_and_report_open_no_socket(tmp_path):
    """Whatever would ask for an address or make a connection is an error, in Python and in what it starts."""
    code = """
import socket, sys, urllib.request
def refuse(*arguments, **options):
    raise AssertionError(f"a request: {arguments}")
for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "socketpair", "create_server"):
    setattr(socket, name, refuse)
import _socket
_socket.socket = refuse
sys.addaudithook(lambda event, a: refuse(event) if event.startswith(("socket.", "urllib.")) else None)
import gatecast as gc
from gatecast.config import TrainingConfig
table = gc.datasets.air_passengers()
quick = TrainingConfig(n_members=1, max_steps=2)
forecaster = gc.Forecaster(h=6, model=["lstm", "pretrained", "dot"], training=quick).fit(table)
forecaster.predict(level=[80])
forecaster.save("a.gatecast")
gc.load("a.gatecast").predict()
from gatecast.data import read
from gatecast.data.sources.writers import write
write({"ds": [1, 2, 3], "y": [1.0, 2.0, 3.0]}, "a.parquet")
read("SELECT * FROM 'a.parquet'")
for remote in ("SELECT * FROM 'https://example.invalid/a.parquet'", "SELECT * FROM 's3://example/a.parquet'"):
    try:
        read(remote)
    except gc.GatecastError:
        pass
gc.report(forecaster, "a.html")
print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr[-2000:]
