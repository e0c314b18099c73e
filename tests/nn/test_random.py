"""Random numbers depend on seed and purpose alone."""

from __future__ import annotations

import numpy as np

from gatecast.nn.random import fold_in, generator, hash64


def test_hash64_is_the_finalizer_of_splitmix64():
    # The first output of splitmix64 from seed 0 hashes its increment.
    assert hash64(1, 0, 0) == 0xE220A8397B1DCDAF >> 1


def test_hashed_bits_are_balanced():
    bits = np.array(
        [[hash64(seed, update, 3) >> k & 1 for k in range(63)] for seed in range(40) for update in range(50)]
    )
    # Five standard deviations of the mean of 2000 fair coins.
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(2000)


def test_fold_in_separates_keys_and_purposes():
    assert len({fold_in(key, purpose) for key in range(100) for purpose in range(10)}) == 1000


def test_generator_repeats_for_the_same_purpose_and_differs_for_others():
    assert generator(3, 1, 2).random() == generator(3, 1, 2).random()
    assert len({generator(seed, 1, k).random() for seed in range(5) for k in range(5)}) == 25
