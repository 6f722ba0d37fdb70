"""Call scripts: TOML in, checked plans out. Any fault is one ScriptError with place and remedy. Nothing is written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from tsuwaroku.clock import NS
from tsuwaroku.errors import ScriptError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.render import CallLine, RawLine
from tsuwaroku.exchange.sound import RATE
from tsuwaroku.exchange.tables import CallTable, RawTable, convert, read, tables_of
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
    """A checked script. `notes` say what of it is not rendered; `lines` are in order of appearance."""

    path: Path
    lines: tuple[str, ...]
    calls: tuple[CallPlan, ...]
    raws: tuple[RawPlan, ...]
    notes: tuple[str, ...]
    duration_s: float

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
        return CallLine(line, (timeline(plan) for plan in plans), ends_ns)


def load_script(path: Path) -> Script:
    """Read and check a call script and the sound files it names. Raises ScriptError."""
    tree = read(path)
    for key in tree:
        if key not in ("call", "raw"):
            raise ScriptError(
                f"unknown key {key!r}", where=str(path), remedy="a script holds [[call]] and [[raw]] tables only"
            )
    calls: list[CallPlan] = []
    raws: list[RawPlan] = []
    notes: list[str] = []
    owners: dict[str, str] = {}
    for kind in tree:  # in order of their first appearance
        for number, table in enumerate(tables_of(tree[kind], kind, path), 1):
            place = f"[[{kind}]] {number}"
            where = f"{path}: {place}"
            if kind == "call":
                call = convert(table, CallTable, where)
                _claim(owners, call.line, place, kind, path)
                calls.append(_plan_call(call, where, path.parent, number))
                notes += _notes(call, place)
            else:
                raw = convert(table, RawTable, where)
                _claim(owners, raw.line, place, kind, path)
                raws.append(_plan_raw(raw, where, path.parent))
                notes += _raw_notes(raws[-1], place)
    if not owners:
        raise ScriptError("is empty", where=str(path), remedy="write at least one [[call]] or [[raw]]")
    ends_ns = [raw.source().ends_ns() for raw in raws]
    notes += _check_order(calls, path, ends_ns)
    return Script(path, tuple(owners), tuple(calls), tuple(raws), tuple(notes), max(ends_ns) / NS)


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


def _plan_call(call: CallTable, where: str, folder: Path, number: int) -> CallPlan:
    _check_dialling(call, where)
    talk_ns = _talk_ns(call, where)
    if not talk_ns and (call.press or call.flash):
        raise ScriptError(
            "press and flash count from the answer, and nobody answers",
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
    return CallPlan(
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
    )


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


def _check_dialling(call: CallTable, where: str) -> None:
    fault, remedy = "", ""
    if call.direction == "outbound" and not call.dial:
        fault, remedy = "dial: an outbound call needs a number", 'add e.g. dial = "0123456"'
    elif call.direction == "inbound" and (call.dial or call.dialling):
        fault, remedy = "dial: an inbound call dials nothing", 'remove it, or set direction = "outbound"'
    elif call.dialling and not call.dial:
        fault, remedy = "dialling: nothing is dialled", "add dial, or remove dialling"
    elif not re.fullmatch(r"[0-9*#]{0,64}", call.dial):
        fault, remedy = f"dial: {call.dial!r} cannot be dialled", "use up to 64 of 0-9, * and #"
    elif call.dialling in ("pulse10", "pulse20") and not call.dial.isdecimal():
        fault, remedy = f"dial: {call.dial!r} cannot be pulsed", 'use the digits 0-9, or dialling = "dtmf"'
    elif not call.dial and not call.rings:
        fault, remedy = "rings: a line that does not ring has no call", "ring at least once"
    elif call.caller_id and call.dial:
        fault, remedy = "caller_id: only a call that comes in has a caller's number", "remove it"
    elif call.caller_id and (call.caller_id.number is None) == (call.caller_id.absence is None):
        fault, remedy = "caller_id: give a number, or the reason of its absence", "keep one of number and absence"
    if fault:
        raise ScriptError(fault, where=where, remedy=remedy)


def _notes(call: CallTable, place: str) -> list[str]:
    """What of a call is accepted but not rendered."""
    if call.caller_id is None:
        return []
    return [f"{place}: caller ID ({call.caller_id.standard}) is not rendered: the line rings without it"]


def _plan_raw(raw: RawTable, where: str, folder: Path) -> RawPlan:
    events: list[ContactEdge | ButtonPressed] = []
    seen: dict[str, int] = {}
    latest_ns = 0
    for n, (at, contact, state) in enumerate(raw.contacts, 1):
        at_ns = _ns(at, f"contacts[{n}]", where)
        if at_ns < latest_ns or seen.get(contact) == at_ns:
            fault = "is earlier than the edge before it" if at_ns < latest_ns else f"has two edges of {contact}"
            raise ScriptError(f"contacts[{n}]: {at} {fault}", where=where, remedy="put the edges in order of time")
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
        rang_out = last.answered_ns is None and not last.plan.dial
        if plan.at_ns < last.ended_ns + (_RANG_OUT_NS if rang_out else _HANG_UP_NS):
            notes.append(f"[[call]] {number}: so soon after [[call]] {earlier} that both may look like one call")
    return notes
