"""The page on synthetic series names every family, its share and its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatecast.data.synth import families

PAGE = Path(__file__).resolve().parents[3] / "docs" / "pretraining.md"


@pytest.mark.parametrize("kind", ["lf", "hf"])
def test_page_has_the_source_of_every_family(kind):
    text = PAGE.read_text(encoding="utf-8")
    rows = [f"| {f.group} | {f.name} | {f.share:.3g} | {f.source} |" for f in families(kind)]
    assert [row for row in rows if row not in text] == []
    assert text.count("\n| ") >= len(rows)


@pytest.mark.parametrize("kind", ["lf", "hf"])
def test_shares_of_a_kind_sum_to_one(kind):
    assert sum(family.share for family in families(kind)) == pytest.approx(1)
