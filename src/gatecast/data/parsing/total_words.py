"""Words that call a row or a column the total of others."""

from __future__ import annotations

import re

__all__ = ["begins_as_total", "is_called_total", "is_called_total_or_remark", "label_of_total"]

_TOTAL = r"(?:grand |sub)?(?:total(?:s|e|es|t)?|totaal|gesamt(?:summe|ergebnis)?|sum|summe|suma|somme|ergebnis)"
# Total_sales, but not TotalEnergies.
_END_OF_WORD = r"(?![^\W_])"
_WHOLE = re.compile(_TOTAL, re.IGNORECASE)
_BEGIN = re.compile(rf"{_TOTAL}{_END_OF_WORD}", re.IGNORECASE)
_TOTAL_OR_REMARK = re.compile(rf"(?:{_TOTAL}|source|note|quelle){_END_OF_WORD}", re.IGNORECASE)
_OF_LABEL = re.compile(rf"(?P<before>.+?)[ :-]+{_TOTAL}|{_TOTAL}[ :-]+(?P<after>.+)", re.IGNORECASE)


def is_called_total(label: str) -> bool:
    """Return whether a label is a word for the total of others.

    >>> is_called_total("Grand Total"), is_called_total("Total sales")
    (True, False)
    """
    return _WHOLE.fullmatch(label) is not None


def begins_as_total(label: str) -> bool:
    """Return whether a label begins with a word for a total.

    >>> begins_as_total("Total sales"), begins_as_total("TotalEnergies")
    (True, False)
    """
    return _BEGIN.match(label) is not None


def is_called_total_or_remark(label: str) -> bool:
    """Return whether a label begins as those of rows below a table do: totals, sources, notes.

    >>> is_called_total_or_remark("Source: Eurostat"), is_called_total_or_remark("Sumatra")
    (True, False)
    """
    return _TOTAL_OR_REMARK.match(label) is not None


def label_of_total(label: str) -> str:
    """Return the label that a total is of: of 2018 Total, 2018; empty for another label.

    >>> label_of_total("2018 Total"), label_of_total("Total: North"), label_of_total("North")
    ('2018', 'North', '')
    """
    match = _OF_LABEL.fullmatch(label)
    return (match["before"] or match["after"]) if match else ""
