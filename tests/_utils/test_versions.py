"""Versions of gatecast and of the packages that it uses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import gatecast
from gatecast._utils.versions import __version__, versions


def test_version_is_that_of_the_project():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert re.search(rf'^version = "{re.escape(__version__)}"$', project, re.MULTILINE)
    assert gatecast.__version__ == __version__


def test_versions_leave_out_what_is_not_installed():
    installed = versions(["numpy", "no-such-package"])
    assert list(installed) == ["gatecast", "python", "numpy"]
    assert installed["numpy"] == np.__version__
