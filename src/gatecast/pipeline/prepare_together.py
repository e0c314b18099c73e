"""Preparation of several forecasts at once, each as if alone: of tables with the same times, one is read.

What `prepare` makes of a plain series besides its values depends on its times, on the settings, and on few facts about
the values: the seasons that it shows, and whether it is mostly zeros. Of series that have all of these in common, one
is prepared; its state, with their own values, is that of the others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from gatecast._utils.typing import FloatArray
from gatecast.config import DataConfig, ForecasterConfig
from gatecast.data.panel import Panel
from gatecast.data.plain_tables import PlainTable, are_plain, plain_table
from gatecast.errors import GatecastError
from gatecast.evaluation.calibration import is_mostly_zero
from gatecast.forecasting.base import FittedLocalModel
from gatecast.forecasting.season_selection import choose_seasons_alone
from gatecast.pipeline.read import read_source
from gatecast.pipeline.together import OnFault, Prepared, prepare

__all__ = ["Preparations", "Request"]

MAX_REMEMBERED = 128
"""Kinds of series, at most, whose preparation is remembered."""
MAX_REMEMBERED_ROWS = 200_000
"""Rows of their times, at most: some 20 MB."""


class Request(NamedTuple):
    """A forecast that is asked for.

    Args:
        source: As `gatecast.data.reader.read` takes it.
        config: Settings.
        futr_df: Future exogenous columns.
    """

    source: Any
    config: ForecasterConfig
    futr_df: Any = None


@dataclass
class _Kind:
    """Series of the same times and settings.

    Args:
        n_rows: Times.
        panel: As one of them was read; None: none was read for others yet.
        horizon: Of its task.
        is_shared: Whether what was read of one is what is read of others, but for the values.
        by_facts: What was prepared, by the facts about the values.
    """

    n_rows: int
    panel: Panel | None = None
    horizon: int = 0
    is_shared: bool = True
    by_facts: dict[Hashable, Prepared] = field(default_factory=dict)


class Preparations:
    """Prepares forecasts, and remembers of times that were read what they came to; no values of series.

    Example:
        >>> config = ForecasterConfig(h=2, model="pretrained", level=(80,))
        >>> months = [f"2024-{month:02}" for month in range(1, 13)]
        >>> past = [{"ds": months, "y": level + np.arange(12.0) % 5} for level in (5, 50)]
        >>> both = Preparations().prepare([Request(series, config) for series in past])
        >>> [bool((each.state.panel.values == series["y"]).all()) for each, series in zip(both, past)]
        [True, True]
    """

    def __init__(self) -> None:
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    def prepare(self, requests: Sequence[Request], on_fault: OnFault | None = None) -> list[Prepared | Exception]:
        """Return each forecast up to its pass, or what is wrong with it, as `prepare` does.

        Args:
            requests: What is asked for.
            on_fault: As for `forecast_together`.

        Raises:
            Exception: What failed for several requests together, without `on_fault`.
        """
        prepared: list[Prepared | Exception | None] = [None] * len(requests)
        groups: dict[Hashable, list[tuple[int, PlainTable]]] = {}
        for k, request in enumerate(requests):
            table = _plain(request)
            if table is not None:
                groups.setdefault((request.config, table.key), []).append((k, table))
        for key, members in groups.items():
            rows, tables = zip(*members, strict=True)
            try:
                answers = self._of_kind(key, [requests[k] for k in rows], tables)
            except Exception as error:
                if on_fault is None:
                    raise
                on_fault(error, len(rows))
                continue
            for k, answer in zip(rows, answers, strict=True):
                prepared[k] = answer
        return [_alone(requests[k]) if each is None else each for k, each in enumerate(prepared)]

    def _of_kind(
        self, key: Hashable, requests: Sequence[Request], tables: Sequence[PlainTable]
    ) -> list[Prepared | Exception | None]:
        """Return what is prepared of series of the same times and settings; None for those that are prepared alone."""
        answers: list[Prepared | Exception | None] = [None] * len(requests)
        values = np.stack([table.values for table in tables])
        is_new, kind = key not in self._kinds, self._kinds.get(key, _Kind(values.shape[1]))
        self._remember(key, kind)
        if (is_new and len(requests) == 1) or not kind.is_shared:
            # Times that come once are read once: to learn what others may share with them is another reading.
            return answers
        if kind.panel is None:
            # One of them shows what the times are.
            one = int(np.isfinite(values).all(axis=1).argmax())
            reading = answers[one] = _alone(requests[one])
            if isinstance(reading, Exception) or not _is_of_values_alone(reading, values[one]):
                return answers
            kind.is_shared = _keeps_places(requests[one], tables[one])
            if not kind.is_shared:
                return answers
            kind.panel = replace(reading.state.panel, values=np.zeros(values.shape[1]))
            kind.horizon = reading.state.horizon
        plain = np.flatnonzero(are_plain(values, kind.panel))
        seasons = choose_seasons_alone(values[plain], kind.panel, kind.horizon, requests[0].config.season_length)
        facts = list(zip(seasons, is_mostly_zero(values[plain]).tolist(), strict=True))
        for k, fact in zip(plain.tolist(), facts, strict=True):
            if fact not in kind.by_facts:
                first = answers[k] = answers[k] or _alone(requests[k])
                if isinstance(first, Exception):
                    continue
                kind.by_facts[fact] = _with_values(first, np.zeros(values.shape[1]))
            answers[k] = _with_values(kind.by_facts[fact], values[k])
        return answers

    def _remember(self, key: Hashable, kind: _Kind) -> None:
        """Remember a kind; those that came last are kept."""
        self._kinds[key] = kind
        self._kinds.move_to_end(key)
        n_rows = sum(each.n_rows for each in self._kinds.values())
        while len(self._kinds) > MAX_REMEMBERED or n_rows > MAX_REMEMBERED_ROWS:
            n_rows -= self._kinds.popitem(last=False)[1].n_rows


def _plain(request: Request) -> PlainTable | None:
    """Return the table of a request whose preparation it may share with others; None: it is prepared alone."""
    config = request.config
    if request.futr_df is not None or config.data != DataConfig() or config.id_col is not None or config.hierarchy:
        return None
    if not isinstance(config.model, str) or not isinstance(config.target_col, str | None) or config.training.finetune:
        return None
    return plain_table(request.source, config.time_col, config.target_col)


def _alone(request: Request) -> Prepared | Exception:
    """Return what is prepared of one request, or the error."""
    try:
        return prepare(*request)
    except Exception as error:
        return error


def _keeps_places(request: Request, table: PlainTable) -> bool:
    """Return whether every value has the place in the panel that it has in the table: none is sorted, moved or added.

    Numbers of the rows in the place of the values show it, whatever these are.
    """
    rows = np.arange(len(table.values), dtype=request.source[table.target].dtype)
    try:
        panel, _ = read_source({**request.source, table.target: rows}, request.config)
    except GatecastError:
        return False
    return np.array_equal(panel.values, rows)


def _is_of_values_alone(prepared: Prepared, values: FloatArray) -> bool:
    """Return whether a panel is one series with these values, and models know nothing but these."""
    panel, models = prepared.state.panel, prepared.state.ensemble.models
    is_same = len(panel) == 1 and len(panel.values) == len(values) and np.array_equal(panel.values, values)
    return is_same and all(isinstance(model, FittedLocalModel) for model in models)


def _with_values(prepared: Prepared, values: FloatArray) -> Prepared:
    """Return what is prepared, of a series with other values."""
    state = prepared.state
    context = prepared.context.with_values(values[None])
    return replace(prepared, state=replace(state, panel=replace(state.panel, values=values)), context=context)
