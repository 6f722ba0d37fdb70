"""What the recorder leaves in the ring: each call is listed once it is closed, settled where it was cut off, and its
slots given back where nobody kept it. The ring tells; the recorder's messages only make it prompt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ulid import ULID

from tsuwaroku.clock import Clock
from tsuwaroku.errors import StoreError
from tsuwaroku.records.call import Integrity
from tsuwaroku.records.retention import day_of
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.lending import Lending
from tsuwaroku.service.listing import Listing
from tsuwaroku.service.retention import Expiry
from tsuwaroku.service.status import RecorderStatus
from tsuwaroku.service.trail import Trail
from tsuwaroku.store import slot as fmt
from tsuwaroku.store.audit import CALLS_CLOSED
from tsuwaroku.store.journal import Journal, JournalType
from tsuwaroku.store.layout import Store
from tsuwaroku.store.recovery import entry_of, find_calls, recovered_record, settle_interrupted
from tsuwaroku.store.scan import StoredCall, live_instance, read_headers
from tsuwaroku.store.tombstone import name_of


@dataclass(slots=True)
class Peer:
    """The recorder as far as the keeper knows of it. `status` is None while its end of the link is closed."""

    status: RecorderStatus | None = None
    seen_ns: int | None = None
    instance: str = ""

    @property
    def alive(self) -> bytes | None:
        """The instance id of the recorder that runs."""
        return bytes.fromhex(self.instance) if self.status is not None else None

    def going_on(self) -> set[bytes]:
        """The calls it says are going on."""
        lines = self.status.lines if self.status is not None else []
        return {ULID.from_str(line.call_id).bytes for line in lines if line.call_id}


class Intake:
    """Between the ring and the catalogue."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        lending: Lending,
        listing: Listing,
        expiry: Expiry,
        peer: Peer,
        alarms: AlarmBoard,
        trail: Trail,
        clock: Clock,
    ) -> None:
        self._store = store
        self._journal = journal
        self._standing = expiry.standing
        self._lending = lending
        self._listing = listing
        self._expiry = expiry
        self._peer = peer
        self._alarms = alarms
        self._trail = trail
        self._clock = clock
        self._settled: set[bytes] = set()  # cut off and settled since the last recorder came: the next may resume them
        self._unlisted: set[bytes] = set()  # calls in leased slots that are not in the catalogue yet
        self._marked: set[str] = set()  # tombstone names (hex) of the calls listed just now that have a mark
        self._keyless: set[bytes] = set()  # calls of on_button lines of which nobody knows yet whether they are kept
        self._tried: object = None  # what `settle` last found nothing to do for

    # -- what is there

    def relist(self) -> None:
        """What the catalogue has, and what it has not. Raises StoreError."""
        self._listing.read()
        self._keyless = {call for call, opens in self._listing.known.items() if not opens}
        slots = self._lending.slots
        for call_id in slots.calls() - self._listing.known.keys():  # a snapshot may remember an erased one
            slots.look_again(slots.of(call_id))
        self._unlisted = slots.calls() - self._listing.known.keys()
        self.release_discarded()

    def refresh_lease(self) -> None:
        """The calls in lent slots, with those taken since the last look. Raises StoreError."""
        self._unlisted |= self._lending.refresh() - self._listing.known.keys()

    def extend_lease(self) -> bool:
        """Lend more when half is used, and keep lent what may be resumed; True if so. Raises StoreError."""
        return self._lending.extend(self._unlisted | self._settled)

    def resumed(self) -> None:
        """A new recorder has read its lease: what it resumes, it has found."""
        self._settled.clear()

    def forget(self, calls: Iterable[bytes]) -> None:
        """They were erased."""
        for call_id in calls:
            self._listing.known.pop(call_id, None)
            self._listing.marked.discard(call_id)
            self._unlisted.discard(call_id)
            self._keyless.discard(call_id)
            self._settled.discard(call_id)

    def waiting(self) -> list[bytes]:
        """Calls that are not in the catalogue, less those the recorder says are going on: their turn comes."""
        return sorted(self._unlisted - self._peer.going_on())

    # -- closed

    def list_closed(self, calls: Iterable[bytes]) -> None:
        """Check every call the recorder closed, without a key, and put it into the catalogue.

        The audit log, whose head goes into every commit, keeps their digests: a call cut short later shows.
        """
        whole: dict[str, object] = {}
        self._marked.clear()
        for call_id in calls:  # one that cannot be read now is no reason not to list the others
            whole.update(self._trail.attempt(lambda call_id=call_id: self._list(call_id)) or {})  # type: ignore[misc]
        if whole:
            detail: dict[str, object] = {"calls": whole, "journal": self._journal.last[0]}
            if self._marked:  # the year's figures outlive the calls (Article 5)
                detail["marked"] = sorted(self._marked)
            self._trail.note("keeper", CALLS_CLOSED, detail=detail)

    def _list(self, call_id: bytes) -> dict[str, str]:
        """Number and digest of the call if it is closed now, and whole."""
        whole: dict[str, str] = {}
        for stored in find_calls(self._store, self._lending.slots.of(call_id)):
            if stored.last and stored.call_id in self._unlisted and not self._expiry.is_going(call_id):
                entry = entry_of(stored)
                self._listing.put(call_id, entry)
                if entry.public.marks:
                    self._marked.add(name_of(stored.call_id).hex())
                self._unlisted.discard(stored.call_id)
                self._found(stored)
                if not stored.problems:
                    whole[str(stored.sequence)] = stored.digest.hex()
        return whole

    def _found(self, stored: StoredCall) -> None:
        """A damaged call is told at its hang-up, not months later."""
        if not stored.wraps:
            self._keyless.add(stored.call_id)
        if stored.problems:
            self._damaged(stored.headers[0].line, stored.id, stored.problems[0])

    def _damaged(self, line: str, call: str, why: str) -> None:
        self._alarms.set("call_damaged", True, self._clock.now(), line, why)
        self._trail.note("keeper", "call damaged", subject=call)

    # -- cut off

    def settle(self) -> list[str]:
        """Sign a recovery record for every call that its recorder did not finish. Raises StoreError."""
        waiting, alive = self.waiting(), self._peer.alive
        state = (waiting, alive, live_instance(self._store))
        if not waiting or state == self._tried:  # it reads journals and catalogue: not every two seconds for nothing
            return []
        now = self._clock.now()
        slots = [index for call_id in waiting for index in self._lending.slots.of(call_id)]
        try:
            settled = settle_interrupted(self._store, self._journal, alive, now, slots, self._standing.refresh())
        except StoreError:
            self._listing.read()  # a damaged day is put aside, and it is tried again
            raise
        for call_id in settled:
            self._trail.note("keeper", "call recovered", subject=call_id)
            self._unlisted.discard(ULID.from_str(call_id).bytes)
            self._settled.add(ULID.from_str(call_id).bytes)
            entry = self._listing.catalogue.get(call_id)
            if entry is not None:
                if entry.public.integrity is Integrity.DAMAGED:
                    self._damaged(entry.public.line, call_id, call_id)
                self._listing.took(entry.call_id, entry)
                if not entry.wraps:
                    self._keyless.add(entry.call_id)
        self._release_empty(alive)
        self._tried = None if settled else state
        return settled

    def _release_empty(self, alive: bytes | None) -> None:
        """A slot whose header was written and nothing after it holds no call: it is free again."""
        for call_id in self.waiting():
            for stored in find_calls(self._store, self._lending.slots.of(call_id)):
                ongoing = stored.open_now or stored.headers[-1].instance == alive
                if stored.committed or ongoing:
                    continue
                if stored.problems:  # nobody can tell what was in it: it stays, and a person is told
                    self._damaged(stored.headers[0].line, stored.id, stored.problems[0])
                else:
                    self._explain(stored)
                    self._give_back(stored.call_id)

    def _explain(self, stored: StoredCall) -> None:
        """The header of a call in a cut commit may be all that knows of the numbers before it that were lost in that
        commit: they are named before its slot is used again. Raises StoreError."""
        recovered = recovered_record(self._standing.refresh().get(stored.call_id, ()))
        slots = [header.slot for header in stored.headers]
        lost = self._expiry.lost_with(stored.call_id, day_of(stored.headers[0].wall_ns), slots)
        if lost and recovered is not None:
            public = {**recovered.public, "lost": lost}
            self._journal.append(JournalType.RECOVERED, self._clock.now(), stored.call_id, public=public)

    # -- not kept

    def release_discarded(self) -> None:
        """Calls of on_button lines that nobody pressed for; slots that the recorder set aside. Raises StoreError."""
        standing = self._standing.refresh()
        for slot in sorted(standing.aside.difference(self._lending.slots.aside)):
            self._set_aside(slot)
        for call_id in self._keyless | self._unlisted:
            kept = standing.kept(call_id)
            if kept is not None:
                self._keyless.discard(call_id)
            if kept is False:
                self._give_back(call_id)

    def _set_aside(self, slot: int) -> None:
        """A slot that cannot be written is counted out of the ring for good; the alarm stands as long as this disk."""
        self._lending.set_aside(slot)
        numbers = ", ".join(str(number) for number in self._lending.slots.aside)
        self._alarms.set("slots_set_aside", True, self._clock.now(), detail=numbers)

    def forget_keyless(self) -> None:
        """on_button: a call whose recorder died before anybody pressed has lost its key with it, and nobody can ever
        open it. A tombstone says so, and its slots are free. Raises StoreError."""
        if not self._keyless:
            return
        live = live_instance(self._store)
        self.release_discarded()  # after that: a recorder may have kept a call just before it died
        for call_id in sorted(self._keyless):
            headers = read_headers(self._store, self._lending.slots.of(call_id)).calls.get(call_id, [])
            if not all(header.flags & fmt.FLAG_KEY_WITHHELD for header in headers):
                self._keyless.discard(call_id)
            elif headers and all(header.instance != live for header in headers):
                slots = [header.slot for header in headers]
                lost = self._expiry.lost_with(call_id, day_of(headers[0].wall_ns), slots)
                public = {"line": headers[0].line, "sequence": headers[0].sequence} | ({"lost": lost} if lost else {})
                self._journal.append(JournalType.DISCARDED, self._clock.now(), call_id, public=public)
                self._trail.note("keeper", "call discarded", subject=str(ULID.from_bytes(call_id)))
                self._keyless.discard(call_id)
                self._give_back(call_id)

    def _give_back(self, call_id: bytes) -> None:
        self._lending.give_back(call_id)
        self._unlisted.discard(call_id)
