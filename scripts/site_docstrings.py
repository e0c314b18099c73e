"""For the site: what docstrings say is made known to mkdocstrings. An extension of griffe, named in mkdocs.yml.

Examples become blocks of code, where they would be taken for quotations; named tuples, which have no `__init__` in
their source, get the one that Python makes of their fields.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Class, Extension, Function, Object, Parameter, ParameterKind, Parameters

EXAMPLE = re.compile(r"^(?P<indent>[ ]*)>>> .*\n?(?:^(?P=indent)\S.*\n?)*", re.MULTILINE)
"""From a prompt to the next empty line."""


def fence(text: str) -> str:
    """A docstring with its examples in fences."""

    def fenced(match: re.Match[str]) -> str:
        """One example."""
        indent, code = match["indent"], match[0].rstrip("\n")
        return f"{indent}```pycon\n{code}\n{indent}```" + match[0][len(code) :]

    return EXAMPLE.sub(fenced, text)


class Docstrings(Extension):
    """What is done to everything that is documented."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:  # noqa: ARG002
        """Fences around examples."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)

    def on_class(self, *, cls: Class, **kwargs: Any) -> None:  # noqa: ARG002
        """The constructor of a named tuple."""
        if not any(str(base).endswith("NamedTuple") for base in cls.bases):
            return
        kind = ParameterKind.positional_or_keyword
        fields = [one for one in cls.attributes.values() if "instance-attribute" in one.labels or one.annotation]
        given = [Parameter(one.name, annotation=one.annotation, kind=kind, default=one.value) for one in fields]
        made = Function("__init__", parameters=Parameters(Parameter("self", kind=kind), *given), returns="None")
        cls.set_member("__init__", made)
