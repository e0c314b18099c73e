"""Write the names of months and weekdays of every language that CLDR knows, folded as `date_words.fold` does.

Needs Babel, which carries CLDR: pip install babel. Names with digits or spaces are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from babel import Locale
from babel.localedata import locale_identifiers

from gatecast.data.parsing.date_words import fold

OUT = Path(__file__).parent.parent / "src/gatecast/data/parsing/calendar_names.json"


def names_of(locale: Locale, attribute: str, key: int) -> set[str]:
    """All spellings of one month (1 to 12) or weekday (0 to 6)."""
    table = getattr(locale, attribute)
    texts = (table[context][width].get(key, "") for context in ("format", "stand-alone") for width in WIDTHS)
    return {name for text in texts if (name := fold(str(text))) and not any(c.isdigit() or c.isspace() for c in name)}


WIDTHS = ("wide", "abbreviated")


def main() -> int:
    languages: dict[str, list[set[str]]] = {}
    for identifier in sorted(locale_identifiers()):
        locale = Locale.parse(identifier)
        script = f"_{locale.script}" if locale.script else ""
        entry = languages.setdefault(locale.language + script, [set() for _ in range(13)])
        for month in range(1, 13):
            entry[month - 1] |= names_of(locale, "months", month)
        for day in range(7):
            entry[12] |= names_of(locale, "days", day)
    complete = {name: [" ".join(sorted(part)) for part in entry] for name, entry in languages.items() if all(entry)}
    lines = [f"{json.dumps(name)}: {json.dumps(parts, ensure_ascii=False)}" for name, parts in complete.items()]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(complete)} languages, {OUT.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
