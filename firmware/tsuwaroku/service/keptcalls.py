"""The call that an act of records management names: there, or erased, and then when and under which rule."""

from __future__ import annotations

from ulid import ULID

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.store.amendments import Amended
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.tombstone import Why


def kept_call(catalogue: Catalogue, amended: Amended, call_id: str) -> PublicRecord:
    """Raises NotFoundError, RefusedError."""
    try:
        raw = ULID.from_str(call_id).bytes
    except ValueError as error:
        raise NotFoundError(f"no call {call_id[:40]}", remedy="`tsuwaroku calls` lists them") from error
    stone = amended.tombstone(raw)
    if stone is not None:
        if stone.why is Why.HOLD_LAPSED:
            told = f"this call was erased on {stone.on}: its hold ended on {stone.expires_on} (Article 8(1))"
        else:
            told = f"this call was erased on {stone.on}: it was kept until {stone.expires_on} (Article 8(1))"
        raise RefusedError(told, where=call_id, remedy="nothing brings it back; `tsuwaroku erase-log` has its digest")
    entry = None if amended.gone(raw) else catalogue.get(str(ULID.from_bytes(raw)))
    if entry is None:
        raise NotFoundError(f"no call {call_id}", remedy="`tsuwaroku calls` lists them")
    return entry.public
