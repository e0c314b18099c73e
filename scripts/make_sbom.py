"""Write the bill of materials of the wheel, from pyproject.toml: src/gatecast/sbom.cdx.json, in CycloneDX 1.6.

usage: make_sbom.py [--check]

It has no version of what is installed next to gatecast, because the wheel allows many: each component states which it
may have. With --check nothing is written, and the exit code is 1 where the file is not what it should be. It needs
Python 3.11.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "src" / "gatecast" / "sbom.cdx.json"
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?\s*([^;]*)(?:;\s*(.*))?")

LINKED = [("nanobind", "BSD-3-Clause"), ("robin-map", "MIT")]
"""Linked into the compiled module; THIRD_PARTY_NOTICES.md has their licences."""


def component(requirement: str, scope: str, extra: str = "") -> dict[str, Any]:
    """Return the entry of a requirement."""
    name, versions, marker = REQUIREMENT.fullmatch(requirement).groups()  # type: ignore[union-attr]
    facts = {"versions": versions.strip(), "extra": extra, "marker": marker or ""}
    return {
        "type": "library",
        "bom-ref": f"{extra or scope}:{name}",
        "name": name,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}",
        "scope": scope,
        "properties": [{"name": f"gatecast:{key}", "value": value} for key, value in facts.items() if value],
    }


def make() -> dict[str, Any]:
    """Return the bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    components = [component(requirement, "required") for requirement in project["dependencies"]]
    for extra, requirements in sorted(project["optional-dependencies"].items()):
        requirements = [item for item in requirements if not item.startswith(f"{name}[")]
        components += [component(requirement, "optional", extra) for requirement in requirements]
    components += [
        {
            "type": "library",
            "bom-ref": f"linked:{linked}",
            "name": linked,
            "scope": "required",
            "licenses": [{"license": {"id": licence}}],
            "properties": [{"name": "gatecast:linked", "value": "gatecast.kernels._native"}],
        }
        for linked, licence in LINKED
    ]
    root = f"pkg:pypi/{name}@{version}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": root,
                "name": name,
                "version": version,
                "purl": root,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [item["bom-ref"] for item in components]}],
    }


def main() -> int:
    text = json.dumps(make(), indent=2) + "\n"
    if "--check" in sys.argv[1:]:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
