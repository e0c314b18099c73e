"""Scores of tables that have actual values next to forecasts, such as `Forecaster.cross_validation` returns.

Tables are pandas, polars or Arrow tables or dicts of columns; results are of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gatecast._utils.typing import ColumnTable, FloatArray
from gatecast._utils.validation import check_positive_int
from gatecast.errors import ConfigError, DataError
from gatecast.metrics import point, probabilistic

__all__ = ["CrossValidationColumns", "cross_validation_columns", "evaluate", "leaderboard", "to_columns"]

Metric = str | Callable[..., float]

POINT = {"mae": point.mae, "rmse": point.rmse, "mape": point.mape, "smape": point.smape}
SCALED = {"mase": point.mase, "rmsse": point.rmsse}
QUANTILE = {"pinball": probabilistic.pinball, "crps": probabilistic.crps, "wql": probabilistic.wql}
INTERVAL = {"coverage": probabilistic.coverage, "msis": probabilistic.msis}
NAMES = (*POINT, *SCALED, *QUANTILE, *INTERVAL)
"""Metrics of a table, by what they need: forecasts; training values too; quantiles; an interval of each level."""

NEEDS_TRAINING = ("mase", "rmsse", "msis")


class CrossValidationColumns(NamedTuple):
    """Roles of the columns of a table of forecasts and actual values.

    Args:
        id_col: Ids; several columns if they identify a series together; None for one series without an id.
        time_col: Times; None if there are none.
        cutoff_col: Cutoffs; None if there are none.
        target_col: Actual values.
        models: Columns of forecasts.
        levels: Levels of the intervals, in percent.
    """

    id_col: str | tuple[str, ...] | None
    time_col: str | None
    cutoff_col: str | None
    target_col: str
    models: tuple[str, ...]
    levels: tuple[float, ...]

    @property
    def id_cols(self) -> tuple[str, ...]:
        """The id columns: none, one or several."""
        return () if self.id_col is None else (self.id_col,) if isinstance(self.id_col, str) else self.id_col


def evaluate(
    df: Any,
    metrics: Metric | Sequence[Metric] = ("mae", "rmse", "smape"),
    *,
    models: Sequence[str] | None = None,
    train_df: Any = None,
    season_length: int = 1,
    level: Sequence[float] | float | None = None,
    target_col: str | None = None,
    agg_fn: str | None = None,
) -> Any:
    """Score every model of a table, series by series and cutoff by cutoff.

    Args:
        df: Actual values and forecasts, as `Forecaster.cross_validation` returns them: id, time, "cutoff", target,
            models. Without a column "cutoff" name the target. Rows without an actual value do not count.
        metrics: Names or functions of `gatecast.metrics`: "mae", "rmse", "mape", "smape"; "mase", "rmsse", "msis",
            which need `train_df`; "pinball", "crps", "wql", from the bounds of the intervals; "coverage".
        models: Columns to score; None: all.
        train_df: The series, as given to `cross_validation`; only rows up to each cutoff are used.
        season_length: Season of the scale of "mase", "rmsse" and "msis"; 1: naive.
        level: Levels of the intervals, in percent; None: all that the table has.
        target_col: Column of the actual values; None: the column after "cutoff".
        agg_fn: "mean" or "median" over series and cutoffs; None: a row for each.

    Returns:
        A table with id, cutoff and "metric", and a column for each model; NaN where a metric is not defined, or for a
        model without intervals. Metrics of an interval have a row for each level, such as "coverage_level80".

    Raises:
        ConfigError: An unknown metric, model or column, or no `train_df` where a metric needs it.

    Source: the interface of `utilsforecast.evaluation.evaluate`.

    Example:
        >>> df = {"ds": [3, 4], "cutoff": [2, 2], "y": [2.0, 4.0], "LSTM": [3.0, 4.0], "Naive": [1.0, 5.0]}
        >>> {name: column.tolist() for name, column in evaluate(df, "mae").items()}
        {'cutoff': [2], 'metric': ['mae'], 'LSTM': [0.5], 'Naive': [1.0]}
    """
    season_length = check_positive_int(season_length, "season_length")
    columns = to_columns(df)
    roles = cross_validation_columns(columns, target_col, level)
    roles = roles._replace(models=_check_models(models, roles.models))
    groups = list(_groups(columns, roles))
    names = _check_metrics(metrics, train_df)
    if set(names) & set(INTERVAL) and not roles.levels:
        raise ConfigError(
            "The table has no intervals of this level", got=repr(level), expected="<model>-lo-<level>", argument="level"
        )
    pasts = _training_values(train_df, columns, roles, groups) if set(names) & set(NEEDS_TRAINING) else None
    keys = {name: columns[name][[rows[0] for rows in groups]] for name in (*roles.id_cols, roles.cutoff_col) if name}
    parts: list[ColumnTable] = []
    for label, score in _scorers(names, roles, season_length):
        scores = np.array(
            [
                [score(columns, model, rows, None if pasts is None else pasts[k]) for model in roles.models]
                for k, rows in enumerate(groups)
            ]
        ).reshape(len(groups), len(roles.models))
        if agg_fn is not None:
            scores = _aggregate(scores, agg_fn)
        part = {} if agg_fn is not None else dict(keys)
        part["metric"] = np.full(len(scores), label, object)
        parts.append(part | dict(zip(roles.models, scores.T, strict=True)))
    return _like(df, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def leaderboard(
    df: Any,
    *,
    train_df: Any = None,
    season_length: int = 1,
    models: Sequence[str] | None = None,
    target_col: str | None = None,
) -> Any:
    """Rank the models of a table, the best first.

    Args:
        df: As for `evaluate`.
        train_df: As for `evaluate`: with it models are ranked by MASE, without it by MAE.
        season_length: As for `evaluate`.
        models: As for `evaluate`.
        target_col: As for `evaluate`.

    Returns:
        A table with a row for each model: "model", "mase" if `train_df` is given, "mae" (means over series and
        cutoffs), and "mean_rank" (1 is the best at every series and cutoff). Series that no model forecasts, or
        without a scale, do not count; a model without a forecast of the others has NaN and comes last.

    Raises:
        ConfigError: An unknown model or column.

    Example:
        >>> df = {"ds": [3, 4], "cutoff": [2, 2], "y": [2.0, 4.0], "LSTM": [3.0, 4.0], "Naive": [1.0, 5.0]}
        >>> {name: column.tolist() for name, column in leaderboard(df).items()}
        {'model': ['LSTM', 'Naive'], 'mae': [0.5, 1.0], 'mean_rank': [1.0, 2.0]}
    """
    columns = to_columns(df)
    names = ("mae",) if train_df is None else ("mase", "mae")
    settings: dict[str, Any] = {"models": models, "season_length": season_length, "target_col": target_col}
    scores = evaluate(columns, names, train_df=train_df, **settings)
    models = [name for name in list(scores)[list(scores).index("metric") + 1 :]]
    table: ColumnTable = {"model": np.array(models, object)}
    ranks = np.empty(0)
    for name in names:
        by_model = np.stack([scores[model][scores["metric"] == name] for model in models], axis=1)
        by_model = by_model[np.isfinite(by_model).any(axis=1)]
        table[name] = by_model.mean(axis=0) if len(by_model) else np.full(len(models), np.nan)
        if name == names[0]:
            ranks = _ranks(by_model)
    table["mean_rank"] = ranks.mean(axis=0) if len(ranks) else np.full(len(models), np.nan)
    order = np.lexsort((table["mean_rank"], table[names[0]]))
    return _like(df, {name: column[order] for name, column in table.items()})


def cross_validation_columns(
    columns: Mapping[str, Any], target_col: str | None = None, level: Sequence[float] | float | None = None
) -> CrossValidationColumns:
    """Return the roles of the columns: id, time, "cutoff", target, models with their bounds.

    Args:
        columns: Columns by name, in order.
        target_col: Column of the actual values; None: the one after "cutoff".
        level: Levels to use, in percent; None: all.

    Raises:
        ConfigError: Neither a column "cutoff" nor a target, or no model.

    Example:
        >>> names = ["shop", "day", "cutoff", "sold", "LSTM", "LSTM-lo-80", "LSTM-hi-80"]
        >>> roles = cross_validation_columns(dict.fromkeys(names))
        >>> roles.id_col, roles.time_col, roles.target_col, roles.models, roles.levels
        ('shop', 'day', 'sold', ('LSTM',), (80.0,))
    """
    names = list(columns)
    cutoff = "cutoff" if "cutoff" in names else None
    if target_col is None and (cutoff is None or names[-1] == cutoff):
        expected = 'a column "cutoff", the target after it'
        raise ConfigError("Missing target_col", got=", ".join(names), expected=expected, argument="target_col")
    target = target_col or names[names.index("cutoff") + 1]
    if target not in names:
        raise ConfigError(
            f"Unknown target_col {target!r}", expected=f"one of {', '.join(names)}", argument="target_col"
        )
    keys = [name for name in names[: names.index(target)] if name != cutoff]
    bounds = {name for name in names if _bound(name, names) is not None}
    models = tuple(name for name in names[names.index(target) + 1 :] if name not in bounds and name != cutoff)
    if not models:
        raise ConfigError("The table has no forecasts", got=", ".join(names), expected="columns after the target")
    levels = sorted({bound for name in bounds if (bound := _bound(name, names)) is not None})
    if level is not None:
        chosen = np.atleast_1d(np.asarray(level, float)).tolist()
        levels = [item for item in levels if item in chosen]
    ids = tuple(keys[:-1])
    return CrossValidationColumns(
        ids if len(ids) > 1 else next(iter(ids), None),
        keys[-1] if keys else None,
        cutoff,
        target,
        models,
        tuple(levels),
    )


def to_columns(table: Any) -> ColumnTable:
    """Return a table as arrays by name.

    Args:
        table: A pandas, polars or Arrow table, or a dict of columns.

    Raises:
        DataError: Something else, or columns of different lengths.

    Example:
        >>> to_columns({"y": [1.0, 2.0]})["y"].tolist()
        [1.0, 2.0]
    """
    if isinstance(table, Mapping):
        columns = {str(name): np.asarray(column) for name, column in table.items()}
    else:
        import narwhals

        frame: Any = narwhals.from_native(table, eager_only=True, pass_through=True)
        if frame is table:
            raise DataError(
                "Invalid table", got=type(table).__name__, expected="a pandas, polars or Arrow table or a dict"
            )
        columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name!r} {len(column)}" for name, column in columns.items())
        raise DataError("The columns differ in length", got=lengths)
    return columns


def _like(table: Any, columns: ColumnTable) -> Any:
    """Return columns as a table of the kind of another one."""
    if isinstance(table, Mapping):
        return columns
    import narwhals

    frame: Any = narwhals.from_native(table, eager_only=True)
    # As lists, strings get the string type of the library instead of its type for Python objects.
    cells = {name: column.tolist() if column.dtype.kind in "OU" else column for name, column in columns.items()}
    return narwhals.from_dict(cells, backend=frame.implementation).to_native()


def _bound(name: str, names: Sequence[str]) -> float | None:
    """Return the level of a bound of an interval, "<model>-lo-<level>"; None for another column."""
    for side in ("-lo-", "-hi-"):
        model, separator, level = name.rpartition(side)
        if separator and model in names and level.replace(".", "", 1).isdigit():
            return float(level)
    return None


def _check_models(models: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the models to score."""
    chosen = known if models is None else (models,) if isinstance(models, str) else tuple(models)
    for name in chosen:
        if name not in known:
            raise ConfigError(f"Unknown model {name!r}", expected=f"one of {', '.join(known)}", argument="models")
    return chosen


def _check_metrics(metrics: Metric | Sequence[Metric], train_df: Any) -> list[str]:
    """Return names of metrics."""
    chosen = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
    names = [item if isinstance(item, str) else getattr(item, "__name__", repr(item)) for item in chosen]
    for name in names:
        if name not in NAMES:
            raise ConfigError(f"Unknown metric {name!r}", expected=f"one of {', '.join(NAMES)}", argument="metrics")
        if name in NEEDS_TRAINING and train_df is None:
            fix = "Pass the series as train_df."
            raise ConfigError(f"Missing train_df: {name} scales errors by past changes", fix=fix, argument="train_df")
    return names


def _groups(columns: ColumnTable, roles: CrossValidationColumns) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of each series at each cutoff, in the order in which they begin."""
    n_rows = len(columns[roles.target_col])
    code = _codes([columns[name] for name in (*roles.id_cols, roles.cutoff_col) if name is not None], n_rows)
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    rows = np.argsort(position[group], kind="stable")
    sizes = np.bincount(position[group], minlength=len(order))
    yield from np.split(rows, np.cumsum(sizes)[:-1]) if n_rows else []


def _training_values(
    train_df: Any, columns: ColumnTable, roles: CrossValidationColumns, groups: Sequence[npt.NDArray[np.int64]]
) -> list[FloatArray]:
    """Return the values of each series up to each cutoff, in the order of time."""
    train = to_columns(train_df)
    for name in (*roles.id_cols, roles.time_col, roles.target_col):
        if name is not None and name not in train:
            raise ConfigError(f"Missing column {name!r} in train_df", got=", ".join(train), argument="train_df")
    times = None if roles.time_col is None else _times_like(train[roles.time_col], columns[roles.time_col])
    target = np.asarray(train[roles.target_col], np.float64)
    order = np.arange(len(target)) if times is None else np.argsort(times, kind="stable")
    code = _codes([train[name] for name in roles.id_cols], len(target))
    by_id = order[np.argsort(code[order], kind="stable")]
    starts = np.unique(code[by_id], return_index=True)[1]
    rows_of = dict(zip(_keys(train, roles, by_id[starts]), np.split(by_id, starts[1:]), strict=True))
    pasts = []
    for rows in groups:
        key = next(iter(_keys(columns, roles, rows[:1])))
        selected = rows_of.get(key, order[:0])
        if times is not None and roles.time_col is not None:
            # NumPy has no minimum of texts.
            before = min(columns[roles.time_col if roles.cutoff_col is None else roles.cutoff_col][rows])
            known = times[selected] < before if roles.cutoff_col is None else times[selected] <= before
            selected = selected[known]
        pasts.append(target[selected])
    return pasts


def _codes(columns: Sequence[npt.NDArray[Any]], n_rows: int) -> npt.NDArray[np.int64]:
    """Return a number for every combination of values of some columns."""
    code = np.zeros(n_rows, np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        code = np.unique(code, return_inverse=True)[1] * len(values) + inverse
    return code


def _keys(
    columns: ColumnTable, roles: CrossValidationColumns, rows: npt.NDArray[np.int64]
) -> Iterator[tuple[Any, ...]]:
    """Yield the id of some rows: a tuple of the values of the id columns."""
    values = [columns[name][rows].tolist() for name in roles.id_cols]
    return zip(*values, strict=True) if values else iter([()] * len(rows))


def _times_like(times: npt.NDArray[Any], like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return times as the type of others, where they are strings or objects."""
    return times.astype(like.dtype) if like.dtype.kind == "M" and times.dtype.kind in "OUS" else times


Scorer = Callable[[ColumnTable, str, npt.NDArray[np.int64], FloatArray | None], float]


def _scorers(names: Sequence[str], roles: CrossValidationColumns, m: int) -> Iterator[tuple[str, Scorer]]:
    """Yield the label of each metric, and a function of (columns, model, rows, past)."""
    for name in names:
        if name in INTERVAL:
            for level in roles.levels:
                yield f"{name}_level{level:g}", _interval_scorer(name, level, roles, m)
        else:
            yield name, _scorer(name, roles, m)


def _scorer(name: str, roles: CrossValidationColumns, m: int) -> Scorer:
    """Return the function of a metric of points or quantiles."""

    def score(columns: ColumnTable, model: str, rows: npt.NDArray[np.int64], past: FloatArray | None) -> float:
        """Score one model on some rows."""
        actual, forecast = _floats(columns[roles.target_col], rows), _floats(columns[model], rows)
        if name in POINT:
            return POINT[name](actual, forecast)
        if name in SCALED:
            return SCALED[name](actual, forecast, np.empty(0) if past is None else past, m)
        quantiles = {0.5: forecast}
        for level in roles.levels:
            for side, probability in (("lo", 0.5 - level / 200), ("hi", 0.5 + level / 200)):
                if (column := f"{model}-{side}-{level:g}") in columns:
                    quantiles[probability] = _floats(columns[column], rows)
        if len(quantiles) == 1:
            return float("nan")
        probabilities = sorted(quantiles)
        return QUANTILE[name](actual, np.stack([quantiles[q] for q in probabilities], axis=1), probabilities)

    return score


def _interval_scorer(name: str, level: float, roles: CrossValidationColumns, m: int) -> Scorer:
    """Return the function of a metric of the intervals of one level."""

    def score(columns: ColumnTable, model: str, rows: npt.NDArray[np.int64], past: FloatArray | None) -> float:
        """Score one model on some rows; NaN without intervals."""
        low, high = f"{model}-lo-{level:g}", f"{model}-hi-{level:g}"
        if low not in columns or high not in columns:
            return float("nan")
        actual, below, above = (_floats(columns[column], rows) for column in (roles.target_col, low, high))
        if name == "coverage":
            return probabilistic.coverage(actual, below, above)
        return probabilistic.msis(actual, below, above, np.empty(0) if past is None else past, m, level)

    return score


def _floats(column: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> FloatArray:
    """Return some values of a column."""
    return np.asarray(column[rows], np.float64)


def _aggregate(scores: FloatArray, agg_fn: str) -> FloatArray:
    """Return the mean or median over series and cutoffs where any model has a score, [1, n_models]."""
    if agg_fn not in ("mean", "median"):
        raise ConfigError(f"Invalid agg_fn {agg_fn!r}", expected="mean or median", argument="agg_fn")
    known = scores[np.isfinite(scores).any(axis=1)]
    if not len(known):
        return np.full((1, scores.shape[1]), np.nan)
    return np.asarray(known.mean(axis=0) if agg_fn == "mean" else np.median(known, axis=0))[None]


def _ranks(errors: FloatArray) -> FloatArray:
    """Return the rank of each model in each row, from 1, ties shared; NaN comes last."""
    filled = np.where(np.isfinite(errors), errors, np.inf)
    smaller = (filled[:, None, :] < filled[:, :, None]).sum(axis=2)
    equal = (filled[:, None, :] == filled[:, :, None]).sum(axis=2)
    return np.asarray(smaller + (equal + 1) / 2)
