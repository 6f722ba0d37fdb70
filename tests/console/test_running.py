"""`simulate` and `run`: the recorder from the command line, ended cleanly, with commands that work afterwards."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.console.support import SCRIPT, Ran, Run
from tsuwaroku.console import output, running
from tsuwaroku.service import supervisor
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.keys import DeviceKey
from tsuwaroku.store.layout import Store

SINGLE = SCRIPT.with_name("single.toml")
PROGRAM = [sys.executable, "-c", "from tsuwaroku.console.cli import main; main()"]
START = "2026-06-01T13:00"


def advised(text: str) -> list[list[str]]:
    """The command lines that are printed for people to copy, without the program's name."""
    lines = [line.strip() for line in text.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("tsuwaroku ")]


def follow(run: Run, commands: list[list[str]]) -> list[Ran]:
    more = {"play": ["--purpose", "fairness", "--output", "null"]}
    return [run(*command, *more.get(command[0], [])) for command in commands]


def test_simulate_makes_a_store_and_prints_commands_that_work(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "a store with 'quotes'"
    ran = run("simulate", SINGLE, "--store", store, "--fast")
    assert (ran.code, ran.err) == (0, "")
    commands = advised(ran.out)
    assert [command[0] for command in commands] == ["calls", "verify", "play"]
    assert [told.code for told in follow(run, commands)] == [0, 0, 0]
    assert Store.open(store).info.demonstration is True


def test_simulate_json_is_what_calls_json_is(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store"
    ran = run("simulate", SCRIPT, "--store", store, "--fast", "--start", START, "--json")
    listed = run("calls", "--store", store, "--key", store / "demo.key", "--json")
    assert (ran.code, ran.out) == (0, listed.out)
    assert [call["seized_at"][:13] for call in ran.json] == ["2026-06-01T13"] * 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, ""),
        ("[[call]\n", ""),
        ('[[call]]\nline = "1"\nat = -1.0\ndirection = "inbound"\n', "at"),
        ('[[raw]]\nline = "1"\naudio = "missing.wav"\ncontacts = []\n', "missing.wav"),
    ],
)
def test_a_bad_script_ends_with_4_and_writes_nothing(run: Run, tmp_path: Path, text: str | None, message: str) -> None:
    script = tmp_path / "script.toml"
    if text is not None:
        script.write_text(text)
    ran = run("simulate", script, "--store", tmp_path / "store", "--fast", "--json")
    assert (ran.code, ran.out) == (4, "")
    assert message in ran.err
    assert not (tmp_path / "store").exists()


def test_simulate_into_something_else_ends_with_6(run: Run, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("")
    ran = run("simulate", SINGLE, "--store", tmp_path, "--fast")
    assert (ran.code, [path.name for path in tmp_path.iterdir()]) == (6, ["holiday.jpg"])


def tree(store: Path) -> dict[str, bytes]:
    """Every file and what is in it."""
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
def real(run: Run, tmp_path: Path) -> Path:
    """The configuration of a box with a real store and a simulated board."""
    (tmp_path / "passphrase").write_text("four words of mine\n")
    config = tmp_path / "box.toml"
    config.write_text(
        f'[store]\npath = "{tmp_path}/real"\nring_size = "64 MiB"\naccept_shorter = true\n[[line]]\nid = "1"\n'
    )
    made = run(
        *("--config", config, "keys", "init", "--key-out", tmp_path / "manager.key"),
        *("--passphrase-file", tmp_path / "passphrase", "--recovery-file", tmp_path / "sheet.txt"),
    )
    assert made.code == 0
    return config


def test_a_real_store_takes_no_simulated_calls(run: Run, tmp_path: Path, real: Path) -> None:
    before = tree(tmp_path / "real")
    simulated = run("simulate", SINGLE, "--store", tmp_path / "real", "--fast")
    demonstrated = run("run", "--demo", "--store", tmp_path / "real")
    assert [ran.code for ran in (simulated, demonstrated)] == [13, 13]
    assert "a real store takes no simulated calls" in simulated.err
    assert tree(tmp_path / "real") == before


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize(("fault", "code"), [("version", 6), ("box", 7)])
def test_run_on_a_store_that_no_waiting_mends_ends_at_once(
    run: Run, tmp_path: Path, office: Path, demo: bool, fault: str, code: int
) -> None:
    store = tmp_path / "store"
    shutil.copytree(office, store)
    if fault == "version":
        info = store / "store.json"
        info.write_text(info.read_text().replace('"version": 1', '"version": 9'))
    else:
        (store / "keys" / "device.key").unlink()
        DeviceKey.create(store / "keys" / "device.key")
    config = tmp_path / "box.toml"
    config.write_text(f'[store]\npath = "{store}"\n[[line]]\nid = "1"\n')
    before = tree(store)
    ran = run("--config", config, "run", *(("--demo", "--store", store) if demo else ()))
    assert (ran.code, ran.out) == (code, "")
    assert tree(store) == before


@pytest.mark.parametrize("role", ["recorder", "keeper"])
def test_a_second_service_on_a_store_ends_with_12(
    run: Run, tmp_path: Path, real: Path, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOCKS_S", 0.2)
    lock = FileLock(tmp_path / "real" / f"{role}.lock")
    lock.acquire()
    try:
        ran = run("--config", real, "run")
    finally:
        lock.release()
    assert (ran.code, ran.out) == (12, "")
    assert f"a {role} already runs on this store" in ran.err


@pytest.mark.parametrize(
    ("place", "path", "here", "said"),
    [
        ("venv/bin", "venv/bin", ".", "tsuwaroku"),
        ("venv/bin", "elsewhere", ".", "venv/bin/tsuwaroku"),
        ("venv/bin", "elsewhere", "other", "{root}/venv/bin/tsuwaroku"),
        ("a venv/bin", "", ".", "'a venv/bin/tsuwaroku'"),
    ],
)
def test_advice_names_the_program_as_it_can_be_started_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, path: str, here: str, said: str
) -> None:
    me = tmp_path / place / "tsuwaroku"
    other = tmp_path / "elsewhere" / "tsuwaroku"
    for file in (me, other):
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / here)
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else "")
    monkeypatch.setattr(sys, "argv", [str(me), "simulate"])
    assert output.program() == said.format(root=tmp_path)


def test_run_without_a_store_ends_with_6(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/store"\n[[line]]\nid = "1"\n')
    ran = run("--config", config, "run")
    assert ran.code == 6
    assert "tsuwaroku keys init" in ran.err


def test_run_without_a_configuration_ends_with_3(run: Run, tmp_path: Path) -> None:
    assert run("--config", tmp_path / "none.toml", "run").code == 3


def test_a_demonstration_has_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert running.demo_dir().parent == tmp_path / "tsuwaroku"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert running.demo_dir().parent == tmp_path / ".local" / "state" / "tsuwaroku"
    assert running.demo_dir().name.startswith("demo-20")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A configuration whose simulated line takes a short call at once, and the next one much later."""
    call = '[[call]]\nline = "1"\nat = {at}\ndirection = "inbound"\nrings = 1\ntalk = 4.0\n'
    script = tmp_path / "quick.toml"
    script.write_text(call.format(at=1.0) + call.format(at=600.0))
    config = tmp_path / "config.toml"
    config.write_text(f'[board]\nscript = "{script}"\n[[line]]\nid = "1"\n')
    return config


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_in_a_log_says_each_call_and_ends_cleanly(
    run: Run, tmp_path: Path, quick: Path, number: signal.Signals
) -> None:
    store = tmp_path / "demo"
    with subprocess.Popen(
        [*PROGRAM, "--config", str(quick), "run", "--demo", "--store", str(store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        while not said.rstrip().split("\n")[-1].startswith("#1 "):
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    commands = advised(rest)
    assert [command[0] for command in commands] == ["calls", "verify", "play"]
    assert [told.code for told in follow(run, commands)] == [0, 0, 0]


@pytest.mark.slow
def test_on_a_terminal_the_live_view_leaves_the_screen_as_it_was(tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            PROGRAM[0],
            [*PROGRAM, "run", "--demo", "--store", str(tmp_path / "demo")],
            environment(TERM="xterm-256color", COLUMNS="80", LINES="24", LANG="ja_JP.UTF-8"),
        )
    seen = bytearray()
    pressed = False
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not pressed and "通話中".encode() in seen:
            os.write(terminal, b"\x03")
            pressed = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    text = seen.decode(errors="replace")
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1  # alternate screen entered and left
    assert text.rstrip().endswith("\x1b[?25h") or text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # cursor is back
    assert "tsuwaroku verify --store" in text[text.rfind("\x1b[?1049l") :]
    assert "Traceback" not in text
