"""Showing a training while it runs: one line on standard error, and nothing left behind."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from typing import TextIO

from gatecast.errors import ConfigError
from gatecast.nn.callbacks import EpochRecord

__all__ = ["shown", "verbosity"]


def shown(
    records: Iterable[EpochRecord], epochs: int, verbose: int = 1, out: TextIO | None = None
) -> Generator[EpochRecord, None, None]:
    """Hand records on, and show each as it passes.

    Args:
        records: The stream of a training.
        epochs: How many there may be.
        verbose: 0 nothing; 1 one line, rewritten, if `out` is a terminal; 2 a line an epoch.
        out: Where; standard error if None.

    Yields:
        The records.

    >>> record = EpochRecord(0, 5, 0.5, None, 0.1, 0.001, True, 0)
    >>> kept = list(shown([record], epochs=3, verbose=2, out=sys.stdout))
    epoch 1/3  loss 0.5  0.1 s
    """
    out = sys.stderr if out is None else out
    one_line = verbose == 1 and out.isatty()
    width, first = 0, None
    try:
        for record in records:
            first = record.epoch if first is None else first
            if one_line or verbose >= 2:
                text = describe(record, epochs, first)
                out.write(f"\r{text:<{width}}" if one_line else f"{text}\n")
                out.flush()
                width = len(text)
            yield record
    finally:
        if one_line and width:
            out.write("\n")
            out.flush()


def verbosity(verbose: object) -> int:
    """How much to show, as a number.

    Raises:
        ConfigError: Neither 0, 1, 2 nor "auto".
    """
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ConfigError("verbose is unknown", got=repr(verbose), expected='0, 1, 2 or "auto"')
    return int(verbose)


def describe(record: EpochRecord, epochs: int, first: int = 0) -> str:
    """An epoch in words; epochs are counted from 1 here, and from the first one of the call.

    >>> describe(EpochRecord(1, 10, 0.5, 0.25, 0.1, 0.001, False, 0), epochs=3)
    'epoch 2/3  loss 0.5  val_loss 0.25  best epoch 1  0.1 s'
    """
    parts = [f"epoch {record.epoch - first + 1}/{epochs}", f"loss {record.loss:.4g}"]
    if record.val_loss is not None:
        parts.append(f"val_loss {record.val_loss:.4g}")
    if not record.improved:
        parts.append(f"best epoch {record.best_epoch - first + 1}")
    return "  ".join([*parts, f"{record.seconds:.2g} s"])
