"""A checkpoint: units are read where they were written, whatever lies in the folder; trouble is said once."""

from __future__ import annotations

import os
import sys
import time
from threading import Thread

import numpy as np
import pytest

from gatecast._utils import cache_folder, checkpoint, safefile
from gatecast._utils.checkpoint import Checkpoint, current_place, default_checkpoint, keeping, within, working_on
from gatecast.errors import ConfigError

ARRAYS = {"x": np.arange(3.0)}


class Notes(list):
    """Sentences in their order."""

    def __call__(self, sentence):
        self.append(sentence)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def warned():
    return Notes()


@pytest.fixture
def store(tmp_path, notes, warned):
    return lambda **options: Checkpoint(tmp_path / "units", notify=notes, warn=warned, **options)


class Interruption(Exception):  # noqa: N818 - it is no error
    """What interrupts the work."""


def work(units, *facts, parts=("a", "b"), stop=None):
    """Do work of some parts; return those that were done now."""
    done = []
    with keeping(units), working_on("work", *facts, total=(len(parts), "part")):
        for part in parts:
            with within(part):
                place = current_place()
                if place.read("part") is None:
                    done.append(part)
                    place.finish("part", {"part": part}, ARRAYS)
            if part == stop:
                raise Interruption
    return done


def interrupt(units, *facts, stop="a"):
    with pytest.raises(Interruption):
        work(units, *facts, stop=stop)


def files(folder):
    return sorted(os.listdir(folder / "units")) if (folder / "units").exists() else []


def test_interrupted_work_goes_on_with_the_units_that_are_missing(store, notes, tmp_path):
    interrupt(store())
    assert len(files(tmp_path)) == 1
    assert work(store()) == ["b"]
    assert notes[0].startswith("goes on from a checkpoint of ")
    assert notes[0].endswith(": 1 of 2 parts done.")


def test_finished_work_leaves_nothing(store, notes, tmp_path):
    assert work(store()) == ["a", "b"]
    assert not (tmp_path / "units").exists()
    assert notes == []


@pytest.mark.parametrize("facts", [(2,), (np.zeros(3),)])
def test_other_work_begins_anew_and_says_so(store, notes, tmp_path, facts):
    interrupt(store(), 1)
    assert work(store(), *facts) == ["a", "b"]
    assert "of other data, other settings or another version" in notes[0]
    # The units of the other work are its own.
    assert len(files(tmp_path)) == 1
    assert work(store(), 1) == ["b"]


def test_works_of_a_cache_are_no_surprise_to_each_other(store, notes):
    interrupt(store(is_cache=True), 1)
    work(store(is_cache=True), 2)
    assert notes == []


@pytest.mark.parametrize("damage", ["cut", "altered", "empty", "text", "folder", "of another unit", "of another kind"])
def test_damaged_and_foreign_files_are_not_used_and_that_is_said_once(store, warned, tmp_path, damage):
    interrupt(store(), stop="b")
    first, second = (tmp_path / "units" / name for name in files(tmp_path))
    for path, other in ((first, second), (second, first)):
        data = path.read_bytes()
        path.unlink()
        if damage == "folder":
            path.mkdir()
        elif damage == "of another kind":
            safefile.write(path, "network", {}, ARRAYS)
        elif damage == "of another unit":
            settings = {"place": "elsewhere"}
            safefile.write(path, "checkpoint", settings, ARRAYS)
        else:
            changed = {"cut": data[:-9], "altered": data[:-1] + b"\x07", "empty": b"", "text": b"t,y\n"}[damage]
            path.write_bytes(changed)
        assert other is not path
    if damage == "folder":
        # It cannot be written over either: the work is done all the same.
        with pytest.raises(Interruption):
            work(store(), stop="b")
        assert len(warned) == 2
        return
    assert work(store()) == ["a", "b"]
    assert len(warned) == 1
    assert "is not used, and its part is done again" in warned[0]


def test_files_with_other_names_stay(store, tmp_path):
    (tmp_path / "units").mkdir()
    (tmp_path / "units" / "sales.csv").write_text("t,y\n")
    (tmp_path / "units" / "model.gatecast").write_text("mine")
    work(store(is_cache=True))
    assert files(tmp_path) == ["model.gatecast", "sales.csv"]


def test_drafts_of_killed_processes_are_removed_at_the_end(store, tmp_path):
    interrupt(store())
    (name,) = files(tmp_path)
    (tmp_path / "units" / f".{name.removesuffix('.gatecast')}.1.part.gatecast").write_bytes(b"half")
    assert work(store()) == ["b"]
    assert files(tmp_path) == []


def test_nothing_is_written_before_the_delay_is_over_and_then_all(store, tmp_path, monkeypatch):
    units = store(delay=60)
    with keeping(units), working_on("work"):
        for part in range(2):
            with within(part):
                current_place().finish("part", {}, ARRAYS)
        assert files(tmp_path) == []
        now = time.monotonic()
        monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now + 61)
        with within(2):
            current_place().finish("part", {}, ARRAYS)
        assert len(files(tmp_path)) == 3
    assert files(tmp_path) == []


def test_what_waits_for_the_delay_is_what_it_was(store, monkeypatch):
    units, array = store(delay=60), np.zeros(2)
    now = time.monotonic()
    with keeping(units), working_on("work"):
        current_place().snapshot({}, {"x": array})
        array[:] = 7
        monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now + 61)
        with within("next"):
            current_place().finish("part", {}, ARRAYS)
        assert current_place().read("begun")[1]["x"].tolist() == [0.0, 0.0]


def test_a_finished_unit_replaces_its_parts_and_its_snapshot(store, tmp_path):
    with keeping(store()), working_on("work"):
        with within("part"):
            current_place().finish("training", {}, ARRAYS)
        current_place().snapshot({}, ARRAYS)
        assert len(files(tmp_path)) == 2
        current_place().finish("window", {}, ARRAYS)
        assert [name.split(".")[1] for name in files(tmp_path)] == ["window"]


def test_a_disk_that_is_full_is_said_once_and_the_work_goes_on(store, warned, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gatecast._utils.atomic._force_to_disk", refuse)
    assert work(store()) == ["a", "b"]
    assert len(warned) == 1
    assert "No space left on device" in warned[0]
    assert "the work goes on" in warned[0]


def test_a_folder_that_grows_too_large_stays_as_it_is(store, warned, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 30)
    with keeping(store()), working_on("work"):
        for part in range(3):
            with within(part):
                current_place().finish("part", {}, ARRAYS)
        assert len(files(tmp_path)) == 1
    assert len(warned) == 1
    assert "is full" in warned[0]


def test_what_json_cannot_hold_is_not_written(store, warned, tmp_path):
    with keeping(store()), working_on("work"):
        current_place().finish("part", {"ids": [object()]}, ARRAYS)
        assert files(tmp_path) == []
    assert len(warned) == 1


def test_a_checkpoint_that_is_a_file_is_refused_with_advice(tmp_path):
    (tmp_path / "taken").write_text("")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(ConfigError, match=r"Invalid checkpoint.*Name a new folder"), keeping(folder):
            pass


@pytest.mark.parametrize("folder", [True, 3, ""])
def test_a_checkpoint_that_is_no_path_is_refused(folder):
    with pytest.raises(ConfigError, match="expected a folder, or None"), keeping(folder):
        pass


def test_two_runs_of_the_same_work_may_share_a_folder(store, tmp_path):
    outer = store()
    with keeping(outer), working_on("work", total=(2, "part")):
        with within("a"):
            current_place().finish("part", {}, ARRAYS)
        # The other one finds the unit, ends and removes all.
        assert work(store()) == ["b"]
        with within("b"):
            current_place().finish("part", {}, ARRAYS)
        assert len(files(tmp_path)) == 1
    assert files(tmp_path) == []


def test_threads_have_the_place_of_their_context(store, tmp_path):
    from contextvars import copy_context

    def run(part):
        with within(part):
            current_place().finish("part", {}, ARRAYS)

    with keeping(store()), working_on("work"):
        threads = [Thread(target=copy_context().run, args=(run, part)) for part in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(files(tmp_path)) == 8


def test_without_a_checkpoint_there_is_no_place():
    with keeping(None), working_on("work"), within("part"):
        assert current_place() is None


def test_files_that_nobody_went_on_with_are_removed_from_the_cache_alone(store, tmp_path):
    interrupt(store(), "old")
    old = [tmp_path / "units" / name for name in files(tmp_path)]
    long_ago = time.time() - checkpoint.OLD_SECONDS - 10
    for path in old:
        os.utime(path, (long_ago, long_ago))
    interrupt(store(), "new")
    assert len(files(tmp_path)) == 2
    interrupt(store(is_cache=True), "newest")
    assert len(files(tmp_path)) == 2
    assert not old[0].exists()


def test_the_date_is_said_if_a_checkpoint_is_not_of_today(store, notes, tmp_path):
    interrupt(store())
    (name,) = files(tmp_path)
    os.utime(tmp_path / "units" / name, (86400 * 365.25 * 50, 86400 * 365.25 * 50))
    work(store())
    assert "checkpoint of 2020-01-0" in notes[0] or "checkpoint of 2019-12-31" in notes[0]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, ("/", "x", "gatecast", "c")),
        ("linux", {"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}, ("/", "h", ".cache", "gatecast", "c")),
        ("darwin", {"HOME": "/h"}, ("/", "h", "Library", "Caches", "gatecast", "c")),
        ("win32", {"LOCALAPPDATA": "/l"}, ("/", "l", "gatecast", "c")),
        ("win32", {"HOME": "/h", "LOCALAPPDATA": ""}, ("/", "h", "AppData", "Local", "gatecast", "c")),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
def test_cache_folder_is_where_the_system_has_it(monkeypatch, platform, environment, expected):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder.cache_folder("c").parts == expected


def test_default_checkpoint_of_a_user_without_a_home_is_none(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home():
        raise RuntimeError

    monkeypatch.setattr(cache_folder.Path, "home", no_home)
    assert default_checkpoint(print, print) is None


def test_seconds_are_those_of_interrupted_runs_too(store, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(checkpoint.time, "perf_counter", lambda: clock[0])

    def spend(units, seconds, *, stop):
        with keeping(units), working_on("work"):
            measured = checkpoint.start_clock()
            for k in range(2):
                clock[0] += seconds
                with within("window"), within("training", k):
                    current_place().finish("training", {}, ARRAYS)
            clock[0] += 1000 * stop
            if stop:
                raise Interruption
            return measured()

    for seconds in (1, 2):
        with pytest.raises(Interruption):
            spend(store(), seconds, stop=True)
    # What came after the newest unit is lost.
    assert spend(store(), 3, stop=False) == 2 * (1 + 2 + 3)
    assert spend(store(), 3, stop=False) == 2 * 3
