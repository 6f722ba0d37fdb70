"""Call scripts: TOML in, checked plans out. Any fault is one ScriptError with place and remedy. Nothing is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from tsuwaroku.clock import NS
from tsuwaroku.errors import ScriptError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.checks import check_call, check_talk
from tsuwaroku.exchange.impaired import GOOD
from tsuwaroku.exchange.render import CallLine, RawLine
from tsuwaroku.exchange.sensors import LOOP_VOLTS, THRESHOLDS, Sensors
from tsuwaroku.exchange.sound import RATE
from tsuwaroku.exchange.tables import CallTable, LineTable, RawTable, convert, read, tables_of
from tsuwaroku.exchange.timeline import FLASH_NS, SHORTEST_TALK_NS, CallPlan, Timeline, timeline
from tsuwaroku.exchange.wav import Wav, check

_LATEST_S = 100 * 86_400.0
_SETTLE_NS = 100_000_000  # contacts have stopped bouncing
_HANG_UP_NS = 2_500_000_000  # the longest hang-up rule a line may have
_RANG_OUT_NS = 6_000_000_000  # facts: no ring for 6 s is a missed call
_DEFAULT_TALK_S = 20.0


@dataclass(frozen=True, slots=True)
class RawPlan:
    """A recorded line, checked."""

    line: str
    wav: Wav
    events: tuple[ContactEdge | ButtonPressed, ...]
    mix_notice: bool

    def source(self) -> RawLine:
        return RawLine(self.line, self.wav, self.events, mixes_notice=self.mix_notice)


@dataclass(frozen=True, slots=True)
class Script:
    """A checked script. `notes` say what of it may not be as meant; `lines` are in order of appearance."""

    path: Path
    lines: tuple[str, ...]
    calls: tuple[CallPlan, ...]
    raws: tuple[RawPlan, ...]
    notes: tuple[str, ...]
    duration_s: float
    settings: Mapping[str, LineTable] = field(default_factory=dict)

    def timelines(self, line: str) -> list[Timeline]:
        """The [[call]]s of a line as they will happen, in time order."""
        return [timeline(plan) for plan in self._plans(line)]

    def sources(self) -> list[CallLine | RawLine]:
        """A fresh LineSource for each of `lines`, in that order."""
        raws = {raw.line: raw for raw in self.raws}
        return [raws[line].source() if line in raws else self._call_line(line) for line in self.lines]

    def _plans(self, line: str) -> list[CallPlan]:
        return sorted((plan for plan in self.calls if plan.line == line), key=lambda plan: plan.at_ns)

    def _call_line(self, line: str) -> CallLine:
        plans = self._plans(line)
        ends_ns = max(timeline(plan).last_ns for plan in plans)
        settings = self.settings.get(line)
        impair = GOOD if settings is None else settings.impair
        return CallLine(line, (timeline(plan) for plan in plans), ends_ns, impair, _sensors(settings))


def load_script(path: Path) -> Script:
    """Read and check a call script and the sound files it names. Raises ScriptError."""
    tree = read(path)
    for key in tree:
        if key not in ("call", "line", "raw"):
            raise ScriptError(
                f"unknown key {key!r}",
                where=str(path),
                remedy="a script holds [[call]], [[line]] and [[raw]] tables only",
            )
    lines = _lines(tree, path)
    calls: list[CallPlan] = []
    raws: list[RawPlan] = []
    notes: list[str] = []
    owners: dict[str, str] = {}
    for kind in (kind for kind in tree if kind != "line"):  # in order of their first appearance
        for number, table in enumerate(tables_of(tree[kind], kind, path), 1):
            place = f"[[{kind}]] {number}"
            where = f"{path}: {place}"
            if kind == "call":
                call = convert(table, CallTable, where)
                _claim(owners, call.line, place, kind, path)
                calls.append(_plan_call(call, lines.get(call.line), where, path.parent, number))
            else:
                raw = convert(table, RawTable, where)
                _claim(owners, raw.line, place, kind, path)
                raws.append(_plan_raw(raw, where, path.parent))
                notes += _raw_notes(raws[-1], place)
    if not owners:
        raise ScriptError("is empty", where=str(path), remedy="write at least one [[call]] or [[raw]]")
    for number, line in enumerate(lines, 1):
        if not any(plan.line == line for plan in calls):
            raise ScriptError(
                f"line: {line!r} has no [[call]]", where=f"{path}: [[line]] {number}", remedy="add one, or remove it"
            )
    ends_ns = [raw.source().ends_ns() for raw in raws]
    notes += _check_order(calls, path, ends_ns)
    return Script(path, tuple(owners), tuple(calls), tuple(raws), tuple(notes), max(ends_ns) / NS, lines)


def _claim(owners: dict[str, str], line: str, place: str, kind: str, path: Path) -> None:
    """A line belongs to its [[call]]s or to one [[raw]]."""
    owner = owners.setdefault(line, place)
    if owner != place and (kind == "raw" or owner.startswith("[[raw]]")):
        raise ScriptError(
            f"line: {line!r} is already taken by {owner}",
            where=f"{path}: {place}",
            remedy="give a line either [[call]]s or one [[raw]]",
        )


def _ns(seconds: float, key: str, where: str) -> int:
    if not (math.isfinite(seconds) and 0 <= seconds <= _LATEST_S):
        raise ScriptError(f"{key}: {seconds} is not a time", where=where, remedy="write seconds from 0 up, e.g. 12.5")
    return round(seconds * NS)


def _rising(times: Sequence[float], key: str, where: str, apart_ns: int = 1) -> tuple[int, ...]:
    """Times in ns, each at least `apart_ns` after the one before."""
    ns = tuple(_ns(seconds, f"{key}[{n}]", where) for n, seconds in enumerate(times, 1))
    for n in range(1, len(ns)):
        if ns[n] < ns[n - 1] + apart_ns:
            raise ScriptError(
                f"{key}[{n + 1}]: {times[n]} is not after {times[n - 1]}"
                + (f" by more than {apart_ns / NS} s" if apart_ns > 1 else ""),
                where=where,
                remedy="put the times in order",
            )
    return ns


def _sound(name: str, key: str, where: str, folder: Path) -> Wav:
    try:
        inside = (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        inside = False
    if not inside:
        raise ScriptError(
            f"{key}: {name!r} is not in the script's folder", where=where, remedy="put the sound file beside the script"
        )
    return check(folder / name, f"{where}: {key}")


def _plan_call(call: CallTable, line: LineTable | None, where: str, folder: Path, number: int) -> CallPlan:
    check_call(call, where)
    talk_ns = _talk_ns(call, where)
    if not talk_ns and (call.press or call.flash or call.breaks or call.keys or call.far_dtmf or call.waiting):
        raise ScriptError(
            "press, flash, breaks, keys, far_dtmf and waiting count from the answer, and nobody answers",
            where=where,
            remedy="remove them, or answer = false",
        )
    flash_ns = _rising(call.flash, "flash", where, 2 * FLASH_NS)
    if flash_ns and not FLASH_NS <= flash_ns[0] <= flash_ns[-1] <= talk_ns - 2 * FLASH_NS:
        raise ScriptError(
            f"flash: a flash of {FLASH_NS / NS} s does not fit into the talk of {talk_ns / NS} s",
            where=where,
            remedy=f"leave {FLASH_NS / NS} s before and after it",
        )
    opened = [_ns(length, "breaks", where) for _, length in call.breaks]
    plan = CallPlan(
        line=call.line,
        at_ns=_ns(call.at, "at", where),
        direction=call.direction,
        rings=call.rings,
        talk_ns=talk_ns,
        seed=crc32(f"{call.line} {number}".encode()),
        dial=call.dial,
        dialling=call.dialling or "dtmf",
        press_ns=_rising(call.press, "press", where),
        flash_ns=flash_ns,
        far=_sound(call.far, "far", where, folder) if call.far else None,
        near=_sound(call.near, "near", where, folder) if call.near else None,
        caller_id=call.caller_id,
        redial=call.redial,
        breaks=tuple(zip(_rising([at for at, _ in call.breaks], "breaks", where), opened, strict=True)),
        flash_dial=call.flash_dial,
        keys=_pressed(call.keys, "keys", where),
        far_dtmf=_pressed(call.far_dtmf, "far_dtmf", where),
        waiting_ns=_rising(call.waiting, "waiting", where),
        waiting_id=call.waiting_id,
        end_tones=tuple((tone, _ns(seconds, "end_tones", where)) for tone, seconds in call.end_tones),
        stuck_hook=call.stuck_hook,
        pulse=call.pulse,
        keypad=call.keypad,
        pbx=call.pbx if line is None else call.pbx.over(line.pbx),
        impair=call.impair if line is None else call.impair.over(line.impair),
        sensors=_sensors(line),
    )
    check_talk(plan, where)
    return plan


def _pressed(keys: Sequence[tuple[float, str]], key: str, where: str) -> tuple[tuple[int, str], ...]:
    times = _rising([at for at, _ in keys], key, where)
    return tuple(zip(times, (text for _, text in keys), strict=True))


def _sensors(line: LineTable | None) -> Sensors | None:
    """Comparators on the line's voltage, where the script says how much that is; None = plain contacts."""
    if line is None or line.feed is None:
        return None
    hook, ring = THRESHOLDS[24 if 20.0 <= line.feed <= 30.0 else 48]
    return Sensors(
        feed=line.feed,
        hook_volts=hook if line.hook_volts is None else line.hook_volts,
        ring_volts=ring if line.ring_volts is None else line.ring_volts,
        loop_volts=LOOP_VOLTS if line.loop_volts is None else line.loop_volts,
    )


def _lines(tree: Mapping[str, object], path: Path) -> dict[str, LineTable]:
    """The [[line]] tables by their line. Raises ScriptError."""
    found: dict[str, LineTable] = {}
    for number, table in enumerate(tables_of(tree.get("line", []), "line", path), 1):
        where = f"{path}: [[line]] {number}"
        line = convert(table, LineTable, where)
        if found.setdefault(line.line, line) is not line:
            raise ScriptError(f"line: {line.line!r} has two", where=where, remedy="keep one [[line]] for each line")
        if line.feed is None and (line.hook_volts, line.ring_volts, line.loop_volts) != (None, None, None):
            raise ScriptError("feed: the line's voltage is not given", where=where, remedy="add e.g. feed = 48")
    return found


def _talk_ns(call: CallTable, where: str) -> int:
    """0 = nobody answers: answer = false, or no talk at all."""
    if not call.answer:
        if call.talk:
            raise ScriptError("talk: nobody answers", where=where, remedy="remove talk, or answer = false")
        return 0
    talk_ns = _ns(_DEFAULT_TALK_S if call.talk is None else call.talk, "talk", where)
    if 0 < talk_ns < SHORTEST_TALK_NS:
        raise ScriptError(
            f"talk: {call.talk} s is no answer",
            where=where,
            remedy=f"talk for {SHORTEST_TALK_NS / NS} s or more, or write answer = false",
        )
    return talk_ns


def _plan_raw(raw: RawTable, where: str, folder: Path) -> RawPlan:
    events: list[ContactEdge | ButtonPressed] = []
    seen: dict[str, int] = {}
    latest_ns = 0
    for n, (at, contact, state) in enumerate(raw.contacts, 1):
        at_ns = _ns(at, f"contacts[{n}]", where)
        if at_ns < latest_ns or seen.get(contact) == at_ns:
            early = f"contacts[{n}]: {at} is earlier than the edge before it"
            twice = f"contacts[{n}]: {at} has two edges of {contact}"
            raise ScriptError(
                early if at_ns < latest_ns else twice, where=where, remedy="put the edges in order of time"
            )
        seen[contact] = latest_ns = at_ns
        active = state == ("on" if contact == "ring" else "off")
        events.append(ContactEdge(raw.line, Contact(contact), active, at_ns))
    events += [ButtonPressed(raw.line, at_ns) for at_ns in _rising(raw.press, "press", where)]
    events.sort(key=lambda event: event.mono_ns)
    return RawPlan(raw.line, _sound(raw.audio, "audio", where, folder), tuple(events), raw.mix_notice)


def _raw_notes(raw: RawPlan, place: str) -> list[str]:
    """What happens after the sound has ended is recorded without sound."""
    audio_s = raw.wav.samples / RATE
    last_s = max((event.mono_ns for event in raw.events), default=0) / NS
    if last_s <= audio_s:
        return []
    return [f"{place}: its sound ends at {audio_s:.1f} s, its contacts go on to {last_s:.1f} s"]


def _check_order(calls: Sequence[CallPlan], path: Path, ends_ns: list[int]) -> list[str]:
    """Calls of one line follow one another; adds their ends to `ends_ns`, notes what may look like one call."""
    notes: list[str] = []
    before: dict[str, tuple[int, Timeline]] = {}
    for number, plan in sorted(enumerate(calls, 1), key=lambda item: item[1].at_ns):
        call = timeline(plan)
        earlier, last = before.get(plan.line, (0, None))
        before[plan.line] = (number, call)
        ends_ns.append(call.last_ns)
        if last is None:
            continue
        if plan.at_ns < last.ended_ns + _SETTLE_NS:
            raise ScriptError(
                f"at: line {plan.line!r} is still busy with [[call]] {earlier} until {last.ended_ns / NS:.3f} s",
                where=f"{path}: [[call]] {number}",
                remedy="begin it later, or on another line",
            )
        rang_out = last.answered_ns is None and not last.plan.placed
        if plan.at_ns < last.ended_ns + (_RANG_OUT_NS if rang_out else _HANG_UP_NS):
            notes.append(f"[[call]] {number}: so soon after [[call]] {earlier} that both may look like one call")
    return notes
