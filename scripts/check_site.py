"""Fail if a built site would ask the network for anything: scripts, styles, fonts, pictures."""

import re
import sys
from pathlib import Path

LOADS = (
    r"<(?:script|img|iframe|source|video|audio|object|embed|use)\b"
    r"[^>]*\b(?:src|srcset|data|href)=[\"']?(https?:)?//[^\"'> ]+",
    r"<link\b(?=[^>]*\brel=[\"']?[^\"'>]*(?:stylesheet|preload|preconnect|icon))"
    r"[^>]*\bhref=[\"']?(https?:)?//[^\"'> ]+",
    r"@import\s+[\"'(]?(?:url\()?[\"']?(https?:)?//[^\"') ]+",
    r"\bimport\([\"'](https?:)?//[^\"') ]+",
    r"<(?:pre|div)\b[^>]*\bclass=[\"'][^\"']*\bmermaid\b",  # the theme fetches what draws them
    r"url\([\"']?(https?:)?//[^\"') ]+",
)


def outside(folder: Path) -> list[str]:
    """Where pages or styles of a folder ask for something outside."""
    found = []
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.css")]):
        text = path.read_text(encoding="utf-8")
        found += [f"{path}: {hit.group(0)[:120]}" for load in LOADS for hit in re.finditer(load, text, re.IGNORECASE)]
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    pages = len(list(folder.rglob("*.html")))
    hits = outside(folder)
    print("\n".join(hits) or f"{pages} pages, none asks the network for anything")
    sys.exit(bool(hits) or not pages)
