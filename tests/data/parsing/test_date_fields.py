"""Parts of dates, matched by shape and one by one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.parsing import date_fields
from gatecast.data.parsing.dates import DATE_PATTERNS, parse_dates

NUMBER = st.integers(0, 60).map(lambda n: f"{n:02d}") | st.integers(0, 13).map(str)
TEXT = st.builds(
    "{}{}{}{}{}{}".format,
    NUMBER | st.sampled_from(["Mar", "march", "2024", "99"]),
    st.sampled_from("-/. "),
    NUMBER | st.sampled_from(["Mar", "Sept", "xyz"]),
    st.sampled_from("-/. "),
    st.sampled_from(["2024", "1999", "24", "03", "1"]),
    st.sampled_from(["", " 18:30", "T06:05:04", " 6:30 PM", " 6:30 am", " 24:00", " 18:30:05.25", " 7", "Z"]),
)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=12))
def test_parse_dates_by_shape_equals_one_by_one(texts):
    for pattern in DATE_PATTERNS:
        with pytest.MonkeyPatch.context() as context:
            context.setattr(date_fields, "MIN_TEXTS", 1 << 30)
            times, *others = parse_dates(pattern, texts)
            context.setattr(date_fields, "MIN_TEXTS", 1)
            by_shape, *others_by_shape = parse_dates(pattern, texts)
        np.testing.assert_array_equal(by_shape, times)
        assert others_by_shape == others


def test_parse_dates_of_many_texts_matches_few(monkeypatch):
    texts = [f"{k % 28 + 1:02d}/{k % 12 + 1:02d}/{2000 + k % 20} {k % 24:02d}:30" for k in range(5_000)]
    matched = date_fields.match_fields(re.compile(DATE_PATTERNS[1]), texts, by_shape=True)
    assert matched.is_match.all()
    assert len(matched.fields["first"].texts) == 28 + 1
    assert matched.fields["hour"].at(25) == "01"
