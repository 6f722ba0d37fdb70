"""The comparison itself: it says nothing of what is right, and something of everything that is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.compare import Part, Take, differences, find, stretch
from tests.scenarios import make as scenarios
from tests.service.support import START, play, samples_of
from tsuwaroku.records.call import CallRecord, Mark, Outcome

NAMES = {"1": "a", "2": "b"}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Part, list[CallRecord], Take]:
    """A simulation as if a box had made it: two lines, four kinds of calls."""
    folder = tmp_path_factory.mktemp("compare")
    kinds = ("plain", "flashed", "marked", "missed")
    made = scenarios.make(folder, 3, lines=2, calls=2, kinds=kinds, mix_notice=False)
    part = Part(made.script, NAMES)
    calls = play(made.script, folder / "store")
    runs = Box(folder / "store", config_for("1", "2")).runs()
    found = [msgspec.structs.replace(call, line=NAMES[call.line]) for call in calls]
    given = {NAMES[line]: samples_of(wav) for line, wav in made.wavs.items()}
    return part, calls, Take(found, runs, given, START)


Change = Callable[[CallRecord], CallRecord]


def with_call(take: Take, chosen: Callable[[CallRecord], object], change: Change) -> Take:
    """The first call of a kind changed."""
    place = next(n for n, call in enumerate(take.calls) if chosen(call))
    changed = change(msgspec.convert(msgspec.to_builtins(take.calls[place]), CallRecord))
    return replace(take, calls=[*take.calls[:place], changed, *take.calls[place + 1 :]])


def later(text: str | None, ms: float) -> str:
    return (datetime.fromisoformat(text or "") + timedelta(milliseconds=ms)).isoformat()


def test_what_is_the_same_does_not_differ(simulated: tuple[Part, list[CallRecord], Take]) -> None:
    part, calls, take = simulated
    assert len(calls) == 4
    assert differences([(part, calls)], take) == []
    assert differences([(part, calls)], with_call(take, bool, lambda call: call)) == []


@pytest.mark.parametrize(
    ("chosen", "change"),
    [
        (lambda c: c.answered_at, lambda c: msgspec.structs.replace(c, answered_at=later(c.answered_at, 6))),
        (bool, lambda c: msgspec.structs.replace(c, seized_at=later(c.seized_at, -6))),
        (bool, lambda c: msgspec.structs.replace(c, ended_at=later(c.ended_at, 6))),
        (bool, lambda c: msgspec.structs.replace(c, ended_at=None)),
        (bool, lambda c: msgspec.structs.replace(c, line="b" if c.line == "a" else "a")),
        (bool, lambda c: msgspec.structs.replace(c, line="z")),
        (lambda c: c.outcome is Outcome.MISSED, lambda c: msgspec.structs.replace(c, outcome=Outcome.ANSWERED)),
        (lambda c: c.marks, lambda c: msgspec.structs.replace(c, marks=[])),
        (lambda c: not c.marks, lambda c: msgspec.structs.replace(c, marks=[Mark(at_s=1.0)])),
        (lambda c: c.flashes, lambda c: msgspec.structs.replace(c, flashes=[at + 0.02 for at in c.flashes])),
        (lambda c: c.notice.at_s, lambda c: msgspec.structs.replace(c, notice=type(c.notice)())),
        (lambda c: c.audio.samples, lambda c: msgspec.structs.replace(c, answer_inferred=True)),
        (
            lambda c: c.audio.samples,
            lambda c: msgspec.structs.replace(
                c, audio=msgspec.structs.replace(c.audio, first_sample=c.audio.first_sample + 80)
            ),
        ),
        (
            lambda c: c.audio.samples,
            lambda c: msgspec.structs.replace(c, audio=msgspec.structs.replace(c.audio, samples=c.audio.samples - 80)),
        ),
    ],
)
def test_a_record_that_differs_is_told(
    simulated: tuple[Part, list[CallRecord], Take], chosen: Callable[[CallRecord], object], change: Change
) -> None:
    part, calls, take = simulated
    assert differences([(part, calls)], with_call(take, chosen, change)) != []


def test_a_call_too_many_or_too_few_and_their_order_is_told(simulated: tuple[Part, list[CallRecord], Take]) -> None:
    part, calls, take = simulated
    for found in (take.calls[1:], [*take.calls, take.calls[-1]], [take.calls[1], take.calls[0], *take.calls[2:]], []):
        assert differences([(part, calls)], replace(take, calls=found)) != []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda first, pcm: (first, pcm[:8000] + bytes([pcm[8000] ^ 1]) + pcm[8001:]),  # one bit
        lambda first, pcm: (first, pcm[:16000] + pcm[16320:]),  # a period dropped
        lambda first, pcm: (first, pcm[:16000] + bytes(320) + pcm[16320:]),  # a period of silence
        lambda first, pcm: (first, pcm[:16000] + pcm[15680:]),  # a period twice
        lambda first, pcm: (first + 1, pcm),  # a sample late
        lambda first, pcm: (first, pcm[1:] + b"\0"),  # an octet shifted
        lambda first, pcm: (first, pcm[:-2] + b"\1\1"),  # the last sample
    ],
)
def test_sound_that_differs_is_told(
    simulated: tuple[Part, list[CallRecord], Take], spoil: Callable[[int, bytes], tuple[int, bytes]]
) -> None:
    part, calls, take = simulated
    call = next(call for call in take.calls if call.audio.samples)
    ((first, pcm),) = take.runs[call.id]
    spoilt = replace(take, runs={**take.runs, call.id: [spoil(first, pcm)]})
    told = differences([(part, calls)], spoilt)
    assert told[-1].startswith(f"line {call.line}: sound from")


def test_sound_that_is_not_there_is_told(simulated: tuple[Part, list[CallRecord], Take]) -> None:
    part, calls, take = simulated
    call = next(call for call in take.calls if call.audio.samples)
    ((first, pcm),) = take.runs[call.id]
    for left in ([], [(first, pcm[:-320])], [(first + 160, pcm[320:])]):
        told = differences([(part, calls)], replace(take, runs={**take.runs, call.id: left}))
        assert told == [
            f"line {call.line}: {len(b''.join(pcm for _, pcm in left)) // 2} samples are stored, "
            f"{call.audio.samples} in the record"
        ]


def test_lines_with_each_others_sound_are_told(simulated: tuple[Part, list[CallRecord], Take]) -> None:
    part, calls, take = simulated
    swapped = replace(take, given={"a": take.given["b"], "b": take.given["a"]})
    assert differences([(part, calls)], swapped) != []


def test_silence_lies_nowhere_in_particular_and_surrounds_a_stream() -> None:
    stream = bytes(range(1, 251)) * 20
    assert find(stream[1000:5000], stream) is None  # it repeats
    assert find(bytes(4000), stream) is None
    assert stretch(b"\1\1\2\2", -1, 4) == b"\0\0\1\1\2\2\0\0"
    assert stretch(b"\1\1\2\2", 5, 1) == b"\0\0"
    assert stretch(b"\1\1\2\2", -5, 2) == b"\0\0\0\0"
