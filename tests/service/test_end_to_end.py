"""Call scripts through the whole recorder, store included: the right calls, and their audio bit for bit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.scenarios import make as scenarios
from tests.service.support import START, calls_in, demo_key, play, samples_of
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.errors import RingError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.store.layout import Store
from tsuwaroku.store.verify import verify_store

RATE = 8000
EXACT_MS = 1.0


def stream_ns(text: str | None) -> int | None:
    return None if text is None else from_iso(text) - START


def near(found: int | None, wanted: int | None, within_ms: float = EXACT_MS) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= within_ms * 1_000_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_raw_scenario_gives_exactly_the_right_calls(tmp_path: Path, seed: int) -> None:
    scenario = scenarios.make(tmp_path, seed)
    calls = play(scenario.script, tmp_path / "store")
    assert [(c.line, c.direction.value, c.outcome.value) for c in calls] == [
        (e.line, e.direction, e.outcome) for e in scenario.expected
    ]
    for call, expected in zip(calls, scenario.expected, strict=True):
        assert near(stream_ns(call.seized_at), expected.seized_ns), call
        # A ring ends with the last edge of its contact's bounce; a break begins with the first.
        within = scenarios.BOUNCE_NS / 1e6 if expected.outcome == "missed" else EXACT_MS
        assert near(stream_ns(call.ended_at), expected.ended_ns, within), call
        if expected.answered_ns is not None:
            assert near(stream_ns(call.answered_at), expected.answered_ns), call
        begin = from_iso(call.answered_at or call.seized_at) - START
        assert [round(begin / NS + at, 2) for at in call.flashes] == [round(at / NS, 2) for at in expected.flashes]
        offsets = [mark.at_s for mark in call.marks]
        assert [round(begin / NS + at, 2) for at in offsets if at is not None] == [
            round(at / NS, 2) for at in expected.marks
        ]
        check_audio(call, samples_of(scenario.wavs[call.line]))
    check_store(tmp_path / "store")


def check_audio(call: CallRecord, stream: bytes) -> None:
    """Bit for bit, from 1.9 s before off-hook (or the stream's start) to after hang-up (or the stream's end)."""
    audio = call.audio
    if call.outcome.value == "missed":
        assert (audio.first_sample, audio.samples, audio.runs) == (None, 0, [])
        return
    off_hook_ns = from_iso(call.answered_at or call.seized_at) - START
    if call.direction.value == "outbound":
        off_hook_ns = from_iso(call.seized_at) - START
    ended_ns = from_iso(call.ended_at or "") - START
    assert audio.first_sample is not None
    assert audio.first_sample <= max(0.0, off_hook_ns / NS - 1.9) * RATE
    last = audio.first_sample + audio.samples
    assert last >= min(ended_ns / NS * RATE, len(stream) // 2)
    assert audio.gaps == []
    wanted = stream[2 * audio.first_sample : 2 * last]
    assert len(wanted) == 2 * audio.samples
    assert audio.pcm_sha256 == hashlib.sha256(wanted).hexdigest()
    assert [(run.first_sample, run.samples, run.pcm_sha256) for run in audio.runs] == [
        (audio.first_sample, audio.samples, audio.pcm_sha256)
    ]


def check_store(path: Path) -> None:
    """Everything verifies, with and without the key."""
    store = Store.open(path)
    for key in (None, demo_key(path)):
        report = verify_store(store, key)
        assert (report.ok, report.problems) == (True, [])
    store.close()


def canonical(calls: list[CallRecord]) -> list[Any]:
    """The records less what is drawn by chance: ids."""
    plain = msgspec.to_builtins(calls)
    for call in plain:
        del call["id"], call["continues"]
    return list(plain)


@pytest.mark.slow
@pytest.mark.xdist_group("clock")
def test_real_time_gives_the_same_calls_as_fast(tmp_path: Path) -> None:
    scenario = scenarios.make(tmp_path, 5, lines=3, calls=1, kinds=("flashed", "late_mark", "missed"), mix_notice=True)
    fast = play(scenario.script, tmp_path / "fast")
    real = play(scenario.script, tmp_path / "real", fast=False)
    assert canonical(fast) == canonical(real)
    assert any(call["notice"]["outcome"] == "announced" for call in canonical(fast))


def test_notice_is_heard_where_it_is_mixed_and_not_judged_where_it_is_not(tmp_path: Path) -> None:
    heard = {}
    for mixed in (True, False):
        folder = tmp_path / str(mixed)
        folder.mkdir()
        scenario = scenarios.make(folder, 7, lines=1, calls=1, kinds=("plain",), mix_notice=mixed)
        call = play(scenario.script, folder / "store")[0]
        assert call.notice.outcome == "announced"
        heard[mixed] = call.notice.heard
    assert heard == {True: True, False: None}


def test_nothing_of_a_call_can_be_read_in_the_store(tmp_path: Path) -> None:
    """The PCM, the FLAC of it and the numbers, searched for in every file."""
    from tsuwaroku.store.flac import RunEncoder

    script = Path(__file__).parents[1] / "scenarios" / "office.toml"
    play(script, tmp_path / "store")
    scenario = scenarios.make(tmp_path, 3, lines=1, calls=1, kinds=("plain",))
    calls = play(scenario.script, tmp_path / "raw")
    stream = samples_of(scenario.wavs["1"])
    first = calls[0].audio.first_sample or 0
    frames: list[bytes] = []
    encoder = RunEncoder(RATE, lambda data, _: frames.append(data))
    encoder.write(stream[2 * first :])
    encoder.finish()
    needles = [stream[at : at + 24] for at in range(2 * first, 2 * first + 80_000, 8_000)]
    needles += [frame[8:32] for frame in frames[:40]]
    needles += [b"fLaC", b"0312345678", b"0612345678", b"announced", b"pcm_sha256"]
    for path in [*(tmp_path / "store").rglob("*"), *(tmp_path / "raw").rglob("*")]:
        if path.is_file():
            data = path.read_bytes()
            assert [needle for needle in needles if needle in data] == [], path


def fill(script: Path, store: Path) -> None:
    for _ in range(20):
        play(script, store)


def test_playing_into_a_store_twice_adds_calls(tmp_path: Path) -> None:
    scenario = scenarios.make(tmp_path, 4, lines=2, calls=1)
    first = play(scenario.script, tmp_path / "store")
    assert len(calls_in(tmp_path / "store")) == len(first) == 2
    with pytest.raises(RingError, match="free slots"):
        fill(scenario.script, tmp_path / "store")
    check_store(tmp_path / "store")
