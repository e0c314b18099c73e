"""Unknown keyword arguments of functions that scripts for Keras call: an error that suggests what to write."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gatecast._utils.suggestions import nearest
from gatecast.errors import ConfigError

__all__ = ["check_keywords"]

P = ParamSpec("P")
R = TypeVar("R")


def check_keywords(**advice: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function refuse unknown keywords with a suggestion.

    Args:
        **advice: What to write instead of arguments of Keras that the function does not have.

    >>> @check_keywords(nb_epoch="Write epochs=.")
    ... def fit(x, epochs=1):
    ...     return epochs
    >>> fit(0, epochs=2)
    2
    >>> for name in ("nb_epoch", "epoch"):
    ...     try:
    ...         fit(0, **{name: 2})
    ...     except ConfigError as error:
    ...         print(error)
    nb_epoch= is not available (fit). Write epochs=.
    Unknown argument 'epoch' (fit). Did you mean epochs?
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters
        known = [name for name in parameters if name != "self"]
        where = function.__qualname__.removesuffix(".__init__").removeprefix("Trainer.")

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs.keys() - known:
                if name in advice:
                    raise ConfigError(f"{name}= is not available", where=where, fix=advice[name], argument=name)
                close = nearest(name, known)
                fix = f"Did you mean {close}?" if close else f"Arguments: {', '.join(known)}."
                raise ConfigError(f"Unknown argument {name!r}", where=where, fix=fix, argument=name)
            return function(*args, **kwargs)

        return checked

    return decorate
