"""Times of one ISO 8601 form and their texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.parsing.iso_times import IsoForm, find_iso_form

FORMS = [IsoForm(10), *(IsoForm(size, mark, suffix) for size in (16, 19) for mark in "T " for suffix in ("", "Z"))]


@pytest.mark.parametrize("form", FORMS, ids=str)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=5))
def test_find_iso_form_of_written_times_is_their_form(form, minutes):
    times = np.array(minutes, "M8[m]").astype("M8[us]")
    assert find_iso_form(form.write(times)) == form


@pytest.mark.parametrize("form", [form for form in FORMS if form.size > 10], ids=str)
def test_iso_form_write_is_the_inverse_of_numpy(form):
    texts = [text for text in ("2024-02-29T23:59:00Z", "1969-12-31T00:00:00Z")]
    texts = [text[: form.size].replace("T", form.separator) + form.suffix for text in texts]
    times = np.array([text.rstrip("Z") for text in texts], "M8[us]")
    assert form.write(times) == texts


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["2024-01-31", ""],
        ["2024-01-31Z"],
        ["2024-01-31 18"],
        ["2024-01-31T18:30", "2024-01-31 18:30"],
        ["2024-01-31 18:30:00.5"],
        ["2024-01-31 18:30+01:00"],
        [" 2024-01-31"],
        ["2024-01"],
    ],
    ids=str,
)
def test_find_iso_form_of_other_texts_is_none(texts):
    assert find_iso_form(texts) is None
