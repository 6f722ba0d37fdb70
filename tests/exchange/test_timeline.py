"""What a plan does to its line, edge by edge, and the lines that play plans."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tsuwaroku.clock import NS
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge
from tsuwaroku.exchange.demo import office
from tsuwaroku.exchange.render import CallLine, RawLine
from tsuwaroku.exchange.sound import DIAL_TONE, RING_BACK, RINGING, Tone, dtmf
from tsuwaroku.exchange.timeline import CallPlan, Timeline, bounced, timeline
from tsuwaroku.exchange.voice import Conversation
from tsuwaroku.exchange.wav import Wav

MS = 1_000_000
HOOK, RING = Contact.HOOK, Contact.RING
PLAN = CallPlan("1", 2 * NS, "inbound", rings=2, talk_ns=10 * NS, seed=7)
CALLED = replace(PLAN, direction="outbound", dial="10", rings=1)


def settled(events: tuple[ContactEdge | ButtonPressed, ...], stable_ms: float = 5) -> list[tuple[Contact, bool, int]]:
    """(contact, level, ns of the first edge) of each change that outlasts its bounce."""
    found: list[tuple[Contact, bool, int]] = []
    for contact in Contact:
        edges = [event for event in events if isinstance(event, ContactEdge) and event.contact is contact]
        level, begun = False, 0
        for n, edge in enumerate(edges):
            if n == 0 or edge.mono_ns - edges[n - 1].mono_ns > stable_ms * MS:
                begun = edge.mono_ns
            last = n + 1 == len(edges) or edges[n + 1].mono_ns - edge.mono_ns > stable_ms * MS
            if last and edge.active is not level:
                level = edge.active
                found.append((contact, level, begun))
    return sorted(found, key=lambda change: change[2])


def presses(call: Timeline) -> list[int]:
    return [event.mono_ns for event in call.events if isinstance(event, ButtonPressed)]


def tones(call: Timeline, sines: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    return [(s.start / 8000, s.end / 8000) for s in call.sounds if isinstance(s, Tone) and s.sines == sines]


def beats(call: Timeline) -> list[float]:
    return [sound.beat_hz for sound in call.sounds if isinstance(sound, Tone)]


def test_a_call_that_comes_in() -> None:
    call = timeline(replace(PLAN, press_ns=(3 * NS, 12 * NS), flash_ns=(4 * NS,)))
    assert settled(call.events) == [
        (RING, True, 2 * NS),
        (RING, False, 3 * NS),
        (RING, True, 5 * NS),
        (RING, False, 6 * NS),
        (HOOK, True, 6_800 * MS),
        (HOOK, False, 10_800 * MS),
        (HOOK, True, 11_400 * MS),
        (HOOK, False, 16_800 * MS),
    ]
    assert (call.answered_ns, call.ended_ns, call.last_ns) == (6_800 * MS, 16_800 * MS, 18_800 * MS)
    assert presses(call) == [9_800 * MS, 18_800 * MS]
    assert tones(call, RINGING) == [(2.0, 3.0), (5.0, 6.0)]
    talks = [sound for sound in call.sounds if isinstance(sound, Conversation)]
    assert [(talk.start, talk.end, talk.near_first, talk.mutes) for talk in talks] == [
        (54400, 134400, True, ((86400, 91200),))
    ]


def test_a_call_nobody_answers() -> None:
    call = timeline(replace(PLAN, talk_ns=0, rings=1))
    assert settled(call.events) == [(RING, True, 2 * NS), (RING, False, 3 * NS)]
    assert (call.answered_ns, call.ended_ns, len(call.sounds)) == (None, 3 * NS, 1)


def test_a_call_placed_with_dtmf() -> None:
    call = timeline(CALLED)
    assert tones(call, DIAL_TONE) == tones(call, RING_BACK) == [(2.3, 3.5), (4.9, 5.9)]
    assert beats(call) == [0, 0, 0, 16]
    assert (tones(call, dtmf("1")), tones(call, dtmf("0"))) == ([(3.5, 3.6)], [(3.7, 3.8)])
    assert settled(call.events) == [(HOOK, True, 2 * NS), (HOOK, False, 16_700 * MS)]
    assert (call.answered_ns, call.ended_ns) == (6_700 * MS, 16_700 * MS)
    assert [sound.near_first for sound in call.sounds if isinstance(sound, Conversation)] == [False]


def test_a_placed_call_given_up() -> None:
    call = timeline(replace(CALLED, talk_ns=0))
    assert settled(call.events) == [(HOOK, True, 2 * NS), (HOOK, False, 5_900 * MS)]
    assert call.answered_ns is None


@pytest.mark.parametrize(
    ("dialling", "make_ms", "break_ms", "pause_ms"),
    [("pulse10", (27.3, 46.7), (52.7, 77.8), 600), ("pulse20", (13.9, 19.6), (29.6, 38.0), 450)],
)
def test_dial_pulses_are_within_the_limits_of_the_facts(
    dialling: str, make_ms: tuple[float, float], break_ms: tuple[float, float], pause_ms: float
) -> None:
    call = timeline(replace(CALLED, dialling=dialling, dial="207"))  # type: ignore[arg-type]
    changes = settled(call.events)[1:-1]
    assert [active for _, active, _ in changes] == [False, True] * 19
    lengths = [(later[2] - earlier[2]) / MS for earlier, later in pairwise(changes)]
    breaks, makes = lengths[0::2], lengths[1::2]
    assert all(break_ms[0] <= length <= break_ms[1] for length in breaks)
    pauses = [n for n, length in enumerate(makes) if length >= pause_ms]
    assert pauses == [1, 11]
    assert all(make_ms[0] <= length <= make_ms[1] for n, length in enumerate(makes) if n not in pauses)


def test_bounce_is_that_of_a_contact() -> None:
    """3 or 5 edges, 0.5-3 ms apart, ending at the level meant, and the first is on time."""
    rng, sizes = random.Random(1), set()
    for _ in range(200):
        edges = bounced("1", HOOK, True, 50 * MS, rng)
        sizes.add(len(edges))
        assert [edge.active for edge in edges] == [n % 2 == 0 for n in range(len(edges))]
        assert edges[0].mono_ns == 50 * MS
        assert all(500_000 <= later.mono_ns - earlier.mono_ns <= 3 * MS for earlier, later in pairwise(edges))
    assert sizes == {3, 5}


def test_the_same_plan_gives_the_same_events() -> None:
    assert timeline(PLAN).events == timeline(PLAN).events
    assert timeline(PLAN).events != timeline(replace(PLAN, seed=8)).events


def line_of(*plans: CallPlan) -> CallLine:
    calls = [timeline(plan) for plan in plans]
    return CallLine("1", iter(calls), max(call.last_ns for call in calls))


def events_by(line: CallLine | RawLine, step_ns: int, end_ns: int) -> list[ContactEdge | ButtonPressed]:
    return [event for at in range(0, end_ns, step_ns) for event in line.events(at, at + step_ns)]


def test_events_come_once_in_order_whatever_the_window() -> None:
    """A press after hang-up falls into the next call's ringing."""
    plans = replace(PLAN, press_ns=(13 * NS,)), replace(PLAN, at_ns=19 * NS, seed=3)
    everything = sorted(timeline(plans[0]).events + timeline(plans[1]).events, key=lambda event: event.mono_ns)
    assert [event for event in everything if isinstance(event, ButtonPressed)] == [ButtonPressed("1", 19_800 * MS)]
    for step_ns in (NS, 20 * MS, 777 * MS, 100 * NS):
        assert events_by(line_of(*plans), step_ns, 40 * NS) == everything


def test_sound_does_not_depend_on_the_pieces_it_is_read_in() -> None:
    plans = PLAN, replace(CALLED, at_ns=18 * NS)

    def heard(count: int) -> bytes:
        line = line_of(*plans)
        return b"".join(line.read(first, min(count, 320_000 - first)) for first in range(0, 320_000, count))

    whole = heard(8000)
    assert len(whole) == 640_000
    assert [heard(count) == whole for count in (160, 7999, 320_000)] == [True] * 3


def test_calls_are_heard_where_they_are() -> None:
    """Loudness by second: ringing, greeting, talk, then noise again; and noise for ever."""
    line = line_of(PLAN)
    rms = []
    for second in [*range(25), 5000]:
        pcm = np.frombuffer(line.read(8000 * second, 8000), dtype="<i2").astype(np.float64)
        rms.append(float(np.sqrt(np.mean(pcm**2))))
    quiet = [n for n, value in enumerate(rms) if value < 20]
    assert quiet == [0, 1, 3, 4, 6, *range(17, 26)]
    assert line.ends_ns() == timeline(PLAN).last_ns


def write_wav(path: Path, samples: int) -> tuple[Wav, bytes]:
    pcm = np.random.default_rng(9).integers(-9000, 9000, samples).astype("<i2").tobytes()
    path.write_bytes(bytes(50) + pcm + b"LIST: chunks may follow the samples")
    return Wav(path, 50, samples), pcm


def test_a_raw_line_is_its_file_and_its_events(tmp_path: Path) -> None:
    wav, pcm = write_wav(tmp_path / "a.wav", 20_001)
    events: list[ContactEdge | ButtonPressed]
    events = [ContactEdge("1", HOOK, True, 5), ButtonPressed("1", 5), ContactEdge("1", HOOK, False, NS)]
    line = RawLine("1", wav, events, mixes_notice=False)
    assert [line.read(first, 8000) for first in range(0, 40_000, 8000)] == [
        pcm[:16000],
        pcm[16000:32000],
        pcm[32000:],
        b"",
        b"",
    ]
    assert events_by(line, 20 * MS, 3 * NS) == events
    assert line.events(0, 5) == []
    assert line.ends_ns() == 20_001 * 125_000
    late = RawLine("1", wav, [ContactEdge("1", HOOK, True, 9 * NS)], mixes_notice=True)
    assert (late.ends_ns(), late.mixes_notice, line.mixes_notice) == (9 * NS, True, False)


def test_recordings_replace_the_voices(tmp_path: Path) -> None:
    """Both recordings are added to the noise from the answer on, cut at hang-up, mute in a flash."""
    wav, pcm = write_wav(tmp_path / "a.wav", 12_000)
    plan = replace(PLAN, at_ns=0, rings=1, talk_ns=3 * NS, far=wav, near=wav, flash_ns=(NS,))
    noise = CallLine("1", iter(()), 0)
    line = line_of(plan)
    start = 8 * 1800
    heard = np.frombuffer(line.read(start, 3 * 8000), dtype="<i2").astype(int)
    heard -= np.frombuffer(noise.read(start, 3 * 8000), dtype="<i2")
    wanted = np.zeros(3 * 8000, dtype=int)
    wanted[:12_000] = 2 * np.frombuffer(pcm, dtype="<i2").astype(int)
    wanted[8000:12_800] = 0
    assert np.max(np.abs(heard - wanted)) <= 1  # rounding


def test_the_office_never_closes_and_repeats_with_its_seed() -> None:
    hour = 3600 * NS
    lines = office(seed=4)
    assert [line.line for line in lines] == ["1", "2", "3", "4"]
    assert [line.ends_ns() for line in lines] == [None] * 4
    first = [events_by(line, NS, hour) for line in lines]
    assert first == [events_by(line, NS, hour) for line in office(seed=4)]
    assert first != [events_by(line, NS, hour) for line in office(seed=5)]
    for line, events in zip(lines, first, strict=True):
        changes = settled(tuple(events))
        assert {event.line for event in events} == {line.line}
        assert [change[2] for change in changes][-1] > hour - 100 * NS
        assert changes[0][2] <= 12 * NS
        breaks = [
            round((later[2] - earlier[2]) / MS)
            for earlier, later in pairwise(change for change in changes if change[0] is HOOK)
            if not earlier[1]
        ]
        assert {33, 66, 600} >= {length for length in breaks if length < 2000} >= {600}
        assert len([length for length in breaks if length > 2000]) > 40
        assert any(isinstance(event, ButtonPressed) for event in events)
