"""The version of gatecast, and those of Python and the packages that it uses."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PACKAGES", "__version__", "versions"]

__version__ = "0.1.0"

PACKAGES = ("numpy", "duckdb", "narwhals", "safetensors", "rich", "typer")
"""Packages that gatecast needs."""


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of gatecast, of Python and of packages, without those that are not installed.

    >>> list(versions(["numpy", "no-such-package"]))
    ['gatecast', 'python', 'numpy']
    """
    import platform
    from importlib.metadata import PackageNotFoundError, version

    installed = {"gatecast": __version__, "python": platform.python_version()}
    for name in packages:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:  # noqa: PERF203
            continue
    return installed
