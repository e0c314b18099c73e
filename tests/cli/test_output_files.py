import os

import pytest

from gatecast.cli.output_files import write_atomically


def test_staged_files_appear_together(tmp_path):
    targets = [tmp_path / "a.csv", tmp_path / "b.PNG"]
    with write_atomically(targets) as drafts:
        assert [draft.parent for draft in drafts] == [tmp_path, tmp_path]
        assert [draft.suffix for draft in drafts] == [".csv", ".png"]
        for draft in drafts:
            draft.write_text("new")
            assert not any(target.exists() for target in targets)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.PNG"]


def test_a_failure_leaves_what_was_there(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError, match="no room"), write_atomically([old, new]) as drafts:  # noqa: PT012
        drafts[0].write_text("half")
        raise RuntimeError("no room")
    assert os.listdir(tmp_path) == ["old.csv"]
    assert old.read_text() == "old"


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "a.csv")
    with write_atomically([tmp_path / "link.csv"]) as drafts:
        drafts[0].write_text("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "a.csv").read_text() == "new"
