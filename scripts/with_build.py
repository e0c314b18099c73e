"""Run pytest or a script on a copy of the package with a native module of its own, such as one built for sanitizers.

usage: with_build.py FOLDER PYTEST-ARGUMENT ...
       with_build.py FOLDER --script FILE ARGUMENT ...

FOLDER contains gatecast/ with the native module.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest


def main() -> int:
    folder, arguments = Path(sys.argv[1]).resolve(), sys.argv[2:]
    # An editable install finds its package before any path: the copy must come first.
    sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
    sys.path.insert(0, str(folder))
    from gatecast.kernels import _native

    if not Path(_native.__file__).is_relative_to(folder):
        sys.exit(f"the native module came from {_native.__file__}, not from {folder}")
    if arguments[:1] == ["--script"]:
        sys.argv = arguments[1:]
        runpy.run_path(arguments[1], run_name="__main__")
        return 0
    return pytest.main(["-p", "no:cacheprovider", *arguments])


if __name__ == "__main__":
    sys.exit(main())
