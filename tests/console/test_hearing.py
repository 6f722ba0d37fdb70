"""`play` as the keeper sees it: what is asked before a sound, and what is told of what was heard, to the sample."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console.support import Ran, Run
from tsuwaroku.console import playing
from tsuwaroku.console.keyboard import Listener
from tsuwaroku.console.outputs import Output
from tsuwaroku.console.playback import Order
from tsuwaroku.console.session import Record
from tsuwaroku.errors import BoardError, ForbiddenError, RefusedError, ServiceError
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, Direction, GapRecord, Mark, Outcome, Retention
from tsuwaroku.store.keys import PrivateKey, make_demo_key

RATE = 8000
FIRST = 16_000
LENGTH_S = 90


def record(samples: int = LENGTH_S * RATE) -> CallRecord:
    return CallRecord(
        id="01M8FQ78YG5SE7NC6FHBZF45ZC",
        sequence=12,
        line="1",
        extension="2101",
        direction=Direction.INBOUND,
        seized_at="2026-11-23T09:00:00.000+09:00",
        answered_at="2026-11-23T09:00:00.000+09:00",
        ended_at="2026-11-23T09:01:30.000+09:00",
        outcome=Outcome.ANSWERED,
        marks=[Mark(at_s=20.0)],
        audio=Audio(
            rate=RATE,
            first_sample=FIRST,
            samples=samples,
            gaps=[GapRecord(first_sample=FIRST + 10 * RATE, samples=5 * RATE, reason="overrun")],
        ),
        clock=ClockRecord(quality="synchronised", mono_ns=0, boot_id="00"),
        retention=Retention(expires_on="2026-12-23"),
    )


class Keeper:
    """A source of one call with a gap of 5 s at 0:10; it writes down what it is asked and told."""

    where = "keeper"
    starts_at_s: float | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, list[str]]] = []
        self.told: list[list[tuple[float, float]]] = []
        self.over = 0
        self.refusal: Exception | None = None
        self.deaf: Exception | None = None
        self.late: list[str] = []
        self.problems_before: list[str] = []
        self.one = record()

    def records(self, private: PrivateKey | None, *, first_day: str = "", last_day: str = "") -> list[Record]:
        return [self.one]

    @contextmanager
    def hearing(
        self, record: CallRecord, private: PrivateKey, *, purpose: str, note: str, listeners: Sequence[str]
    ) -> Iterator[Keeper]:
        self.asked.append((purpose, note, list(listeners)))
        if self.refusal is not None:
            raise self.refusal
        self.record, self.problems = record, list(self.problems_before)
        try:
            yield self
        finally:
            self.over += 1

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        for begin, end in ((0, 10), (15, LENGTH_S)):
            for second in range(begin, end):
                yield FIRST + second * RATE, bytes([second, 0]) * RATE

    def checked(self) -> list[str]:
        return self.late

    def heard(self, stretches: Sequence[tuple[float, float]]) -> None:
        if self.deaf is not None:
            raise self.deaf
        self.told.append(list(stretches))


class Speaker:
    """Holds `buffer` samples; `then` is done after so many seconds of sound."""

    def __init__(self) -> None:
        self.buffer = 0
        self.got = bytearray()
        self.then: tuple[float, Callable[[], None]] | None = None
        self.stopped = False
        self._finished = False

    def write(self, pcm: bytes, leaving: Callable[[], bool]) -> None:
        assert not self.stopped
        self.got += pcm
        if self.then is not None and len(self.got) // 2 >= self.then[0] * RATE:
            then, self.then = self.then[1], None
            then()

    def played(self) -> int:
        return len(self.got) // 2 if self._finished else max(0, len(self.got) // 2 - self.buffer)

    def finish(self, leaving: Callable[[], bool]) -> None:
        self._finished = not leaving()

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    keeper = Keeper()
    monkeypatch.setattr(playing, "source", lambda ctx, store: keeper)
    return keeper


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Speaker:
    speaker = Speaker()
    monkeypatch.setattr(playing, "NullOutput", lambda: speaker)
    return speaker


Play = Callable[..., Ran]


@pytest.fixture
def play(run: Run, tmp_path: Path, keeper: Keeper, speaker: Speaker) -> Play:
    key = tmp_path / "demo.key"
    make_demo_key(key)
    return lambda *more: run("play", "12", "--key", key, "--purpose", "fairness", "--output", "null", *more)


def test_the_whole_call_is_told_once_it_was_heard(play: Play, keeper: Keeper, speaker: Speaker) -> None:
    ran = play("--json", "--note", " 苦情の確認 ", "--with", "青森 花子", "--with", " ", "--with", "岩手 一郎")
    assert ran.code == 0
    assert keeper.asked == [("業務の公正かつ適正な執行", "苦情の確認", ["青森 花子", "岩手 一郎"])]
    assert keeper.told[0] == []  # nothing yet: else one that is cut off here would count as heard whole
    assert keeper.told[-1] == [(0.0, 90.0)]
    assert keeper.over == 1
    assert ran.json == {
        "id": keeper.one.id,
        "sequence": 12,
        "purpose": "業務の公正かつ適正な執行",
        "note": "苦情の確認",
        "listeners": ["青森 花子", "岩手 一郎"],
        "heard": [{"from_s": 0.0, "to_s": 90.0}],
        "whole": True,
        "problems": [],
    }
    assert len(speaker.got) // 2 == (90 - 5 + 1) * RATE  # the gap is a pause of a second
    assert (speaker.stopped, "End of the call." in ran.err) == (True, True)


@pytest.mark.parametrize(
    ("options", "heard", "seconds"),
    [
        (("--from", "1:00"), [(60.0, 90.0)], 30),
        (("--to", "0:05"), [(0.0, 5.0)], 5),
        (("--from", "8", "--to", "0:16"), [(8.0, 16.0)], 4),
        (("--from", "１：２５", "--to", "9:00"), [(85.0, 90.0)], 5),
        (("--from", "11", "--to", "12"), [(11.0, 12.0)], 1),  # in the gap
    ],
)
def test_a_stretch_is_told_as_one(
    play: Play,
    keeper: Keeper,
    speaker: Speaker,
    options: tuple[str, ...],
    heard: list[tuple[float, float]],
    seconds: int,
) -> None:
    ran = play(*options)
    assert (ran.code, keeper.told[-1], len(speaker.got) // 2) == (0, heard, seconds * RATE)
    assert "Heard: " in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "1:30"), "1:30"),
        (("--from", "5", "--to", "5"), "--from, --to"),
        (("--from", "1:00", "--to", "0:30"), "--from, --to"),
        (("--from", "soon"), "soon"),
        (("--player", "auto"), "--output, --player"),
        (("--note", "長" * 2000), "--note"),
        (("--with", "長" * 300), "--with"),
        (tuple(word for n in range(21) for word in ("--with", f"{n}番")), "--with"),
    ],
)
def test_what_cannot_be_played_is_no_act(play: Play, keeper: Keeper, options: tuple[str, ...], told: str) -> None:
    ran = play(*options)
    assert (ran.code in (2, 13), told in ran.err, keeper.asked) == (True, True, [])


@pytest.mark.parametrize(
    ("number", "at_s", "buffer_s", "heard"),
    [
        (signal.SIGINT, 7, 0, 7.0),
        (signal.SIGINT, 7, 0.5, 6.5),
        (signal.SIGINT, 30, 0.25, 33.75),
        (signal.SIGINT, 0.1, 1, None),
        (signal.SIGTERM, 30, 0.25, 33.75),
        (signal.SIGHUP, 7, 0.5, 6.5),
    ],
)
def test_a_signal_in_the_middle_tells_exactly_what_was_heard(
    play: Play, keeper: Keeper, speaker: Speaker, number: int, at_s: float, buffer_s: float, heard: float | None
) -> None:
    """30 s of sound are 34 s of the call: 5 s of it are missing, and sounded as one."""
    speaker.buffer = round(buffer_s * RATE)
    speaker.then = (at_s, lambda: os.kill(os.getpid(), number))
    ran = play("--json")
    assert ran.code == 128 + number
    assert keeper.told[-1] == ([] if heard is None else [(0.0, heard)])
    assert (speaker.stopped, keeper.over, json.loads(ran.out)["whole"]) == (True, 1, False)
    assert ("Nothing of it was heard" in ran.err) is (heard is None)


def test_a_second_ctrl_c_does_not_ask_and_tells_what_was_heard(play: Play, keeper: Keeper, speaker: Speaker) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    speaker.then = (3, twice)
    assert play().code == 130
    assert (keeper.told[-1], speaker.stopped) == ([(0.0, 3.0)], True)


def test_a_player_that_dies_has_told_what_it_had_played(play: Play, keeper: Keeper, speaker: Speaker) -> None:
    def die() -> None:
        raise BoardError("the player ended before the call did (code 1)")

    speaker.then = (4, die)
    speaker.buffer = RATE
    ran = play()
    assert (ran.code, keeper.told[-1], speaker.stopped) == (5, [(0.0, 3.0)], True)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(RefusedError("erased"), 13), (ForbiddenError("own extension"), 15), (ServiceError("away"), 12)],
)
def test_what_is_refused_never_sounds(
    play: Play, keeper: Keeper, speaker: Speaker, refusal: Exception, code: int
) -> None:
    keeper.refusal = refusal
    assert (play().code, len(speaker.got), keeper.told, speaker.stopped) == (code, 0, [], True)


def test_a_keeper_that_cannot_be_told_keeps_it_silent(play: Play, keeper: Keeper, speaker: Speaker) -> None:
    keeper.deaf = ServiceError("does not answer")
    assert (play().code, len(speaker.got), keeper.over) == (12, 0, 1)


def test_it_is_told_as_it_plays(play: Play, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that dies has told that much."""
    monkeypatch.setattr(playing, "TELL_S", 0.0)
    assert play("--to", "2").code == 0
    told = [stretches[0][1] for stretches in keeper.told if stretches]
    assert told == sorted(told)
    assert (len(told) > 10, told[0] <= 0.1, told[-1]) == (True, True, 2.0)


def test_a_pause_keeps_telling_the_keeper_that_somebody_is_there(
    play: Play, keeper: Keeper, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It forgets who is silent for five minutes."""
    before: list[int] = []

    def pause(self: Listener, idle: Callable[[], None]) -> Order:
        before.append(len(keeper.told))
        for _ in range(3):
            idle()
        return Order.LEAVE

    monkeypatch.setattr(playing, "TELL_S", 0.0)
    monkeypatch.setattr(Listener, "order", lambda self: Order.PAUSE if len(speaker.got) >= 4 * RATE else None)
    monkeypatch.setattr(Listener, "resume", pause)
    assert play().code == 0
    assert keeper.told[before[0] :] == [[(0.0, 2.0)]] * 4


def test_damage_that_shows_is_told_before_and_after(play: Play, keeper: Keeper, speaker: Speaker) -> None:
    keeper.problems_before, keeper.late = ["slot 7, octet 4096: no extent"], ["audio.samples is not what was sealed"]
    ran = play()
    assert ran.code == 10
    assert ran.err.index("This record is damaged") < ran.err.index("what was played is damaged")
    assert "audio.samples" in ran.err
    speaker.stopped = False
    part = play("--to", "5")
    assert (part.code, "audio.samples" in part.err) == (10, False)  # only who has read all of it can tell that


def test_levelling_is_of_the_listener_alone(play: Play, speaker: Speaker) -> None:
    play("--from", "15", "--to", "16", "--no-levelling")
    assert speaker.got == bytes([15, 0]) * RATE


def test_nothing_is_written_anywhere(
    play: Play, keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Article 8(3). Home, temporary files and where one stands are as they were."""
    home = tmp_path / "home"
    for name in ("home", "home/tmp", "home/here"):
        (tmp_path / name).mkdir()
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.chdir(home / "here")
    before = sorted(home.rglob("*"))
    made: list[str] = []
    real = os.open

    def watched(path: object, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            made.append(str(path))
        return real(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    assert play().code == 0
    assert (sorted(home.rglob("*")), made) == (before, [])


def test_the_speaker_of_these_tests_is_an_output(speaker: Speaker) -> None:
    as_output: Output = speaker
    as_output.stop()
    assert speaker.stopped
