"""Files appear whole or not at all, with the mode, the link or the pipe that was there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gatecast._utils import safefile
from gatecast._utils.atomic import OLD_SECONDS, draft_of, replacing
from gatecast.data.sources import writers
from gatecast.errors import DataError, GatecastError

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and modes of POSIX")

WRITERS = {
    "a.csv": lambda path: writers.write({"y": [1.0]}, path),
    "a.json": lambda path: writers.write({"y": [1.0]}, path),
    "a.parquet": lambda path: writers.write({"y": [1.0]}, path),
    "a.gatecast": lambda path: safefile.write(path, "example", {}, {"a": np.zeros(2, np.float32)}),
}
"""Doors that write files."""


def test_replacing_makes_files_appear_together(tmp_path):
    targets = [tmp_path / "a.csv", tmp_path / "b.PNG"]
    with replacing(targets) as drafts:
        assert [draft.parent for draft in drafts] == [tmp_path, tmp_path]
        assert [draft.suffix for draft in drafts] == [".csv", ".png"]
        for draft in drafts:
            draft.write_text("new")
            assert not any(target.exists() for target in targets)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.PNG"]


def test_replacing_leaves_old_files_after_a_failure(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError, match="no space"), replacing([old, new]) as drafts:  # noqa: PT012
        drafts[0].write_text("half")
        raise RuntimeError("no space")
    assert os.listdir(tmp_path) == ["old.csv"]
    assert old.read_text() == "old"


def test_replacing_forces_files_to_disk_before_it_renames_any(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda one, other: (events.append("rename"), replace(one, other))[1])
    with replacing([tmp_path / "a", tmp_path / "b"]) as drafts:
        for draft in drafts:
            draft.write_text("new")
    # Two files, then for each its name and its folder.
    assert events == ["fsync", "fsync", "rename", "fsync", "rename", "fsync"]


def test_replacing_removes_drafts_of_killed_processes_and_no_others(tmp_path):
    old, young, other = (tmp_path / name for name in (".a.1.part.csv", ".a.2.part.csv", ".b.1.part.csv"))
    for path in (old, young, other):
        path.write_text("half")
    long_ago = time.time() - OLD_SECONDS - 60
    for path in (old, other):
        os.utime(path, (long_ago, long_ago))
    with replacing([tmp_path / "a.csv"]) as (draft,):
        draft.write_text("new")
    assert sorted(os.listdir(tmp_path)) == [".a.2.part.csv", ".b.1.part.csv", "a.csv"]
    assert draft_of(tmp_path / "a.csv").name.startswith(".a.")


@pytest.mark.parametrize("name", WRITERS)
def test_every_door_follows_links_also_those_to_nothing_yet(tmp_path, name):
    (tmp_path / "real").mkdir()
    link = tmp_path / name
    link.symlink_to(tmp_path / "real" / name)
    for _ in range(2):
        WRITERS[name](link)
        assert link.is_symlink()
        assert (tmp_path / "real" / name).stat().st_size > 0
    assert os.listdir(tmp_path / "real") == [name]


@posix
@pytest.mark.parametrize("name", WRITERS)
def test_every_door_keeps_the_mode_of_a_file(tmp_path, name):
    path = tmp_path / name
    path.touch()
    path.chmod(0o640)
    WRITERS[name](path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.unlink()
    umask = os.umask(0o027)
    try:
        WRITERS[name](path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
@pytest.mark.parametrize("name", WRITERS)
def test_every_door_writes_to_a_pipe_and_leaves_it(tmp_path, name):
    plain, pipe = tmp_path / "plain", tmp_path / name
    plain.mkdir()
    WRITERS[name](plain / name)
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    WRITERS[name](pipe)
    reader.join(10)
    assert received[0] == (plain / name).read_bytes()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == sorted([name, "plain"])


@posix
@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.gatecast"])
def test_a_full_disk_leaves_no_file_and_one_sentence(tmp_path, name):
    code = f"""
import resource, signal, sys
import numpy as np
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from gatecast._utils import safefile
from gatecast.data.sources import writers
from gatecast.errors import GatecastError
values = np.random.default_rng(0).random(100_000)
try:
    if {name!r}.endswith("gatecast"):
        safefile.write({name!r}, "example", {{}}, {{"a": values.astype(np.float32)}})
    else:
        writers.write({{"y": values}}, {name!r})
except GatecastError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Cannot write the file" in done.stdout, done.stderr
    assert ".part" not in done.stdout
    assert os.listdir(tmp_path) == []


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match="directory"):
        writers.write({"y": [1.0]}, tmp_path / "a.csv")


def test_drafts_of_threads_and_of_names_that_differ_in_case_are_different_files(tmp_path):
    assert draft_of(tmp_path / "a.csv") != draft_of(tmp_path / "a.csv")
    texts = [str(i) * 100_000 for i in range(8)]
    together = threading.Barrier(len(texts))

    def write(text):
        with replacing([tmp_path / "a.csv"]) as (draft,):
            together.wait(10)
            draft.write_text(text)
            together.wait(10)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a.csv").read_text() in texts
    with replacing([tmp_path / "b.csv", tmp_path / "b.CSV"]) as drafts:
        for draft, text in zip(drafts, ("small", "LARGE"), strict=True):
            draft.write_text(text)
    assert [(tmp_path / name).read_text() for name in ("b.csv", "b.CSV")] == ["small", "LARGE"]
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.CSV", "b.csv"]


@pytest.mark.parametrize("name", ["a" * 251 + ".csv", "\u4e2d" * 83 + ".csv"])
def test_a_name_that_is_as_long_as_the_system_allows_is_written(tmp_path, name):
    writers.write({"y": [1.0]}, tmp_path / name)
    assert os.listdir(tmp_path) == [name]


@posix
def test_a_file_gets_its_mode_once_it_is_open_and_before_it_has_its_name(tmp_path, monkeypatch):
    """A mode may forbid reading, and others may read nothing of it meanwhile."""
    target = tmp_path / "a"
    target.touch()
    target.chmod(0o200)
    events, modes = [], []
    chmod, fsync, replace, system_open = type(target).chmod, os.fsync, os.replace, os.open
    monkeypatch.setattr(type(target), "chmod", lambda path, mode: (events.append("chmod"), chmod(path, mode))[1])
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda one, other: (events.append("rename"), replace(one, other))[1])
    monkeypatch.setattr(os, "open", lambda *a, **k: (events.append("open"), system_open(*a, **k))[1])
    with replacing([target]) as (draft,):
        modes.append(stat.S_IMODE(draft.stat().st_mode))
        draft.write_text("new")
        events.clear()
    assert events[:4] == ["open", "chmod", "fsync", "rename"]
    assert modes == [0o600]
    assert stat.S_IMODE(target.stat().st_mode) == 0o200


LONG = "a" * 300
DOORS = {
    **{f"write {suffix}": suffix for suffix in (".csv", ".tsv", ".json", ".jsonl", ".parquet")},
    **{f"read {suffix}": suffix for suffix in (".csv", ".json", ".parquet", ".xlsx", ".csv.gz", ".duckdb")},
    "read part": ".duckdb::sales",
    "save": ".gatecast",
    "load": ".gatecast",
    "plot": ".svg",
    "load_model": ".keras",
    "save_model": ".gatecast",
}


def use_door(name, path):
    """Read or write a file through a public function."""
    import gatecast
    from gatecast.layers import Dense, Input
    from gatecast.models import Sequential, load_model
    from gatecast.plotting.charts import show
    from gatecast.plotting.spec import Chart

    what = name.partition(" ")[0]
    if what == "read":
        gatecast.data.read(path)
    elif what == "write":
        writers.write({"y": [1.0]}, path)
    elif what == "save":
        safefile.write(path, "example", {}, {"a": np.zeros(2, np.float32)})
    elif what == "load":
        gatecast.load(path)
    elif what == "plot":
        show(Chart("title", ()), path)
    elif what == "load_model":
        load_model(path)
    else:
        Sequential([Input((1,)), Dense(1)]).save(path)


@posix
@pytest.mark.parametrize("stem", ["loop", LONG, "folder/" + LONG, LONG + "/a"])
@pytest.mark.parametrize("door", DOORS)
def test_links_in_a_circle_and_names_that_are_too_long_are_refused_in_a_sentence(tmp_path, monkeypatch, door, stem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    suffix = DOORS[door].partition("::")[0]
    os.symlink("other" + suffix, "loop" + suffix)
    os.symlink("loop" + suffix, "other" + suffix)
    with pytest.raises(GatecastError):
        use_door(door, stem + DOORS[door])
    assert sorted(os.listdir(tmp_path)) == sorted(["folder", "loop" + suffix, "other" + suffix])
