"""The record of the types of id and time columns."""

from __future__ import annotations

import json

import pytest

from gatecast.data.panel import KeyTypes


def test_key_types_json_round_trips_and_omits_defaults():
    assert KeyTypes().to_json() == {}
    key_types = KeyTypes("pandas", "category", "datetime64[ns]", "UTC", True, "YYYY", (1, 2), True)
    assert KeyTypes.from_json(json.loads(json.dumps(key_types.to_json()))) == key_types
    with pytest.raises(TypeError, match="colour"):
        KeyTypes.from_json({"colour": "red"})
