"""Settings of a model with several outputs: one for all of them, a list, or a dict by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from gatecast._utils.suggestions import suggestion
from gatecast.errors import ConfigError, DataError

__all__ = ["by_single_output", "check_names", "each_output", "metrics_by_output", "rows_by_output"]


def check_names(
    given: Iterable[Any], names: Sequence[str], what: str, *, partial: bool = False, error: Any = ConfigError
) -> None:
    """Raise an error for a name that no output has, or a name that is missing.

    Args:
        given: The names of a dict.
        names: The names of the outputs.
        what: The argument, for the error.
        partial: Whether names may be missing.
        error: The class of the error.

    Raises:
        ConfigError: See above; or the class `error`.

    >>> check_names({"spraed": "mae"}, ["mean", "spread"], "metrics", partial=True)
    Traceback (most recent call last):
    gatecast.errors.ConfigError: metrics has the wrong names: got spraed, expected mean, spread. Did you mean spread?
    """
    given = list(given)
    unknown = [name for name in given if name not in names]
    if not unknown and (partial or len(set(given)) == len(set(names))):
        return
    fix = suggestion(str(unknown[0]), names) if unknown else ""
    got, expected = ", ".join(map(str, given)) or "none", ", ".join(names)
    raise error(f"{what} has the wrong names", got=got, expected=expected, fix=fix)


def each_output(value: Any, names: Sequence[str], argument: str) -> list[Any]:
    """Return a setting of each output.

    Args:
        value: One for all outputs, a list, or a dict by the name of the output.
        names: Names of the outputs.
        argument: Name of the argument.

    Raises:
        ConfigError: Another length, or other names.

    >>> each_output({"b": 2, "a": 1}, ["a", "b"], "loss"), each_output(3, ["a", "b"], "loss")
    ([1, 2], [3, 3])
    """
    if isinstance(value, Mapping):
        check_names(value, names, argument)
        return [value[name] for name in names]
    if isinstance(value, list | tuple):
        if len(value) != len(names):
            _refuse_length(value, names, argument)
        return list(value)
    return [value] * len(names)


def metrics_by_output(value: Any, names: Sequence[str], argument: str) -> tuple[tuple[Any, ...], ...]:
    """Return the metrics of each output.

    Args:
        value: A list with a metric or a list of metrics for each output, a dict of them by the name of the output, in
            which names may be missing, or None.
        names: Names of the outputs.
        argument: "metrics" or "weighted_metrics".

    Raises:
        ConfigError: Something else, another length, or other names.

    >>> metrics_by_output({"b": "mae"}, ["a", "b"], "metrics"), metrics_by_output(["mae", ["mse"]], "ab", "metrics")
    (((), ('mae',)), (('mae',), ('mse',)))
    """
    if not value:
        return ((),) * len(names)
    if isinstance(value, Mapping):
        check_names(value, names, argument, partial=True)
        items = [value.get(name) for name in names]
    elif isinstance(value, list | tuple) and len(value) == len(names):
        items = list(value)
    else:
        _refuse_length(value, names, argument)
    return tuple(() if m is None else tuple(m) if isinstance(m, list | tuple) else (m,) for m in items)


def by_single_output(value: Any, name: str, argument: str) -> Any:
    """Return a setting of the only output, which a dict may name."""
    return each_output(value, [name], argument)[0] if isinstance(value, Mapping) else value


def rows_by_output(value: Any, names: Sequence[str], what: str) -> list[Any] | None:
    """Return the weights of samples of each output, None where there are none; None if they are one array for all.

    Raises:
        DataError: Another number of arrays, or unknown names.

    >>> rows_by_output([1.0, 2.0, 3.0], ["a", "b"], "sample_weight")
    >>> rows_by_output({"b": [1.0]}, ["a", "b"], "sample_weight")
    [None, [1.0]]
    """
    if isinstance(value, Mapping):
        check_names(value, names, what, partial=True, error=DataError)
        return [value.get(name) for name in names]
    if not isinstance(value, list | tuple) or not any(part is None or hasattr(part, "__len__") for part in value):
        return None
    if len(value) != len(names):
        got, expected = f"{len(value)} arrays", f"{len(names)}: {', '.join(names)}"
        raise DataError(f"{what} has the wrong number of arrays", got=got, expected=expected)
    return list(value)


def _refuse_length(value: Any, names: Sequence[str], argument: str) -> NoReturn:
    """Raise the error for a list of another length than there are outputs."""
    fixes = {
        "metrics": f'For example, {argument}={{"{names[0]}": ["mae"]}}.',
        "loss": 'For example, loss="mse" for all outputs.',
    }
    fix = fixes.get(argument.removeprefix("weighted_"), "")
    got = f"{len(value)}" if isinstance(value, list | tuple) else repr(value)
    expected = f"{len(names)}: {', '.join(names)}"
    raise ConfigError(f"{argument} has the wrong length", got=got, expected=expected, fix=fix, argument=argument)
