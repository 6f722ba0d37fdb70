"""The real board's pins beyond the contract: opened again and again, edges that come together, pins that are not to be
had."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.bench import BenchRig
from tests.contract.rigs import LINES
from tests.kernel.header import Header
from tsuwaroku.errors import BoardError
from tsuwaroku.events import ButtonPressed, Contact, ContactEdge, Event
from tsuwaroku.hal.board import SYSTEM_LAMP, Board, Lamp

pytestmark = [pytest.mark.slow, pytest.mark.kernel]
MS = 1_000_000
AT_REST = [("11", "hook", False), ("11", "ring", False), ("12", "hook", True), ("12", "ring", False)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BenchRig]:
    with BenchRig(tmp_path) as made:
        assert isinstance(made, BenchRig)
        yield made


def told(board: Board, seconds: float) -> list[Event]:
    """What the board tells within this time."""
    events: list[Event] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        events += board.read(0.05)
    return events


def contacts(events: list[Event]) -> list[tuple[str, str, bool]]:
    """Edges and presses, in short."""
    found = []
    for event in events:
        if isinstance(event, ContactEdge):
            found.append((event.line, str(event.contact), event.active))
        elif isinstance(event, ButtonPressed):
            found.append((event.line, "button", True))
    return found


def held() -> tuple[list[str], int, list[str]]:
    """What this process has: its descriptors, its threads, and the pins that anybody in this machine has."""
    descriptors = []
    for number in os.listdir("/proc/self/fd"):
        try:
            descriptors.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:  # the listing's own
            continue
    listed = Path("/sys/kernel/debug/gpio").read_text().splitlines()
    pins = [line for line in listed if line.startswith(" gpio-") and "<unused>" not in line]
    return sorted(descriptors), len(os.listdir("/proc/self/task")), pins


def test_ten_boards_one_after_another_all_work_and_leave_nothing(rig: BenchRig) -> None:
    """A service that retries makes a board each time, in one process."""
    after = []
    for _ in range(10):
        board = rig.make()
        board.open()
        assert contacts(told(board, 0.1)) == AT_REST
        pulled = [("11", "hook", True), ("12", "ring", True), ("12", "hook", False), ("11", "button", True)]
        for move in pulled:
            rig.move(*move)
            time.sleep(0.005)
        for lamp in (*LINES, SYSTEM_LAMP):
            board.show(lamp, Lamp.LIT)
        assert contacts(told(board, 0.1)) == pulled
        assert [rig.shines(board, lamp) for lamp in (*LINES, SYSTEM_LAMP)] == [True] * 3
        board.close()
        assert [rig.shines(board, lamp) for lamp in (*LINES, SYSTEM_LAMP)] == [False] * 3
        rig.move("12", "ring", False)  # nobody is there to be told of it
        time.sleep(0.005)
        after.append(held())
    # The first brings lgpio's own threads and its pipe, once for the process.
    assert after[1:] == [after[1]] * 9
    assert after[0] == after[1]
    assert after[0][2] == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("alsa", "play", "lamps"))]


def test_edges_of_one_millisecond_are_told_each(rig: BenchRig) -> None:
    board = rig.make()
    board.open()
    told(board, 0.1)
    pulled = [("11", "hook", True), ("11", "ring", True), ("12", "hook", False), ("12", "ring", True)]
    began = time.monotonic_ns()
    for move in [*pulled, ("11", "button", True), ("12", "button", True)]:
        rig.move(*move)
    events = [event for event in told(board, 0.1) if isinstance(event, ContactEdge | ButtonPressed)]
    board.close()
    assert sorted(contacts(list(events))) == sorted([*pulled, ("11", "button", True), ("12", "button", True)])
    assert all(began <= event.mono_ns <= began + MS for event in events)


def test_a_pulse_too_short_to_be_seen_leaves_the_true_level(rig: BenchRig) -> None:
    """Both edges before the kernel looks: it says an edge to the level that was there before, which is none."""
    board = rig.make()
    board.open()
    told(board, 0.1)
    for active in (True, False):
        rig.move("11", "hook", active)
    assert contacts(told(board, 0.1)) == []
    rig.move("11", "hook", True)
    assert contacts(told(board, 0.1)) == [("11", "hook", True)]
    board.close()


def test_ringing_through_both_contacts_at_once_keeps_every_edge(rig: BenchRig) -> None:
    """Twice 16 Hz on both lines for two seconds, with a hook that is lifted into it: in order, to the tick."""
    board = rig.make()
    board.open()
    told(board, 0.1)
    pulled = []
    events: list[Event] = []
    for n in range(128):
        active = n % 2 == 0
        for line in LINES:
            rig.move(line, "ring", active)
            pulled.append((line, "ring", active, time.monotonic_ns()))
        if n == 70:
            rig.move("11", "hook", True)
            pulled.append(("11", "hook", True, time.monotonic_ns()))
        events += told(board, 1 / 64)
    events += told(board, 0.1)
    board.close()
    edges = [event for event in events if isinstance(event, ContactEdge)]
    for line in LINES:
        for contact in Contact:
            own = [edge for edge in edges if edge.line == line and edge.contact is contact]
            wanted = [move for move in pulled if move[:2] == (line, str(contact))]
            assert [edge.active for edge in own] == [move[2] for move in wanted]
            assert all(0 <= edge.mono_ns - move[3] <= MS for edge, move in zip(own, wanted, strict=True))
    assert [edge.mono_ns for edge in edges] == sorted(edge.mono_ns for edge in edges)


def test_a_pin_that_another_program_has_is_told_and_had_once_it_is_free(rig: BenchRig) -> None:
    import lgpio

    chip = lgpio.gpiochip_open(int(rig.header.chip.removeprefix("gpiochip")))
    lgpio.gpio_claim_input(chip, 23)  # the ring sensor of line 12
    for _ in range(2):
        board = rig.make()
        with pytest.raises(BoardError) as caught:
            board.open()
        assert caught.value.message == "a pin of the board tsuwa2 cannot be claimed ('GPIO busy')"
        assert "gpioinfo lists users" in caught.value.remedy
        board.close()
        del caught
    lgpio.gpiochip_close(chip)
    board = rig.make()
    board.open()
    assert contacts(told(board, 0.1)) == AT_REST
    board.close()


def test_a_chip_of_another_label_is_not_taken(rig: BenchRig) -> None:
    rig.header.close()
    rig.header = Header(label="gpio-brcmstb")
    with pytest.raises(BoardError) as caught:
        rig.make().open()
    labels = "pinctrl-rp1 or pinctrl-bcm2711 or pinctrl-bcm2835"
    assert caught.value.message == f"no GPIO chip is labelled {labels}"
    assert "chips present: gpio-brcmstb" in caught.value.remedy
