"""The scenarios themselves: what they promise to the tests that use them, and the scripts that ship beside them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.scenarios.make import BOUNCE_NS, KINDS, make
from tsuwaroku.clock import NS, VirtualClock
from tsuwaroku.events import AudioFrame, ButtonPressed, Contact, ContactEdge, EndOfInput
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard

HERE = Path(__file__).parent


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_seed_gives_the_same_scenario_and_another_seed_another(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    made = [make(folder, seed) for folder, seed in zip(folders, (5, 5, 6), strict=True)]
    assert files(folders[0]) == files(folders[1]) != files(folders[2])
    assert made[0].expected == made[1].expected != made[2].expected


@pytest.mark.parametrize("seed", range(12))
def test_what_a_scenario_promises(tmp_path: Path, seed: int) -> None:
    scenario = make(tmp_path, seed)
    script = load_script(scenario.script)
    assert script.lines == ("1", "2", "3", "4") == tuple(scenario.wavs)
    calls = scenario.expected
    assert len(calls) == 12
    assert calls == sorted(calls, key=lambda call: (call.seized_ns, call.line))
    assert {call.outcome for call in calls} == {"answered", "missed", "abandoned"}
    assert any(call.flashes for call in calls)
    assert any(call.marks and call.marks[0] < call.ended_ns for call in calls)
    assert any(call.marks and call.marks[0] > call.ended_ns for call in calls)
    assert any(a.line != b.line and b.seized_ns < a.ended_ns for a, b in pairwise(calls))
    for line, source in zip(script.lines, script.sources(), strict=True):
        own = [call for call in calls if call.line == line]
        for call, following in pairwise(own):
            apart = 8 if call.outcome == "missed" else 4
            assert following.seized_ns >= call.ended_ns + apart * NS
            assert all(mark < following.seized_ns for mark in call.marks)
        events = source.events(0, 10**15)
        edges = [event for event in events if isinstance(event, ContactEdge)]
        firsts = {edge.mono_ns for edge in edges}
        for call in own:
            assert {call.seized_ns, call.ended_ns, *call.flashes} <= firsts
            assert call.answered_ns is None or call.answered_ns in firsts
        marks = [mark for call in own for mark in call.marks]
        assert [event.mono_ns for event in events if isinstance(event, ButtonPressed)] == marks
        for contact in Contact:
            times = [edge.mono_ns for edge in edges if edge.contact is contact and edge.mono_ns]
            apart_ms = [(later - earlier) / 1e6 for earlier, later in pairwise(times)]
            assert all(ms >= 0.5 for ms in apart_ms)
            assert not [ms for ms in apart_ms if 25 <= ms < 200]  # nothing between a glitch and a flash
            levels = [edge.active for edge in edges if edge.contact is contact]
            assert levels[-1:] != [True]
        assert source.ends_ns() >= max(call.ended_ns for call in own) + 3 * NS  # type: ignore[operator]


def test_the_board_delivers_a_scenario_whole(tmp_path: Path) -> None:
    scenario = make(tmp_path, 1, lines=2, calls=2, kinds=KINDS[:2], mix_notice=True)
    script = load_script(scenario.script)
    board = VirtualBoard(script.sources(), VirtualClock(0), realtime=False)
    board.open()
    heard: dict[str, list[bytes]] = {line: [] for line in script.lines}
    presses_and_edges: list[ContactEdge | ButtonPressed] = []
    while not isinstance((events := board.read(1.0))[-1], EndOfInput):
        for event in events:
            if isinstance(event, AudioFrame):
                heard[event.line].append(event.pcm)
            elif isinstance(event, ContactEdge | ButtonPressed):
                presses_and_edges.append(event)
    for line, wav in scenario.wavs.items():
        assert b"".join(heard[line]) == wav.read_bytes()[44:]
        assert board.hears_itself(line)
    wanted = [event for source in script.sources() for event in source.events(0, 10**15)]
    assert [event for event in presses_and_edges if event.mono_ns] == sorted(
        (event for event in wanted if event.mono_ns), key=lambda event: event.mono_ns
    )
    assert len([event for event in presses_and_edges if not event.mono_ns]) == 4


def test_bounces_settle_within_the_stated_time(tmp_path: Path) -> None:
    """After the first edge of each change, the line is quiet from BOUNCE_NS on."""
    scenario = make(tmp_path, 3)
    for source in load_script(scenario.script).sources():
        for contact in Contact:
            edges = [e for e in source.events(1, 10**15) if isinstance(e, ContactEdge) and e.contact is contact]
            begun = -NS
            for earlier, later in pairwise(edges):
                if later.mono_ns - earlier.mono_ns > 30_000_000:
                    assert earlier.mono_ns - begun <= BOUNCE_NS or begun < 0
                    begun = later.mono_ns


@pytest.mark.parametrize("path", sorted(HERE.glob("*.toml")), ids=lambda path: path.name)
def test_the_scripts_that_ship_load_without_notes(path: Path) -> None:
    script = load_script(path)
    assert (script.notes, bool(script.lines)) == ((), True)


def test_office_is_what_its_comment_says() -> None:
    script = load_script(HERE / "office.toml")
    found = [
        (line, call.plan.direction, call.plan.at_ns // NS, call.answered_ns is not None, len(call.plan.flash_ns))
        for line in script.lines
        for call in script.timelines(line)
    ]
    assert found == [
        ("1", "inbound", 2, True, 0),
        ("1", "outbound", 40, True, 0),
        ("2", "outbound", 4, True, 0),
        ("2", "outbound", 62, False, 0),
        ("3", "inbound", 6, False, 0),
        ("3", "inbound", 24, True, 1),
        ("3", "internal", 72, True, 0),
    ]
