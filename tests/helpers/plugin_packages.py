"""Plug-ins made importable without an installation: modules, and the metadata that entry points are read from."""

import re
from pathlib import Path

HEADER = r'\[project\.entry-points\."gatecast\.models"\]\n((?:[\w-]+ = "[^"]+"\n)+)'


def write_plugin(folder: Path, package: str, module: str, entry_points: dict[str, str]) -> None:
    """Write one module and the metadata of an installed package beside it."""
    (folder / f"{package.replace('-', '_')}.py").write_text(module, encoding="utf-8")
    write_metadata(folder, package, entry_points)


def write_metadata(folder: Path, package: str, entry_points: dict[str, str]) -> None:
    """Write the metadata of an installed package."""
    info = folder / f"{package.replace('-', '_')}-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n", encoding="utf-8")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[gatecast.models]", *lines, ""]), encoding="utf-8")


def entry_points_of(pyproject: str) -> dict[str, str]:
    """Return the models that a pyproject.toml adds."""
    (block,) = re.findall(HEADER, pyproject)
    return dict(re.findall(r'([\w-]+) = "([^"]+)"', block))
