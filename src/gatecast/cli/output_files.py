"""Files that a command writes: checked before the work, written under another name, renamed all together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gatecast._utils.atomic import draft_of, replacing, resolve
from gatecast.cli.input_files import named_path
from gatecast.errors import ConfigError, DataError

__all__ = [
    "GATES",
    "MODEL",
    "MODEL_SUFFIX",
    "ONNX",
    "PAGE",
    "PLOT",
    "REPORT",
    "TABLE",
    "TABLE_SUFFIXES",
    "OutputKind",
    "check_distinct",
    "check_not_input",
    "check_outputs",
    "write_outputs",
]

MODEL_SUFFIX = ".gatecast"
TABLE_SUFFIXES = (".csv", ".parquet", ".json")
PAGE_SUFFIX = ".html"


class OutputKind(NamedTuple):
    """An option that names an output file, and the suffixes that it takes."""

    option: str
    suffixes: tuple[str, ...]


TABLE = OutputKind("--out", TABLE_SUFFIXES)
MODEL = OutputKind("--out", (MODEL_SUFFIX,))
PAGE = OutputKind("--out", (PAGE_SUFFIX,))
ONNX = OutputKind("--out", (".onnx",))
GATES = OutputKind("--gates", TABLE_SUFFIXES)
PLOT = OutputKind("--plot", (".png", ".svg"))
REPORT = OutputKind("--report", (PAGE_SUFFIX,))


def check_outputs(inputs: Sequence[Path | str | None], requested: Mapping[OutputKind, str | None]) -> dict[str, Path]:
    """Return the requested files by option; refuse what could not be written, while nothing is lost yet.

    Args:
        inputs: What is read and must survive: files, and patterns and queries, which may read several.
        requested: Names by kind; None where an option is absent.

    Raises:
        ConfigError: A file that cannot be written, two options that name one file, or a library for charts and pages
            that is not installed.
    """
    targets: dict[str, Path] = {}
    read = _input_files(inputs)
    for kind, name in requested.items():
        if name is not None:
            path = _check_output(named_path(name, kind.option), kind, read)
            check_distinct(path, kind.option, targets)
            _require_library(path, kind)
            targets[kind.option] = path
    return targets


def check_not_input(path: Path, option: str, inputs: Sequence[Path | str | None]) -> None:
    """Refuse to write to a file that is read, under whatever name.

    Raises:
        ConfigError: The file is one of the inputs.
    """
    _refuse_input(path, option, _input_files(inputs))


def _input_files(inputs: Sequence[Path | str | None]) -> list[Path]:
    """Return the existing files that are read."""
    from gatecast.data.reader import list_files

    return [path for source in inputs if source is not None for path in list_files(source)]


def _refuse_input(path: Path, option: str, read: Sequence[Path]) -> None:
    """Refuse a file that is read."""
    if os.path.exists(path) and any(path.samefile(source) for source in read):
        raise ConfigError(f"{option} would overwrite the input", where=str(path), fix="Choose another name.")


def check_distinct(path: Path, option: str, targets: Mapping[str, Path]) -> None:
    """Refuse a file that another option writes.

    Raises:
        ConfigError: One of the targets is this file.
    """
    for other, target in targets.items():
        if _real(path, option) == _real(target, other):
            raise ConfigError(f"{option} would overwrite {other}", where=str(path), fix="Choose another name.")


def _check_output(path: Path, kind: OutputKind, read: Sequence[Path]) -> Path:
    """Return the path if a file can be written there."""
    option, where = kind.option, str(path)
    folder = _real(path, option).parent
    if os.path.isdir(path):
        raise ConfigError(f"Invalid {option}", where=where, got="a directory", expected="the name of a file")
    if path.suffix.lower() not in kind.suffixes:
        raise ConfigError(
            f"Invalid {option}",
            where=where,
            got=repr(path.suffix) if path.suffix else "no suffix",
            expected=" or ".join(filter(None, [", ".join(kind.suffixes[:-1]), kind.suffixes[-1]])),
            fix=_suggest_name(path, kind),
        )
    if not os.path.isdir(folder):
        fix = f"Make the folder first: mkdir -p {folder}" if not os.path.exists(folder) else ""
        raise ConfigError(f"Invalid {option}", where=where, got="a folder that does not exist", fix=fix)
    _refuse_input(path, option, read)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"Invalid {option}", where=where, got="a folder without write permission")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise ConfigError(f"Invalid {option}", where=where, got="a write-protected file", fix="Choose another name.")
    _try_to_write(path, option)
    return path


def _suggest_name(path: Path, kind: OutputKind) -> str:
    """Return the advice for an unknown suffix."""
    if kind is PLOT and path.suffix.lower() == PAGE_SUFFIX:
        return f"Write --report {path} for a page."
    return f"Write {kind.option} {path.with_suffix(kind.suffixes[0])}."


def _require_library(path: Path, kind: OutputKind) -> None:
    """Refuse a chart, a page or a model whose library is not installed."""
    if kind is PLOT:
        from gatecast.plotting.charts import require_library

        require_library(path)
    elif kind is ONNX:
        from gatecast.nn.onnx_files.proto import require_onnx

        require_onnx()


def _try_to_write(path: Path, option: str) -> None:
    """Create a file and remove it: permissions alone do not tell what a file system accepts."""
    target = _real(path, option)
    if os.path.exists(target) and not os.path.isfile(target):
        return
    draft = draft_of(target)
    try:
        draft.open("xb").close()
        draft.unlink()
    except OSError as error:
        raise _unwritable(path, option, error.strerror or str(error)) from None


def _real(path: Path, option: str) -> Path:
    """Return the file behind links."""
    try:
        return resolve(path)
    except OSError as error:
        raise _unwritable(path, option, error.strerror or str(error)) from None


def _unwritable(path: Path, option: str, reason: str) -> ConfigError:
    """Return the system's refusal, under the name that the user typed."""
    return ConfigError(f"Cannot write {option}", where=str(path), got=reason)


def write_outputs(targets: Mapping[str, Path], writers: Mapping[str, Callable[[Path], Any]]) -> list[str]:
    """Write all files or none, and return their names.

    Args:
        targets: Files by option, from `check_outputs`.
        writers: For each option, a function that writes to a path.

    Raises:
        ConfigError: The system refuses a file.
    """
    names = list(targets.items())
    try:
        with replacing(list(targets.values())) as drafts:
            for (option, target), draft in zip(names, drafts, strict=True):
                with _naming(target, option, draft):
                    writers[option](draft)
    except OSError as error:
        # The error carries the name of the file that was refused.
        refused = [(option, target) for option, target in names if str(target) == str(error.filename)]
        option, target = (*refused, *names)[0]
        raise _unwritable(target, option, error.strerror or str(error)) from error
    return [str(target) for target in targets.values()]


@contextmanager
def _naming(target: Path, option: str, draft: Path) -> Iterator[None]:
    """Turn a refusal of the system into an error about the file that the user named."""
    try:
        yield
    except OSError as error:
        raise _unwritable(target, option, error.strerror or str(error)) from error
    except DataError as error:
        # The name of the draft would mean nothing to the user; other errors of data speak for themselves.
        if error.where != str(draft):
            raise
        raise _unwritable(target, option, str(error.got) or error.what) from error
