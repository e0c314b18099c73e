"""Values of options as they were typed: every option is text that gatecast parses itself.

typer converts each value by a model of pydantic, whose import takes longer than that of NumPy. Text and absent values
are the same before and after, so they are handed on as they are; all other values are left to typer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["TextCommand", "TextGroup"]


class TextCommand(TyperCommand):
    """A command whose text is not converted."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, the option for help included."""
        return [_as_typed(parameter) for parameter in super().get_params(ctx)]


class TextGroup(TyperGroup):
    """A program whose text is not converted."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, those for help and completion included."""
        return [_as_typed(parameter) for parameter in super().get_params(ctx)]


def _as_typed(parameter: Any) -> Any:
    """Return a parameter that hands text and absent values on."""
    if "process_value" not in vars(parameter):
        vars(parameter)["process_value"] = partial(_process_value, parameter, parameter.process_value)
    return parameter


def _process_value(parameter: Any, convert: Any, ctx: Any, value: Any) -> Any:
    """Return the value of a parameter after its callback; only values that need it are converted."""
    is_text = isinstance(value, str) and getattr(parameter.type_descriptor, "annotation", None) is str
    is_absent = value is None and not parameter.required
    if parameter.nargs != 1 or parameter.multiple or not (is_text or is_absent):
        return convert(ctx, value)
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)
