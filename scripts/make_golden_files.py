"""Write small files of every kind, with what they forecast, as tests/pipeline/golden has them of each schema.

usage: make_golden_files.py FOLDER

Files of a schema are written once, by the version that introduces it, and never again: later versions have to read
them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "helpers"))

from file_cases import FILES, use


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    forecasts = {}
    for name, save in FILES.items():
        save(folder / f"{name}.gatecast")
        columns = use(name, folder / f"{name}.gatecast")
        numbers = {key: np.asarray(column) for key, column in columns.items()}
        forecasts[name] = {key: column.ravel().tolist() for key, column in numbers.items() if column.dtype.kind == "f"}
    (folder / "forecasts.json").write_text(json.dumps(forecasts, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
