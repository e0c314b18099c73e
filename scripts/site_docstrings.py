"""For the site: examples in docstrings become blocks of code; the handler of docstrings takes them for quotations.

An extension of griffe, named in mkdocs.yml.
"""

import re

from griffe import Extension, Object

EXAMPLE = re.compile(r"(?:^(?P<indent>[ ]*)>>> .*\n?)(?:^(?P=indent)[^\s].*\n?)*", re.MULTILINE)
"""From a prompt to the next empty line."""


def fence(text: str) -> str:
    r"""A docstring with its examples in fences.

    >>> fence("Sum.\n\n>>> 1 + 1\n2\n\nMore.")
    'Sum.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.'
    """

    def fenced(match: re.Match[str]) -> str:
        indent, lines = match["indent"], match[0].rstrip("\n")
        return f"{indent}```pycon\n{lines}\n{indent}```" + "\n" * (len(match[0]) - len(lines))

    return EXAMPLE.sub(fenced, text)


class Examples(Extension):
    """Fences around the examples of every docstring."""

    def on_object(self, *, obj: Object, **kwargs: object) -> None:  # noqa: ARG002
        """Called for everything that is documented."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)
