"""Short texts as a matrix of character codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing import text_codes
from gatecast.data.parsing.text_codes import character_codes, find_shapes, is_digit

TEXTS = st.lists(st.text("0129:/-Tam ", max_size=8), min_size=1, max_size=30)


@given(TEXTS)
def test_character_codes_hold_the_texts(texts):
    codes = character_codes(texts)
    if codes is None:
        assert not any(texts)
    else:
        assert [bytes(row).rstrip(b"\0").decode() for row in codes] == texts
        assert [sum(character.isdigit() for character in text) for text in texts] == is_digit(codes).sum(1).tolist()


@pytest.mark.parametrize("texts", [[], [""], ["ä"], ["\u0663"], ["1\0"], ["1\0002"], ["x" * 41]], ids=repr)
def test_character_codes_of_other_texts_are_none(texts):
    assert character_codes(texts) is None


@given(TEXTS.filter(any))
def test_find_shapes_groups_texts_that_are_equal_but_for_their_digits(texts):
    shapes = find_shapes(character_codes(texts))
    plain = ["".join("0" if character.isdigit() else character for character in text) for text in texts]
    groups = {frozenset(np.flatnonzero(np.array(plain) == shape).tolist()) for shape in plain}
    assert {frozenset(rows.tolist()) for rows in shapes.members} == groups
    assert all(rows[0] == first for first, rows in zip(shapes.first, shapes.members, strict=True))


def test_find_shapes_of_too_many_shapes_is_none(monkeypatch):
    monkeypatch.setattr(text_codes, "MAX_SHAPES", 2)
    assert find_shapes(character_codes(["a", "b", "1"])) is None
