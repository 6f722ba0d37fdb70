"""Reading the ring without any private key: which calls are there, how far each is whole, what is wrong.

Headers first (block 0 of each slot), then the slots of each call in part order. A header is signed and carries the
chain digest before its slot, so damage in one slot does not hide what follows in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from ulid import ULID

from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import PublicRecord
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.slot import BLOCK, SLOT_SIZE, ExtentHeader, FormatError, SlotHeader, WrappedKey

if TYPE_CHECKING:
    from tsuwaroku.store.held import HeldStore
    from tsuwaroku.store.layout import Store

    Readable = Store | HeldStore

Progress = Callable[[int, int], None]
PROGRESS_STEP = 1024  # slots whose headers are read between two reports


class StoredExtent(msgspec.Struct, frozen=True):
    """Where an extent lies, and its head."""

    slot: int
    offset: int
    header: ExtentHeader


class StoredCall(msgspec.Struct, kw_only=True):
    """One call in the ring. `digest` and `committed` (extents) are of its unbroken beginning.

    `aside`: slots whose part another one has taken over; nothing is read from them. `torn`: after the last whole extent
    stands the beginning of another: a commit that a power cut kept from coming true, or damage; the journal's
    `recovered` record, signed when the box came back, tells them apart.
    """

    call_id: bytes
    sequence: int
    headers: list[SlotHeader] = msgspec.field(default_factory=list)
    aside: list[SlotHeader] = msgspec.field(default_factory=list)
    extents: list[StoredExtent] = msgspec.field(default_factory=list)
    digest: bytes = b""
    committed: int = 0
    last: bool = False
    public: PublicRecord | None = None
    card: bytes = b""
    wraps: tuple[WrappedKey, ...] = ()
    problems: list[str] = msgspec.field(default_factory=list)
    torn: bool = False
    open_now: bool = False

    @property
    def id(self) -> str:
        """The call's ULID as people see it."""
        return str(ULID.from_bytes(self.call_id))

    @property
    def interrupted(self) -> bool:
        """It has no end, and nobody is writing it."""
        return not self.last and not self.open_now


class Headers(msgspec.Struct):
    """The slot headers of each call, in part order. `unreadable`: what is wrong with slots neither free nor readable.

    `erasing`: slots that are being erased, and the names of the calls they belonged to (tombstone.py).
    """

    calls: dict[bytes, list[SlotHeader]] = msgspec.field(default_factory=dict)
    unreadable: dict[int, str] = msgspec.field(default_factory=dict)
    slots: int = 0
    erasing: dict[int, bytes] = msgspec.field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """The slots that are neither free nor readable."""
        return self.problems_but(())

    def problems_but(self, slots: Container[int]) -> list[str]:
        """The same without these slots, of which it is known."""
        return [f"slot {number}: {problem}" for number, problem in self.unreadable.items() if number not in slots]


class Scan(msgspec.Struct):
    """All of a ring, calls by opening sequence number."""

    calls: list[StoredCall]
    problems: list[str]
    slots: int


def scan_slots(store: Store, slots: Iterable[int] | None = None, progress: Progress | None = None) -> list[StoredCall]:
    """The calls that have a header in `slots` (default: all), by sequence. Raises StoreError on I/O errors."""
    return scan_ring(store, slots, progress).calls


def scan_ring(store: Store, slots: Iterable[int] | None = None, progress: Progress | None = None) -> Scan:
    """The same with the slots' own problems. `progress(done, total)` counts slots, those in use twice."""
    headers = read_headers(store, slots, progress)
    return Scan(list(walk_calls(store, headers, progress)), headers.problems, headers.slots)


def walk_calls(store: Store, headers: Headers, progress: Progress | None = None) -> Iterator[StoredCall]:
    """One call after the other, by sequence: a full ring's extents would not fit into memory at once."""
    total = headers.slots + sum(len(parts) for parts in headers.calls.values())
    done, instance = headers.slots, live_instance(store)
    for parts in sorted(headers.calls.values(), key=lambda parts: parts[0].sequence):
        yield scan_call(store, parts, instance)
        done += len(parts)
        if progress is not None:
            progress(done, total)


def live_instance(store: Store) -> bytes | None:
    """The instance id of the recorder that runs on this store now, or None."""
    content = FileLock.held(store.recorder_lock)
    try:
        return bytes.fromhex(content.decode()) if content else None
    except ValueError:
        return None


def read_headers(
    store: Readable, slots: Iterable[int] | None = None, progress: Progress | None = None, patience: int = 0
) -> Headers:
    """Block 0 of each slot, checked against the device's key of its epoch. Raises StoreError on I/O errors.

    A block that cannot be read in a slot that otherwise can is damage, and so are up to `patience` slots in a row of
    which nothing can be read; more of them mean that the disk is away.
    """
    found = Headers()
    lost = 0
    for number in range(store.ring.slots) if slots is None else slots:
        found.slots += 1
        if progress is not None and found.slots % PROGRESS_STEP == 0:
            progress(found.slots, store.ring.slots)
        if not 0 <= number < store.ring.slots:
            found.unreadable[number] = "is not in the ring"
            continue
        try:
            block, lost = _block0(store, number), 0
        except StoreError as error:
            lost += 1
            if lost > patience:
                raise
            found.unreadable[number] = str(error)
            continue
        except FormatError as error:
            found.unreadable[number] = str(error)
            continue
        name = fmt.erasing_name(block)
        if name is not None:  # the rest of the block may still be the old one's: the disk writes sectors
            found.erasing[number] = name
            continue
        try:
            header = checked_header(store, number, block)
        except FormatError as error:
            found.unreadable[number] = str(error)
            continue
        if header is not None:
            found.calls.setdefault(header.call_id, []).append(header)
    for parts in found.calls.values():
        parts.sort(key=lambda header: (header.part, header.mono_ns, header.generation))
    return found


def _block0(store: Readable, slot: int) -> bytes:
    """Raises FormatError where this block alone cannot be read, StoreError where nothing of the slot can."""
    try:
        return store.ring.read_block0(slot)
    except StoreError:
        store.ring.salvage(slot)
    raise FormatError("its header cannot be read from the disk")


def checked_header(store: Readable, number: int, block: bytes) -> SlotHeader | None:
    """The header in block 0 of slot `number`, None for a free slot. Raises FormatError for anything else."""
    header = fmt.unpack_slot(block)
    if header is None:
        if block != fmt.free_block(number, fmt.generation_of(block)):
            raise FormatError("a free slot whose header is not a free slot's")
        return None
    if header.store_id != store.store_id:
        raise FormatError("belongs to another store")
    if header.slot != number:
        raise FormatError(f"says it is slot {header.slot}")
    if not store.vouches(header.epoch, fmt.DOMAIN_SLOT, block[: fmt.SLOT_SIGNATURE_AT], header.signature):
        raise FormatError("the signature of its header is wrong")
    return header


def scan_call(store: Readable, headers: list[SlotHeader], live: bytes | None = None) -> StoredCall:
    """Walk the slots of one call. `live`: the instance id of the running recorder. Raises StoreError on I/O errors."""
    first = headers[0]
    call = StoredCall(
        call_id=first.call_id,
        sequence=first.sequence,
        wraps=next((header.wraps for header in headers if header.wraps), ()),
        open_now=live is not None and any(header.instance == live for header in headers),
    )
    _Walk(store, call).run(headers)
    return call


def scan_end(store: Readable, headers: list[SlotHeader]) -> StoredCall | None:
    """A call with an end, from its last slot alone: what stands before it is taken for whole. None where there is no
    sound end. `headers`: of all its slots. Raises StoreError on I/O errors."""
    first, last = headers[0], headers[-1]
    headers, aside = _current(headers)
    if any(header.sequence != first.sequence for header in headers):
        return None
    call = StoredCall(call_id=first.call_id, sequence=first.sequence)
    _Walk(store, call).run([last], whole_before=True)
    if call.problems or not call.last:
        return None
    call.headers, call.aside = headers, aside
    call.wraps = next((header.wraps for header in headers if header.wraps), ())
    return call


def _current(headers: list[SlotHeader]) -> tuple[list[SlotHeader], list[SlotHeader]]:
    """The slots that count, and those that were set aside for one of them: of one part the one taken last counts."""
    latest = {header.part: header for header in headers}
    current = list(latest.values())
    return current, [header for header in headers if latest[header.part] is not header]


class _Walk:
    """One pass over a call's slots: the chain so far, and where it broke."""

    def __init__(self, store: Readable, call: StoredCall) -> None:
        self._store = store
        self._call = call
        self._digest = fmt.first_digest(store.store_id, call.call_id, call.sequence)
        self._index = 0
        self._breaks: list[str] = []
        self._unread: list[str] = []  # blocks in which something may have stood
        self._monos_after: set[int] = set()  # commit times of what looks like this call's after the first break
        self._call.digest = self._digest

    def run(self, headers: list[SlotHeader], *, whole_before: bool = False) -> None:
        """`whole_before`: the first of `headers` is not the call's first, and the slots before it are not looked at."""
        call = self._call
        headers, call.aside = _current(headers)
        taken = {(header.part, header.mono_ns): header.slot for header in headers}
        for one in call.aside:
            if (twin := taken.get((one.part, one.mono_ns))) is not None:
                call.problems.append(f"slots {one.slot} and {twin} both claim part {one.part}")
        for header in headers:
            if whole_before:
                self._digest, self._index = header.digest_before, header.first_extent
                call.headers.append(header)
            else:
                self._enter(header)
            self._extents(header)
        call.open_now = call.open_now and not call.last
        if self._breaks:
            self._judge()
        elif not call.last and not call.open_now:
            call.problems += self._unread

    def _enter(self, header: SlotHeader) -> None:
        """Does this slot continue the one before?"""
        call = self._call
        expected = call.headers[-1].part + 1 if call.headers else 0
        if header.part != expected:
            self._breaks.append(f"part {expected} is missing")
        elif not self._breaks and (header.digest_before != self._digest or header.first_extent != self._index):
            self._breaks.append(f"slot {header.slot} does not continue the one before")
        if not self._breaks:
            self._unread.clear()  # nothing stood there: this slot goes on from what was read
        if header.sequence != call.sequence:
            call.problems.append(f"slot {header.slot} has sequence number {header.sequence}")
        self._digest, self._index = header.digest_before, header.first_extent
        call.headers.append(header)

    def _extents(self, header: SlotHeader) -> None:
        data, bad = self._store.ring.salvage(header.slot)
        at = BLOCK
        while at < SLOT_SIZE:
            if self._call.last:
                if _ours_after(data, at, header):
                    self._call.problems.append(f"slot {header.slot}: goes on after the end of the call")
                return
            try:
                extent = self._whole(header, data, at)
            except FormatError as error:
                later = _ours_after(data, at, header)
                lost = min((place for place in bad if place >= at), default=None)
                if lost is not None:
                    self._unread.append(f"slot {header.slot}, octet {lost}: cannot be read from the disk")
                if later:
                    self._breaks.append(f"slot {header.slot}, octet {at}: {error}")
                    self._monos_after |= later
                return
            self._take(header, extent, data, at)
            at += extent.disk_size

    def _whole(self, header: SlotHeader, data: bytes, at: int) -> ExtentHeader:
        """The extent at `at`, if it is the next one of this call. Raises FormatError."""
        extent = fmt.unpack_extent(data, at)
        if extent is None:
            raise FormatError("no extent")
        place = (extent.call_id, extent.part, extent.generation, extent.index)
        if place != (header.call_id, header.part, header.generation, self._index):
            raise FormatError("extent of another place")
        payload = _payload(data, at, extent)
        if extent.digest != fmt.next_digest(self._digest, extent.call_id, extent.index, payload):
            raise FormatError("extent does not match its digest")
        octets = data[at : at + fmt.EXTENT_SIGNATURE_AT]
        if not self._store.vouches(extent.epoch, fmt.DOMAIN_EXTENT, octets, extent.signature):
            raise FormatError("the signature of the extent is wrong")
        return extent

    def _take(self, header: SlotHeader, extent: ExtentHeader, data: bytes, at: int) -> None:
        call = self._call
        head = data[at + fmt.EXTENT_SIGNATURE_AT + 64 : at + fmt.EXTENT_HEADER]
        tail = data[at + fmt.EXTENT_HEADER + extent.payload_length : at + extent.disk_size]
        if any(head) or any(tail):
            call.problems.append(f"slot {header.slot}, octet {at}: padding is not zero")
        call.extents.append(StoredExtent(header.slot, at, extent))
        self._digest, self._index = extent.digest, self._index + 1
        if self._breaks:
            self._monos_after.add(extent.mono_ns)
        else:
            call.digest, call.committed = self._digest, self._index
        if extent.last:
            call.last = True
            self._finish(_payload(data, at, extent))

    def _finish(self, payload: bytes) -> None:
        try:
            items = dict(fmt.unpack_items(payload))
            self._call.public = msgspec.json.decode(items[fmt.ITEM_PUBLIC], type=PublicRecord)
            self._call.card = items[fmt.ITEM_CARD]
        except (FormatError, KeyError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._call.problems.append(f"the last extent is not as it should be ({error})")
            return
        if (self._call.public.id, self._call.public.sequence) != (self._call.id, self._call.sequence):
            self._call.problems.append("the public record is another call's")

    def _judge(self) -> None:
        """Damage, or the last commit before a power cut? One commit's extents all carry one time."""
        call = self._call
        if len(self._breaks) == 1 and not self._unread and not call.last and len(self._monos_after) <= 1:
            call.torn = not call.open_now
            del call.extents[call.committed :]
        else:
            call.problems += [*self._unread, *self._breaks]


def _payload(data: bytes, at: int, extent: ExtentHeader) -> bytes:
    return data[at + fmt.EXTENT_HEADER : at + fmt.EXTENT_HEADER + extent.payload_length]


def _ours_after(data: bytes, start: int, header: SlotHeader) -> set[int]:
    """Commit times of what looks like an extent of this slot's use at `start` or later, even with a mark spoilt.

    Left-overs of the slot's earlier use have another call id and another generation.
    """
    found = set()
    for at in range(start, SLOT_SIZE, BLOCK):
        marks = (
            data[at : at + 4] == fmt.MAGIC_EXTENT,
            data[at + 8 : at + 24] == header.call_id,
            data[at + 32 : at + 40] == header.generation.to_bytes(8, "little"),
        )
        if sum(marks) >= 2:
            found.add(int.from_bytes(data[at + 64 : at + 72], "little"))
    return found
