"""Permutation importance: columns that matter are found, idle ones are not, and models have seen nothing to come."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.config import ForecasterConfig, NetworkConfig, TrainingConfig
from gatecast.data.panel import from_values
from gatecast.errors import ConfigError, DataError
from gatecast.explain.permutation_importance import _shuffled_blocks, permutation_importance

CONFIG = ForecasterConfig(
    h=2,
    model="lstm",
    season_length=1,
    network=NetworkConfig(units=8),
    training=TrainingConfig(n_members=1, max_steps=80),
)


def planted(rng, S=24, n=60):
    """Series that a known column moves at its time and a historic one a step later; the others are idle."""
    known, words = (rng.random(S * n) < 0.3) * 1.0, rng.integers(0, 3, S * n) * 1.0
    late = rng.normal(size=S * n)
    size = rng.normal(size=S)
    z = 3 + 0.02 * rng.normal(size=S * n) + 0.3 * np.roll(late, 1) + 0.5 * known
    return replace(
        from_values(np.exp(z)),
        indptr=np.arange(S + 1) * n,
        ids=np.arange(S).astype(object),
        start=np.ones(S, np.int64),
        futr_exog={"promo": known, "word": words},
        hist_exog={"late": late, "idle": rng.normal(size=S * n)},
        stat_exog={"size": size},
        categories={"word": ("a", "b", "c")},
    )


@pytest.fixture(scope="module")
def panel():
    return planted(np.random.default_rng(4))


@pytest.fixture(scope="module")
def found(panel):
    return permutation_importance(panel, CONFIG, n_windows=3, step_size=1, n_repeats=3)


@pytest.mark.slow
def test_planted_columns_come_first_and_idle_ones_make_no_difference(found):
    table = found.table
    assert list(table) == ["column", "increase", "low", "high"]
    assert table["column"][:2].tolist() == ["promo", "late"]
    assert set(table["column"]) == {"promo", "late", "word", "idle", "size"}
    assert table["low"][0] > 50
    assert table["low"][1] > 5
    assert np.abs(table["increase"][2:]).max() < 5
    assert (table["low"] <= table["increase"]).all()
    assert (table["increase"] <= table["high"]).all()


def test_the_sentence_names_them(found):
    one, low, high = (found.table[name][0] for name in ("increase", "low", "high"))
    start = "Over 3 past cutoffs, with models that were fitted before the first, each column shuffled 3 times: "
    told = f"the mean absolute error grows without promo by {one:.3g} % ({low:.3g} to {high:.3g} %); late by "
    assert found.sentence.startswith(start + told)
    assert "No clear difference: " in found.sentence


def test_models_have_not_seen_what_they_are_measured_on(panel):
    quick = replace(CONFIG, training=TrainingConfig(n_members=1, max_steps=3))
    own = replace(panel, futr_exog={}, hist_exog={"late": panel.hist_exog["late"]}, stat_exog={})
    poisoned = own.values.reshape(24, 60).copy()
    poisoned[:, -2:] += 1e6
    plain = permutation_importance(own, quick, n_windows=1, n_repeats=1)
    far = permutation_importance(replace(own, values=poisoned.ravel()), quick, n_windows=1, n_repeats=1)
    assert abs(far.mae - 1e6) <= plain.mae


@pytest.mark.slow
def test_same_seed_same_numbers_and_another_seed_others(panel, found):
    again = permutation_importance(panel, CONFIG, n_windows=3, step_size=1, n_repeats=3)
    assert (again.mae, again.sentence) == (found.mae, found.sentence)
    other = permutation_importance(panel, replace(CONFIG, seed=1), n_windows=3, step_size=1, n_repeats=3)
    assert other.sentence != found.sentence


def test_idle_columns_alone_are_not_needed(panel):
    idle = replace(panel, futr_exog={}, hist_exog={"idle": panel.hist_exog["idle"]}, stat_exog={})
    quick = replace(CONFIG, training=TrainingConfig(n_members=1, max_steps=3))
    flat = replace(idle, hist_exog={"idle": np.ones(len(panel.values))})
    found = permutation_importance(flat, quick, n_windows=1, n_repeats=2)
    assert found.table["increase"].tolist() == [0.0]
    assert found.sentence.endswith("no column is needed.")


def test_blocks_change_places_and_keep_every_step():
    for length, h in ((40, 7), (5, 9), (1, 1), (30, 1)):
        order = _shuffled_blocks(length, h, np.random.default_rng(0))
        assert sorted(order.tolist()) == list(range(length))
        if length == 40:
            together = (np.diff(order) == 1).sum()
            assert 40 - 40 // 3 - 1 <= together < 39


def test_what_cannot_be_measured_says_why(panel):
    with pytest.raises(ConfigError, match="no exogenous columns whose importance could be measured"):
        permutation_importance(from_values(np.arange(60.0)), CONFIG)
    with pytest.raises(ConfigError, match="Invalid n_repeats 0"):
        permutation_importance(panel, CONFIG, n_repeats=0)
    with pytest.raises(ConfigError, match="Invalid n_windows -1"):
        permutation_importance(panel, CONFIG, n_windows=-1)
    with pytest.raises(DataError, match="too short for 40 windows: got 60 rows at most"):
        permutation_importance(panel, CONFIG, n_windows=40)
