"""Eight lines on two sound cards: one pulled in mid-call and put back, one missing, one of another kind; a recorder
that is held up longer than the cards' buffers."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kernel.compare import Place, Take, differences, find_places
from tests.kernel.header import Header
from tests.kernel.twocards import ANNEX, CHANNELS, OWN, Scene, lamps, look, script
from tsuwaroku.hal.alsa import load_alsa
from tsuwaroku.records.call import CallRecord

pytestmark = [pytest.mark.slow, pytest.mark.kernel(machine="two cards", limit_s=90)]

RATE = 8000
# Capture promises the length of a gap to one period (20 ms); both ends of this card share a clock.
PERIOD = 160
# snd-aloop counts in steps of 1 ms, and so seems to be ahead by as much after a start (test_losses.py).
STEP_S = 0.001


@pytest.fixture
def header() -> Iterator[Header]:
    made = Header()
    yield made
    made.close()


def gaps(take: Take, distance: int) -> list[tuple[str, float, float, str]]:
    """Every gap of every call: its line, its begin and end in the world's seconds (to 1 ms), its reason."""
    return [
        (
            call.line,
            round((gap.first_sample - distance) / RATE, 3),
            round((gap.first_sample + gap.samples - distance) / RATE, 3),
            gap.reason,
        )
        for call in take.calls
        for gap in call.audio.gaps
    ]


def distances(places: Sequence[Place]) -> tuple[int, int]:
    """Of the stretches before a loss and after it: each kind has one, and none is other than what its line carried."""
    assert [place for place in places if place.place is None] == []
    found = list(dict.fromkeys(place.distance for place in sorted(places, key=lambda place: place.first)))
    assert len(found) == 2
    before, after = found
    assert before is not None
    assert after is not None
    return before, after


PULLED_S, BACK_S = 20.0, 26.0
# What is not read yet when the card goes, goes with it (two periods); what is back is noticed within a second.
NOTICED_S = 0.045
RETRIED_S = 1.1
CALLS = [
    ("a", 3.0, 38.0),  # all along
    ("b", 5.0, 14.5),  # ends while the other card is away
    ("b", 28.0, 8.0),
    ("c", 3.0, 38.0),  # all along
    ("d", 4.0, 10.0),  # over before
    ("d", 30.0, 10.0),  # begins after
    ("e", 5.0, 14.5),  # ends without its card
    ("f", 20.5, 18.0),  # begins without its card
    ("g", 21.0, 1.0),  # begins and ends without it
    ("h", 33.0, 8.0),
]


def test_a_card_pulled_and_put_back_costs_its_own_lines_that_time_alone(tmp_path: Path, header: Header) -> None:
    part = script(tmp_path, CALLS)
    scene = Scene.make(tmp_path, header, part)
    scene.start()
    scene.until(PULLED_S)
    alarms = [set(scene.alarms())]
    scene.worlds["annex"].unplug()
    # E's hang-up is decided, and G is lifted, 2.8 s after the pull; a report takes up to a quarter of a second.
    scene.until(PULLED_S + 4)
    alarms.append(set(scene.alarms()))
    scene.until(BACK_S)
    scene.worlds["annex"].plug()
    scene.until(BACK_S + 3)
    alarms.append(set(scene.alarms()))
    scene.until(50.0)
    scene.end()

    gone = {(code, line) for line in ANNEX for code in ("card_failed", "announcement_failed")}
    assert alarms == [
        set(),
        gone | {("not_recorded", line) for line in "cfg"},
        {("audio_lost", line) for line in ANNEX},
    ]
    blinking = dict.fromkeys(ANNEX, "blinking")
    assert lamps(scene, PULLED_S + 0.3, 22.5) == {"a": "lit", "b": "lit"} | blinking
    assert lamps(scene, 23.5, BACK_S) == {"a": "lit", "b": "dark"} | blinking
    in_calls = dict.fromkeys("acf", "lit") | dict.fromkeys("bdegh", "dark")
    assert lamps(scene, BACK_S + RETRIED_S + 1, 29.5) == in_calls

    own = replace(part, lines={line: line for line in OWN})
    assert differences([(own, own.calls(tmp_path / "simulated"))], scene.take("tsuwa2")) == []

    annex = scene.take("annex")
    places = find_places(annex)
    before, after = distances(places)
    assert abs(after - before) <= PERIOD
    assert [(place.line, place.first > PULLED_S * RATE + before) for place in places] == [
        ("c", False), ("c", True), ("d", False), ("e", False), ("f", True), ("d", True), ("h", True)
    ]  # fmt: skip
    found = {line: (begin_s, end_s, reason) for line, begin_s, end_s, reason in gaps(annex, before)}
    assert list(found) == list("cefg")
    spans = {call.line: span(call, before) for call in annex.calls if call.line in found}
    assert {reason for _, _, reason in found.values()} == {"unplugged"}
    for line in "ce":
        assert PULLED_S - NOTICED_S <= found[line][0] <= PULLED_S
    for line in "cf":
        assert BACK_S - STEP_S <= found[line][1] <= BACK_S + RETRIED_S
    assert [found[line][0] for line in "fg"] == [spans[line][0] for line in "fg"]
    assert [found[line][1] for line in "eg"] == [spans[line][1] for line in "eg"]


def span(call: CallRecord, distance: int) -> tuple[float, float]:
    """Where a call begins and ends in the world's seconds."""
    assert call.audio.first_sample is not None
    first = call.audio.first_sample - distance
    return round(first / RATE, 3), round((first + call.audio.samples) / RATE, 3)


# (when, how long) the recorder is stopped; the card's buffer holds half a second.
HOLDS = [(10.0, 1.0), (16.0, 0.35), (20.0, 3.0)]


def test_a_recorder_that_is_held_up_longer_than_the_buffer_leaves_a_gap_of_that_length(
    tmp_path: Path, header: Header
) -> None:
    calls = [
        ("a", 3.0, 30.0),  # all along
        ("b", 8.7, 5.7),  # answered in the first stop, hung up in the second
        ("c", 3.0, 30.0),
        ("d", 4.0, 4.5),  # hung up in the first
        ("e", 19.2, 10.0),  # answered in the third
    ]
    part = script(tmp_path, calls)
    scene = Scene.make(tmp_path, header, part)
    scene.start()
    recorder = scene.box.pair.pid("recorder")
    assert recorder is not None
    for at_s, for_s in HOLDS:
        scene.until(at_s)
        os.kill(recorder, signal.SIGSTOP)
        scene.until(at_s + for_s)
        os.kill(recorder, signal.SIGCONT)
        scene.until(at_s + for_s + 1.5)
    lost = {("audio_lost", line) for line in OWN + ANNEX}
    assert set(scene.alarms()) == lost
    scene.until(42.0)
    scene.end()

    for card, lines in (("tsuwa2", "ab"), ("annex", "cde")):
        take = scene.take(card)
        own = replace(part, lines={line: line for line in lines})
        # Who called and when is as if nothing had been: the kernel has kept the edges, with their times.
        assert differences([(own, own.calls(tmp_path / f"simulated {card}"))], take, lossy=True) == []
        places = find_places(take)
        assert [place for place in places if place.place is None] == []
        known = [place.distance for place in places if place.distance is not None]
        assert max(known) - min(known) <= PERIOD
        first, third = ((at_s, at_s + for_s) for at_s, for_s in (HOLDS[0], HOLDS[2]))
        held = {"a": [first, third], "b": [first], "c": [first, third], "d": [first], "e": [third]}
        found = gaps(take, known[0])
        assert [(line, reason) for line, _, _, reason in found] == [
            (line, "overrun") for line in lines for _ in held[line]
        ]
        for (_, begin_s, end_s, _), (at_s, to_s) in zip(
            found, [hold for line in lines for hold in held[line]], strict=True
        ):
            assert at_s - NOTICED_S <= begin_s <= at_s
            assert to_s - STEP_S <= end_s <= to_s + PERIOD / RATE
    # A lamp cannot change while nobody drives it; then it tells the truth at once: the call is covered again.
    in_calls = dict.fromkeys("ac", "lit") | dict.fromkeys("bdfgh", "dark")
    assert lamps(scene, 25.0, 30.0) == in_calls | {"e": "lit"}


@contextlib.contextmanager
def in_use_at(card: str, rate: int) -> Iterator[None]:
    """Somebody runs the card at another rate: of a loopback, the other end decides."""
    alsa = load_alsa()
    far = alsa.PCM(
        type=alsa.PCM_PLAYBACK,
        mode=alsa.PCM_NORMAL,
        device=f"hw:CARD={card},DEV=1",
        rate=rate,
        channels=CHANNELS[card],
        format=alsa.PCM_FORMAT_S16_LE,
        periodsize=rate // 50,
        periods=8,
    )
    try:
        assert far.info()["rate"] == rate
        far.write(bytes(2 * CHANNELS[card] * (rate // 50)))
        yield
    finally:
        far.close()


def test_cards_missing_or_of_another_kind_are_told_and_taken_once_they_are_right(
    tmp_path: Path, header: Header
) -> None:
    """From a box on which nothing is right to one that records on both cards, without a restart."""
    part = script(tmp_path, [("a", 2.0, 6.0), ("c", 2.0, 6.0)])
    scene = Scene.make(tmp_path, header, part)
    own, annex = scene.worlds["tsuwa2"], scene.worlds["annex"]
    annex.unplug()
    every = dict.fromkeys(OWN + ANNEX, "blinking")
    with in_use_at("tsuwa2", 44100):
        scene.box.pair.start()
        time.sleep(8)
        recorder = scene.box.pair.pid("recorder")
        assert scene.alarms() == {
            ("cannot_record", ""): "board.capture: the sound card tsuwa2 gave rate 44100, not 8000 → "
            "set board.rate = 44100 or use a converting PCM (plughw)"
        }
        assert look(header, 2.0) == every
    time.sleep(6)  # it looks every 5 s
    missing = (
        "board.card.annex.capture: the sound card annex cannot be opened (No such file or directory [annex]); "
        "cards present: tsuwa2; PCMs: "
    )
    alarms = scene.alarms()
    assert {line for code, line in alarms if code == "card_failed"} == set(ANNEX)
    assert {code for code, _ in alarms} <= {"card_failed", "announcement_failed", "audio_lost"}
    assert [alarms["card_failed", line][: len(missing)] for line in ANNEX] == [missing] * len(ANNEX)
    assert look(header, 1.0) == dict.fromkeys(OWN, "dark") | dict.fromkeys(ANNEX, "blinking")

    own.start()
    own.wait_until(5.0)
    assert look(header, 1.0) == {"a": "lit", "b": "dark"} | dict.fromkeys(ANNEX, "blinking")
    annex.plug()
    with in_use_at("annex", 44100):
        own.wait_until(8.0)
        told = {text for (code, _), text in scene.alarms().items() if code == "card_failed"}
        assert told == {
            "board.card.annex.capture: the sound card annex gave rate 44100, not 8000; "
            "set board.rate = 44100 or use a converting PCM (plughw)"
        }
    own.wait_until(11.0)
    assert {code for code, _ in scene.alarms()} <= {"audio_lost", "announcement_failed"}
    annex.start()
    annex.wait_until(13.0)
    assert scene.box.pair.pid("recorder") == recorder
    scene.end()
    for card, line in (("tsuwa2", "a"), ("annex", "c")):
        one = replace(part, lines={line: line})
        assert differences([(one, one.calls(tmp_path / f"simulated {line}"))], scene.take(card)) == []
