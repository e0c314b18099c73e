"""Progress of a training run: a line on standard error, or a line per epoch."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from typing import TextIO

from gatecast.errors import ConfigError
from gatecast.nn.callbacks import EpochRecord

__all__ = ["format_epoch", "show_progress", "verbosity"]


def show_progress(
    records: Iterable[EpochRecord], epochs: int, verbose: int = 1, out: TextIO | None = None
) -> Generator[EpochRecord, None, None]:
    """Pass records on and show each of them.

    Args:
        records: The records of a training run.
        epochs: The maximum number of epochs.
        verbose: 0 for silence; 1 for one line that is rewritten, if `out` is a terminal; 2 for a line per epoch.
        out: Where to write; None for standard error.

    Yields:
        The records.

    >>> record = EpochRecord(0, 5, 0.5, None, 0.1, 0.001, True, 0)
    >>> passed_on = list(show_progress([record], epochs=3, verbose=2, out=sys.stdout))
    epoch 1/3  loss 0.5  0.1 s
    """
    out = sys.stderr if out is None else out
    one_line = verbose == 1 and out.isatty()
    width, first = 0, None
    try:
        for record in records:
            first = record.epoch if first is None else first
            if one_line or verbose >= 2:
                text = format_epoch(record, epochs, first)
                out.write(f"\r{text:<{width}}" if one_line else f"{text}\n")
                out.flush()
                width = len(text)
            yield record
    finally:
        if one_line and width:
            out.write("\n")
            out.flush()


def verbosity(verbose: object) -> int:
    """Return how much to show: 0, 1 or 2.

    Raises:
        ConfigError: Another value than 0, 1, 2 and "auto".

    >>> verbosity("auto")
    1
    """
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ConfigError(f"Invalid verbose {verbose!r}", expected='0, 1, 2 or "auto"', argument="verbose")
    return int(verbose)


def format_epoch(record: EpochRecord, epochs: int, first: int = 0) -> str:
    """Return an epoch as text, counted from 1 and from the first epoch of the call.

    >>> format_epoch(EpochRecord(1, 10, 0.5, 0.25, 0.1, 0.001, False, 0), epochs=3)
    'epoch 2/3  loss 0.5  val_loss 0.25  best epoch 1  0.1 s'
    """
    parts = [f"epoch {record.epoch - first + 1}/{epochs}", f"loss {record.loss:.4g}"]
    if record.val_loss is not None:
        parts.append(f"val_loss {record.val_loss:.4g}")
    if not record.improved:
        parts.append(f"best epoch {record.best_epoch - first + 1}")
    return "  ".join([*parts, f"{record.seconds:.2g} s"])
