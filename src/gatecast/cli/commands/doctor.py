"""`gatecast doctor`: what is installed, what the machine offers, whether the kernels compute rightly."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from gatecast._utils.versions import versions
from gatecast.cli.json_output import SCHEMA_VERSION
from gatecast.errors import GatecastError

__all__ = ["examine", "lines"]

EXTRAS = {"plot": "matplotlib", "report": "plotly", "stats": "statsforecast", "tune": "optuna"}
TABLES = ("pandas", "polars", "pyarrow")
TOLERANCE = 1e-5
"""float32 against float64 over 24 steps of an LSTM with 50 units: about 1e-6 was seen."""


def examine() -> dict[str, Any]:
    """All findings as plain values; `healthy` sums them up."""
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        **_kernels(),
        "extras": {extra: _version(package) for extra, package in EXTRAS.items()},
        "tables": {package: _version(package) for package in TABLES},
    }


def lines(findings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The findings as names and facts.

    >>> lines({"versions": {"gatecast": "1"}, "system": "Linux", "processors": 2, "healthy": False,
    ...        "problem": "none built", "extras": {"plot": None}, "tables": {"pandas": "2"}})[-2:]
    [('extra plot', 'missing: pip install "gatecast[plot]"'), ('tables', 'pandas 2')]
    """
    facts = [(name, version) for name, version in findings["versions"].items()]
    facts.append(("system", f"{findings['system']}, {findings['processors']} processors"))
    if findings["healthy"]:
        choice = f"this machine has {', '.join(findings['isas'])}; GATECAST_ISA chooses"
        facts.append(("instruction set", f"{findings['isa']} ({choice})"))
        facts.append(("threads", f"{findings['threads']} (GATECAST_THREADS chooses)"))
        facts.append(("kernels", f"equal to the reference within {findings['difference']:.0e}"))
    else:
        facts.append(("kernels", findings["problem"]))
    for extra, version in findings["extras"].items():
        package = EXTRAS[extra]
        missing = f'missing: pip install "gatecast[{extra}]"'
        facts.append((f"extra {extra}", f"{package} {version}" if version else missing))
    present = [f"{name} {version}" for name, version in findings["tables"].items() if version]
    facts.append(("tables", ", ".join(present) or "none installed; files are read without them"))
    return facts


def _version(package: str) -> str | None:
    """The version of an installed package."""
    return versions([package]).get(package, "unknown") if find_spec(package) else None


def _kernels() -> dict[str, Any]:
    """Whether the native kernels load and agree with the reference."""
    try:
        from gatecast.kernels.native import available_isas, get_num_threads, isa

        difference = _difference()
        facts = {"isa": isa(), "isas": list(available_isas()), "threads": get_num_threads(), "difference": difference}
    except (ImportError, GatecastError, OSError) as error:
        return {"healthy": False, "problem": f"the compiled kernels cannot be used: {error}"}
    if not difference <= TOLERANCE:
        problem = f"the kernels differ from the reference by {difference:.0e}"
        return {**facts, "healthy": False, "problem": problem}
    return {**facts, "healthy": True, "problem": None}


def _difference() -> float:
    """The largest difference between kernels and reference for an LSTM with 50 units over 24 steps."""
    import numpy as np

    from gatecast.kernels import native, reference
    from gatecast.kernels.packing import pack, unpack

    random = np.random.default_rng(0)
    shapes = {"Wx": (3, 200), "Wh": (50, 200), "b": (200,)}
    params = {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    x = random.normal(size=(5, 24, 3)).astype(np.float32)
    fast, _, _ = native.forward("lstm", params, pack(x))
    slow, _, _ = reference.forward("lstm", params, x)
    return math.inf if fast is None else float(np.abs(unpack(fast, len(x)) - slow).max())
