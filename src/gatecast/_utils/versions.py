"""Versions of gatecast, Python and what they stand on."""

from __future__ import annotations

import platform
from collections.abc import Sequence

__all__ = ["versions"]

PACKAGES = ("numpy", "duckdb", "narwhals", "safetensors", "rich", "typer")


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Versions of gatecast, Python and some packages; those that are not installed are left out.

    >>> list(versions(["numpy", "there-is-no-such-package"]))
    ['gatecast', 'python', 'numpy']
    """
    from importlib.metadata import PackageNotFoundError, version

    from gatecast import __version__

    found = {"gatecast": __version__, "python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # noqa: PERF203
            continue
    return found
