"""Wrong passphrases: counted, slowed, told to the keeper once; and whoever is right waits for nothing."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.support import FakeKeeper, Run
from tsuwaroku.console.slowing import FIRST_S, LONGEST_S, MOST_KEYS, Slowing, delay_s, state_path
from tsuwaroku.errors import ServiceError
from tsuwaroku.store.keys import make_private_key, public_side

KEY = "ab" * 16


class Time:
    """A clock that goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def slow(time: Time, tmp_path: Path) -> Callable[[], Slowing]:
    """A new run of the program, over the same file."""
    return lambda: Slowing(KEY, tmp_path / "state" / "wrong.json", now=time, sleep=time.sleep)


def try_wrong(one: Slowing) -> None:
    one.wait()
    one.begin()
    one.wrong(begun=True)
    one.slow(begun=True)


def test_ten_wrong_ones_wait_longer_each_time_up_to_five_minutes(slow: Callable[[], Slowing], time: Time) -> None:
    for _ in range(12):
        try_wrong(slow())
    assert time.slept == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]
    assert [delay_s(wrong) for wrong in (0, 1, 2, 3, 10**30)] == [0, 0, 0, FIRST_S, LONGEST_S]


def test_time_that_passes_anyhow_counts(slow: Callable[[], Slowing], time: Time) -> None:
    for _ in range(5):
        try_wrong(slow())
    time.slept.clear()
    time.now += 7.5  # of 8 s
    slow().wait()
    assert time.slept == [0.5]
    time.now += 1000
    slow().wait()
    assert time.slept == [0.5]


def test_a_right_one_begins_anew_and_forgets_nothing_untold(
    slow: Callable[[], Slowing], time: Time, tmp_path: Path
) -> None:
    for _ in range(4):
        try_wrong(slow())
    one = slow()
    one.wait()
    one.begin()
    one.right()
    time.slept.clear()
    for _ in range(3):
        try_wrong(slow())
    assert time.slept == []
    assert json.loads((tmp_path / "state" / "wrong.json").read_bytes())["keys"][KEY]["untold"] == 7


def test_keys_are_counted_apart(slow: Callable[[], Slowing], time: Time, tmp_path: Path) -> None:
    for _ in range(4):
        try_wrong(slow())
    time.slept.clear()
    Slowing("cd" * 16, tmp_path / "state" / "wrong.json", now=time, sleep=time.sleep).wait()
    assert time.slept == []


@pytest.mark.parametrize("by", [-10 * 365 * 86_400.0, -1.0, 1.0, 1e9])
def test_a_clock_that_jumps_costs_the_delay_once_at_most(slow: Callable[[], Slowing], time: Time, by: float) -> None:
    for _ in range(6):
        try_wrong(slow())
    time.slept.clear()
    time.now += by
    slow().wait()
    assert sum(time.slept) <= 16.0
    assert (sum(time.slept) > 0) is (by < 16.0)


RUBBISH = [
    b"",
    b"{",
    b"[]",
    b"\xff\xfe",
    b"null",
    b'{"version": 7, "keys": {}}',
    b'{"keys": {"%s": {"since": -1}}}' % KEY.encode(),
    b'{"keys": {"%s": {"since": "9"}}}' % KEY.encode(),
    b'{"keys": {"%s": {"last": NaN}}}' % KEY.encode(),
    b'{"keys": {"%s": 3}}' % KEY.encode(),
    b"[" * 100_000,
    random.Random(1).randbytes(1000),
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_a_file_of_rubbish_is_begun_anew(slow: Callable[[], Slowing], tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "wrong.json").write_bytes(rubbish)
    try_wrong(slow())
    assert json.loads((tmp_path / "state" / "wrong.json").read_bytes())["keys"][KEY]["since"] == 1


@pytest.mark.parametrize("last", ["1e308", "-1e308", "1e18"])
def test_impossible_times_in_the_file_wait_no_longer_than_they_may(
    slow: Callable[[], Slowing], time: Time, tmp_path: Path, last: str
) -> None:
    (tmp_path / "state").mkdir()
    text = f'{{"keys": {{"{KEY}": {{"since": {10**30}, "last": {last}}}}}}}'
    (tmp_path / "state" / "wrong.json").write_text(text)
    slow().wait()
    assert sum(time.slept) <= LONGEST_S


def test_a_place_that_is_no_directory_costs_the_first_delay_each_time(
    slow: Callable[[], Slowing], time: Time, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    for _ in range(3):
        try_wrong(slow())
    assert time.slept == [FIRST_S] * 3
    slow().right()
    slow().report(lambda *_: pytest.fail("nothing is known to be told"))


def test_an_account_without_a_home_keeps_nothing_and_still_waits(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    try_wrong(Slowing(KEY, now=time, sleep=time.sleep))
    assert time.slept == [FIRST_S]


def _guess(path: Path, tries: int) -> None:
    for _ in range(tries):
        one = Slowing(KEY, path, sleep=lambda _: None, now=lambda: 0.0)
        with one._changing() as book:
            one._mine(book).since += 1


def test_two_processes_lose_no_count(tmp_path: Path) -> None:
    path = tmp_path / "state" / "wrong.json"
    spawn = multiprocessing.get_context("fork")
    guessers = [spawn.Process(target=_guess, args=(path, 30)) for _ in range(2)]
    for one in guessers:
        one.start()
    for one in guessers:
        one.join(30)
    assert json.loads(path.read_bytes())["keys"][KEY]["since"] == 60


def test_who_has_typed_beside_others_waits_for_them(slow: Callable[[], Slowing], time: Time) -> None:
    """All have passed the wait before the first one is tried: each try counts before it is made."""
    many = [slow() for _ in range(6)]
    for one in many:
        one.wait()
    assert time.slept == []
    for one in many:
        one.begin()
    assert time.slept == [2.0, 4.0, 8.0]


def test_a_guess_that_is_killed_has_counted(slow: Callable[[], Slowing], time: Time) -> None:
    for _ in range(5):
        one = slow()
        one.wait()
        one.begin()  # and killed before anybody said that it was wrong
    assert time.slept == [2.0, 4.0]


def test_no_more_keys_are_kept_than_anybody_has(time: Time, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    for number in range(MOST_KEYS + 5):
        time.now += 1
        one = Slowing(f"{number:032x}", path, now=time, sleep=time.sleep)
        one.begin()
        one.wrong(begun=True)
    kept = json.loads(path.read_bytes())["keys"]
    assert (len(kept), f"{MOST_KEYS + 4:032x}" in kept, f"{0:032x}" in kept) == (MOST_KEYS, True, False)


# -- the keeper


def test_the_keeper_is_told_once(slow: Callable[[], Slowing]) -> None:
    told: list[tuple[str, str]] = []
    for _ in range(3):
        try_wrong(slow())

    def away(*_: str) -> None:
        raise ServiceError("does not answer")

    slow().report(away)
    slow().report(lambda *words: told.append(words))
    slow().report(lambda *words: told.append(words))
    assert told == [(KEY, "パスフレーズの誤り 3回")]
    try_wrong(slow())
    slow().report(lambda *words: told.append(words))
    assert told[1:] == [(KEY, "パスフレーズの誤り 1回（連続 4回）")]


def test_two_at_once_tell_once(slow: Callable[[], Slowing]) -> None:
    told = []
    try_wrong(slow())

    def meanwhile(*words: str) -> None:
        slow().report(lambda *_: pytest.fail("told twice"))
        try_wrong(slow())
        told.append(words)

    slow().report(meanwhile)
    slow().report(lambda *words: told.append(words))
    assert told == [(KEY, "パスフレーズの誤り 1回"), (KEY, "パスフレーズの誤り 1回（連続 2回）")]


# -- through the verbs


@pytest.fixture
def locked(tmp_path: Path, time: Time, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file with a passphrase, and the clock of the test."""
    path = tmp_path / "manager.key"
    make_private_key(path, "正しい合言葉 1", "manager", "管財課長", passes=1, memory=8192)
    monkeypatch.setattr("time.time", time)
    monkeypatch.setattr("time.sleep", time.sleep)
    return path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What will be typed at the prompt."""
    answers: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: answers.pop(0))
    return answers


def test_typing_it_wrong_ten_times(
    run: Run, office: Path, locked: Path, typed: list[str], time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    asked = ("calls", "--store", office, "--key", locked)
    typed += ["違う合言葉"] * 10
    runs = [run(*asked) for _ in range(10)]
    assert [ran.code for ran in runs] == [9] * 10
    assert time.slept == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
    assert "パスフレーズが違います" in runs[0].err
    assert "次に入力できるのは 2 秒後です" in runs[2].err
    assert "2 分 8 秒待ちます（Ctrl-C で中止）" in runs[9].err
    time.slept.clear()
    typed += ["正しい合言葉 1", "違う合言葉"]
    assert run(*asked).err.count("違います") == 0  # the key opens; that no call is sealed to it is another matter
    assert time.slept == [256.0]
    run(*asked)
    assert time.slept == [256.0]


def test_ctrl_c_in_the_wait_leaves_and_counts_nothing(
    run: Run, office: Path, locked: Path, typed: list[str], time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("calls", "--store", office, "--key", locked)
    typed += ["wrong"] * 4
    for _ in range(4):
        run(*asked)
    before = state_path().read_bytes()

    def leave(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", leave)
    assert run(*asked).code == 130
    assert state_path().read_bytes() == before


def test_a_script_that_is_right_never_waits_and_one_that_is_wrong_does(
    run: Run, office: Path, locked: Path, typed: list[str], time: Time, tmp_path: Path
) -> None:
    typed += ["wrong"] * 6
    for _ in range(6):
        run("calls", "--store", office, "--key", locked)
    time.slept.clear()
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("正しい合言葉 1\n")
    wrong.write_text("guess\n")
    asked = ("calls", "--store", office, "--key", locked, "--passphrase-file")
    assert run(*asked, wrong).code == 9
    assert time.slept == [32.0]
    time.slept.clear()
    run(*asked, right)
    assert time.slept == []
    for _ in range(3):
        run(*asked, wrong)
    assert time.slept == [2.0]


def test_what_is_no_passphrase_is_not_counted(run: Run, office: Path, locked: Path, typed: list[str]) -> None:
    text = locked.read_text()
    locked.write_text(text.replace('"memory": 8192', '"memory": 0'))
    typed += ["正しい合言葉 1"]
    run("calls", "--store", office, "--key", locked)
    assert run("calls", "--store", office, "--key", office / "demo.key").code == 0
    kept = json.loads(state_path().read_bytes())["keys"]
    assert [(one["untold"], one["since"] <= 1) for one in kept.values()] == [(0, True)]


def test_the_keeper_hears_of_it_at_the_next_contact(run: Run, own: Path, locked: Path, typed: list[str]) -> None:
    asked = ("calls", "--store", own, "--key", locked)
    typed += ["wrong", "wrong", "wrong", "正しい合言葉 1"]
    run(*asked)
    run(*asked)
    with FakeKeeper(own / "run" / "keeper.sock", {"/v1/lines": (200, b"[]")}) as keeper:
        run(*asked)
        run(*asked)
    entries = [body for method, path, body in keeper.asked if path == "/v1/audit"]
    assert entries == [{"verb": "wrong passphrase", "subject": public_side(locked).id, "why": "パスフレーズの誤り 3回"}]
