"""`gatecast doctor`: what is installed, what the machine offers, whether the kernels compute correctly."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import typer

from gatecast._utils.versions import versions
from gatecast.cli.options import Json
from gatecast.cli.output import print_document
from gatecast.errors import GatecastError

__all__ = ["EXAMPLE", "doctor", "examine", "lines"]

EXAMPLE = "gatecast doctor --json"

EXTRAS = {
    "excel": "python_calamine",
    "holidays": "holidays",
    "keras": "h5py",
    "mcp": "mcp",
    "mlflow": "mlflow",
    "onnx": "onnx",
    "plot": "matplotlib",
    "ray": "ray",
    "report": "plotly",
    "serve": "fastapi",
    "sklearn": "sklearn",
    "sktime": "sktime",
    "spark": "pyspark",
    "stats": "statsforecast",
    "tune": "optuna",
}
TABLES = ("pandas", "polars", "pyarrow")
TOLERANCE = 1e-5
"""float32 against float64 over 24 steps of an LSTM with 50 units; typical is 1e-6."""


def doctor(json: Json = False) -> None:
    """Check the installation and the machine.

    Prints versions, the instruction set, the number of threads, and whether the compiled kernels agree with their
    reference. The exit code is 1 if they do not.
    """
    facts = examine()
    if json:
        print_document("doctor", facts)
    else:
        pairs = lines(facts)
        width = max(len(name) for name, _ in pairs)
        typer.echo("\n".join(f"{name:<{width}}  {fact}" for name, fact in pairs))
    if not facts["healthy"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """Return everything as plain values; `healthy` is the verdict."""
    return {
        "versions": versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        **_kernels(),
        "extras": {extra: _version(package) for extra, package in EXTRAS.items()},
        "tables": {package: _version(package) for package in TABLES},
    }


def lines(examination: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the result of `examine` as names and facts.

    >>> lines({"versions": {"gatecast": "1"}, "system": "Linux", "processors": 2, "healthy": False,
    ...        "problem": "none built", "extras": {"plot": None}, "tables": {"pandas": "2"}})[-2:]
    [('extra plot', 'missing: pip install "gatecast[plot]"'), ('tables', 'pandas 2')]
    """
    facts = [(name, version) for name, version in examination["versions"].items()]
    facts.append(("system", f"{examination['system']}, {examination['processors']} processors"))
    if examination["healthy"]:
        choice = f"this machine has {', '.join(examination['isas'])}; GATECAST_ISA chooses"
        facts.append(("instruction set", f"{examination['isa']} ({choice})"))
        facts.append(("threads", f"{examination['threads']} (GATECAST_THREADS chooses)"))
        facts.append(("kernels", f"equal to the reference within {examination['difference']:.0e}"))
    else:
        facts.append(("kernels", examination["problem"]))
    for extra, version in examination["extras"].items():
        package = EXTRAS[extra]
        missing = f'missing: pip install "gatecast[{extra}]"'
        facts.append((f"extra {extra}", f"{package} {version}" if version else missing))
    present = [f"{name} {version}" for name, version in examination["tables"].items() if version]
    facts.append(("tables", ", ".join(present) or "none installed; files are read without them"))
    return facts


def _version(package: str) -> str | None:
    """Return the version of an installed package."""
    return versions([package]).get(package, "unknown") if find_spec(package) else None


def _kernels() -> dict[str, Any]:
    """Return whether the native kernels load and agree with the reference."""
    try:
        from gatecast.kernels.runtime import available_isas, get_num_threads, isa

        difference = _difference()
        facts = {"isa": isa(), "isas": list(available_isas()), "threads": get_num_threads(), "difference": difference}
    except (ImportError, GatecastError, OSError) as error:
        return {"healthy": False, "problem": f"cannot use the compiled kernels: {error}"}
    if not difference <= TOLERANCE:
        problem = f"the kernels differ from the reference by {difference:.0e}"
        return {**facts, "healthy": False, "problem": problem}
    return {**facts, "healthy": True, "problem": None}


def _difference() -> float:
    """Return the largest difference between kernels and reference for an LSTM with 50 units over 24 steps."""
    import numpy as np

    from gatecast.kernels import native, reference
    from gatecast.kernels.packing import pack, unpack

    rng = np.random.default_rng(0)
    shapes = {"Wx": (3, 200), "Wh": (50, 200), "b": (200,)}
    params = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    x = rng.normal(size=(5, 24, 3)).astype(np.float32)
    fast, _, _ = native.forward("lstm", params, pack(x))
    slow, _, _ = reference.forward("lstm", params, x)
    return math.inf if fast is None else float(np.abs(unpack(fast, len(x)) - slow).max())
