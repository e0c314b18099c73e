"""Draw a synthetic series of every family: docs/pictures/synthetic_series.svg.

usage: make_gallery.py [FILE]

The same version of gatecast draws the same picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from make_pictures import INK, MODEL, STYLE
from matplotlib.figure import Figure

from gatecast.data.synth import draw, families

FILE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "synthetic_series.svg"
COLUMNS = 5
LENGTHS = {"lf": 120, "hf": 24 * 14}
SEASONS = {"lf": 12, "hf": 24}
COLORS = {"lf": MODEL, "hf": INK}


def examples() -> list[tuple[str, str, np.ndarray]]:
    """Return kind, name and values of a series of each family, without those that hardly vary."""
    chosen = []
    for kind in ("lf", "hf"):
        for family in families(kind):
            batch = draw(kind, 12, LENGTHS[kind], 21, season=SEASONS[kind], shares={family.name: 1})
            distinct = np.array([len(np.unique(row)) for row in batch.values])
            chosen.append((kind, family.name, batch.values[int(np.argmax(distinct >= min(6, distinct.max())))]))
    return chosen


def main(path: Path) -> None:
    series = examples()
    rows = -(-len(series) // COLUMNS)
    # Text as text: letters as paths would be the larger part of the file.
    with mpl.rc_context({**STYLE, "svg.fonttype": "none", "font.size": 8, "path.simplify_threshold": 0.6}):
        figure = Figure(figsize=(2.1 * COLUMNS, 1.15 * rows), layout="constrained")
        panels = figure.subplots(rows, COLUMNS).ravel()
        for axes in panels:
            axes.set_axis_off()
        for axes, (kind, name, values) in zip(panels, series, strict=False):
            axes.plot(values, color=COLORS[kind], linewidth=0.7)
            axes.set_title(f"{name} ({kind})", fontsize=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, facecolor="white", bbox_inches="tight", metadata={"Date": None})
    text = "\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines())
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE)
