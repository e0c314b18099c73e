"""Names of models and cells in help, completion and checks: the one place of the command line that knows them."""

from __future__ import annotations

from collections.abc import Iterable

from gatecast.forecasting import registry

__all__ = ["available_cells", "available_models", "complete_cells", "complete_models"]


def available_models() -> tuple[str, ...]:
    """Return the names that `--model` takes.

    >>> {"auto", "lstm", "naive"} <= set(available_models())
    True
    """
    return (registry.AUTO, *registry.available_models())


def available_cells() -> tuple[str, ...]:
    """Return the names of the recurrent cells among the models.

    >>> available_cells()[:2]
    ('lstm', 'gru')
    """
    return registry.CELL_MODELS


def complete_models(incomplete: str) -> list[str]:
    """Return what the shell offers after `--model` and `--models`; only the last name of a list is completed."""
    return _complete(incomplete, available_models())


def complete_cells(incomplete: str) -> list[str]:
    """Return what the shell offers after `--cells`."""
    return _complete(incomplete, available_cells())


def _complete(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the lists that continue the typed one."""
    head, comma, last = incomplete.rpartition(",")
    return [f"{head}{comma}{name}" for name in names if name.startswith(last)]
