"""A year of a city hall's box, or some days of one: an office's calls, and all that goes wrong, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from tests.service.marker import marker
from tests.service.yearbox import (
    DAY,
    HOUR,
    KILLED,
    LEASED,
    MINUTE,
    POWERLESS,
    SECOND,
    SYNCHRONISED,
    UNSYNCHRONISED,
    YearBox,
)
from tests.service.yearcalls import Office, Timetable
from tests.service.yearledger import Ledger, Truth, days_between
from tsuwaroku.records.call import MarkKind
from tsuwaroku.records.retention import first_ns
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.rebuilding import rebuild_store
from tsuwaroku.service.statement import state
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

HELD_AT_MOST = 0.4  # of the ring's slots
STEPS_NS = (10 * SECOND, HOUR, DAY, 30 * DAY, 3652 * DAY)
SLOTS_A_CALL = 1.35  # as drawn, measured
DAYS_OF_CALLS = 22  # working days' calls that are there at once; when the erasure is late, holds make room
YEAR_END = {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}


def ring_for(calls_a_day: int) -> int:
    """Slots for what is not held, and as many more that 40 % of all can be held besides."""
    return round(calls_a_day * SLOTS_A_CALL * DAYS_OF_CALLS / (1 - HELD_AT_MOST)) + 2 * LEASED


class Year:
    """`run` goes through the days from `first` on. `long_off`: hours without power from the evening of a day on."""

    def __init__(
        self, path: Path, *, first: date, days: int, calls_a_day: int, long_off: dict[int, int], seed: int = 8
    ) -> None:
        self.rng = random.Random(seed)
        self.first, self.days, self.calls_a_day, self.long_off = first, days, calls_a_day, long_off
        self.box = YearBox(path, ring_for(calls_a_day), first_ns(first) + 8 * HOUR)
        self.ledger = Ledger(self.box)
        self.figures = self.ledger.figures
        self.times = Timetable(self.box)
        self.office = Office(
            self.box, self.ledger, self.rng, lambda: self._power_off(round(self.rng.uniform(0.05, 5) * HOUR))
        )
        self._unstated: list[date] = []

    def run(self, each_day: Callable[[int], None] = lambda day: None) -> None:
        """All of it, and on until the clock is sound and nothing is suspended."""
        for number in range(self.days):
            today = self.first + timedelta(days=number)
            self._plan(number, today)
            self.times.run_to(first_ns(today + timedelta(days=1)))
            each_day(number)
        while not (self.box.right and not self.ledger.judge().suspended):
            self.times.run_to(self.box.true_ns + 6 * HOUR)
        self.box.drain()
        self._evening(full=True)
        for day in self._unstated:
            self.ledger.state(day)

    def _plan(self, number: int, today: date) -> None:
        rng, midnight = self.rng, first_ns(today)

        def when(low: float, high: float) -> int:
            return midnight + round(rng.uniform(low, high) * HOUR)

        self.times.if_on(midnight + 70 * SECOND, self.ledger.reading)
        self.times.if_on(midnight + 3 * MINUTE, self._night)
        self.times.if_on(midnight + 3 * HOUR, self._statements)
        holiday = today.weekday() >= 5 or (today.month, today.day) in YEAR_END
        waves = max(1, round(self.calls_a_day * (0.05 if holiday else 1) / 4.5))
        for _ in range(waves):
            self.times.if_on(when(8.5, 17.25), self.office.wave)
        if rng.random() < 0.3:
            self.times.if_on(midnight + DAY - 20 * SECOND, self.office.wave)
        self.times.if_on(midnight + 12 * HOUR, self._manager)
        self.times.if_on(midnight + 23 * HOUR, lambda: self._evening(number % 9 == 4))
        for act, chance in (
            (self._lie, 0.12),
            (self._short_cut, 0.07),
            (self._keeper_killed, 0.08),
            (self._recorder_killed, 0.05),
            (self._day_lost, 0.03),
        ):
            if rng.random() < chance:
                self.times.if_on(when(0.5, 23.5), act)
        if number in self.long_off:
            off_ns = self.long_off[number] * HOUR
            self.times.if_on(midnight + 17 * HOUR + 40 * MINUTE, lambda: self._power_off(off_ns))
        if number % 91 == 45:
            self.times.if_on(midnight + 6 * HOUR, self._rebuild)
        self._unstated.append(today)

    # -- power, and processes that die

    def _power_off(self, off_ns: int) -> None:
        box = self.box
        if box.error_ns > 0 and box.quality is SYNCHRONISED:
            self.ledger.skews.append((box.true_ns, box.error_ns))
        box.power_cut()
        self.office.cut_off()
        self.figures.count("power cuts")
        self.figures.count("days without power" if off_ns >= DAY else "hours without power")
        self.times.at(box.true_ns + off_ns, lambda: self._power_on(off_ns))

    def _power_on(self, off_ns: int) -> None:
        box, rng = self.box, self.rng
        if rng.random() < 0.2:
            (box.path / "slots.table").unlink(missing_ok=True)
            self.figures.count("slot tables lost")
        box.power_again(date_written=rng.random() < 0.4)
        self.office.look_for()
        never = off_ns < DAY and rng.random() < 0.15
        if not never:
            delay_ns = round(rng.choice((1, 3, 40, 300)) * rng.uniform(0.5, 1) * MINUTE)
            self.times.at(box.true_ns + delay_ns, self._synchronised, len(box.boots))
        else:
            self.figures.count("boots whose clock nobody set")
            more_ns = round(rng.uniform(1, 20) * HOUR)
            self.times.at(box.true_ns + more_ns, lambda: self._power_off(HOUR), len(box.boots))
        if off_ns > 13 * DAY:
            self.times.at(box.true_ns + 7 * HOUR, self._confirmed, len(box.boots))

    def _synchronised(self) -> None:
        self.box.error_ns, self.box.quality = 0, SYNCHRONISED
        self.box.poll()

    def _confirmed(self) -> None:
        assert self.ledger.judge().suspended
        self.box.confirmed()
        self.figures.count("clock confirmed by the manager")
        self.box.drain()
        assert not self.ledger.judge().suspended

    def _short_cut(self) -> None:
        self._power_off(round(self.rng.choice((0.05, 0.5, 3, 12)) * self.rng.uniform(0.5, 1.5) * HOUR))

    def _keeper_killed(self) -> None:
        step, way = self.rng.randrange(1, 12), self.rng.choice(KILLED)
        if not self.box.dying(self.box.keeper_dies, step, way, self.box.poll):
            self.box.keeper_dies()
        self.figures.count("keepers killed")
        self.box.keeper_starts()

    def _recorder_killed(self) -> None:
        self.box.recorder_dies()
        self.figures.count("recorders killed")
        self.office.cut_off()
        self.box.recorder_comes_again()
        self.office.look_for()

    def _day_lost(self) -> None:
        days = sorted(self.box.store.catalogue_dir.glob("????-??-??.json"))
        if days:
            self.figures.count("days of the catalogue lost")
            path = self.rng.choice(days)
            if self.rng.random() < 0.5:
                path.write_bytes(path.read_bytes()[:100])
                if self.box.right:
                    assert not state(self.box.store, self.box.now()).statement.holds
                self.box.keeper._upkeep.expiry.again()  # as the next pass over the calls finds it
                self.box.drain()
                self.box.poll(2)
                return
            self.box.keeper_dies()
            path.unlink()
            self.box.keeper_starts()
            self.box.poll(2)

    def _rebuild(self) -> None:
        """`rebuild`, while no keeper runs."""
        self.box.drain()  # a night without power may have left its erasure to the morning
        self.ledger.take_stock()
        self.box.keeper_dies()
        store = Store.open(self.box.path)
        found = rebuild_store(store)
        store.close()
        self.figures.count("rebuilds")
        self.box.keeper_starts()
        self.box.poll(2)
        assert (found.calls, found.problems) == (len(self.ledger.calls), [])
        assert found.held == {c.id: c.until.isoformat() for c in self.ledger.calls.values() if c.until is not None}

    # -- the clock

    def _lie(self) -> None:
        """For some hours the clock is wrong, and says that it is right, or that it does not know."""
        box, rng = self.box, self.rng
        if not box.right or not box.boots[-1].heard:
            return
        by_ns = rng.choice(STEPS_NS) * rng.choice((1, -1))
        quality = rng.choice((SYNCHRONISED, UNSYNCHRONISED))
        box.error_ns, box.quality = by_ns, quality
        self.figures.count(f"clock {quality.value} and {'ahead' if by_ns > 0 else 'behind'}")
        box.poll()
        self.times.at(box.true_ns + round(rng.uniform(0.2, 10) * HOUR), self._synchronised, len(box.boots))

    # -- the manager

    def _manager(self) -> None:
        """Holds until the ring is nearly full, or 40 % of it held; a release now and then; marks from the desk."""
        box, ledger, rng = self.box, self.ledger, self.rng
        if not box.right or ledger.judge().suspended:
            return
        calls, today = list(ledger.calls.values()), ledger.today()
        places = {call.call_id: box.keeper._upkeep.lending.slots.of(call.call_id) for call in calls}
        held = [call for call in calls if call.until is not None and call.until > today]
        slots = box.store.ring.slots
        of_held = sum(len(places[call.call_id]) for call in held)
        self.figures.most_held = max(self.figures.most_held, of_held / slots)
        reserve = round(2.5 * self.calls_a_day * SLOTS_A_CALL) + LEASED
        for call in rng.sample(held, min(len(held), 2 if box.keeper.free_slots > reserve else 20)):
            if rng.random() < 0.3 or box.keeper.free_slots <= reserve:
                self._hold(call, None)
        room = min(box.keeper.free_slots - reserve, round(HELD_AT_MOST * slots) - of_held)
        young = [call for call in calls if call.until is None and ledger.earliest(call) > today]
        for call in rng.sample(young, min(len(young), max(0, room // 6), self.calls_a_day // 2 + 1)):
            last = ledger.latest(call)
            if ledger.earliest(call) == last:
                self._hold(call, last + timedelta(days=rng.choice((1, 3, 20, 60, 90))))
        for call in rng.sample(calls, min(2, len(calls))):
            if ledger.earliest(call) > today:
                box.keeper.mark(call.id, MarkKind.UNREASONABLE_DEMAND.value, marker("suzuki"), None)

    def _hold(self, call: Truth, until: date | None) -> None:
        until_text = None if until is None else until.isoformat()
        self.box.keeper.hold(HoldRequest(calls=[call.id], until=until_text, reason="訴訟のため"), "suzuki")
        call.until = until
        self.figures.count("holds released" if until is None else "holds placed")

    # -- what is looked at

    def _night(self) -> None:
        """The erasure in the first minutes of the day; on some nights the keeper dies in it, or the power goes."""
        rng, box, ledger = self.rng, self.box, self.ledger
        gone = [call for call in ledger.calls.values() if call.traces]
        if rng.random() < 0.2:
            step, power = rng.randrange(1, 60), rng.random() < 0.5
            way = rng.choice(POWERLESS if power else KILLED)
            if box.dying(lambda: None, step, way, box.drain):
                self.figures.count("deaths in an erasure")
                if power:
                    self._power_off(round(rng.uniform(0.02, 2) * HOUR))
                    return
                box.keeper_dies()
                box.keeper_starts()
        box.drain()
        ledger.take_stock()
        ledger.scan(piece for call in gone if call.call_id not in ledger.calls for piece in call.traces)
        self.figures.suspended_days += bool(ledger.judge().suspended)

    def _statements(self) -> None:
        if not self.box.right:
            return
        self.box.drain()  # the clock may have come to be believed since midnight
        today = self.ledger.today()
        days, self._unstated = self._unstated, []
        for day in days:
            if day < today:
                self.ledger.state(day)
            else:
                self._unstated.append(day)

    def _evening(self, full: bool) -> None:
        rng, box, ledger = self.rng, self.box, self.ledger
        box.drain()
        ledger.take_stock()
        ledger.reading()
        calls = list(ledger.calls.values())
        ledger.played(rng.sample(calls, min(3, len(calls))))
        if calls:
            young = rng.choice(calls)
            if not young.traces:
                ledger.trace(young)
        if box.right and rng.random() < 0.5:
            for day in days_between(self._unstated[0], ledger.today()) if self._unstated else ():
                ledger.state(day)
            self._unstated.clear()
        if full:
            report = verify_store(box.store, box.key)
            assert (report.ok, report.problems) == (True, []), [c.problems for c in report.calls if c.problems]
            assert {c.sequence for c in report.calls} == {c.sequence for c in ledger.calls.values()}
            ledger.listed()
            ledger.table()
