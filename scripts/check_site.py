"""Fail if a built site requests anything from another host: scripts, styles, fonts, pictures."""

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
    r"<(?:pre|div)\b[^>]*\bclass=[\"'][^\"']*\bmermaid\b",  # the theme loads the library that draws them
    r"url\([\"']?(https?:)?//[^\"') ]+",
)


def find_requests(folder: Path) -> list[str]:
    """Return the requests to other hosts in pages and styles of a folder."""
    requests = []
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.css")]):
        text = path.read_text(encoding="utf-8")
        requests += [
            f"{path}: {hit.group(0)[:120]}" for load in LOADS for hit in re.finditer(load, text, re.IGNORECASE)
        ]
    return requests


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    pages = len(list(folder.rglob("*.html")))
    requests = find_requests(folder)
    print("\n".join(requests) or f"{pages} pages, no request to another host")
    sys.exit(bool(requests) or not pages)
