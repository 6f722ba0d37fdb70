"""What of a call was heard: exactly that, whatever the output still held, wherever it was paused, jumped and left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.console.outputs import NullOutput, Output
from tsuwaroku.console.playback import Heard, Order, Playback, Stretch
from tsuwaroku.errors import BoardError, RefusedError

RATE = 1000
BLOCK = RATE // 10
FIRST = 40_000


class Call:
    """Samples that say where they are; `gaps` are missing."""

    rate = RATE
    first = FIRST

    def __init__(self, samples: int = 5000, gaps: tuple[Stretch, ...] = (), piece: int = 1700) -> None:
        self.samples = samples
        self._gaps = gaps
        self._piece = piece
        self.asked: list[int] = []

    def pieces(self, start: int) -> Iterator[tuple[int, bytes]]:
        self.asked.append(start)
        edges = [FIRST, *(edge for gap in self._gaps for edge in gap), FIRST + self.samples]
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            for at in range(begin, end, self._piece):
                yield at, b"".join(pcm(place) for place in range(at, min(at + self._piece, end)))


def pcm(place: int) -> bytes:
    return ((place - FIRST) % 30_000).to_bytes(2, "little", signed=True)


class Speaker:
    """Holds up to `buffer` samples that are not heard yet. `fails` after so many."""

    def __init__(self, buffer: int = 0, fails: int | None = None) -> None:
        self._buffer = buffer
        self._fails = fails
        self.got = bytearray()
        self.stopped = 0
        self._finished = False

    def write(self, pcm: bytes, leaving: Callable[[], bool]) -> None:
        assert not self.stopped
        if self._fails is not None and len(self.got) // 2 >= self._fails:
            raise BoardError("the sound device failed")
        self.got += pcm

    def played(self) -> int:
        return len(self.got) // 2 if self._finished else max(0, len(self.got) // 2 - self._buffer)

    def finish(self, leaving: Callable[[], bool]) -> None:
        self._finished = not leaving()

    def stop(self) -> None:
        self.stopped += 1


class Script:
    """A listener who gives an order at the nth look; a signal after so many looks."""

    def __init__(self, orders: dict[int, Order] | None = None, resumes: list[Order] | None = None, leave: int = 10**9):
        self._orders = orders or {}
        self._resumes = resumes or []
        self._leave = leave
        self._looks = 0

    def leaving(self) -> bool:
        return self._looks >= self._leave

    def order(self) -> Order | None:
        self._looks += 1
        return self._orders.get(self._looks - 1)

    def resume(self, idle: Callable[[], None]) -> Order:
        idle()
        return self._resumes.pop(0)


class Listened:
    def __init__(
        self, call: Call, control: Script, *, buffer: int = 0, span: Stretch | None = None, fails: int | None = None
    ) -> None:
        self.speakers: list[Speaker] = []
        self.shown: list[int] = []

        def opened() -> Output:
            self.speakers.append(Speaker(buffer, fails))
            return self.speakers[-1]

        begin, end = span or (FIRST, FIRST + call.samples)
        self.playback = Playback(
            call,
            opened,
            begin=begin,
            end=end,
            level=lambda: lambda pcm: pcm,
            control=control,
            show=self.shown.append,
        )
        self.error: Exception | None = None
        self.done = False
        try:
            self.done = self.playback.play(opened())
        except (BoardError, RefusedError) as error:
            self.error = error

    @property
    def heard(self) -> list[Stretch]:
        """From the call's beginning."""
        return [(begin - FIRST, end - FIRST) for begin, end in self.playback.heard.stretches]

    @property
    def sound(self) -> bytes:
        return b"".join(speaker.got for speaker in self.speakers)


@pytest.mark.parametrize("buffer", [0, 1, 399, 10_000])
def test_the_end_of_a_call_is_heard_whatever_the_output_holds(buffer: int) -> None:
    found = Listened(Call(), Script(), buffer=buffer)
    assert (found.done, found.heard) == (True, [(0, 5000)])
    assert found.sound == b"".join(pcm(FIRST + n) for n in range(5000))
    assert all(speaker.stopped for speaker in found.speakers)


@pytest.mark.parametrize(("buffer", "heard"), [(0, 700), (1, 699), (250, 450), (700, 0), (5000, 0)])
def test_who_leaves_has_heard_what_the_output_does_not_hold_any_more(buffer: int, heard: int) -> None:
    found = Listened(Call(), Script(leave=7), buffer=buffer)
    assert (found.done, found.heard) == (False, [(0, heard)] if heard else [])
    assert found.shown == sorted(found.shown)


def test_leaving_at_the_last_wait_leaves_what_is_held_unheard() -> None:
    found = Listened(Call(), Script(leave=50), buffer=300)
    assert (found.done, found.heard) == (False, [(0, 4700)])


def test_a_stretch() -> None:
    found = Listened(Call(), Script(), span=(FIRST + 1234, FIRST + 2345))
    assert (found.done, found.heard) == (True, [(1234, 2345)])
    assert found.sound == b"".join(pcm(FIRST + n) for n in range(1234, 2345))


def test_a_gap_is_a_pause_of_a_second_at_the_most_and_passed_once_it_is_over() -> None:
    gap = (FIRST + 1000, FIRST + 4000)
    found = Listened(Call(gaps=(gap,)), Script())
    assert (found.heard, len(found.sound) // 2) == ([(0, 5000)], 1000 + RATE + 1000)
    within = Listened(Call(gaps=(gap,)), Script(leave=11), buffer=500)  # 10 blocks, and the pause, half of it held
    assert within.heard == [(0, 1000)]
    after = Listened(Call(gaps=(gap,)), Script(leave=12))
    assert after.heard == [(0, 4100)]


def test_short_gaps_at_both_ends() -> None:
    call = Call(gaps=((FIRST, FIRST + 50), (FIRST + 4950, FIRST + 5000)))
    found = Listened(call, Script())
    assert (found.heard, len(found.sound)) == ([(0, 5000)], 2 * 5000)


def test_a_stretch_inside_a_gap_is_heard_as_silence() -> None:
    found = Listened(Call(gaps=((FIRST + 1000, FIRST + 4000),)), Script(), span=(FIRST + 2000, FIRST + 2500))
    assert (found.heard, found.sound) == ([(2000, 2500)], bytes(2 * 500))


def test_a_pause_goes_on_where_the_ear_was() -> None:
    found = Listened(Call(), Script({10: Order.PAUSE}, [Order.GO]), buffer=250)
    assert (found.done, found.heard) == (True, [(0, 5000)])  # what the output held sounds once more, and once counts
    assert found.playback._sounding.asked == [FIRST, FIRST + 750]  # type: ignore[attr-defined]


def test_jumps_leave_out_and_repeat() -> None:
    long = Call(samples=60_000)
    found = Listened(long, Script({50: Order.ON, 100: Order.BACK, 130: Order.LEAVE}))
    assert (found.done, found.heard) == (False, [(0, 5000), (15_000, 19_900), (9900, 12_800)])
    assert [n for n in found.shown if n < FIRST or n > FIRST + 60_000] == []


def test_a_jump_in_a_pause_and_leaving_in_one() -> None:
    long = Call(samples=60_000)
    found = Listened(long, Script({50: Order.PAUSE, 52: Order.PAUSE}, [Order.ON, Order.LEAVE]))
    assert (found.done, found.heard) == (False, [(0, 5000), (15_000, 15_100)])


def test_jumps_beyond_the_ends_stay_inside() -> None:
    found = Listened(Call(), Script({3: Order.BACK, 10: Order.ON}))
    assert (found.done, found.heard) == (True, [(0, 300), (0, 600)])


def test_an_output_that_fails_tells_what_it_had_played() -> None:
    found = Listened(Call(), Script(), buffer=100, fails=1500)
    assert (isinstance(found.error, BoardError), found.heard) == (True, [(0, 1400)])
    assert found.speakers[0].stopped > 0


def test_a_call_that_may_no_longer_be_read_ends_there() -> None:
    class Erased(Call):
        def pieces(self, start: int) -> Iterator[tuple[int, bytes]]:
            for number, piece in enumerate(super().pieces(start)):
                if number == 2:
                    raise RefusedError("erased")
                yield piece

    found = Listened(Erased(), Script())
    assert (isinstance(found.error, RefusedError), found.heard) == (True, [(0, 3400)])


def test_nothing_heard_is_no_stretch() -> None:
    assert Listened(Call(), Script(leave=0)).heard == []


@given(
    buffer=st.integers(0, 3000),
    orders=st.dictionaries(st.integers(0, 120), st.sampled_from([Order.BACK, Order.ON, Order.PAUSE]), max_size=6),
    leave=st.integers(0, 160),
    gap=st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(sorted),
)
def test_nothing_is_told_as_heard_that_did_not_sound(
    buffer: int, orders: dict[int, Order], leave: int, gap: list[int]
) -> None:
    """Every position told is one the speaker gave out, or in the gap; and all of those are told."""
    missing = (FIRST + gap[0], FIRST + gap[1])
    call = Call(samples=10_000, gaps=(missing,))
    found = Listened(call, Script(orders, [Order.GO] * 10, leave), buffer=buffer)
    told = {n for begin, end in found.heard for n in range(begin, end)} - set(range(gap[0], gap[1]))
    sounded = {
        int.from_bytes(speaker.got[at : at + 2], "little", signed=True)
        for speaker in found.speakers
        for at in range(0, 2 * speaker.played(), 2)
    }
    assert told <= sounded
    assert sounded - told <= {0}  # the silence of the gap


def test_stretches_that_follow_are_one_and_cover_the_call_in_any_order() -> None:
    heard = Heard()
    for stretch in ((0, 100), (100, 200), (150, 150), (300, 400), (200, 300)):
        heard.add(*stretch)
    assert heard.stretches == [(0, 200), (300, 400), (200, 300)]
    assert [heard.covers(*span) for span in ((0, 400), (0, 401), (50, 60))] == [True, False, True]
    assert Heard().covers(0, 1) is False


def test_the_null_output_has_played_what_it_was_given() -> None:
    null = NullOutput()
    null.write(bytes(20), lambda: False)
    assert null.played() == 10
