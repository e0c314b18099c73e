"""Unknown keyword arguments of functions that scripts for Keras call: an error that suggests what to write."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from gatecast._utils.suggestions import nearest
from gatecast.errors import ConfigError

__all__ = ["CheckedKeywords", "check_keywords"]

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
            _refuse(kwargs.keys() - known, known, where, advice)
            return function(*args, **kwargs)

        return checked

    return decorate


class CheckedKeywords(type):
    """Class of classes that refuse unknown keywords with a suggestion, also subclasses and dataclasses.

    `dtype=` is accepted, for scripts written for Keras: everything is computed as it is.

    >>> class Huber(metaclass=CheckedKeywords):
    ...     def __init__(self, delta=1.0):
    ...         self.delta = delta
    >>> Huber(delta=2.0, dtype="float32").delta, str(inspect.signature(Huber))
    (2.0, '(delta=1.0)')
    >>> Huber(dleta=2.0)
    Traceback (most recent call last):
    gatecast.errors.ConfigError: Unknown argument 'dleta' (Huber). Did you mean delta?
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object."""
        parameters = cls.__signature__.parameters
        if kwargs.keys() - parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            kwargs.pop("dtype", None)
            _refuse(kwargs.keys() - parameters, list(parameters), cls.__name__, {})
        return super().__call__(*args, **kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        """The arguments of `__init__`, as `help` shows them."""
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


def _refuse(unknown: Iterable[str], known: Sequence[str], where: str, advice: Mapping[str, str]) -> None:
    """Raise an error for the first unknown keyword, if there is any."""
    for name in sorted(unknown):
        if name in advice:
            raise ConfigError(f"{name}= is not available", where=where, fix=advice[name], argument=name)
        close = nearest(name, known)
        fix = f"Did you mean {close}?" if close else f"Arguments: {', '.join(known)}."
        raise ConfigError(f"Unknown argument {name!r}", where=where, fix=fix, argument=name)
