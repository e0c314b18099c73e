"""Fail on words that the glossary has retired, in names and in prose: docs/glossary.md has the ones to use.

usage: check_words.py [FILE ...]; without files, everything that users and contributors read.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "native", "docs", "examples", "benchmarks", "scripts")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

NAMES = frozenset(
    [
        "said",
        "say",
        "told",
        "tell",
        "found",
        "own",
        "own_network",
        "there",
        "asked",
        "beside",
        "came",
        "backs",
        "ahead",
        "looks",
        "voices",
        "voice",
        "room",
        "learnt",
        "kept",
        "whole",
        "fittest",
        "go_on",
        "one_ahead",
        "say_far",
        "hide",
        "longer",
        "carried",
        "wired",
        "settle",
        "relax",
        "isas",
        "least",
        "most",
        "odd",
        "hands",
        "turns",
    ]
)
"""Names that say nothing about what they hold; each has a word of the field in docs/glossary.md."""

PROSE = {
    r"\blearnt\b": "fitted, trained",
    r"\bvoices?\b": "models",
    r"\bput (?:it |that |them )?right\b": "fix",
    r"\bran away\b": "diverged",
    r"\bwhat is to be said\b": "notes",
    r"\bhow it came about\b": "source",
    r"\bwhoever\b": "a user, a caller",
    r"\bthe seed is not a seed\b": "invalid seed",
    r"\bis no (?:bound|history|network|table)\b": "is not a ...",
    r"\blooked at\b": "measured, evaluated, read",
    r"\bin the words of Keras\b": "with the API of Keras",
    r"\bof the user's own\b": "the user's",
    r"\bcolumns? beside\b": "exogenous columns",
    r"\bsimple forecasts? cost": "baselines",
}
"""Home-made phrases, and what to write."""


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the names that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def findings(path: Path) -> Iterator[str]:
    """Yield what a file says that the glossary has another word for."""
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    if path.suffix == ".py":
        for line, name in names(ast.parse(text)):
            if name in NAMES:
                yield f"{where}:{line}: name {name!r}: docs/glossary.md has a word of the field"
    for line, words in enumerate(text.splitlines(), 1):
        for pattern, better in PROSE.items():
            if match := re.search(pattern, words, re.IGNORECASE):
                yield f"{where}:{line}: {match[0]!r}: write {better}"


def files() -> Iterator[Path]:
    """Yield what users and contributors read."""
    for folder in FOLDERS:
        for suffix in (".py", ".md", ".h", ".cpp", ".def"):
            yield from sorted((ROOT / folder).rglob(f"*{suffix}"))
    yield from (ROOT / page for page in PAGES)


def main(arguments: list[str]) -> int:
    """Print findings; 1 if there are any."""
    skipped = {ROOT / "docs/glossary.md", Path(__file__).resolve()}
    paths = [Path(name).resolve() for name in arguments] or [path for path in files() if path not in skipped]
    lines = [line for path in paths for line in findings(path)]
    print("\n".join(lines) or f"{len(paths)} files: no retired words")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
