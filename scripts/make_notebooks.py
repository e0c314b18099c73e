"""Make the notebooks in examples/ from their scripts in the percent format of jupytext.

usage: make_notebooks.py [--check]

A script is what people read in a diff and what the tests run; the notebook is the same, without outputs. `--check`
compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"
MARK = "# %%"


def is_percent(text: str) -> bool:
    """Return whether a script is a notebook in the percent format."""
    return text.startswith(MARK)


def cells_of(text: str) -> list[dict[str, Any]]:
    r"""Return the cells of a script.

    >>> [cell["cell_type"] for cell in cells_of("# %% [markdown]\n# # Title\n\n# %%\nprint(1)\n")]
    ['markdown', 'code']
    """
    cells = []
    for k, part in enumerate(("\n" + text).split(f"\n{MARK}")[1:]):
        title, _, body = part.partition("\n")
        is_text = title.strip() == "[markdown]"
        lines = body.strip("\n").splitlines()
        if is_text:
            lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
        source = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
        cell: dict[str, Any] = {"cell_type": "markdown" if is_text else "code", "id": f"cell-{k}", "metadata": {}}
        cell |= {} if is_text else {"execution_count": None, "outputs": []}
        cells.append(cell | {"source": source})
    return cells


def notebook_of(text: str) -> str:
    """Return the notebook of a script, as JSON."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": cells_of(text), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or compare."""
    stale = []
    for script in sorted(EXAMPLES.glob("*.py")):
        text = script.read_text(encoding="utf-8")
        if not is_percent(text):
            continue
        target, notebook = script.with_suffix(".ipynb"), notebook_of(text)
        if "--check" in sys.argv[1:]:
            stale += [] if target.exists() and target.read_text(encoding="utf-8") == notebook else [target.name]
        else:
            target.write_text(notebook, encoding="utf-8")
    if stale:
        print(f"not made from their scripts: {', '.join(stale)}. Run: python scripts/make_notebooks.py")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
