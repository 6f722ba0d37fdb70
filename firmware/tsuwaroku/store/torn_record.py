"""What stands after a journal's last whole record: a record torn by a power cut, or damage?

A disk writes sectors whole, the segment was zeros before, and records are written in order. So a tear leaves a record
of this store with zeros in it or at its end, or without its beginning. A record that is all there and is not what was
signed, octets that begin no record, or another store's are something else, and are not to be declared as a tear.
"""

from __future__ import annotations

from tsuwaroku.store.journal_record import BODY_AT, HEAD, MAGIC
from tsuwaroku.store.slot import BLOCK, padded

SECTOR = 512
_END = 8  # octets of a record's end; never all zeros in one that is there


def may_be_torn(left: bytes, store_id: bytes) -> bool:
    """`left`: whole blocks, from where the next record belongs to the last octet that is not zero."""
    at, headless = 0, False
    while at < len(left):
        if not any(left[at : at + SECTOR]):
            headless, at = True, at + BLOCK
            continue
        length = _length(left, at, store_id)
        if length is None:
            if not headless:
                return False
            at += BLOCK  # the rest of a record whose beginning is not there
            continue
        record = left[at : at + length]
        if len(record) == length and _all_there(record):
            return False
        headless, at = False, at + padded(length)
    return True


def _length(left: bytes, at: int, store_id: bytes) -> int | None:
    """Of the record that begins there; None where none of this store's does."""
    fields = HEAD.unpack_from(left, at)
    if fields[0] != MAGIC or fields[4] != store_id:
        return None
    return BODY_AT + int(fields[10]) + int(fields[12])


def _all_there(record: bytes) -> bool:
    sectors = (record[at : at + SECTOR] for at in range(0, len(record), SECTOR))
    return any(record[-_END:]) and all(any(sector) for sector in sectors)
