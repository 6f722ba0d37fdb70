"""From ring and journal to what people see: lists of calls, the catalogue made again, interrupted calls settled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, overload

import msgspec
from ulid import ULID

from tsuwaroku.clock import ClockQuality, Instant
from tsuwaroku.errors import DamageError, SecretError, StoreError
from tsuwaroku.records.call import CallRecord, ClockRecord, Integrity, Outcome, PublicRecord, Retention
from tsuwaroku.records.retention import day_of, expires_on
from tsuwaroku.store.amendments import Amended, Amendments, read_amendments
from tsuwaroku.store.catalogue import Catalogue, CatalogueEntry
from tsuwaroku.store.fold import by_seizure, fold
from tsuwaroku.store.journal import Journal, JournalRecord, JournalType
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.lease import Lease
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import StoredCall, live_instance, read_headers, scan_call
from tsuwaroku.store.seal import card_fits, open_card, open_wrapped
from tsuwaroku.store.slot import FormatError, SlotHeader

if TYPE_CHECKING:
    from tsuwaroku.store.layout import Store

__all__ = ["Amendments", "read_amendments"]
_NOBODY = bytes(16)


@overload
def list_calls(
    store: Store, private_key: None = None, *, include_open: bool = False, warnings: list[str] | None = None
) -> list[PublicRecord]: ...
@overload
def list_calls(
    store: Store, private_key: PrivateKey, *, include_open: bool = False, warnings: list[str] | None = None
) -> list[CallRecord]: ...
def list_calls(
    store: Store,
    private_key: PrivateKey | None = None,
    *,
    include_open: bool = False,
    warnings: list[str] | None = None,
) -> list[PublicRecord] | list[CallRecord]:
    """Every call, with what the journal added: in the order of seizure with the key, by sequence without.

    Reads the catalogue and the leased slots; the whole ring only for a day whose file is damaged, which `warnings`
    then names, as it does calls this key does not open or that are too damaged to describe. Calls still going on
    are left out unless `include_open`. Raises StoreError; SecretError where the key opens not one call.
    """
    notes = warnings if warnings is not None else []
    amendments = read_amendments(store)
    found = [(entry, None) for entry in _known(Catalogue.of(store), notes)]
    known = {entry.call_id for entry, _ in found}
    slots = None if notes else [slot for slot, _ in Lease.load(store.lease_path, store.store_id).slots]
    rows: list[tuple[CatalogueEntry, StoredCall | None]] = [*found]
    for stored in find_calls(store, slots, known):
        if stored.committed and (include_open or not stored.open_now):
            rows.append((entry_of(stored), stored))
    rows = [row for row in rows if not amendments.gone(row[0].call_id)]
    if private_key is None:
        public = [fold(entry.public, amendments.get(entry.call_id, [])) for entry, _ in rows]
        public += [not_recorded_public(record) for record in not_recorded(amendments)]
        return sorted(public, key=lambda record: record.sequence)
    store.admit(private_key)
    records = list(open_rows(store, private_key, rows, amendments, notes))
    for amendment in not_recorded(amendments):
        try:
            records.append(msgspec.convert(amendment.secret(private_key), CallRecord))
        except (SecretError, msgspec.ValidationError) as error:
            notes.append(f"call {amendment.public.get('sequence')}: {error}")
    return by_seizure(records)


def find_calls(store: Store, slots: Iterable[int] | None, skip: Collection[bytes] = ()) -> list[StoredCall]:
    """The calls with a header in `slots` (None: anywhere), whole, less those in `skip`. Raises StoreError.

    A call with a part outside `slots` costs a reading of every header of the ring.
    """
    live = live_instance(store)
    wanted = {call: parts for call, parts in read_headers(store, slots).calls.items() if call not in skip}
    calls = [scan_call(store, parts, live) for parts in wanted.values()]
    if slots is not None and any(stored.headers[0].part != 0 or stored.interrupted for stored in calls):
        everywhere = read_headers(store).calls
        calls = [scan_call(store, everywhere.get(call, wanted[call]), live) for call in wanted]
    return sorted(calls, key=lambda stored: stored.sequence)


def entry_of(stored: StoredCall) -> CatalogueEntry:
    """What the catalogue says of a call; of one without an end, what its headers and extents tell."""
    return CatalogueEntry(
        public=_public_of(stored),
        slots=[header.slot for header in (*stored.aside, *stored.headers)],
        generations=[header.generation for header in (*stored.aside, *stored.headers)],
        digest=stored.digest.hex(),
        card=stored.card,
        wraps=list(stored.wraps),
        final=stored.last,
    )


def catalogue_calls(store: Store, catalogue: Catalogue, slots: Iterable[int] | None = None) -> list[str]:
    """Put every closed call in `slots` (None: all) that the catalogue lacks; returns their ids. Raises StoreError."""
    known = {entry.call_id for entry in _known(catalogue, [])}
    closed = [stored for stored in find_calls(store, slots, known) if stored.last]
    for stored in closed:
        catalogue.put(entry_of(stored))
    return [stored.id for stored in closed]


def settle_interrupted(
    store: Store,
    journal: Journal,
    alive: bytes | None,
    now: Instant,
    slots: Iterable[int] | None = None,
    amendments: Amended | None = None,
) -> list[str]:
    """Sign how far each interrupted call is whole, and put it into the catalogue; returns the ids settled now.

    A call of which there is a header, and no whole extent, is signed, too (it goes nowhere, and its number is accounted
    for when the slot is used again), but not listed: it was never committed.
    `alive`: the instance id of the recorder that runs; its calls are going on. `slots` None: the whole ring.
    `amendments`: for who has them; they are read otherwise.
    The `recovered` record says in `public`: sequence, digest (hex), extents, slots, ended_on, expires_on: no time
    of day, which must not outlive the call.
    Raises StoreError.
    """
    amendments = read_amendments(store) if amendments is None else amendments
    catalogue = Catalogue.of(store)
    known = {entry.call_id for entry in _known(catalogue, [])}
    settled = []
    for stored in find_calls(store, slots, known):
        ongoing = stored.open_now or (alive is not None and stored.headers[-1].instance == alive)
        unknown = not stored.committed and bool(stored.problems)  # nobody can tell what was in it
        if stored.last or ongoing or unknown or amendments.gone(stored.call_id):
            continue
        if recovered_record(amendments.get(stored.call_id, ())) is None:
            journal.append(JournalType.RECOVERED, now, stored.call_id, public=_settlement(stored))
        if stored.committed:
            catalogue.put(entry_of(stored))
            settled.append(stored.id)
    return settled


def recovered_record(amendments: Iterable[JournalRecord]) -> JournalRecord | None:
    """The last `recovered` record among them."""
    return next((r for r in reversed(list(amendments)) if r.type is JournalType.RECOVERED), None)


def agrees(stored: StoredCall, recovered: JournalRecord) -> bool:
    """Whether the call still is what was signed when it was settled."""
    return {name: value for name, value in recovered.public.items() if name != "lost"} == _settlement(stored)


def not_recorded(amendments: Amended) -> list[JournalRecord]:
    """Calls for which there was no room: all there is of them is in the journal."""
    records = [r for records in amendments.values() for r in records if r.type is JournalType.NOT_RECORDED]
    return [record for record in records if amendments.tombstone(record.call_id) is None]


def not_recorded_public(amendment: JournalRecord) -> PublicRecord:
    said = amendment.public
    return PublicRecord(
        id=str(ULID.from_bytes(amendment.call_id)),
        sequence=int(said.get("sequence", 0)),
        line=str(said.get("line", "")),
        date=str(said.get("date", "")),
        outcome=Outcome.NOT_RECORDED,
        retention=Retention(expires_on=str(said.get("expires_on", ""))),
        clock=_clock_of(amendment),
    )


def _settlement(stored: StoredCall) -> dict[str, object]:
    return {
        "sequence": stored.sequence,
        "digest": stored.digest.hex(),
        "extents": stored.committed,
        "slots": [header.slot for header in stored.headers],
        "ended_on": day_of(_last_commit_ns(stored)).isoformat(),
        "expires_on": _public_of(stored).retention.expires_on,
    }


def _last_commit_ns(stored: StoredCall) -> int:
    return stored.extents[-1].header.wall_ns if stored.extents else stored.headers[0].wall_ns


def _public_of(stored: StoredCall) -> PublicRecord:
    if stored.public is not None:
        if stored.problems:
            # What it says of itself may be another's; the slots' headers are what its chain hangs on.
            return msgspec.structs.replace(
                stored.public, id=stored.id, sequence=stored.sequence, integrity=Integrity.DAMAGED
            )
        return stored.public
    first = stored.headers[0]
    expiry = expires_on(_last_commit_ns(stored), first.retention_days).isoformat()
    return PublicRecord(
        id=stored.id,
        sequence=stored.sequence,
        line=first.line,
        date=day_of(first.wall_ns).isoformat(),
        outcome=None,
        integrity=Integrity.DAMAGED if stored.problems else Integrity.RECOVERED,
        retention=Retention(expires_on=expiry),
        continues=str(ULID.from_bytes(first.continues)) if first.continues != _NOBODY else None,
        clock=_clock_of(first),
    )


def _clock_of(said: SlotHeader | JournalRecord) -> ClockRecord | None:
    if said.quality is ClockQuality.SYNCHRONISED:
        return None
    return ClockRecord(quality=said.quality.value, mono_ns=said.mono_ns, boot_id=said.boot_id.hex())


def _known(catalogue: Catalogue, notes: list[str]) -> Iterator[CatalogueEntry]:
    """The entries of every readable day; of others a note that names the file and the remedy."""
    for day in catalogue.days():
        try:
            yield from catalogue.for_day(day)
        except StoreError as error:
            notes.append(f"{error}; {error.remedy}")


def open_rows(
    store: Store,
    private_key: PrivateKey,
    rows: list[tuple[CatalogueEntry, StoredCall | None]],
    amendments: Amended,
    notes: list[str],
) -> Iterator[CallRecord]:
    """The records of these calls with what the journal added; `notes` is told of those that do not open.

    Raises SecretError where the key opens not one of them.
    """
    refused: SecretError | None = None
    opened = 0
    for entry, stored in rows:
        added = amendments.get(entry.call_id, [])
        try:
            record = _record(store, private_key, entry, stored, amendments)
        except SecretError as error:
            notes.append(f"call {entry.public.sequence}: {error}")
            refused = error
            continue
        except DamageError as error:
            notes.append(f"call {entry.public.sequence}: {error}")
            continue
        opened += 1
        yield fold(record, added, private_key)
    if refused is not None and not opened:
        raise refused


def _record(
    store: Store,
    private_key: PrivateKey,
    entry: CatalogueEntry,
    stored: StoredCall | None,
    amendments: Amended,
) -> CallRecord:
    """From the card where there is one; from the ring for interrupted calls and cards that do not hold it all."""
    call_id = entry.call_id
    if entry.card and not (stored and stored.problems):
        wraps = [*entry.wraps, *amendments.wraps(call_id)]
        key = open_wrapped(wraps, private_key, call_id, card_fits(call_id, entry.card))
        try:
            record = msgspec.json.decode(open_card(key, call_id, entry.card), type=CallRecord)
            if record.audio.runs or not record.audio.samples:
                return record
        except (FormatError, msgspec.DecodeError, UnicodeDecodeError):
            pass
    if stored is None:
        stored = next((call for call in find_calls(store, entry.slots) if call.call_id == call_id), None)
    if stored is None:
        raise DamageError("is not in the ring any more", where=entry.public.id, remedy="run `tsuwaroku verify`")
    return CallReader(stored, store, private_key, amendments=amendments).record()
