"""Messages and notes with the options of the command line in place of Python arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

__all__ = ["with_options"]

_FIT = re.compile(r'call fit\("((?:[^"\\]|\\.)*)"\)( with the same arguments)?')
_LIST = re.compile(r"\b(\w+)=(\[[^]]*\])")


def with_options(text: str, options: Mapping[str, str], argument: str | None = None) -> str:
    r"""Return a message with the options of the command line in place of Python arguments.

    Args:
        text: The message.
        options: Options by argument.
        argument: The argument that the error is about. Others are replaced only where they cannot be a word of English.

    >>> with_options("Name it with id_col, or write freq='MS'.", {"id_col": "--id-col", "freq": "--freq"})
    "Name it with --id-col, or write --freq 'MS'."
    >>> with_options("Set id_col, for example id_col=['shop', 'size in l'].", {"id_col": "--id-col"})
    "Set --id-col, for example --id-col 'shop,size in l'."
    >>> with_options("To use it, set keep_last=True.", {"keep_last": "--keep-last"})
    'To use it, set --keep-last.'
    >>> print(with_options("To sum them, call fit(\"SELECT ds, sum(y) FROM 'a.csv' GROUP BY ds\").", {}))
    To sum them, run gatecast forecast "SELECT ds, sum(y) FROM 'a.csv' GROUP BY ds".
    """
    text = _FIT.sub(_command_for_query, text)
    text = _LIST.sub(lambda match: _list_with_option(match, options), text)
    return " ".join(_token_with_option(token, options, argument) for token in text.split(" "))


def _list_with_option(match: re.Match[str], options: Mapping[str, str]) -> str:
    """Return a list of names, as "id_col=['store', 'item']", as the value of its option."""
    from ast import literal_eval

    try:
        names = literal_eval(match[2])
    except (SyntaxError, ValueError):
        return match[0]
    return f"{options[match[1]]} {shlex.quote(','.join(map(str, names)))}" if match[1] in options else match[0]


def _command_for_query(match: re.Match[str]) -> str:
    """Return the call with a query, as a Python string, as a command with a shell string."""
    query = re.sub(r"([$`])", r"\\\1", match[1])
    return f'run gatecast forecast "{query}"{" with the same options" if match[2] else ""}'


def _token_with_option(token: str, options: Mapping[str, str], argument: str | None) -> str:
    """Return a token, as "(id_col)," or "freq='MS'", with the option in place of the argument."""
    start = len(token) - len(token.lstrip("("))
    name, equals, value = token[start:].partition("=")
    bare = name.rstrip(".,:;)?")
    if bare not in options or not (equals or "_" in bare or bare == argument):
        return token
    if value.startswith("True"):
        return token[:start] + options[bare] + value.removeprefix("True")
    return token[:start] + options[bare] + (f" {value}" if equals else name[len(bare) :])
