"""Run pytest on a copy of the package with another build of the native module: for sanitizers and experiments.

usage: with_build.py FOLDER PYTEST-ARGUMENT ...; FOLDER contains gatecast/ with that module.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def main() -> int:
    folder, arguments = Path(sys.argv[1]).resolve(), sys.argv[2:]
    # An editable install precedes sys.path: the copy must come first.
    sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
    sys.path.insert(0, str(folder))
    from gatecast.kernels import _native

    if not Path(_native.__file__).is_relative_to(folder):
        sys.exit(f"the native module is from {_native.__file__}, not from {folder}")
    return pytest.main(["-p", "no:cacheprovider", *arguments])


if __name__ == "__main__":
    sys.exit(main())
