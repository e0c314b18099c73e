"""Print the oldest version that gatecast allows of every dependency, as constraints for pip.

usage: lowest_versions.py EXTRA ...
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires

_REQUIREMENT = re.compile(r"([\w.-]+)>=([\w.]+)(?:; extra == ['\"](\w+)['\"])?")


def main() -> int:
    matches = filter(None, map(_REQUIREMENT.fullmatch, requires("gatecast") or ()))
    print("\n".join(f"{match[1]}=={match[2]}" for match in matches if match[3] in (None, *sys.argv[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
