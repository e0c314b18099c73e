"""Heaps of HDF5, where texts of any length lie: checked, because the HDF5 library reads some altered ones for ever.

A heap is ``GCOL``, its version 1, three zeros and its size; then objects: number (2 bytes), uses (2), zeros (4), size
(8) and data, padded to 8 bytes. Number 0 is the free rest, whose size counts from its own header.

Source: HDF5 File Format Specification 3.0, section III.E.
"""

from __future__ import annotations

from gatecast._utils.schema import SchemaError

__all__ = ["check_heaps"]

START = b"GCOL\x01\x00\x00\x00"
"""First bytes of a heap."""

HEADER = 16
"""Bytes of the header of a heap, and of an object."""


def check_heaps(data: bytes) -> None:
    """Refuse a file that has a heap with objects that do not follow each other.

    Args:
        data: The file.

    Raises:
        SchemaError: A heap that has been altered, or reaches beyond the file.

    Example:
        >>> size, rest = (32).to_bytes(8, "little"), bytes(8) + (16).to_bytes(8, "little")
        >>> check_heaps(START + size + rest)
        >>> check_heaps(START + size + bytes(16))
        Traceback (most recent call last):
        gatecast._utils.schema.SchemaError: the texts of the file have been altered
    """
    start = data.find(START)
    while start >= 0:
        if start + HEADER > len(data) or not _is_whole(data, start):
            raise SchemaError("the texts of the file have been altered")
        start = data.find(START, start + 1)


def _is_whole(data: bytes, start: int) -> bool:
    """Return whether the objects of a heap follow each other up to its end."""
    size = int.from_bytes(data[start + 8 : start + HEADER], "little")
    end, place = start + size, start + HEADER
    if end > len(data):
        return False
    while end - place >= HEADER:
        number = int.from_bytes(data[place : place + 2], "little")
        length = int.from_bytes(data[place + 8 : place + HEADER], "little")
        step = HEADER + (length + 7) // 8 * 8 if number else length
        if step < HEADER:
            return False
        place += step
    return place <= end
