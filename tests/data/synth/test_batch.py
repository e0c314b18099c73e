"""Batches of synthetic series: seeds, shares, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from gatecast.data.synth import FAMILIES, draw, families
from gatecast.data.synth.batch import BLOCK
from gatecast.errors import ConfigError

KINDS = ("lf", "hf")
EVERY = [(kind, family.name) for kind in KINDS for family in families(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_draw_same_seed_gives_same_bits(kind):
    one, two, other = (draw(kind, 60, 100, seed) for seed in (3, (3,), 4))
    assert one.values.tobytes() == two.values.tobytes()
    assert one.family.tolist() == two.family.tolist()
    assert one.values.tobytes() != other.values.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_draw_long_batch_is_its_blocks(kind):
    size = BLOCK[kind]
    batch = draw(kind, size + 40, 24, (5, 1))
    first, last = draw(kind, size, 24, (5, 1, 0)), draw(kind, 40, 24, (5, 1, 1))
    assert batch.values.tobytes() == first.values.tobytes() + last.values.tobytes()
    assert batch.season.tolist() == [*first.season, *last.season]


@pytest.mark.parametrize("kind", KINDS)
def test_draw_kinds_have_streams_of_their_own(kind):
    batch = draw(kind, 30, 50, 0)
    assert batch.values.dtype == np.float32
    assert batch.values.shape == (30, 50)
    assert batch.season.dtype == batch.family.dtype == np.int64
    assert (batch.family < len(FAMILIES[kind])).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_draw_families_come_in_their_shares(kind):
    family = draw(kind, 2048, 8, 2).family
    share = np.array([member.share for member in families(kind)])
    # Four standard errors of a share of 2,048.
    assert (abs(np.bincount(family, minlength=len(share)) / len(family) - share / share.sum()) < 0.045).all()


@pytest.mark.parametrize(("kind", "name"), EVERY)
@pytest.mark.parametrize("length", [1, 2, 5, 130])
def test_families_any_length_gives_finite_values(kind, name, length):
    for season in (None, 1, 12):
        batch = draw(kind, 40, length, (1, length), season=season, shares={name: 1})
        assert np.isfinite(batch.values).all()
        assert {FAMILIES[kind][i] for i in batch.family} == {name}


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_families_are_seeded_and_vary(kind, name):
    one, two = (draw(kind, 20, 64, 9, shares={name: 1}).values for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert len({row.tobytes() for row in one}) == 20


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_families_name_their_source(kind, name):
    family = next(family for family in families(kind) if family.name == name)
    assert len(family.source) > 10
    assert 0 < family.share < 1


@pytest.mark.parametrize("kind", KINDS)
def test_families_have_names_that_no_group_has(kind):
    names = [family.name for family in families(kind)]
    assert len(set(names)) == len(names)
    assert not set(names) & {family.group for family in families(kind)}


def test_draw_shares_of_a_group_go_to_its_families():
    batch = draw("lf", 300, 30, 1, shares={"innovations": 2.0})
    groups = {families("lf")[i].group for i in batch.family}
    assert groups == {"innovations"}
    assert len(set(batch.family.tolist())) == 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("mf", 1, 1, 0), r"Unknown kind 'mf': expected 'lf' or 'hf'"),
        (("lf", 0, 1, 0), "count"),
        (("lf", 1, -1, 0), "length"),
        (("lf", 1, 1, -1), r"Invalid seed -1: expected integers of at least 0"),
        (("lf", 1, 1, ()), "Invalid seed"),
        (("lf", 1, 1, 0.5), "Invalid seed"),
    ],
)
def test_draw_bad_argument_is_refused(arguments, match):
    with pytest.raises(ConfigError, match=match):
        draw(*arguments)


@pytest.mark.parametrize("shares", [{"sales": 1.0}, {"innovations": 0.0}, {"innovations": -1.0}, {}])
def test_draw_bad_shares_are_refused(shares):
    with pytest.raises(ConfigError, match="Invalid shares"):
        draw("lf", 1, 1, 0, shares=shares)
