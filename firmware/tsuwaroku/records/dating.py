"""What the box knows of the date: the memory of the judge of the clock (`judging.py`), and how it learns.

The only time nobody can set is *powered-on time*: CLOCK_MONOTONIC of each boot, added up over the boots. A date is
powered-on time plus an offset, the *line* of a boot; from one boot to the next the line rises by the time without
power, and by nothing else. So a call's age is powered-on age plus the off-times believed since, and a clock that is
wrong can age a call only by making the box believe in an off-time that never was. Hence the rules:

- A line comes from a synchronised clock, or from a manager's `confirm`. An unsynchronised one dates nothing but the
  calls of its own boot, and those for reading only.
- Off-time is believed only at the first synchronised look of a boot: up to 3 days (`JUMP_NS`) at once, up to 13 days
  (`UNAIDED_NS`, also the most that the boots of one stretch get at once) after the clock was synchronised and agreed
  with itself for 3 days of powered-on time (`STRETCH_NS`), more than that only from the manager. 3 days let weekends
  pass unseen; 13 cover every holiday of a city hall, and twice 13 and a stretch are less than 30. The stretch is a
  weekend long: somebody has been there and seen the alarm; and it costs no more days than the least jump that needs it.
- Within a boot the monotonic clock proves that no time was lost. A step of the synchronised clock there is a
  correction of the calendar: after the stretch it moves the lines of all boots, and ages no call. A step back is one
  wherever it happens; what was moved back is owed (`debt_ns`), and a later step forward pays that debt first.
- A boot that was never synchronised lies between its neighbours. Its calls are dated by the line of the next boot
  that was: the latest they can be, as if all time without power had passed before it.

What holds: an unsynchronised clock, and a synchronised one that lies within a boot for less than the stretch, erases
nothing early, whatever it shows. What does not: a time server that lies just after a power cut forges up to 3 days,
and up to 13 if it keeps lying for the stretch, with the alarm standing; one that lies back after a power cut through
to the next boot hides at most the length of that cut; a calendar corrected by a lie that lasted the stretch moves
midnight, by less than a day. Whoever works both the time server and the plug can repeat it: even so no call kept for
30 days goes by its date before it has 3 days of powered-on age. Root can do anything, to the file with this memory
too, but only from now on: what is erased then is in the log.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from tsuwaroku.clock import NS, ClockQuality, Instant, representable
from tsuwaroku.errors import RefusedError

DAY_NS = 86_400 * NS
SLACK_NS = 60 * NS  # what a sound clock may step: a leap second, a week of holdover at 100 ppm
JUMP_NS = 3 * DAY_NS
UNAIDED_NS = 13 * DAY_NS
STRETCH_NS = 3 * DAY_NS
GUESS_NS = DAY_NS  # so far ahead a clock nobody synchronised may be right: for the dates of its own boot's calls
FIRST_NS = 1_767_193_200 * NS  # 2026-01-01 in Asia/Tokyo: nobody confirms a date before there was a box
MOST_BOOTS = 1000  # some 100 octets each; years of reboots, or a day of them one a minute


class Standing(enum.IntEnum):
    """How far the line of a boot is known."""

    UNHEARD = 0  # no synchronised clock, or one refuted since
    CLAIMED = 1  # a synchronised clock whose story is not believed yet
    KNOWN = 2


class Boot(msgspec.Struct, frozen=True, array_like=True):
    """One boot. Its lines are Unix ns minus powered-on ns, None while no date was ever known.

    `started_ns`: powered-on time at its monotonic zero; `seen_ns`: monotonic time of the last look. `low_ns` is the
    line by which the box believes it is at least so late; `high_ns` the latest that calls in it can have ended.
    """

    boot_id: bytes
    started_ns: int
    seen_ns: int
    low_ns: int | None = None
    high_ns: int | None = None
    standing: Standing = Standing.UNHEARD

    def powered_ns(self, mono_ns: int) -> int:
        return self.started_ns + mono_ns

    def dated_ns(self, moment: Instant) -> int:
        """When a moment of this boot was, at the latest; its own word where no date is known.

        A record that agrees within a minute is taken at its word: that is the time people see.
        """
        if self.high_ns is None:
            return moment.wall_ns
        judged = representable(self.high_ns + self.powered_ns(moment.mono_ns))
        return moment.wall_ns if abs(judged - moment.wall_ns) <= SLACK_NS else judged


class Story(msgspec.Struct, frozen=True, array_like=True):
    """What synchronised clocks have been saying, as long as it is one story.

    `said_ns`: the line, of the boot that began at `boot_ns`; `agreed_ns`: powered-on time for which it was told without
    a break; `shift_ns`: how much of its difference from the believed line is no off-time; `jump_ns`: the off-time it
    began with; `hearing`: whether the last look heard it.
    """

    said_ns: int
    boot_ns: int
    agreed_ns: int = 0
    shift_ns: int = 0
    jump_ns: int = 0
    hearing: bool = True


class State(msgspec.Struct, frozen=True):
    """All the judge remembers. `fresh_ns`: off-time believed at once since the last whole stretch. `confirmed`: number
    of the last confirmation that is in it."""

    boots: tuple[Boot, ...] = ()
    story: Story | None = None
    debt_ns: int = 0
    fresh_ns: int = 0
    confirmed: int = 0


class Confirmation(msgspec.Struct, frozen=True):
    """A manager's word that the clock was right at that moment; `number` grows from one to the next."""

    number: int
    at: Instant


class Proposal(msgspec.Struct, frozen=True):
    """The technician's word that the clock is right. `line_ns` is what it says, minus powered-on time.

    `ahead_ns`: of the date the box itself believes in (None: it believes in none); `off_ns`: how much of that
    would count as time without power, and so age every earlier call.
    """

    at: Instant
    by: str
    line_ns: int
    ahead_ns: int | None
    off_ns: int


def observe(state: State, now: Instant) -> State:
    """One look at the clock: at every start, then each minute, and before every judgement."""
    entered = _enter(state, now)
    if entered is None:
        return state
    state, elapsed = entered
    boot = state.boots[-1]
    line = now.wall_ns - boot.powered_ns(now.mono_ns)
    if now.quality is not ClockQuality.SYNCHRONISED:
        state = replace(state, story=state.story and replace(state.story, hearing=False))
        guess = boot.standing is Standing.UNHEARD and boot.low_ns is not None and 0 < line - boot.low_ns <= GUESS_NS
        if guess and (boot.high_ns is None or abs(line - boot.high_ns) > NS):  # no two looks agree to the nanosecond
            return _put(state, replace(boot, high_ns=line))
        return state
    if boot.low_ns is None:
        return _adopt_first(state, line)
    state = _listen(state, line, elapsed)
    return _weigh(state, line)


def replay(
    instants: Iterable[Instant], state: State | None = None, confirmations: Iterable[Confirmation] = ()
) -> State:
    """The memory brought up to records' times, in the order they were written: of boots in which nobody looked, or
    from nothing when it was lost. What comes before a boot it knows is known, or was forgotten: it changes nothing.

    A confirmation that is not in it comes after what its boot recorded before it. One of a boot of which nothing else
    is known has no place among the others; it is left out, and ages no call.
    """
    state = state or State()
    known = {boot.boot_id for boot in state.boots}
    records = list(instants)
    begin = max((at for at, instant in enumerate(records) if instant.boot_id in known), default=0)
    waiting = [one for one in confirmations if one.number > state.confirmed]
    for event in _in_order(records[begin:], waiting, state.boots[-1].boot_id if state.boots else None):
        state = observe(state, event) if isinstance(event, Instant) else _reconfirm(state, event)
    return state


def _in_order(
    records: list[Instant], confirmations: list[Confirmation], last_boot: bytes | None
) -> list[Instant | Confirmation]:
    """Each confirmation behind the last record of its boot that is not later; before all where there is none, and the
    memory knows the boot as its last."""
    placed: list[tuple[int, int, Confirmation]] = []
    for one in confirmations:
        there = [at for at, record in enumerate(records) if record.boot_id == one.at.boot_id]
        if there:
            earlier = [at for at in there if records[at].mono_ns <= one.at.mono_ns]
            placed.append((max(earlier) + 1 if earlier else min(there), one.number, one))
        elif one.at.boot_id == last_boot:
            placed.append((0, one.number, one))
    events: list[Instant | Confirmation] = list(records)
    for at, _, one in sorted(placed, key=lambda entry: entry[:2], reverse=True):
        events.insert(at, one)
    return events


def _reconfirm(state: State, one: Confirmation) -> State:
    observed = observe(state, one.at)
    if observed.boots[-1].boot_id != one.at.boot_id:
        return state
    return replace(confirm(observed, one.at), confirmed=one.number)


def changed(before: State, after: State) -> bool:
    """Whether more than the look and the stretch moved: worth saving at once, not with the next minute."""

    def still(state: State) -> tuple[object, ...]:
        boots = tuple(replace(boot, seen_ns=0) for boot in state.boots)
        story = state.story and replace(state.story, agreed_ns=0)
        return boots, story, state.debt_ns, state.fresh_ns, state.confirmed

    return still(before) != still(after)


def agrees(state: State, now: Instant) -> bool:
    """Whether the clock says what the box believes, so that there is nothing to confirm."""
    state = observe(state, now)
    boot = state.boots[-1]
    line = now.wall_ns - boot.powered_ns(now.mono_ns)
    return boot.standing is Standing.KNOWN and boot.low_ns is not None and abs(line - boot.low_ns) <= SLACK_NS


def propose(state: State, now: Instant, by: str) -> Proposal:
    """What `confirm` would believe: that the clock is right as it stands, synchronised or not."""
    state = observe(state, now)
    boot = state.boots[-1]
    line = now.wall_ns - boot.powered_ns(now.mono_ns)
    if boot.low_ns is None:
        return Proposal(now, by, line, None, 0)
    gap = line - boot.low_ns
    return Proposal(now, by, line, gap, gap - _shift(state, gap))


def confirm(state: State, now: Instant, proposal: Proposal | None = None) -> State:
    """The manager's word that the clock is right: suspension ends, debts are paid, an off-time is believed at any
    length. Raises RefusedError where the clock is not the one that was proposed.

    What is no date of this program (`refuse_impossible`) is for the caller to refuse."""
    state = observe(state, now)
    here = propose(state, now, "")
    if proposal is not None and (proposal.at.boot_id != now.boot_id or abs(proposal.line_ns - here.line_ns) > SLACK_NS):
        raise RefusedError(
            "the clock no longer says what was proposed", remedy="have the technician propose the clock again"
        )
    if here.ahead_ns is None:
        state = _adopt_first(state, here.line_ns)
    else:
        state = _settle(state, here.line_ns, here.ahead_ns - here.off_ns)
    story = Story(here.line_ns, state.boots[-1].started_ns, hearing=now.quality is ClockQuality.SYNCHRONISED)
    return replace(state, story=story, debt_ns=0, fresh_ns=0)


def refuse_impossible(now: Instant) -> None:
    """Raises RefusedError for a clock that is wrong for certain: it shows a time before this program was there."""
    if now.wall_ns < FIRST_NS:
        raise RefusedError(
            f"the clock says {now.isoformat()[:10]}, which is wrong for certain",
            remedy="set the clock first (NTP, or `timedatectl set-time`), then try again",
        )


def _enter(state: State, now: Instant) -> tuple[State, int] | None:
    """The boot of `now` is the last one; with the powered-on time since the last look. None: a look at the past."""
    *earlier, last = state.boots or (None,)
    if last is None:
        return replace(state, boots=(Boot(now.boot_id, 0, now.mono_ns),)), 0
    if now.boot_id == last.boot_id:
        if now.mono_ns < last.seen_ns:
            return None
        elapsed = now.mono_ns - last.seen_ns
        boots = (*earlier, replace(last, seen_ns=last.seen_ns + elapsed))
        return replace(state, boots=boots), elapsed
    if any(boot.boot_id == now.boot_id for boot in earlier if boot is not None):
        return None
    new = Boot(now.boot_id, last.started_ns + last.seen_ns, now.mono_ns, last.low_ns, last.high_ns)
    return replace(state, boots=(*state.boots, new)[-MOST_BOOTS:]), 0


def _adopt_first(state: State, line: int) -> State:
    """The first date this box ever knew: everything before it ended before it."""
    boots = tuple(replace(boot, low_ns=line, high_ns=line, standing=Standing.KNOWN) for boot in state.boots)
    return replace(state, boots=boots, story=Story(line, boots[-1].started_ns))


def _listen(state: State, line: int, elapsed: int) -> State:
    """The story goes on, or another begins. Within a boot its line stays where it began, so that creeping shows."""
    story, boot = state.story, state.boots[-1]
    if story is not None:
        moved = line - story.said_ns
        if story.boot_ns == boot.started_ns and abs(moved) <= SLACK_NS:
            agreed = story.agreed_ns + (elapsed if story.hearing else 0)
            return replace(state, story=replace(story, agreed_ns=agreed, hearing=True))
        if story.boot_ns != boot.started_ns and -SLACK_NS <= moved <= JUMP_NS:
            return replace(state, story=replace(story, said_ns=line, boot_ns=boot.started_ns, hearing=True))
    assert boot.low_ns is not None
    gap = line - boot.low_ns
    shift = _shift(state, gap) if abs(gap) > SLACK_NS else 0
    # What the last story claimed, and nobody believed, is gone with it.
    boots = tuple(
        replace(b, high_ns=b.low_ns, standing=Standing.KNOWN if b.standing is Standing.KNOWN else Standing.UNHEARD)
        for b in state.boots
    )
    return replace(state, boots=boots, story=Story(line, boot.started_ns, shift_ns=shift, jump_ns=max(0, gap - shift)))


def _shift(state: State, gap: int) -> int:
    """How much of a difference is a correction of the calendar: all of it within a boot whose line is known and
    where it goes back; of what is left, as much as was moved back before."""
    if gap < 0 or state.boots[-1].standing is Standing.KNOWN:
        return gap
    return min(gap, state.debt_ns)


def _weigh(state: State, line: int) -> State:
    """Believe the story, or note what it claims."""
    boot, story = state.boots[-1], state.story
    assert boot.low_ns is not None
    assert story is not None
    gap = line - boot.low_ns
    whole = story.agreed_ns >= STRETCH_NS
    if whole:
        story = replace(story, agreed_ns=0)
        state = replace(state, story=story, fresh_ns=0)
    if boot.standing is Standing.KNOWN and abs(gap) <= SLACK_NS:
        return _put(state, replace(boot, high_ns=boot.low_ns))
    at_once = story.shift_ns == 0 and gap <= JUMP_NS and state.fresh_ns + gap <= UNAIDED_NS
    if boot.standing is not Standing.KNOWN and gap >= -SLACK_NS and at_once:
        settled = _settle(state, max(line, boot.low_ns), 0)
        return replace(settled, fresh_ns=state.fresh_ns + max(0, gap))
    if whole and story.jump_ns <= UNAIDED_NS:
        shift = gap if boot.standing is Standing.KNOWN or gap < 0 else min(gap, max(0, story.shift_ns))
        settled = _settle(state, line, shift)
        return replace(settled, story=replace(story, shift_ns=0, jump_ns=0))
    standing = Standing.KNOWN if boot.standing is Standing.KNOWN else Standing.CLAIMED
    boots = tuple(replace(b, high_ns=line) if b.standing is Standing.UNHEARD and gap > 0 else b for b in state.boots)
    return _put(replace(state, boots=boots), replace(boot, high_ns=max(boot.low_ns, line), standing=standing))


def _settle(state: State, line: int, shift: int) -> State:
    """This boot's line is `line`; `shift` of the difference moves the calendar of the boots before it."""
    moved = max(0, shift)
    *_, now = state.boots
    boots = []
    for boot in state.boots:
        assert boot.low_ns is not None
        assert boot.high_ns is not None
        if boot is now or boot.standing is Standing.UNHEARD:
            low = high = line
        elif boot.standing is Standing.CLAIMED:
            low = high = boot.high_ns
        else:
            low, high = boot.low_ns + moved, boot.high_ns + moved
        # No boot was later than the ones after it: what said so is refuted.
        boots.append(replace(boot, low_ns=min(low, line), high_ns=min(high, line), standing=Standing.KNOWN))
    debt = state.debt_ns - min(state.debt_ns, moved) + max(0, -shift)
    return replace(state, boots=tuple(boots), debt_ns=debt)


def _put(state: State, boot: Boot) -> State:
    return replace(state, boots=(*state.boots[:-1], boot))


def off_times_ns(state: State) -> list[int]:
    """The time without power believed before each boot but the first."""
    return [(b.low_ns or 0) - (a.low_ns or 0) for a, b in pairwise(state.boots)]
