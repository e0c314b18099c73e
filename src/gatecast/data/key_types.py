"""Types of the id and time columns of a source table, so that tables of results have them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gatecast._utils.schema import from_json
from gatecast.data.parsing.parsed_times import ParsedTimes
from gatecast.data.parsing.raw_table import ColumnType

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
        number_format: How integers stand for dates in the time column, as `ParsedTimes.number_format`.
        decimal_format: How decimal numbers stand for times in the time column: decimal years or steps.
        categories: Categories of a categorical id column, in order.
        ordered: Whether these categories are ordered.
        keys: Types of several id columns, in their order; empty if there are fewer than two.
        date_order: "day/month/year" or "month/day/year" where the dates are texts of numbers in one of these orders.
        decimal_mark: "," or "." where the source shows which mark separates decimals; else empty.

        fiscal_month: Month in which fiscal years begin, as in `KnownNotation`.

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
    keys: tuple[ColumnType, ...] = ()
    date_order: str = ""
    decimal_mark: str = ""
    decimal_format: str = ""
    fiscal_month: int = 0

    @classmethod
    def of(
        cls, source: str, ids: Sequence[ColumnType], times: ColumnType | None, parsed: ParsedTimes | None
    ) -> KeyTypes:
        """Collect the types of the key columns of a table.

        Args:
            source: Kind of the source.
            ids: Types of the id columns.
            times: Type of the time column, if the table has one.
            parsed: The times, if the table has a time column.
        """
        single = ids[0] if len(ids) == 1 else ColumnType()
        times = times or ColumnType()
        return cls(
            source,
            single.name,
            times.name,
            times.time_zone or ("" if parsed is None else parsed.time_zone),
            is_utc=parsed is not None and parsed.is_utc,
            number_format="" if parsed is None else parsed.number_format,
            date_order="" if parsed is None else parsed.date_order,
            decimal_format="" if parsed is None else parsed.decimal_format,
            categories=single.categories,
            ordered=single.ordered,
            keys=tuple(ids) if len(ids) > 1 else (),
        )

    def id_types(self, names: Sequence[str]) -> dict[str, ColumnType]:
        """Return the types of the id columns by name.

        >>> KeyTypes("polars", id="Int32").id_types(["shop"])["shop"].name
        'Int32'
        """
        single = ColumnType(self.id, categories=self.categories, ordered=self.ordered)
        return dict(zip(names, self.keys or (single,), strict=False))

    def to_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as JSON values."""
        defaults = KeyTypes()
        values = {name: value for name, value in asdict(self).items() if value != getattr(defaults, name)}
        values |= {"categories": list(self.categories)} if self.categories else {}
        return values | ({"keys": [[*key[:2], list(key[2]), key[3]] for key in self.keys]} if self.keys else {})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> KeyTypes:
        """Return the record that `to_json` wrote.

        Raises:
            SchemaError: A field that does not exist, or of another type.

        >>> key_types = KeyTypes("polars", id="Enum", time="Date", categories=("a", "b"))
        >>> KeyTypes.from_json(key_types.to_json()) == key_types
        True
        """
        key_types: KeyTypes = from_json(cls, values, "panel.key_types")
        return key_types
