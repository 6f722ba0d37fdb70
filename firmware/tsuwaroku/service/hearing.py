"""Calls that are heard over the control socket: asked for with a purpose, given slot by slot, and what was heard of
them written down.

The keeper gives ciphertext alone; the key is with whoever asks. It gives a slot only on request, and each time asks
whether the call may still be read: an erasure or midnight ends a hearing in the middle. Before the first octet the
audit log has who hears which call for what purpose, with whom; at the end it has from where to where. Who says nothing
of that, or stays away, has heard all that was fetched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec

from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, StoreError
from tsuwaroku.records.request import LONGEST_NAME, writable
from tsuwaroku.records.roles import Verb
from tsuwaroku.service.admission import admitted, entry_of, refuse_line
from tsuwaroku.service.api import Asked, Nothing, Route, Routes
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.attempts import BAD_INPUT, attempt
from tsuwaroku.service.callrows import KeyId, for_key
from tsuwaroku.service.fates import CallFate, refuse_gone
from tsuwaroku.service.holding import LONGEST_REASON
from tsuwaroku.service.ownership import owns
from tsuwaroku.service.tickets import Tickets
from tsuwaroku.store.catalogue import CatalogueEntry
from tsuwaroku.store.journal_record import JournalRecord
from tsuwaroku.store.layout import StoreInfo
from tsuwaroku.store.slot import BLOCK

if TYPE_CHECKING:
    from tsuwaroku.config import ServiceConfig
    from tsuwaroku.service.keeper import Keeper

MOST_LISTENERS = 20
MOST_STRETCHES = 500
LONGEST_S = 1e7
_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_REASON)]
_Name = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_S)]
Stretch = tuple[_Seconds, _Seconds]
Write = Callable[[str, str, str, str], object]
"""Account, verb, subject, why: an entry of the audit log."""


class PlayRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to be heard. `purpose`: of Article 1; `listeners`: accounts or names of those who listen along."""

    call: str
    purpose: _Text
    note: _Text = ""
    listeners: Annotated[list[_Name], msgspec.Meta(max_length=MOST_LISTENERS)] = []
    key_id: KeyId = ""


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call to be opened, and not heard: for its record, a paper, a copy. `why`: in a word or two."""

    call: str
    why: _Text
    key_id: KeyId = ""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it may be opened now. `entry`: the catalogue's; `records`: the journals' on it, in order, with what of
    them is sealed to the key that was named."""

    ticket: str
    store: StoreInfo
    entry: CatalogueEntry
    records: list[JournalRecord]


class SlotRow(msgspec.Struct, frozen=True, array_like=True):
    """The octets of a slot; `bad`: offsets of blocks that could not be read, for which zeros stand."""

    data: bytes
    bad: list[int]


class HeardRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was heard up to now, in seconds into the stored sound; None where nobody can say. `done`: nothing more will
    be."""

    stretches: Annotated[list[Stretch], msgspec.Meta(max_length=MOST_STRETCHES)] | None = None
    done: bool = False


class Hearing:
    """What a ticket stands for. `heard`: None until something was said of it; `given`: slots that were fetched."""

    __slots__ = ("call_id", "entry", "given", "heard", "to_be_heard")

    def __init__(self, entry: CatalogueEntry, *, to_be_heard: bool) -> None:
        self.entry = entry
        self.call_id = entry.public.id
        self.to_be_heard = to_be_heard
        self.heard: list[Stretch] | None = None
        self.given: set[int] = set()


class Hearings:
    """Those that are going on. One owner: the keeper."""

    def __init__(self, write: Write) -> None:
        self.tickets: Tickets[Hearing] = Tickets()
        self._write = write

    def end_lapsed(self, now_ns: int) -> None:
        """Write down what those heard who have not been there for some minutes."""
        for ticket, user, one in self.tickets.lapsed(now_ns):
            self._note(user, one, "the client went away")
            self.tickets.end(ticket)  # only now: an entry that the disk does not take is tried again

    def end_all(self) -> None:
        """The keeper stops."""
        for ticket, user, one in self.tickets.all():
            self._note(user, one, "the service stopped")
            self.tickets.end(ticket)

    def end(self, ticket: str, user: str, one: Hearing) -> None:
        """At the word of who listened."""
        self._note(user, one, "")
        self.tickets.end(ticket)

    def _note(self, user: str, one: Hearing, how: str) -> None:
        if not one.to_be_heard or (one.heard is None and not one.given):
            return
        said = "; ".join(filter(None, (heard_text(one), how)))
        self._write(user, HEARD, one.call_id, said)


HEARD = "heard"
PLAY = "play"
READ = "call read"
OWN_EXTENSION = "own extension"


def heard_text(one: Hearing) -> str:
    """What was heard of a call, for the audit log: as the client says, and how much of the call it was given, which it
    has no say in."""
    given = f"{len(one.given)} of {len(one.entry.slots)} slots were given"
    if one.heard is None:
        return f"not told; {given}, and count as heard whole"
    return f"{stretches_text(one.heard)}; {given}"


def stretches_text(stretches: Sequence[Stretch]) -> str:
    """`0:00–3:21, 5:00–5:10`: whole seconds into the stored sound, and no less than was heard."""
    return ", ".join(f"{_clock(int(begin))}–{_clock(math.ceil(end))}" for begin, end in stretches) or "nothing"


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def play_text(purpose: str, note: str, listeners: Sequence[str]) -> str:
    """Purpose, note and company of a hearing, for the audit log."""
    along = f"（同席: {'、'.join(listeners)}）" if listeners else ""
    return " ／ ".join(filter(None, (purpose.strip() + along, note.strip())))


def refuse_own(settings: ServiceConfig, people: Sequence[str], one: CallFate) -> None:
    """Raises ForbiddenError where the call was at the telephone of one of these."""
    for person in people:
        if owns(settings, person, one.extension, one.line):
            raise ForbiddenError(
                "nobody hears a call of his own extension",
                where=person,
                remedy="the manager, her deputy or a handler whose telephone it was not hears it",
            )


def refuse_purpose(purpose: str, note: str, listeners: Sequence[str]) -> None:
    """Raises RefusedError where no purpose is stated, or a text could not be shown."""
    if not purpose.strip():
        raise RefusedError(
            "a purpose of Article 1 has to be stated before a call is heard",
            remedy='add --purpose courtesy, --purpose fairness, or the purpose in words: --purpose "…"',
        )
    if not all(writable(text) for text in (purpose, note, *listeners)) or not all(one.strip() for one in listeners):
        raise RefusedError(
            "there is a sign in it that no paper can show, or nothing at all",
            where="--purpose, --note, --with",
            remedy="write it anew",
        )


def _play(keeper: Keeper, asked: Asked) -> Opened:
    body: PlayRequest = asked.body
    with attempt(keeper, asked.by, Verb.PLAY, body.call, "no purpose"):
        refuse_purpose(body.purpose, body.note, body.listeners)
    entry = _admitted(keeper, asked.by, body.call, [asked.by.user, *body.listeners])
    why = play_text(body.purpose, body.note, body.listeners)
    return _open(keeper, asked.by, Hearing(entry, to_be_heard=True), PLAY, why, body.key_id)


def _read(keeper: Keeper, asked: Asked) -> Opened:
    body: ReadRequest = asked.body
    with attempt(keeper, asked.by, Verb.PLAY, body.call, BAD_INPUT):
        refuse_purpose(body.why, "", ())
    entry = _admitted(keeper, asked.by, body.call, [asked.by.user])
    return _open(keeper, asked.by, Hearing(entry, to_be_heard=False), READ, body.why, body.key_id)


def _admitted(keeper: Keeper, by: Asker, call_id: str, people: Sequence[str]) -> CatalogueEntry:
    """The entry of a call that these people may hear now. Raises ForbiddenError, RefusedError, NotFoundError."""
    one = admitted(keeper, by, Verb.PLAY, call_id)
    with attempt(keeper, by, Verb.PLAY, one.id, OWN_EXTENSION):
        refuse_own(keeper.settings.service, people, one)
    return entry_of(keeper, one, call_id)


def _open(keeper: Keeper, by: Asker, hearing: Hearing, verb: str, why: str, key_id: str) -> Opened:
    """The audit entry first: it is durable when the first octet goes."""
    ticket = keeper.hearings.tickets.issue(by.user, hearing, keeper.now.mono_ns)
    try:
        keeper.audit(by.user, verb, hearing.call_id, why)
    except BaseException:
        keeper.hearings.tickets.end(ticket)
        raise
    key = bytes.fromhex(key_id)
    records = [for_key(one, key) for one in keeper.standing.in_order(hearing.entry.call_id)]
    return Opened(ticket=ticket, store=keeper.store.info, entry=hearing.entry, records=records)


def _of(keeper: Keeper, asked: Asked) -> Hearing:
    return keeper.hearings.tickets.of(asked.path["ticket"], asked.by.user, keeper.now.mono_ns)


def _heads(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    """Block 0 of each slot, in the order of the entry; zeros for one that cannot be read."""
    one = _of(keeper, asked)
    _refuse_since(keeper, asked.by, one)
    return _blocks(keeper, asked.by, one)


def _blocks(keeper: Keeper, by: Asker, one: Hearing) -> Iterator[bytes]:
    ring = keeper.store.ring
    for slot in one.entry.slots:
        _refuse_since(keeper, by, one)  # others are served between two blocks
        try:
            yield ring.read_block0(slot)
        except StoreError:
            yield ring.salvage(slot)[0][:BLOCK]


def _slot(keeper: Keeper, asked: Asked) -> Iterator[bytes]:
    one = _of(keeper, asked)
    number = asked.path["n"]
    if not (number.isascii() and number.isdigit() and len(number) < 8 and int(number) < len(one.entry.slots)):
        raise NotFoundError(f"the call has no slot {number[:20]}", remedy="use the tsuwaroku command")
    _refuse_since(keeper, asked.by, one)
    data, bad = keeper.store.ring.salvage(one.entry.slots[int(number)])
    one.given.add(int(number))
    return iter([msgspec.msgpack.encode(SlotRow(data, sorted(bad)))])


def _refuse_since(keeper: Keeper, by: Asker, one: Hearing) -> None:
    """The call may have been erased, its days may be over, and who asks may have lost its line since it was opened."""
    fate = keeper.fates.of(one.call_id, keeper.judge)
    refuse_gone(fate)
    refuse_line(by, fate)


def _heard(keeper: Keeper, asked: Asked) -> Nothing:
    body: HeardRequest = asked.body
    one = _of(keeper, asked)
    if body.stretches is not None:
        if any(begin > end for begin, end in body.stretches):
            raise RefusedError("a stretch that ends before it begins", remedy="use the tsuwaroku command")
        one.heard = list(body.stretches)
    if body.done:
        keeper.hearings.end(asked.path["ticket"], asked.by.user, one)
    return Nothing()


ROUTES: Routes = (
    Route(
        method="POST",
        path="/v1/plays",
        verb=Verb.PLAY,
        summary="open a call to be heard; purpose, note and company are in the audit log before the answer",
        act=_play,
        body=PlayRequest,
        answer=Opened,
    ),
    Route(
        method="POST",
        path="/v1/reads",
        verb=Verb.PLAY,
        summary="open a call for its record, a paper or a copy; that is in the audit log before the answer",
        act=_read,
        body=ReadRequest,
        answer=Opened,
    ),
    Route(
        method="GET",
        path="/v1/plays/{ticket}/heads",
        verb=Verb.PLAY,
        summary=f"the header blocks of its slots, {BLOCK} octets each",
        act=_heads,
        stream=True,
    ),
    Route(
        method="GET",
        path="/v1/plays/{ticket}/slots/{n}",
        verb=Verb.PLAY,
        summary="its n-th slot, from 0: msgpack of the octets and of the offsets of blocks that cannot be read",
        act=_slot,
        stream=True,
    ),
    Route(
        method="POST",
        path="/v1/plays/{ticket}/heard",
        verb=Verb.PLAY,
        summary="what was heard of it up to now; with `done` the end of it",
        act=_heard,
        body=HeardRequest,
    ),
)
