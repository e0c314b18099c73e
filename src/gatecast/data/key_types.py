"""Types of the id and time columns of a source table, so that tables of results have them too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gatecast.data.parsing.raw_table import ColumnType
from gatecast.data.parsing.timestamps import ParsedTimes

__all__ = ["KeyTypes"]


@dataclass(frozen=True)
class KeyTypes:
    """Types of the id and time columns as they were in the source table.

    All fields have defaults, which stand for ids that are int64 or strings and times that are int64 or datetime64[us].

    Args:
        source: Kind of the source, from `kind_of`: "pandas", "polars", "pyarrow", "dict", "path", ....
        id: Type of the id column, as its library names it.
        time: Type of the time column, as its library names it, without a time zone.
        time_zone: Time zone of the time column.
        is_utc: Whether the panel's times are in UTC, because local times in this zone are not regular.
        number_format: How integers stand for dates in the time column: "YYYY", "YYYYMM", "YYYYMMDD", or "s", "ms",
            "us", "ns" since 1970.
        categories: Categories of a categorical id column, in order.
        ordered: Whether these categories are ordered.

    >>> KeyTypes("pandas", id="category", categories=("b", "a")).to_json()
    {'source': 'pandas', 'id': 'category', 'categories': ['b', 'a']}
    """

    source: str = ""
    id: str = ""
    time: str = ""
    time_zone: str = ""
    is_utc: bool = False
    number_format: str = ""
    categories: tuple[str | int, ...] = ()
    ordered: bool = False

    @classmethod
    def of(cls, source: str, ids: ColumnType | None, times: ColumnType | None, parsed: ParsedTimes | None) -> KeyTypes:
        """Collect the types of the key columns of a table.

        Args:
            source: Kind of the source.
            ids: Type of the id column, if the table has one.
            times: Type of the time column, if the table has one.
            parsed: The times, if the table has a time column.
        """
        ids, times = ids or ColumnType(), times or ColumnType()
        return cls(
            source,
            ids.name,
            times.name,
            times.time_zone,
            is_utc=parsed is not None and parsed.is_utc,
            number_format="" if parsed is None else parsed.number_format,
            categories=ids.categories,
            ordered=ids.ordered,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as JSON values."""
        defaults = KeyTypes()
        values = {name: value for name, value in asdict(self).items() if value != getattr(defaults, name)}
        return values | ({"categories": list(self.categories)} if self.categories else {})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> KeyTypes:
        """Return the record that `to_json` wrote.

        Raises:
            TypeError: A field that does not exist.

        >>> key_types = KeyTypes("polars", id="Enum", time="Date", categories=("a", "b"))
        >>> KeyTypes.from_json(key_types.to_json()) == key_types
        True
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise TypeError(f"unknown fields of KeyTypes: {', '.join(sorted(unknown))}")
        return cls(**{**values, "categories": tuple(values.get("categories", ()))})
