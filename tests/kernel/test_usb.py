"""A stick pulled, full or read-only: a clear error in time, no copy that only looks whole, and no call the worse."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.box import Box, config_for
from tests.kernel.disks import RAM, mount, unmount
from tests.kernel.header import Header
from tests.kernel.talk import Talk
from tests.kernel.usb import Stick, repair
from tests.kernel.world import NS, RATE, World, tsuwa2
from tsuwaroku.disclosure.medium import Receipt, State, inspect_copy, write_copy
from tsuwaroku.errors import MediumError

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=90)]

Files = dict[str, bytes]
END_S = 30.0  # of virtual time; a writer that takes longer hangs
ANSWER_S = 5.0
STEPS = 14  # how often the writer tells its progress: 7 files, each written and read back


def files_of(seed: int) -> Files:
    """Seven files, together 400 kB."""
    rng = random.Random(seed)
    return {f"data/{number:04}.flac": rng.randbytes(40_000 + 5000 * number) for number in range(7)}


@pytest.fixture
def stick() -> Iterator[Stick]:
    stick = Stick(RAM / "stick.img", 16)
    yield stick
    stick.close()
    stick.image.unlink()


class Hand:
    """Pulls the stick after so many steps of the copying, `late_s` after the last of these."""

    def __init__(self, stick: Stick, steps: int, late_s: float = 0.0) -> None:
        self._stick = stick
        self._left = steps
        self._late_s = late_s
        self._thread: threading.Thread | None = None
        self.pulled_ns: int | None = None

    def progress(self, done: int, total: int) -> None:
        self._left -= 1
        if self._left:
            return
        if self._late_s:
            self._thread = threading.Thread(target=self.pull)
            self._thread.start()
        else:
            self.pull()

    def pull(self) -> None:
        time.sleep(self._late_s)
        self.pulled_ns = time.monotonic_ns()
        self._stick.pull()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()


class Attempt:
    """One copying in a thread of its own; how it ended, and when."""

    def __init__(self, act: Callable[[], Receipt]) -> None:
        self.error: MediumError | None = None
        self.ended_ns = 0
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
        except MediumError as error:
            self.error = error
        self.ended_ns = time.monotonic_ns()

    def wait(self) -> None:
        self._thread.join(END_S)
        assert not self._thread.is_alive(), "the writer hangs"


# Pulled with the step itself from the first octet to the last one read back; then while the mark is being made, which
# takes some tens of milliseconds; then after all is done.
MOMENTS = [(step, 0.0) for step in range(1, STEPS + 1, 2)] + [
    (STEPS, late_s) for late_s in (0.001, 0.002, 0.003, 0.004, 0.005, 0.2)
]


def test_a_stick_that_is_pulled_at_any_moment(tmp_path: Path, stick: Stick) -> None:
    at = tmp_path / "medium"
    mount(stick.plug(), at, "vfat")
    before = files_of(0)
    write_copy(at / "before", before)
    outcomes: list[tuple[bool, State]] = []
    for number, moment in enumerate(MOMENTS):
        returned = pulled_in_mid_copy(stick, at, f"copy{number}", moment)
        device = stick.plug()
        repair(device)
        mount(device, at, "vfat")
        assert inspect_copy(at / "before").state is State.COMPLETE
        outcomes.append((returned, inspect_copy(at / f"copy{number}").state))
        if outcomes[-1][1] is not State.COMPLETE:
            write_copy(at / f"copy{number}", files_of(1))
            assert inspect_copy(at / f"copy{number}").state is State.COMPLETE
    unmount(at)
    for (step, late_s), (returned, state) in zip(MOMENTS, outcomes, strict=True):
        print(f"pulled at step {step} + {late_s:.3f} s: {'returned' if returned else 'error'}, {state.value}")
    assert {state for returned, state in outcomes if returned} == {State.COMPLETE}
    assert State.DAMAGED not in {state for _, state in outcomes}
    # Before the last octet was read back there is no mark, and so no complete copy.
    early = [state for (step, late), (_, state) in zip(MOMENTS, outcomes, strict=True) if step < STEPS or not late]
    assert State.COMPLETE not in early
    assert outcomes[0][0] is False
    assert outcomes[-1] == (True, State.COMPLETE)


def pulled_in_mid_copy(stick: Stick, at: Path, folder: str, moment: tuple[int, float]) -> bool:
    """Whether the writer said that the copy was made. It must say something, within seconds of the pull."""
    hand = Hand(stick, *moment)
    attempt = Attempt(lambda: write_copy(at / folder, files_of(1), progress=hand.progress))
    attempt.wait()
    hand.wait()
    assert hand.pulled_ns is not None
    assert attempt.ended_ns - hand.pulled_ns < ANSWER_S * NS
    assert attempt.error is None or attempt.error.remedy
    unmount(at)
    return attempt.error is None


def test_a_stick_pulled_right_after_the_copy_has_it(tmp_path: Path, stick: Stick) -> None:
    at = tmp_path / "medium"
    mount(stick.plug(), at, "vfat")
    write_copy(at / "copy", files_of(1))
    stick.pull()
    unmount(at)
    device = stick.plug()
    repair(device)
    mount(device, at, "vfat", "ro")
    assert inspect_copy(at / "copy").state is State.COMPLETE
    assert {path.name: path.read_bytes() for path in (at / "copy" / "data").iterdir()} == {
        Path(name).name: content for name, content in files_of(1).items()
    }
    unmount(at)


def test_a_full_stick(tmp_path: Path, stick: Stick) -> None:
    """Too small from the beginning, and filled up by somebody else in the middle."""
    at = tmp_path / "medium"
    mount(stick.plug(), at, "vfat")
    with pytest.raises(MediumError, match=r"octets free, the copy needs"):
        write_copy(at / "large", {"data/0001.flac": bytes(17 << 20)})
    assert inspect_copy(at / "large").state is State.ABSENT
    filler = at / "somebody's.bin"

    def fill(done: int, total: int) -> None:
        if not filler.exists():
            with pytest.raises(OSError, match="No space"):
                filler.write_bytes(bytes(20 << 20))

    with pytest.raises(MediumError, match="the medium is full"):
        write_copy(at / "copy", files_of(1), progress=fill)
    assert inspect_copy(at / "copy").state is State.INCOMPLETE
    filler.unlink()
    write_copy(at / "copy", files_of(1))
    assert inspect_copy(at / "copy").state is State.COMPLETE
    unmount(at)


def test_a_read_only_stick(tmp_path: Path) -> None:
    stick = Stick(RAM / "locked.img", 4, read_only=True)
    at = tmp_path / "medium"
    mount(stick.plug(), at, "vfat", "ro")
    with pytest.raises(MediumError) as refused:
        write_copy(at / "copy", files_of(1))
    assert "write protection" in refused.value.remedy
    unmount(at)
    stick.close()


def test_the_recorder_does_not_notice(tmp_path: Path, stick: Stick) -> None:
    """A copy is written and the stick pulled in the middle of it, twice, while a call is being recorded."""
    at = tmp_path / "medium"
    talk = Talk("1", [(3.0, 18.0)])
    box = Box(tmp_path / "store", config_for("1"))
    header = Header()
    world = World(header, {"1": tsuwa2(1)}, [talk], watch=True)
    box.start()
    world.start()
    for begin_s, moment in ((5.0, (4, 0.0)), (11.0, (9, 0.0))):
        world.wait_until(begin_s)
        device = stick.plug()
        repair(device)
        mount(device, at, "vfat")
        assert not pulled_in_mid_copy(stick, at, "copy", moment)
    world.wait_until(22.0)
    restarts = box.pair.restarts
    box.stop()
    world.stop()
    header.close()
    [call] = box.calls()
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(30))
    assert (call.audio.gaps, restarts, box.verify().problems) == ([], 0, [])
    assert noise.find(box.sound()[call.id]) / 2 / RATE == pytest.approx(1.0, abs=0.03)
    assert call.audio.samples / RATE == pytest.approx(2.0 + 15.0 + 1.5, abs=0.05)
    lit = ["1" in glance.lit for glance in world.glances]
    assert [now for before, now in zip([False, *lit], lit, strict=False) if now != before] == [True, False]
