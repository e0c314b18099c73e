"""Prepare docstrings for mkdocstrings: an extension of griffe, listed in mkdocs.yml.

Examples become code blocks, which they would not be otherwise. Named tuples, whose source has no `__init__`, get the
one that Python generates from their fields.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Class, Extension, Function, Object, Parameter, ParameterKind, Parameters

EXAMPLE = re.compile(r"^(?P<indent>[ ]*)>>> .*\n?(?:^(?P=indent)\S.*\n?)*", re.MULTILINE)
"""An example, from a prompt to the next empty line."""


def fence(text: str) -> str:
    """Return a docstring with its examples in code blocks."""

    def fenced(match: re.Match[str]) -> str:
        """Return one example as a code block."""
        indent, code = match["indent"], match[0].rstrip("\n")
        return f"{indent}```pycon\n{code}\n{indent}```" + match[0][len(code) :]

    return EXAMPLE.sub(fenced, text)


class Docstrings(Extension):
    """Changes to documented objects."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:  # noqa: ARG002
        """Make code blocks of examples."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)

    def on_class(self, *, cls: Class, **kwargs: Any) -> None:  # noqa: ARG002
        """Add the constructor of a named tuple."""
        if not any(str(base).endswith("NamedTuple") for base in cls.bases):
            return
        kind = ParameterKind.positional_or_keyword
        fields = [item for item in cls.attributes.values() if "instance-attribute" in item.labels or item.annotation]
        parameters = [
            Parameter(item.name, annotation=item.annotation, kind=kind, default=item.value) for item in fields
        ]
        init = Function("__init__", parameters=Parameters(Parameter("self", kind=kind), *parameters), returns="None")
        cls.set_member("__init__", init)
