"""The language of a page: every text of a section is translated when it is laid out, names of the data never.

Sections write English. A catalogue pairs English texts with those of another language; "{name}" stands for anything,
"{n}" and "{n_...}" for a number, "{t_...}" for a text that has an entry itself, "{s_...}" for one that may have one,
such as the name of a model. A sentence that no entry fits stays English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from gatecast.errors import ConfigError

__all__ = ["LANGUAGES", "Raw", "Translator", "check_language"]

LANGUAGES = {"en": "English", "zh": "中文"}

LAST_LATIN = 0x2E7F
"""Last character before those of East Asian scripts."""

NAMES = ("name", "target", "layer")
"""Fields that are names of the data."""

_FIELD = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'])")
_NUMBER = r"[-+]?(?:[\d,]*\.?\d+(?:e[-+]?\d+)?|inf|nan)"
_RANGE = re.compile(f"{_NUMBER} to {_NUMBER}")


class Raw(str):
    """A name from the data, which no language changes.

    Example:
        >>> Translator("zh").translate(Raw("Summary")), Translator("zh").translate("Summary")
        ('Summary', '摘要')
    """

    __slots__ = ()

    def __new__(cls, value: Any) -> Raw:
        """Return any value as a name."""
        return super().__new__(cls, str(value))


class Translator:
    """Translates the texts of a page into one language.

    Args:
        language: "en" or "zh".

    Example:
        >>> Translator("zh").translate("12 steps"), Translator("en").translate("12 steps")
        ('12 步', '12 steps')
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.unknown: list[str] = []
        self._exact, self._patterns = _catalogue(language)
        self._known: dict[str, str] = {}

    def translate(self, text: str) -> str:
        """Return a text in the language of the page."""
        if self.language == "en" or isinstance(text, Raw) or not text:
            return text
        if text not in self._known:
            self._known[text] = self._translate(text)
        return self._known[text]

    def translate_cell(self, text: str) -> str:
        """Return the text of a cell: known words and ranges of numbers alone are translated."""
        if isinstance(text, Raw) or self.language == "en":
            return text
        return self._match(text) or text if _RANGE.fullmatch(text) else self._exact.get(text, text)

    def template(self, source: str) -> str:
        """Return the translation of an entry with its fields."""
        if self.language == "en":
            return source
        from gatecast.reporting.language.zh import TEXTS

        return TEXTS[source]

    def is_translated(self, text: str) -> bool:
        """Return whether a text that was translated is in the language of the page."""
        return self.language == "en" or any(ord(character) > LAST_LATIN for character in text)

    def _translate(self, text: str) -> str:
        """Translate a text by sentences where every one of them is known, else as a whole, else what is known of it."""
        sentences = _SENTENCE.split(text)
        parts = [self._match(sentence) for sentence in sentences]
        if any(part is None for part in parts) and len(parts) > 1:
            together = self._match(text)
            if together is not None:
                return together
        unknown = [sentence for sentence, part in zip(sentences, parts, strict=True) if part is None]
        self.unknown += [sentence for sentence in unknown if re.search("[a-z] |[a-z].* ", sentence)]
        return _join([sentence if part is None else part for sentence, part in zip(sentences, parts, strict=True)])

    def _match(self, text: str) -> str | None:
        """Return the translation of a text that an entry fits as a whole; None if none does."""
        if text in self._exact:
            return self._exact[text]
        for pattern, target in self._patterns:
            match = pattern.fullmatch(text)
            parts = None if match is None else self._parts(match.groupdict())
            if parts is not None:
                return target.format(**parts)
        return None

    def _parts(self, groups: Mapping[str, str]) -> dict[str, str] | None:
        """Return the fields of an entry, translated where they have to be; None if one of these is unknown."""
        parts = dict(groups)
        for name, part in groups.items():
            if name.startswith(("t_", "s_")):
                known = self._match(part)
                if known is None and name.startswith("t_"):
                    return None
                parts[name] = part if known is None else known
        return parts


def check_language(language: Any) -> str:
    """Return a language by its code.

    Raises:
        ConfigError: Another one.

    Example:
        >>> check_language("zh")
        'zh'
    """
    if isinstance(language, str) and language in LANGUAGES:
        return language
    raise ConfigError(
        f"Unknown language {str(language)[:50]!r}",
        expected=", ".join(f"{code!r} ({name})" for code, name in LANGUAGES.items()),
        fix='Write language="en", or leave it out.',
        argument="language",
    )


@cache
def _catalogue(language: str) -> tuple[Mapping[str, str], list[tuple[re.Pattern[str], str]]]:
    """Return the texts of a language without fields, and those with fields as patterns."""
    if language == "en":
        return {}, []
    from gatecast.reporting.language.zh import TEXTS

    exact = {_plain(source): _plain(target) for source, target in TEXTS.items() if not _FIELD.search(source)}
    # An entry with more of its own words is the more particular one.
    with_fields = sorted(filter(_FIELD.search, TEXTS), key=lambda source: -len(_FIELD.sub("", source)))
    return exact, [(_pattern(source), TEXTS[source]) for source in with_fields]


def _pattern(source: str) -> re.Pattern[str]:
    """Return what matches an English text with fields."""
    parts, end = [], 0
    for field in _FIELD.finditer(source):
        name = field[1]
        is_number = name == "n" or name.startswith("n_")
        # A name of the data ends as late as it can: it may hold the words that follow it.
        kind = _NUMBER if is_number else ".+" if name in NAMES else ".+?"
        parts += [re.escape(_plain(source[end : field.start()])), f"(?P<{name}>{kind})"]
        end = field.end()
    return re.compile("".join(parts) + re.escape(_plain(source[end:])), re.DOTALL)


def _plain(source: str) -> str:
    """Return a text with braces as they are written in the page."""
    return source.replace("{{", "{").replace("}}", "}")


def _join(sentences: list[str]) -> str:
    """Join sentences: after a Chinese full stop there is no space."""
    text = sentences[0]
    for sentence in sentences[1:]:
        text += sentence if text.endswith("。") else f" {sentence}"
    return text
