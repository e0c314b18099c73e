"""Compressed files and archives."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import zipfile

import pytest

from gatecast.data.reader import is_text_source, list_files, read, write
from gatecast.data.sources import compression
from gatecast.errors import ConfigError, DataError

ROWS = b"ds,y\n" + b"".join(b"2024-01-%02d,%d\n" % (day, day * day) for day in range(1, 29))
VALUES = [float(day * day) for day in range(1, 29)]


def compress_zstd(raw: bytes) -> bytes:
    return compression._zstandard().compress(raw)


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": compress_zstd}


@pytest.fixture
def archive(tmp_path):
    """Write a zip archive of members and return its path."""

    def make(name: str = "a.zip", **members: bytes) -> str:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as file:
            for member, content in members.items():
                file.writestr(member, content)
        return str(tmp_path / name)

    return make


def refusal(source, kind=DataError) -> str:
    """The message of the error that a source raises."""
    with pytest.raises(kind) as error:
        read(source)
    return str(error.value)


class TestDecompress:
    """Files that hold one compressed file."""

    @pytest.mark.parametrize("suffix", PACKERS)
    @pytest.mark.parametrize("name", ["sales.csv{}", "sales{}", "sales.csv", "sales.dat"])
    def test_compression_is_known_by_the_first_bytes(self, tmp_path, suffix, name):
        path = tmp_path / name.format(suffix)
        path.write_bytes(PACKERS[suffix](ROWS))
        panel, notes = read(path)
        assert panel.values.tolist() == VALUES
        assert len(notes) == 1

    @pytest.mark.parametrize("suffix", PACKERS)
    def test_parts_one_after_the_other_are_one_file(self, tmp_path, suffix):
        pack = PACKERS[suffix]
        (tmp_path / f"a{suffix}").write_bytes(pack(ROWS[:100]) + pack(ROWS[100:]))
        assert read(tmp_path / f"a{suffix}")[0].values.tolist() == VALUES

    @pytest.mark.parametrize("suffix", [".parquet", ".json"])
    def test_inner_format_is_read(self, tmp_path, suffix):
        write({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}, tmp_path / f"a{suffix}")
        (tmp_path / f"a{suffix}.gz").write_bytes(gzip.compress((tmp_path / f"a{suffix}").read_bytes()))
        assert read(tmp_path / f"a{suffix}.gz")[0].values.tolist() == [1.0, 2.0]

    def test_inner_name_decides_where_the_bytes_do_not(self, tmp_path):
        (tmp_path / "a.jsonl.gz").write_bytes(
            gzip.compress(b'\n{ "ds": "2024-01-01", "y": 1}\n{"ds": "2024-01-02", "y": 3}')
        )
        assert read(tmp_path / "a.jsonl.gz")[0].values.tolist() == [1.0, 3.0]

    def test_messages_name_the_compressed_file_and_its_rows(self, tmp_path):
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(ROWS.replace(b",9\n", b",x\n")))
        assert refusal(path).startswith("Invalid number (row 4, column 'y'): got 'x'")
        path.write_bytes(gzip.compress(b""))
        assert refusal(path).startswith(f"The file is empty ({path})")

    def test_files_of_a_pattern_are_series_without_both_suffixes(self, tmp_path):
        for name in ("north", "south"):
            (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(ROWS))
        assert read(f"{tmp_path}/*.gz")[0].ids.tolist() == ["north", "south"]

    @pytest.mark.parametrize("suffix", PACKERS)
    @pytest.mark.parametrize("n_bytes", [14, 60, -1])
    def test_incomplete_files_raise(self, tmp_path, suffix, n_bytes):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(PACKERS[suffix](ROWS)[:n_bytes])
        assert refusal(path).startswith(f"Cannot decompress the file ({path}): got ")
        assert refusal(path).endswith("data that is damaged or incomplete. Download or copy the file again.")

    @pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
    def test_damaged_files_raise(self, tmp_path, suffix):
        raw = bytearray(PACKERS[suffix](ROWS))
        raw[len(raw) // 2] ^= 255
        (tmp_path / f"a{suffix}").write_bytes(raw)
        assert refusal(tmp_path / f"a{suffix}").startswith("Cannot decompress the file")

    def test_file_above_the_limit_raises(self, tmp_path, monkeypatch):
        monkeypatch.setattr(compression, "MAX_BYTES", 1 << 20)
        (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1 << 21)))
        assert refusal(tmp_path / "a.gz").startswith("The file is too large when decompressed")

    def test_endless_nesting_raises(self, tmp_path):
        raw = ROWS
        for _ in range(3):
            raw = gzip.compress(raw)
        (tmp_path / "a.gz").write_bytes(raw)
        assert read(tmp_path / "a.gz")[0].values.tolist() == VALUES
        (tmp_path / "a.gz").write_bytes(gzip.compress(raw))
        assert refusal(tmp_path / "a.gz").startswith(f"Too many archives within archives ({tmp_path}/a.gz): expected")

    def test_zstandard_without_the_library_raises_with_advice(self, tmp_path, monkeypatch):
        (tmp_path / "a.zst").write_bytes(compress_zstd(ROWS))
        for name in ("compression.zstd", "backports.zstd"):
            monkeypatch.setitem(__import__("sys").modules, name, None)
        assert refusal(tmp_path / "a.zst", ConfigError).endswith('Install it: pip install "gatecast[zstd]"')

    def test_text_with_the_suffix_of_an_archive_is_read_with_a_note(self, tmp_path):
        (tmp_path / "a.csv.gz").write_bytes(ROWS)
        panel, notes = read(tmp_path / "a.csv.gz")
        assert panel.values.tolist() == VALUES
        assert notes[1:] == ("The file is named .gz but holds text, and is read as text.",)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
    def test_pipe_holds_any_format(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        thread = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(gzip.compress(ROWS),))
        thread.start()
        assert read(tmp_path / "pipe")[0].values.tolist() == VALUES
        thread.join()


class TestArchive:
    """Zip archives."""

    def test_the_only_table_is_read(self, archive):
        assert read(archive(**{"folder/sales.csv": ROWS}))[0].values.tolist() == VALUES

    def test_what_systems_add_is_no_file(self, archive):
        junk = {"__MACOSX/._sales.csv": b"x", ".DS_Store": b"x", "folder/Thumbs.db": b"x", "folder/": b""}
        assert len(read(archive(**junk, **{"folder/sales.csv": ROWS}))[1]) == 1

    def test_the_only_table_among_other_files_is_read_with_a_note(self, archive):
        _, notes = read(archive(**{"sales.csv": ROWS, "README.md": b"Sales.", "licence.pdf": b"%PDF"}))
        assert notes[1:] == ("The archive holds 'sales.csv', which is read, and 'README.md', 'licence.pdf'.",)

    def test_inner_formats_and_archives(self, archive, tmp_path):
        write({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}, tmp_path / "a.parquet")
        assert read(archive(**{"a.parquet": (tmp_path / "a.parquet").read_bytes()}))[0].values.tolist() == [1.0, 2.0]
        inner = archive("inner.zip", **{"sales.csv": ROWS})
        with open(inner, "rb") as file:
            assert read(archive(**{"inner.zip": file.read()}))[0].values.tolist() == VALUES
        assert read(archive(**{"sales.csv.gz": gzip.compress(ROWS)}))[0].values.tolist() == VALUES

    def test_several_tables_raise_with_the_way_to_select(self, archive):
        path = archive(**{"a.csv": ROWS, "b.csv": ROWS})
        assert refusal(path) == (
            f"The archive holds several files ({path}): got 'a.csv', 'b.csv'. "
            f"Append the name of one, as in {path}::a.csv, or a pattern for all, as in {path}::*."
        )

    def test_selection_by_name_and_by_pattern(self, archive):
        path = archive(**{"x/a.csv": ROWS, "x/b.csv": ROWS.replace(b"784", b"5"), "c.txt": b"notes"})
        for name in ("x/b.csv", "b.csv", " b.csv"):
            assert read(f"{path}::{name}")[0].values[-1] == 5.0
        panel, notes = read(f"{path}::*.csv")
        assert panel.ids.tolist() == ["a", "b"]
        assert notes[1] == "2 files were read."
        assert is_text_source(f"{path}::a.csv")
        assert [str(file) for file in list_files(f"{path}::a.csv")] == [path]

    def test_unknown_names_raise_with_the_nearest(self, archive):
        path = archive(**{"sales.csv": ROWS, "b.csv": ROWS})
        assert refusal(f"{path}::sale.csv") == (
            f"Unknown file in the archive ({path}): got 'sale.csv', expected one of 'sales.csv', 'b.csv'. "
            f"Did you mean {path}::sales.csv?"
        )

    def test_part_of_a_file_that_has_none_raises(self, archive, tmp_path):
        path = archive(**{"sales.csv": ROWS})
        assert refusal(f"{path}::sales.csv::x").startswith(f"The file has no parts to select ({path}::sales.csv)")
        (tmp_path / "a.csv").write_bytes(ROWS)
        assert refusal(f"{tmp_path}/a.csv::x").endswith("expected a spreadsheet, an archive or a database. Omit ::x.")

    def test_messages_name_the_member(self, archive):
        path = archive(**{"sales.csv": b"ds,y\n"})
        assert refusal(path).startswith(f"The file has a header but no rows ({path}::sales.csv)")

    def test_pattern_of_archives(self, archive, tmp_path):
        for name in ("north.zip", "south.zip"):
            archive(name, **{"sales.csv": ROWS, "more.csv": b"1"})
        assert read(f"{tmp_path}/*.zip::sales.csv")[0].ids.tolist() == ["north", "south"]

    def test_empty_archive_raises(self, archive):
        path = archive(**{".DS_Store": b"x"})
        assert refusal(path) == f"The archive is empty ({path}): expected a file with a table."
        assert refusal(archive()).startswith("The archive is empty")

    @pytest.mark.parametrize("n_bytes", [4, 60, -30])
    def test_incomplete_archive_raises(self, archive, n_bytes):
        path = archive(**{"sales.csv": ROWS})
        with open(path, "rb+") as file:
            raw = file.read()
            file.seek(0)
            file.truncate()
            file.write(raw[:n_bytes])
        assert refusal(path).startswith(
            f"Cannot read the file ({path}): got a zip archive or a spreadsheet that is damaged"
        )

    def test_damaged_member_raises(self, archive):
        path = archive(**{"sales.csv": ROWS})
        with open(path, "rb+") as file:
            file.seek(70)
            file.write(b"\xff" * 9)
        assert refusal(path).startswith(f"Cannot decompress the file ({path}): got a zip archive that is damaged")

    def test_encrypted_archive_raises(self, archive):
        path = archive(**{"sales.csv": ROWS})
        with open(path, "rb+") as file:
            raw = bytearray(file.read())
            # The flag of encryption, in the local header and in the directory.
            raw[6] |= 1
            raw[raw.index(b"PK\x01\x02") + 8] |= 1
            file.seek(0)
            file.write(raw)
        assert refusal(path) == f"The archive is encrypted ({path}). Unpack it with its password first."

    def test_member_above_the_limit_raises(self, archive, monkeypatch):
        monkeypatch.setattr(compression, "MAX_BYTES", 1 << 20)
        assert refusal(archive(**{"a.csv": bytes(1 << 21)})).startswith("The file is too large when decompressed")
