"""The watchdog is petted while capture makes progress and only then; a clean stop alone disarms it."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.service.support import START
from tests.service.test_modes import ONE_CALL, config, script
from tsuwaroku.clock import NS, SystemClock, VirtualClock
from tsuwaroku.config import parse
from tsuwaroku.errors import BoardError, ConfigError
from tsuwaroku.exchange.script import load_script
from tsuwaroku.hal.virtual import VirtualBoard
from tsuwaroku.service import process
from tsuwaroku.service.alarms import AlarmBoard
from tsuwaroku.service.process import Spec, Watched
from tsuwaroku.service.setup import create_demo_store
from tsuwaroku.service.vitals import DISK_NS, LOOP_NS, SOUND_NS, Judge, Stall, Vitals
from tsuwaroku.service.watchdog import REOPEN_NS, Device, Watchdog, Witness, boot_id

# -- the judge


class Life:
    """A recorder's signs of life, second by second."""

    def __init__(self, heard: bool = False) -> None:
        self.judge = Judge(0, heard)
        self.vitals: Vitals | None = Vitals()
        self.now_s = 0

    def passes(self, seconds: int, *, turns: bool = True, sound: bool = True, disk: bool = True) -> list[str]:
        """What the judge says each second, as a word, "" for nothing; the words in a row without repetition."""
        words: list[str] = []
        for _ in range(seconds):
            self.now_s += 1
            if self.vitals is not None:
                self.vitals.turns += 50 * turns
                self.vitals.frames += 100 * (turns and sound)
                self.vitals.asked = self.vitals.asked + 1 if disk else max(self.vitals.asked, self.vitals.answered + 1)
                self.vitals.answered = self.vitals.asked if disk else self.vitals.answered
            verdict = self.judge.look(self.now_s * NS, self.vitals)
            word = "" if verdict is None else verdict[0].value
            if words[-1:] != [word]:
                words.append(word)
        return words


@pytest.mark.parametrize(
    ("stand_still", "limit_ns", "word"),
    [
        ({"turns": False}, LOOP_NS, Stall.LOOP),
        ({"sound": False}, SOUND_NS, Stall.SOUND),
        ({"disk": False}, DISK_NS, Stall.DISK),
    ],
)
def test_what_stands_still_for_its_time_is_a_stall_and_ends_with_the_next_sign(
    stand_still: dict[str, bool], limit_ns: int, word: Stall
) -> None:
    life = Life()
    assert life.passes(60) == [""]
    assert life.passes(limit_ns // NS, **stand_still) == [""]
    assert life.passes(1, **stand_still) == [word]
    assert life.passes(3600) == [""]


def test_where_no_card_ever_worked_nothing_counts() -> None:
    life = Life()
    assert life.passes(86_400, sound=False) == [""]
    assert life.passes(86_400, turns=False) == [""]
    life.vitals = None
    assert life.passes(86_400) == [""]


def test_a_sound_heard_by_an_earlier_recorder_of_this_boot_counts() -> None:
    life = Life(heard=True)
    assert life.passes(31, sound=False) == ["", "sound"]
    life = Life(heard=True)
    life.vitals = None
    assert life.passes(31) == ["", "sound"]


def test_a_recorder_that_begins_anew_does_not_pass_for_a_sound() -> None:
    life = Life()
    life.passes(10)
    life.vitals = None
    assert life.passes(20) == [""]
    life.vitals = Vitals()
    assert life.passes(11, sound=False) == ["", "sound"]


def test_a_disk_that_never_answered_is_no_reason() -> None:
    life = Life()
    assert life.passes(3600, disk=False) == [""]


# -- the device, as the kernel answers


class Kernel:
    """Answers the ioctls of linux/watchdog.h for one descriptor, and keeps what was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, most_s: int = 15, nowayout: bool = False) -> None:
        self.done: list[str] = []
        self._most_s = most_s
        self._nowayout = nowayout
        write = os.write
        read_end, self.fd = os.pipe()
        self._read_end = read_end
        monkeypatch.setattr(fcntl, "ioctl", self._ioctl)
        monkeypatch.setattr(os, "open", lambda *_, **__: self.fd)
        monkeypatch.setattr(os, "write", lambda fd, data: self._write(fd, data) if fd == self.fd else write(fd, data))

    def _ioctl(self, _: int, request: int, argument: bytes) -> bytes:
        value: int = struct.unpack("i", argument)[0]
        match request:
            case 0xC0045706:
                self.done.append(f"set {value}")
                if value > self._most_s:
                    raise OSError(errno.EINVAL, "Invalid argument")
                return argument
            case 0x80045707:
                return struct.pack("i", self._most_s)
            case 0x80045704:
                self.done.append("stop")
                if self._nowayout:
                    raise OSError(errno.EBUSY, "Device or resource busy")
                return argument
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    def _write(self, _: int, data: bytes) -> int:
        self.done.append({b"V": "V"}.get(data, "pet"))
        return len(data)

    def end(self) -> None:
        os.close(self._read_end)


def test_a_clean_stop_disarms(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch)
    device = Device("/dev/null", 15)
    device.pet()
    device.disarm()
    assert (device.timeout_s, device.misfit, kernel.done) == (15, None, ["set 15", "pet", "stop", "V"])
    kernel.end()


def test_a_device_that_cannot_be_disarmed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, nowayout=True)
    with pytest.raises(BoardError, match=r"nowayout.*in 15 s"):
        Device("/dev/null", 15).disarm()
    assert kernel.done[-1] == "V"
    kernel.end()


def test_a_time_out_beyond_the_device_is_told_and_the_device_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, most_s=15)
    device = Device("/dev/null", 60)
    assert device.timeout_s == 15
    assert str(device.misfit) == ("service.watchdog /dev/null: the watchdog keeps a time-out of 15 s, not 60 s")
    device.abandon()
    kernel.end()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EBUSY, "in use by another program"),
        (errno.EACCES, "may not be opened"),
        (errno.ENODEV, "there is no such"),
        (errno.EIO, "cannot be opened"),
    ],
)
def test_each_refusal_has_its_words(monkeypatch: pytest.MonkeyPatch, number: int, text: str) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BoardError, match=text) as refused:
        Device("/dev/null", 15)
    assert refused.value.remedy


def test_nothing_else_is_taken_for_a_watchdog(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("as it was")
    before = sorted(os.listdir("/proc/self/fd"))
    for path, text in ((str(tmp_path / "file"), "is not a"), ("/dev/null", "is not a"), ("/dev/no", "there is no")):
        with pytest.raises(BoardError, match=text):
            Device(path, 15)
    assert (tmp_path / "file").read_text() == "as it was"
    assert len(os.listdir("/proc/self/fd")) == len(before)


# -- the two together


class FakeDevice:
    """Counts; `broken` lets the next pat fail."""

    def __init__(self, path: str, timeout_s: int) -> None:
        self.timeout_s = timeout_s
        self.misfit: BoardError | None = None
        self.pats = 0
        self.ended = ""
        self.broken = False

    def pet(self) -> None:
        if self.broken:
            raise BoardError("the watchdog device failed (x)", where="w", remedy="see `dmesg`")
        self.pats += 1

    def disarm(self) -> None:
        self.ended = "disarmed"

    def abandon(self) -> None:
        self.ended = "armed"


class Bench:
    """A watchdog whose seconds the test counts."""

    def __init__(self, tmp_path: Path) -> None:
        self.now_ns = 0
        self.said: list[str] = []
        self.devices: list[FakeDevice] = []
        self.refusal: BoardError | None = None
        self.vitals = Vitals()
        self.dog = Watchdog(
            "/dev/watchdog0",
            15,
            Witness(tmp_path / "heard", "this boot"),
            lambda error: self.said.append(error.message),
            device=self._open,
            now_ns=lambda: self.now_ns,
        )
        self.dog.follow(self.vitals)

    def _open(self, path: str, timeout_s: int) -> Any:
        if self.refusal is not None:
            raise self.refusal
        self.devices.append(FakeDevice(path, timeout_s))
        return self.devices[-1]

    def seconds(self, count: int, sound: bool = True) -> int:
        """How often the device was petted."""
        before = sum(device.pats for device in self.devices)
        for _ in range(count):
            self.now_ns += NS
            self.vitals.turns += 50
            self.vitals.frames += 50 * sound
            self.dog.look()
        return sum(device.pats for device in self.devices) - before


def test_it_is_petted_each_second_until_capture_stalls_and_again_after(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.seconds(60) == 60
    assert bench.seconds(40, sound=False) == 30
    assert list(bench.dog.faults) == ["capture_stalled"]
    assert bench.said == ["no line has given a sound for some time"]
    assert bench.seconds(5) == 5
    assert bench.dog.faults == {}
    assert len(bench.devices) == 1


def test_a_missing_device_is_told_once_tried_again_and_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.refusal = BoardError("there is no such watchdog", where="w", remedy="load its driver")
    bench.seconds(60)
    assert bench.said == ["there is no such watchdog"]
    assert bench.dog.faults == {"watchdog_failed": "w: there is no such watchdog → load its driver"}
    bench.refusal = None
    assert bench.seconds(60) >= 60 - REOPEN_NS // NS
    assert bench.dog.faults == {}


def test_a_device_that_fails_is_opened_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.seconds(10)
    bench.devices[0].broken = True
    bench.seconds(1)
    assert list(bench.dog.faults) == ["watchdog_failed"]
    bench.seconds(10)
    assert bench.dog.faults == {}
    assert [device.ended for device in bench.devices] == ["armed", ""]


@pytest.mark.parametrize(("disarm", "ended"), [(True, "disarmed"), (False, "armed")])
def test_only_a_clean_stop_disarms(tmp_path: Path, disarm: bool, ended: str) -> None:
    bench = Bench(tmp_path)
    bench.seconds(3)
    bench.dog.close(disarm)
    assert bench.devices[0].ended == ended


def test_the_first_sound_of_a_boot_is_remembered_for_the_next_recorder(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.seconds(1)
    settle()
    assert (tmp_path / "heard").read_text() == "this boot"
    for boot, heard in (("this boot", True), ("the next boot", False)):
        witness = Witness(tmp_path / "heard", boot)
        witness.recall()
        settle()
        assert witness.heard is heard


def settle() -> None:
    """Wait for the witness's threads."""
    for thread in threading.enumerate():
        if thread.name == "watchdog witness":
            thread.join(10)


def test_a_store_that_is_not_there_keeps_nobody(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "no" / "store" / "heard", boot_id())
    witness.recall()
    witness.remember()
    settle()
    assert not witness.heard


def test_its_faults_are_alarms_of_the_recorder_and_resolve(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    alarms = AlarmBoard()
    watched = Watched(alarms, SystemClock(), bench.dog)
    bench.seconds(3)
    assert watched.tell() == []
    bench.seconds(40, sound=False)
    assert (watched.tell(), watched.tell()) == (["capture_stalled"], [])
    assert [(alarm.code, alarm.severity) for alarm in alarms.all()] == [("capture_stalled", "critical")]
    bench.seconds(3)
    assert watched.tell() == []
    assert alarms.all() == []


# -- the recorder's process


class Opened(FakeDevice):
    """The last device a process opened."""

    last: Opened

    def __init__(self, path: str, timeout_s: int) -> None:
        super().__init__(path, timeout_s)
        Opened.last = self


@pytest.mark.parametrize("defect", [False, True])
def test_a_process_disarms_when_told_to_stop_and_not_when_it_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: bool
) -> None:
    clock = VirtualClock(START)
    board = VirtualBoard(load_script(script(tmp_path, 20.0, ONE_CALL, [])).sources(), clock, realtime=False)
    create_demo_store(tmp_path / "store", config(), 8)
    guard = Watchdog("w", 15, Witness(tmp_path / "heard", ""), lambda error: None, device=Opened)  # type: ignore[arg-type]
    stopped = [False]

    def record(*_: object) -> None:
        while not hasattr(Opened, "last") or not Opened.last.pats:
            time.sleep(0.01)
        if defect:
            raise KeyError("a defect")
        stopped[0] = True

    monkeypatch.delattr(Opened, "last", raising=False)
    monkeypatch.setattr(process, "make_watchdog", lambda spec: guard)
    monkeypatch.setattr(process, "make_board", lambda spec: (board, clock))
    monkeypatch.setattr(process, "StopFlag", lambda: lambda: stopped[0])
    monkeypatch.setattr(process, "be_prompt", lambda: None)
    monkeypatch.setattr(process, "_record", record)
    spec = Spec(role="recorder", config=config(), store=str(tmp_path / "store"))
    if defect:
        with pytest.raises(KeyError):
            process.run(spec)
    else:
        assert process.run(spec) == 0
    assert Opened.last.ended == ("armed" if defect else "disarmed")


# -- the configuration


def test_a_virtual_board_takes_no_watchdog() -> None:
    text = '[service]\nwatchdog = "/dev/watchdog0"\n[[line]]\nid = "1"\nport = 1\n'
    with pytest.raises(ConfigError, match="virtual board"):
        parse(text)
    assert parse(f'[board]\nkind = "tsuwa2"\n{text}').service.watchdog_timeout_s == 15
