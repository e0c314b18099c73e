"""Records that users name as in Keras: by a string, a class, or an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gatecast._utils import suggestions
from gatecast._utils.keras_names import advice_for
from gatecast.errors import ConfigError

__all__ = ["find_by_name", "layer_name", "nearest", "snake_case"]


def snake_case(name: str) -> str:
    """Return the name of a class in lower case, with underscores.

    >>> snake_case("GlorotUniform"), snake_case("L1L2")
    ('glorot_uniform', 'l1_l2')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def layer_name(name: str) -> str:
    """Return the name that Keras gives to a layer of a class.

    >>> layer_name("MaxPooling1D"), layer_name("SimpleRNN"), layer_name("LSTM")
    ('max_pooling1d', 'simple_rnn', 'lstm')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def nearest(name: object, names: Iterable[str]) -> str:
    """Return a sentence that suggests the most similar name, or an empty one.

    >>> nearest("unit", ["activation", "units"]), nearest("HeNorml", ["he_normal", "he_uniform"])
    ('Did you mean units?', 'Did you mean he_normal?')
    """
    known = list(names)
    match = suggestions.nearest(str(name), known) or suggestions.nearest(snake_case(str(name)), known)
    return f"Did you mean {match}?" if match else ""


def find_by_name(value: Any, base: type, kinds: Mapping[str, Any], argument: str, where: str) -> Any:
    """Return the record that a value names.

    Args:
        value: A name, a class, or a record.
        base: Base class of the records.
        kinds: Classes by name.
        argument: Name of the argument.
        where: Layer that the error names.

    Raises:
        ConfigError: The value names no record.

    >>> find_by_name("int", float, {"int": int}, "kind", "")
    0
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str) and (kind := kinds.get(value) or kinds.get(snake_case(value))) is not None:
        return kind()
    if isinstance(value, type) and issubclass(value, base):
        return value()
    raise ConfigError(
        f"Unknown {argument} {value!r}",
        where=where,
        expected=f"one of {', '.join(repr(name) for name in kinds)}, or an object of these classes",
        fix=(advice_for(value, f"{base.__name__.lower()}s") or nearest(value, kinds)) if isinstance(value, str) else "",
    )
