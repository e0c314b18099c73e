"""Draw the pictures of the README and the documentation with gatecast itself: docs/pictures/.

usage: make_pictures.py [FOLDER]

The forecast and the forget gates come from one fit on examples/air_passengers.csv. The same version of gatecast
draws the same pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import gatecast as gc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parent.parent
SERIES = ROOT / "examples" / "air_passengers.csv"
FOLDER = ROOT / "docs" / "pictures"

HORIZON = 24
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "svg.fonttype": "path",
    "svg.hashsalt": "gatecast",
}
"""Charts on a white background, with the same bytes at every run."""

INK, MODEL = "#3c4043", "#00796b"


def draw_forecast(forecaster: gc.Forecaster, path: Path) -> None:
    """Draw the history, the forecast of the test part, and the forecast with its prediction intervals."""
    figure = forecaster.plot()
    figure.set_size_inches(9, 4.6)
    write(figure, path)


def draw_gates(forecaster: gc.Forecaster, path: Path) -> None:
    """Draw the forget gate of every unit of the last layer below the series that the network reads."""
    gates = forecaster.gates()
    layer = gates.layers[-1]
    forget = layer.gates["f"][0]
    half_life = np.log(0.5) / np.log(forget[1:]).mean(axis=0)
    order = np.argsort(-half_life)

    figure = Figure(figsize=(9, 4.4), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(1, 2))
    above.plot(layer.times, gates.values, color=INK, linewidth=1.4)
    above.set(title="Airline passengers, in thousands: what the network reads")
    below.set(title="Forget gate of each unit: 1 keeps the memory, 0 clears it")
    image = below.pcolormesh(
        layer.times, np.arange(len(order)), forget[:, order].T, cmap="viridis", vmin=0, vmax=1, rasterized=True
    )
    label_half_lives(below, half_life[order])
    figure.colorbar(image, ax=below, label="forget gate f", pad=0.01)
    write(figure, path)


def label_half_lives(axes: Axes, half_life: np.ndarray) -> None:
    """Label some rows with the half-life of their unit; the longest memory is on top."""
    rows = np.linspace(0, len(half_life) - 1, 5).round().astype(int)
    axes.set_yticks(rows, [f"{half_life[row]:.1f}" for row in rows])
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_ylabel("half-life of the unit, steps")


def write(figure: Figure, path: Path) -> None:
    """Write a figure on a white background, without the time of writing."""
    figure.savefig(path, dpi=110, facecolor="white", bbox_inches="tight", metadata={"Software": None})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        forecaster = gc.Forecaster(h=HORIZON).fit(SERIES)
        draw_forecast(forecaster, folder / "forecast.png")
        draw_gates(forecaster, folder / "gates.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
