"""The record of the types of id and time columns."""

from __future__ import annotations

import json

import pytest

from gatecast._utils.schema import SchemaError
from gatecast.data.panel import KeyTypes
from gatecast.data.parsing.raw_table import ColumnType


def test_key_types_json_round_trips_and_omits_defaults():
    assert KeyTypes().to_json() == {}
    key_types = KeyTypes("pandas", "category", "datetime64[ns]", "UTC", True, "YYYY", (1, 2), True)
    assert KeyTypes.from_json(json.loads(json.dumps(key_types.to_json()))) == key_types
    with pytest.raises(SchemaError, match="'colour' is unknown, expected one of source, id, "):
        KeyTypes.from_json({"colour": "red"})


def test_key_types_of_several_id_columns_round_trip_and_have_names():
    key_types = KeyTypes(
        "pandas", keys=(ColumnType("int16"), ColumnType("category", categories=("b", "a"), ordered=True))
    )
    assert KeyTypes.from_json(json.loads(json.dumps(key_types.to_json()))) == key_types
    assert key_types.id_types(["store", "item"])["item"].categories == ("b", "a")
