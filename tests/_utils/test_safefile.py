"""The container format: reading returns what was written, and any other file is refused."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from gatecast._utils import safefile
from gatecast.errors import ConfigError, FormatError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(0, np.float32)}


def test_read_returns_what_was_written(tmp_path):
    settings = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    safefile.write(tmp_path / "m", "example", settings, ARRAYS)
    stored, arrays = safefile.read(tmp_path / "m", "example")
    assert stored == settings
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_write_that_fails_raises_and_keeps_the_old_file(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"Cannot write the file \(.*\): got No such file or directory"):
        safefile.write(tmp_path / "nowhere" / "m", "example", {}, ARRAYS)
    path = tmp_path / "m"
    safefile.write(path, "example", {}, ARRAYS)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ConfigError, match="got No space left on device"):
        safefile.write(path, "example", {"other": 1}, ARRAYS)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_read_refuses_a_file_with_a_flipped_bit(tmp_path):
    path = tmp_path / "m"
    safefile.write(path, "example", {"size": 3}, ARRAYS)
    data = path.read_bytes()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(FormatError):
            safefile.read(path, "example")


def header(**changes):
    """Return a header with some entries changed."""
    return json.dumps({"schema": 1, "kind": "network", "settings": {}, "sha256": ""} | changes)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"text, not tensors", "Cannot read the file"),
        (save(ARRAYS), "The file was not saved by gatecast"),
        (save(ARRAYS, {"format": "pt"}), "The file was not saved by gatecast"),
        (save(ARRAYS, {"gatecast": "{"}), "The file was not saved by gatecast"),
        (save(ARRAYS, {"gatecast": "[]"}), "The file was not saved by gatecast"),
        (
            save(ARRAYS, {"gatecast": header(schema=2)}),
            "The file was saved by a newer version of gatecast (PATH): got schema 2",
        ),
        (
            save(ARRAYS, {"gatecast": header(kind="panel")}),
            "The file is of another kind (PATH): got 'panel'",
        ),
        (save(ARRAYS, {"gatecast": header(settings=3)}), "The header of the file is incomplete"),
        (save(ARRAYS, {"gatecast": header()}), "The file has been altered since it was saved"),
    ],
    ids=range(9),
)
def test_read_refuses_a_foreign_or_newer_file(data, text, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        safefile.read(path, "network")
    assert text.replace("PATH", str(path)) in str(caught.value)


def test_read_of_what_is_no_file_says_what_it_is(tmp_path):
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    paths = {
        tmp_path / "nothing": "No such file",
        tmp_path / "nothing" / "below": "No such file",
        tmp_path / "dangling": "got a link to a file that does not exist",
        tmp_path / "pipe": "Cannot read the file .*: got a pipe",
        tmp_path: "Cannot read the file .*: got a directory",
        "/dev/null": "Cannot read the file .*: got a device",
        "a\0b": "No such file",
    }
    for path, text in paths.items():
        with pytest.raises(FormatError, match=text) as caught:
            safefile.read(path, "network")
        assert str(caught.value).count("\n") == 0


def test_read_of_a_file_without_permission_says_so(tmp_path, monkeypatch):
    safefile.write(tmp_path / "m", "example", {}, ARRAYS)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FormatError, match="without read permission"):
        safefile.read(tmp_path / "m", "example")


@pytest.mark.parametrize(
    "text",
    [
        '{"schema": Infinity, "kind": "network", "settings": {}, "sha256": ""}',
        '{"schema": NaN, "kind": "network", "settings": {}, "sha256": ""}',
        '{"schema": true, "kind": "network", "settings": {}, "sha256": ""}',
        '{"schema": 1' + "0" * 5000 + ', "kind": "network", "settings": {}, "sha256": ""}',
        '{"schema": 1, "kind": ["network"], "settings": {}, "sha256": ""}',
        '{"schema": 1, "kind": "network", "sha256": "", "settings": {"a": ' + "[" * 70 + "]" * 70 + "}}",
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=range(8),
)
def test_read_refuses_headers_that_no_version_writes(text, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(save(ARRAYS, {"gatecast": text}))
    with pytest.raises(FormatError, match="was not saved by gatecast"):
        safefile.read(path, "network")


def test_digest_does_not_depend_on_the_order_of_settings(tmp_path):
    safefile.write(tmp_path / "m", "example", {"b": 1, "a": {"d": 2, "c": 3}}, ARRAYS)
    with safe_open(tmp_path / "m", framework="np") as file:
        header = json.loads(file.metadata()["gatecast"])
    turned = {name: header[name] for name in reversed(header)}
    turned["settings"] = {"a": {"c": 3, "d": 2}, "b": 1}
    (tmp_path / "n").write_bytes(save(ARRAYS, {"gatecast": json.dumps(turned)}))
    assert safefile.read(tmp_path / "n", "example")[0] == {"a": {"c": 3, "d": 2}, "b": 1}


def test_describing_names_what_went_wrong_and_lets_missing_models_pass():
    with pytest.raises(ConfigError, match="not installed"), safefile.describing("a network", "a"):
        raise ConfigError("not installed", argument="model")
    for argument in ("h", "settings", None):
        text = r"The file does not describe a network \(a\): got wrong\. Save it again"
        with pytest.raises(FormatError, match=text), safefile.describing("a network", "a"):
            raise ConfigError("wrong", argument=argument)
    with pytest.raises(FormatError, match="got KeyError: 'x'"), safefile.describing("a network", "a"):
        raise KeyError("x")
    with safefile.describing("a network", "a"):
        pass


def test_read_limits_the_depth_and_quotes_the_beginning_of_a_kind(tmp_path):
    deep = {"a": 0}
    for _ in range(60):
        deep = {"a": deep}
    safefile.write(tmp_path / "m", "example", deep, ARRAYS)
    assert safefile.read(tmp_path / "m", "example")[0] == deep
    for _ in range(3):
        deep = {"a": deep}
    safefile.write(tmp_path / "m", "example", deep, ARRAYS)
    with pytest.raises(FormatError, match="was not saved by gatecast"):
        safefile.read(tmp_path / "m", "example")
    safefile.write(tmp_path / "m", "k" * 60, {}, ARRAYS)
    with pytest.raises(FormatError, match=f"got '{'k' * 40}', expected a file of kind 'example'"):
        safefile.read(tmp_path / "m", "example")
