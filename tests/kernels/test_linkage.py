"""What the compiler cannot check about the kernels: no symbol is shared between instruction-set levels."""

from __future__ import annotations

import re
from pathlib import Path

NATIVE = Path(__file__).parents[2] / "native"


def test_kernels_have_no_linkage_outside_their_level():
    """An inline function shared by two instruction-set levels could be merged by the linker: see simd-inl.h."""
    kernels = NATIVE / "kernels"
    headers = sorted(kernels.rglob("*.h"))
    assert len(headers) > 10
    assert [path for path in NATIVE.rglob("*-inl.h") if path not in headers] == []
    for header in [*headers, kernels / "kernels.cpp"]:
        text = header.read_text(encoding="utf-8")
        assert header.name.endswith(("-inl.h", ".cpp")), header.name
        assert not re.search(r"#include <(vector|algorithm|string|memory|functional)>", text), header.name
        assert text.count("namespace gatecast::GATECAST_ISA {") == 1, header.name
