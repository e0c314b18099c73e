"""Run the Python blocks of the documentation and write what they print below them.

usage: update_docs.py [PAGE ...]; without pages, all of them

Run it after a change that alters an output. `tests/test_docs.py` runs the same blocks and compares: text must be
equal; with `<!-- within N % -->` before an output, its numbers may differ by N percent.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CHINESE = DOCS / "zh"
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")), *sorted(DOCS.rglob("*.md"))]

BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n*(?:<!-- within (?P<percent>\d+) % -->\n)?```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
OTHER_TESTS = re.compile(r"<!-- (?:insert|file|run)\b.*?-->\n```.*?```", re.DOTALL)
"""Blocks that go into files: tests/test_extend.py and tests/test_extend_models.py run those of their pages."""


class Block(NamedTuple):
    """A block of Python and its output.

    Args:
        code: Source.
        percent: Tolerance of the numbers in the output; None: the text must be equal.
        output: What the page shows; None: nothing.
    """

    code: str
    percent: str | None
    output: str | None


def read_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page."""
    text = OTHER_TESTS.sub("", page.read_text(encoding="utf-8"))
    return [Block(**match.groupdict()) for match in BLOCK.finditer(text)]


def run_blocks(page: Path) -> Iterator[str]:
    """Run the blocks of a page in the current folder; yield what each of them prints.

    Blocks of a page of the site share their variables. Blocks of other pages run on their own.
    """
    shared: dict[str, object] = {}
    for number, block in enumerate(read_blocks(page), 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = compile(block.code, f"{page.name}, block {number}", "exec", dont_inherit=True)
            exec(code, shared if page.is_relative_to(DOCS) else {})
        yield printed.getvalue()


def update_page(page: Path, outputs: list[str]) -> bool:
    """Write outputs below the blocks of a page; return whether it changed."""
    text = page.read_text(encoding="utf-8")
    remaining = iter(outputs)

    def with_output(match: re.Match[str]) -> str:
        """Return a block with its new output."""
        printed = next(remaining)
        if match["output"] is None:
            return match[0] + (f"\n```text\n{printed}```\n" if printed else "")
        start, end = (position - match.start() for position in match.span("output"))
        return match[0][:start] + printed + match[0][end:]

    changed = BLOCK.sub(with_output, text)
    if changed != text:
        page.write_text(changed, encoding="utf-8")
    return changed != text


def main(pages: list[Path]) -> None:
    """Update pages; the Chinese ones take the outputs of the English ones."""
    os.environ.setdefault("MPLBACKEND", "agg")
    for page in pages:
        if page.is_relative_to(CHINESE) or OTHER_TESTS.search(page.read_text(encoding="utf-8")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            outputs = list(run_blocks(page))
            os.chdir(ROOT)
        for version in dict.fromkeys([page, CHINESE / page.name]):
            if not version.exists():
                continue
            if len(read_blocks(version)) != len(outputs):
                sys.exit(f"{version.relative_to(ROOT)}: not the blocks of {page.name}")
            if update_page(version, outputs):
                print(f"{version.relative_to(ROOT)}: updated")


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]] or PAGES)
