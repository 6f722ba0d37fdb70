"""The truth about a year of calls, kept beside the box by true time, and the box judged by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from ulid import ULID

from tests.service.yearbox import SECOND, YearBox
from tsuwaroku.clock import Instant
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import Period, day_of
from tsuwaroku.service.reading import may_read
from tsuwaroku.service.statement import Statement, is_signed, state
from tsuwaroku.store import slotheads
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import read_headers, scan_call

PERIOD = Period(30)
SLACK_NS = 60 * SECOND  # a clock that differs by less is taken at its word (records/dating.py)
LEFT_OUT = 2 * 1024  # samples a commit may leave for the next: the frame held back, and one that is not whole
_NOISE = np.random.default_rng(1).normal(0, 60, 1 << 16).clip(-32768, 32767).astype("<i2").tobytes()


def sound(seed: int, samples: int) -> bytes:
    """Line noise of a call's own, S16LE: the same each time it is asked for."""
    at = 2 * (seed * 7919 % (len(_NOISE) // 2))
    return (_NOISE[at:] + _NOISE * (samples * 2 // len(_NOISE) + 1))[: 2 * samples]


def numbers_in(ranges: str) -> set[int]:
    """Of a statement: "1–3, 7"."""
    spans = [span.split("–") for span in ranges.split(", ") if span]
    return {number for span in spans for number in range(int(span[0]), int(span[-1]) + 1)}


@dataclass(slots=True)
class Truth:
    """One call. `given`: samples; `safe`: of these, in commits that came back. `end`: the moment of the last of these,
    as the box's clock had it. True times: it began at `began_ns`, and ended at `ended_ns` at the earliest, `cut_ns` at
    the latest. `closed`: the recorder heard that its end is on the disk."""

    call_id: bytes
    sequence: int
    line: str
    boot: int
    seed: int
    began_ns: int
    given: int = 0
    safe: int = 0
    end: Instant | None = None
    ended_ns: int = 0
    cut_ns: int = 0
    closed: bool = False
    until: date | None = None
    marks: int = 0
    traces: tuple[bytes, ...] = ()

    @property
    def id(self) -> str:
        return str(ULID.from_bytes(self.call_id))


@dataclass(slots=True)
class Gone:
    """An erased call: the days it ended on, and its last days, each the earliest and the latest they can be."""

    sequence: int
    ended: tuple[date, date]
    last: tuple[date, date]


@dataclass
class Figures:
    """Of a whole run."""

    calls: int = 0
    erased: int = 0
    discarded: int = 0
    interrupted: int = 0
    lost_in_commit: int = 0  # calls of the very commit that was cut: nobody was told that they are safe
    statements: int = 0
    suspended_days: int = 0
    decoded: int = 0
    scanned: int = 0
    fullest: float = 0
    most_held: float = 0
    octets: int = 0
    events: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.events[what] = self.events.get(what, 0) + 1


class Ledger:
    """`calls`: those that were not erased yet, by id, in the order they were opened. `skews`: when the calendar of what
    was before may have moved forward, and by how much."""

    def __init__(self, box: YearBox) -> None:
        self.box = box
        self.calls: dict[bytes, Truth] = {}
        self.figures = Figures()
        self.skews: list[tuple[int, int]] = []
        self.gone: list[Gone] = []

    # -- what has to be

    def earliest(self, call: Truth) -> date:
        """The last day on which it has to be there."""
        last = PERIOD.last_day(day_of(call.ended_ns - SLACK_NS))
        return last if call.until is None else max(last, call.until)

    def latest(self, call: Truth) -> date:
        """The last day on which it may be read, on a sound clock: of a boot whose date nobody knew, as if all time
        without power after it had passed before it."""
        last = PERIOD.last_day(day_of(call.cut_ns + SLACK_NS + self._late_ns(call)))
        return last if call.until is None else max(last, call.until)

    def _late_ns(self, call: Truth) -> int:
        late = sum(by for at_ns, by in self.skews if call.began_ns <= at_ns)
        boots = self.box.boots
        for boot in range(call.boot, len(boots)):
            if boots[boot].heard:
                break
            late += boots[boot + 1].off_ns if boot + 1 < len(boots) else 0
        return late

    def today(self, slack_ns: int = 0) -> date:
        return day_of(self.box.true_ns + slack_ns)

    # -- what is there

    def present(self) -> dict[bytes, list[int]]:
        """The slots of each call, by what block 0 of every slot says."""
        store, found = self.box.store, dict[bytes, list[int]]()
        for number in range(store.ring.slots):
            seen = slotheads.glance(store.ring.read_block0(number), number, store.store_id)
            if seen is not None and seen.used:
                found.setdefault(seen.call_id, []).append(number)
        return found

    def take_stock(self) -> None:
        """Nothing is gone before its time; what is gone is taken off the ledger; what must be gone is."""
        there, today = self.present(), self.today(SLACK_NS)
        for call in list(self.calls.values()):
            if call.call_id in there:
                continue
            assert today > self.earliest(call), f"call {call.sequence} is gone, kept until {self.earliest(call)}"
            self.figures.erased += 1
            ended = day_of(call.ended_ns - SLACK_NS), day_of(call.cut_ns + SLACK_NS + self._late_ns(call))
            self.gone.append(Gone(call.sequence, ended, (self.earliest(call), self.latest(call))))
            del self.calls[call.call_id]
        slots = (
            self.box.keeper._upkeep.lending.slots
        )  # a free slot may still bear the header of a call that nobody kept
        strays = [call_id for call_id in there if call_id not in self.calls and slots.of(call_id)]
        assert strays == [], f"slots {[there[call_id] for call_id in strays]} are kept for nobody"
        judge = self.judge()
        if self.box.right and not judge.suspended and judge.erasing_day == self.today():
            late = [call.sequence for call in self.calls.values() if self.latest(call) < self.today()]
            assert late == [], f"calls {late} are past their days, and there"
        used = sum(len(places) for call_id, places in there.items() if call_id in self.calls)
        self.figures.fullest = max(self.figures.fullest, used / self.box.store.ring.slots)

    def judge(self) -> Judge:
        return Judge(self.box.keeper._upkeep.watch.state, self.box.now())

    # -- reading

    def reading(self) -> None:
        """By a sound clock every call of today is readable, and none past its day, whether it was erased or not."""
        if not self.box.right:
            return
        judge, today = self.judge(), self.today()
        for call in self.calls.values():
            assert call.end is not None
            verdict = judge.may_read(call.end, PERIOD, call.until)
            if self.latest(call) < today:
                assert not verdict.yes, f"call {call.sequence} is read on {today}, after {self.latest(call)}"
            if today <= self.earliest(call):
                assert verdict.yes, f"call {call.sequence} is refused on {today}, before {self.earliest(call)} is over"

    def played(self, calls: Iterable[Truth]) -> None:
        """These calls, as the verb `play` comes to them; and what is heard is what was said."""
        store, now = self.box.store, self.box.now()
        amendments = read_amendments(store)
        for call in calls:
            stored = scan_call(store, read_headers(store, self._places(call)).calls[call.call_id])
            assert stored.problems == []
            until = amendments.hold(call.call_id)
            assert until == call.until
            verdict = may_read(store, stored, until.isoformat() if until else "", now)
            assert verdict is not None
            if self.box.right:
                assert verdict.yes or self.today() > self.earliest(call)
                assert not verdict.yes or self.today() <= self.latest(call)
            if amendments.gone(call.call_id):
                continue
            reader = CallReader(stored, store, self.box.key, amendments=amendments)
            heard, said = b"".join(pcm for _, pcm in reader.pcm()), sound(call.seed, call.given)
            least = call.given if call.closed else max(0, call.safe - LEFT_OUT)
            assert said.startswith(heard)
            assert 2 * least <= len(heard) <= 2 * call.given
            record = reader.record()
            assert record.duration_s >= 0
            assert not call.closed or len(record.marks) == call.marks
            self.figures.decoded += 1

    def _places(self, call: Truth) -> list[int]:
        entry = Catalogue(self.box.store.catalogue_dir).get(call.id)
        assert entry is not None, f"call {call.sequence} is not listed"
        return entry.slots

    def listed(self) -> None:
        """Every call is listed, in the order it was opened, and no other."""
        found = [(record.sequence, record.id) for record in list_calls(self.box.store)]
        assert found == [(call.sequence, call.id) for call in self.calls.values()]

    def table(self) -> None:
        """The keeper's slot table says of every slot in use what its header says."""
        there, slots = self.present(), self.box.keeper._upkeep.lending.slots
        kept = {call_id: places for call_id, places in there.items() if call_id in self.calls}
        assert {call_id: slots.of(call_id) for call_id in kept} == kept
        assert slots.calls() == kept.keys()
        assert slots.free == self.box.store.ring.slots - sum(map(len, kept.values()))

    # -- the statement

    def state(self, day: date) -> Statement:
        """The statement for a day is signed, and says what is so."""
        self.take_stock()  # a keeper that starts ends what was cut off
        signed = state(self.box.store, self.box.now(), day)
        assert is_signed(signed)
        said = signed.statement
        self.figures.statements += 1
        assert said.problems == [], said.problems
        must, may = self._kept_on(day)
        kept = numbers_in(said.kept)
        assert (must - kept, kept - may) == (set(), set()), f"statement for {day}: wants these, has those too much"
        assert said.kept_count == len(kept)
        self._kept_then(said, day)
        past = {c.sequence for c in self.calls.values() if self.latest(c) < self.today()}
        may_be_past = {c.sequence for c in self.calls.values() if self.earliest(c) < self.today(SLACK_NS)}
        told = numbers_in(said.overdue) | numbers_in(said.due)
        if self.box.right:
            assert past <= told <= may_be_past
            assert said.holds is (said.overdue == "")
        assert numbers_in(said.overdue) == set() or self.judge().suspended or not self.box.right
        return said

    def _kept_then(self, said: Statement, day: date) -> None:
        """Those that were kept on that day and erased after it; and of none is it said that was not erased."""
        told = numbers_in(said.kept_then)
        must = {one.sequence for one in self.gone if one.ended[1] <= day <= one.last[0]}
        may = {one.sequence for one in self.gone if one.ended[0] <= day <= one.last[1]}
        assert (must - told, told - may) == (set(), set()), f"statement for {day}"
        assert {one.sequence for one in said.erased} <= {one.sequence for one in self.gone}
        assert said.kept_then_count == len(told)
        assert said.erased_before <= len(self.gone)

    def _kept_on(self, day: date) -> tuple[set[int], set[int]]:
        """The numbers that must be among the kept ones of a day, and those that may be."""
        must, may = set(), set()
        for call in self.calls.values():
            first_latest = day_of(call.began_ns + SLACK_NS + self._late_ns(call))
            if first_latest <= day <= self.earliest(call):
                must.add(call.sequence)
            if day_of(call.began_ns - SLACK_NS) <= day <= self.latest(call):
                may.add(call.sequence)
        return must, may

    # -- what is left

    def trace(self, call: Truth) -> None:
        """What must be nowhere once the call is erased: wrapped keys, stream headers, pieces of its ciphertext."""
        store, pieces = self.box.store, [call.call_id]
        for header in read_headers(store, self._places(call)).calls[call.call_id]:
            data = store.ring.read_slot(header.slot)
            pieces += [wrap.sealed for wrap in header.wraps] + [header.stream_header]
            found = (data[at : at + 32] for at in range(4096 + 512, len(data), 4096))
            pieces += [piece for piece in found if any(piece) and not piece.isascii()]  # not the public record
        call.traces = tuple(pieces[:8])

    def scan(self, traces: Iterable[bytes]) -> None:
        """The raw files of ring, journals and catalogue, for what is left of erased calls. Records of holds and marks
        keep the id in the clear, as the chain of the journal wants it."""
        wanted = list(traces)
        if not wanted:
            return
        self.figures.scanned += 1
        for folder in ("ring", "journal", "catalogue"):
            for path in sorted((self.box.path / folder).iterdir()):
                octets = path.read_bytes()
                left = [piece for piece in wanted if piece in octets and not (folder == "journal" and len(piece) == 16)]
                assert left == [], f"{path.name} has {len(left)} pieces of erased calls"
                self.figures.octets += len(octets)


def days_between(first: date, last: date) -> list[date]:
    """Both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
