"""Report words that are not those of the glossary, in names and in prose: docs/glossary.md has the terms to use.

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
        "some",
        "such",
        "theirs",
        "ours",
        "mine",
        "few",
        "much",
    ]
)
"""Names that do not state what they hold; docs/glossary.md has a term of the field for each."""

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
    r"\bbeside\b": "next to, in addition to, compared with",
    r"\bby heart\b": "overfits",
    r"\bworked out\b": "inferred, computed",
    r"\bmade[- ]up (?:series|panels?|data)\b": "synthetic",
    r"\b(?:is|was|are|were) told\b": "is reported, is given",
    r"\blest\b": "so that ... not",
    r"\bLetters:": "Shapes:, or real parameter names",
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
    """Yield the lines of a file with words that the glossary replaces."""
    text = path.read_text(encoding="utf-8")
    where = path.relative_to(ROOT)
    if path.suffix == ".py":
        for line, name in names(ast.parse(text)):
            if name in NAMES:
                yield f"{where}:{line}: name {name!r}: docs/glossary.md has a term of the field"
    for line, words in enumerate(text.splitlines(), 1):
        for pattern, better in PROSE.items():
            if match := re.search(pattern, words, re.IGNORECASE):
                yield f"{where}:{line}: {match[0]!r}: write {better}"


def files() -> Iterator[Path]:
    """Yield the files that users and contributors read."""
    for folder in FOLDERS:
        for suffix in (".py", ".md", ".h", ".cpp", ".def"):
            yield from sorted((ROOT / folder).rglob(f"*{suffix}"))
    yield from (ROOT / page for page in PAGES)


def main(arguments: list[str]) -> int:
    """Print the findings; return 1 if there are any."""
    skipped = {ROOT / "docs/glossary.md", Path(__file__).resolve()}
    paths = [Path(name).resolve() for name in arguments] or [path for path in files() if path not in skipped]
    lines = [line for path in paths for line in findings(path)]
    print("\n".join(lines) or f"{len(paths)} files: no retired words")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
