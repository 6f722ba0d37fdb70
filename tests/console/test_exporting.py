"""`export` and `media`: the whole life of a medium through the real socket, and every way in which it goes wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.console.copying import MIB, PASSPHRASE, SLUG, Office, keeping
from tests.console.support import SCRIPT, Run
from tests.disclosure.copies import unpacked
from tests.disclosure.papers import text_of
from tsuwaroku.clock import NS, SystemClock
from tsuwaroku.console.custody_client import CustodyClient
from tsuwaroku.console.readings import MOST_OPEN, Readings
from tsuwaroku.disclosure import page, sevenzip
from tsuwaroku.disclosure.drive import Filesystem
from tsuwaroku.disclosure.virtual_drives import VirtualDrives, VirtualStick
from tsuwaroku.errors import RefusedError, ServiceError
from tsuwaroku.records.dating import State
from tsuwaroku.records.judging import Judge
from tsuwaroku.records.retention import day_of, first_ns
from tsuwaroku.records.roles import Role
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.copying import MadeRequest
from tsuwaroku.service.simulate import default_start, simulate
from tsuwaroku.store.audit import AuditLog

TODAY = day_of(SystemClock().now().wall_ns)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("exporting") / "store"
    simulate(SCRIPT, store, fast=True, start_wall_ns=first_ns(day_of(default_start())))
    return store


@pytest.fixture(autouse=True)
def _cheap_stretching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ROUNDS", 1000)
    monkeypatch.setattr(sevenzip, "CYCLES", 14)


@pytest.fixture
def place(recorded: Path, tmp_path: Path, run: Run) -> Office:
    return Office(tmp_path, Path(shutil.copytree(recorded, tmp_path / "store")), run)


@pytest.fixture
def office(place: Office) -> Iterator[Office]:
    with keeping(place):
        place.ask()
        yield place


def on_it(stick: VirtualStick, into: Path) -> Path:
    """The files of a stick, as a PC sees them."""
    drives = VirtualDrives(stick.image.parent)
    drive = next(one for one in drives.find().drives if one.device == f"virtual:{stick.name}")
    with drives.claim(drive) as claimed, claimed.mounted(read_only=True) as root:
        return Path(shutil.copytree(root, into))


def refusals(office: Office) -> list[object]:
    entries = AuditLog(office.store / "audit").entries()
    return [entry.detail["why"] for entry in entries if entry.verb == "refused"]


def test_the_whole_life_of_a_medium(office: Office, tmp_path: Path) -> None:
    stick = office.registered("M-1")
    assert office.media()["M-1"]["owner"] == "管財課長"
    ran = office.export("--wav")
    assert ran.code == 0, ran.err
    assert PASSPHRASE not in ran.out + ran.err
    files = on_it(stick, tmp_path / "files")
    inner = unpacked(files / f"通話記録_{SLUG}", tmp_path / "inner", PASSPHRASE)
    assert {path.name for path in (inner / "data/1").iterdir()} == {"record.json", "audio.flac", "audio.wav"}
    assert (inner / "data/request.pdf").read_bytes().startswith(b"%PDF")
    shown = office("keys", "show", "--store", office.store, "--json").json["fingerprint"]
    verified = subprocess.run(
        ["/usr/bin/python3", "-I", str(inner / "verify.py"), "--fingerprint", shown], capture_output=True, text=True
    )
    assert verified.returncode == 0, verified.stdout
    medium = office.media()["M-1"]
    assert (medium["state"], medium["request"], medium["recipient"]) == ("copied", SLUG, "head")

    assert office("media", "hand-over", "M-1", "--to", "青森 花子", "--by", "十和田 一郎").code == 0
    medium = office.media()["M-1"]
    assert (medium["state"], medium["due_on"]) == ("out", (TODAY + timedelta(days=30)).isoformat())
    assert medium["to"] is None
    assert "青森 花子" in office("media", *office.key()).out
    assert office("media", "return", "M-1", "--by", "青森 花子", "--on", "2020-01-01").code == 13
    assert office("media", "destroy", "M-1", "--how", "cut", "--by", "甲", "--witness", "乙").code == 13
    assert office("media", "return", "M-1", "--by", "青森 花子").code == 0
    early = office("media", "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "乙")
    assert (early.code, "9(5)" in early.err) == (13, True)

    assert office("media", "wipe", "M-1", "--yes").code == 0
    assert set(stick.image.read_bytes()) == {0}
    assert office("media", "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "甲").code == 13
    assert office("media", "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "").code == 13
    assert office("media", "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "乙").code == 0
    medium = office.media()["M-1"]
    assert (medium["state"], medium["how"], medium["wiped_clean"]) == ("destroyed", "crushed", True)
    sheet = tmp_path / "sheet.pdf"
    assert office("media", "paper", "M-1", "--out", sheet, *office.key()).code == 0
    said = text_of(sheet.read_bytes())
    assert [word for word in ("青森花子", "十和田一郎", "M-1", "読み戻して確認") if word not in said] == []
    assert office("media", "paper", "M-1", "--out", sheet, *office.key()).code == 13
    audit = b"".join(path.read_bytes() for path in AuditLog(office.store / "audit").files())
    assert "青森".encode() not in audit
    assert office("verify", "--store", office.store, *office.key()).code == 0

    # 9(5): never again, under whatever name.
    reused = office("media", "register", "--label", "M-9", "--yes")
    assert (reused.code, "9(5)" in reused.err) == (13, True)
    assert refusals(office)[-1] == "Article 9(5)"


def test_one_copy_each_and_another_by_approval_alone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("M-1", "M-2", "M-3"):
        office.registered(name)
    assert office.export("--medium", "M-1").code == 0
    assert office("media", "hand-over", "M-1", "--to", "青森 花子").code == 0
    again = office.export("--medium", "M-2")
    assert again.code == 13
    assert "9(2)" in again.err
    assert "9(3)" in again.err
    with monkeypatch.context() as patch:
        patch.setenv("LANG", "ja_JP.UTF-8")
        told = office.export("--medium", "M-2").err
        assert "作成済みです。複製は各1部で（第9条第2項）、もう1部には承認が必要です（第9条第3項）" in told
        assert "提供中" in office("media").out
    assert office.state("M-2") == "registered"
    used = office.export("--medium", "M-1", who="personnel")
    assert (used.code, "9(5)" in used.err) == (13, True)
    assert office.export("--medium", "M-2", who="personnel").code == 0
    assert office("media", "hand-over", "M-2", "--to", "弘前 次郎").code == 0
    assert office.media()["M-2"]["due_on"] == (TODAY + timedelta(days=20)).isoformat()
    reason = ("--reason", "媒体の破損のため")
    assert office("request", "recopy", SLUG, "--for", "head", *reason).code == 0
    twice = office("request", "recopy", "令和8年度 第1号", "--for", "head", *reason)
    assert (twice.code, "9(3)" in twice.err) == (13, True)
    assert office.export("--medium", "M-3").code == 0
    assert office.export("--medium", "M-3").code == 13


def test_what_nobody_may_copy(office: Office) -> None:
    stick = office.stick("M-1")
    nobody = office.export()
    assert nobody.code == 13
    assert "9(2)" in nobody.err
    assert refusals(office)[-1] == "Article 9(2)"
    stick.pull()
    assert office.export().code == 14  # nothing is plugged in
    office.registered("M-2")
    office.ask("2026-002", approve=False)
    waiting = office.export(request="2026-002")
    assert (waiting.code, "9(2)" in waiting.err) == (13, True)
    assert office.export(request="2026-777").code == 11
    assert office.export(request="昭和100年度 第1号").code == 13
    office.ask("2026-003", ["01KSR496151AXPZWJ96Z1ZGX6X"])
    assert office.export(request="2026-003").code == 11
    assert office("media", "hand-over", "M-2", "--to", "青森 花子").code == 13
    assert office("media", "return", "M-2", "--by", "青森 花子").code == 13
    assert office("media", "wipe", "M-2", "--yes").code == 13
    assert office("media", "lost", "M-7", "--what", "紛失").code == 11
    assert [verb for verb in office.verbs() if verb.startswith("copy")] == []


def test_a_call_whose_days_are_over_is_refused_with_the_rule(place: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with keeping(place):
        place.ask()
        place.registered("M-1")
        last = place.keeper.listed(place.calls()[0])
        assert last is not None
        day = last.public.retention.expires_on
        now = SystemClock().now()
        later = Judge(State(), msgspec.structs.replace(now, wall_ns=now.wall_ns + 40 * 86_400 * NS))
        monkeypatch.setattr(type(place.keeper), "judge", property(lambda _: later))
        ran = place.export()
        assert ran.code == 13
        assert f"kept until {day} (Article 8(1))" in ran.err


@pytest.mark.parametrize("fault", ["pulled", "full", "read_only", "lying"])
def test_a_stick_that_fails_in_mid_export_counts_for_nothing(office: Office, fault: str) -> None:
    stick = office.registered("M-1", octets=MIB // 8 if fault == "full" else 16 * MIB)
    if fault == "pulled":
        stick.change(pulled_after=MIB // 16)
    elif fault == "read_only":
        stick.change(read_only=True)
    elif fault == "lying":
        stick.change(real_octets=64 << 10)
    ran = office.export()
    assert ran.code == 14, ran.err
    assert "What to do" in ran.err
    assert "nothing counts" in ran.err
    assert office.verbs()[-2:] == ["copy begun", "copy failed"]
    medium = office.media()["M-1"]
    assert (medium["state"], medium["made_on"]) == ("uncounted", None)
    assert office("media", "hand-over", "M-1", "--to", "青森 花子").code == 13
    # The second try, with the same stick where it can serve, else with another.
    if fault in ("pulled", "read_only"):
        stick.change(read_only=False, pulled_after=None)
        stick.pull()
        stick.plug()
        assert office.export().code == 0
        assert office.state("M-1") == "copied"
        return
    stick.pull()
    office.registered("M-2")
    assert office.export().code == 0
    assert office.state("M-2") == "copied"
    # What is on the first is nobody's copy, and goes the way of all media.
    assert office("media", "wipe", "M-1", "--broken", "容量の偽り").code == 0
    assert office("media", "destroy", "M-1", "--how", "溶解", "--by", "甲", "--witness", "乙").code == 0
    assert office.media()["M-1"]["how"] == "other"


def test_a_client_that_dies_between_begun_and_made_leaves_the_approval_unused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = office.registered("M-1")

    def gone(*_: object) -> None:
        raise ServiceError("the service does not answer", remedy="start it")

    with monkeypatch.context() as patch:
        patch.setattr(CustodyClient, "made", gone)
        ran = office.export()
    assert ran.code == 12
    assert "M-1" in ran.err
    assert office.state("M-1") == "uncounted"
    begun = next(act.number for act in office.keeper.ledger.acts if act.verb == "copy begun")
    # Another medium is begun: the first attempt can no longer be said to have been made.
    office.registered("M-2")
    assert office.export("--medium", "M-2").code == 0
    with CustodyClient(office.store / "run" / "keeper.sock") as keeper:
        with pytest.raises(RefusedError, match="no longer counts"):
            keeper.made(MadeRequest(of=begun, octets=1, payload={}))
        with pytest.raises(RefusedError, match="no longer counts"):
            keeper.sign(begun, b"{}")
        with pytest.raises(RefusedError, match="no longer counts"):
            keeper.failed(begun, "x")
    assert office.verbs().count("copy made") == 1
    other = office.export("--medium", "M-1", who="personnel")
    assert (other.code, "9(5)" in other.err) == (13, True)  # it may hold the department's copy
    stick.pull()
    assert office("media", "lost", "M-1", "--what", "机上から紛失").code == 0
    assert office.state("M-1") == "lost"
    assert "incident" in office("media").out


def test_a_medium_is_what_it_was_registered_as_after_a_failure_too(office: Office) -> None:
    stick = office.stick("M-1")
    asked = ("--label", "M-1", "--device", "virtual:M-1", "--filesystem", "fat32", "--yes")
    assert office("media", "register", *asked).code == 0
    drives = VirtualDrives(stick.image.parent)
    assert drives.find().only().filesystem == "vfat"
    with drives.claim(drives.find().only()) as claimed:
        claimed.format(Filesystem.FAT32, "COPIES")  # its token is gone
    assert office.export().code == 0
    assert drives.find().only().filesystem == "vfat"


@pytest.mark.parametrize(
    "line",
    [
        ("media", "return", "M-1", "--by", "青森 花子", "--on", "平成40年7月1日"),
        ("media", "destroy", "M-1", "--how", "cut", "--by", "甲", "--witness", "乙", "--on", "昨日"),
        ("request", "approve", "2026-002", "--return-by", "平成40年7月1日", "--yes"),
    ],
)
def test_a_day_that_never_was_is_refused_and_on_record(office: Office, line: tuple[str, ...]) -> None:
    """The keeper reads it, not the client: the attempt leaves its trace."""
    office.registered("M-1")
    office.ask("2026-002", approve=False)
    if line[0] == "media" and line[1] == "return":
        assert office.export().code == 0
        assert office("media", "hand-over", "M-1", "--to", "青森 花子").code == 0
    before, acts = len(refusals(office)), len(office.verbs())
    ran = office(*line)
    assert ran.code == 13, ran.err
    assert (len(refusals(office)), len(office.verbs())) == (before + 1, acts)


KILLED = """
import os, signal, sys
from tsuwaroku.console import cli
from tsuwaroku.console.custody_client import CustodyClient
from tsuwaroku.disclosure import exporting, page, sevenzip
page.ROUNDS, sevenzip.CYCLES = 1000, 14
def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "made":
    CustodyClient.made = dies
else:
    exporting._inspect = dies
cli.run(sys.argv[2:])
"""


@pytest.mark.parametrize("at", ["made", "inspected"])
def test_an_export_that_is_killed_may_be_done_again_on_the_same_stick(office: Office, at: str, tmp_path: Path) -> None:
    """With a complete copy on the medium, and before its last look: neither counts, and both are written over."""
    stick = office.registered("M-1")
    line = ["--config", office.config, "export", SLUG, "--for", "head", *office.key()]
    line += ["--medium-passphrase-file", office.secret]
    done = subprocess.run([sys.executable, "-c", KILLED, at, *map(str, line)], capture_output=True, timeout=60)
    assert done.returncode == -9, done.stderr
    assert office.verbs()[-1] == "copy begun"
    assert office.state("M-1") == "uncounted"
    office.secret.write_text("doke-zaba-pago-reno-mito-kasu\n")
    ran = office.export()
    assert ran.code == 0, ran.err
    assert office.verbs().count("copy made") == 1
    files = on_it(stick, tmp_path / "files") / f"通話記録_{SLUG}"
    assert unpacked(files, tmp_path / "inner", "doke-zaba-pago-reno-mito-kasu").exists()


def test_who_has_no_right_is_refused_before_anything_is_looked_at(office: Office) -> None:
    stick = office.registered("M-1")
    before = stick.image.read_bytes()
    handler = Asker(user="handler", roles=frozenset({Role.HANDLER}))
    office.keeper.asker = lambda peer: handler  # type: ignore[method-assign]
    acts = len(office.verbs())
    assert office.export().code == 15
    assert office("media", "register", "--label", "M-3", "--yes").code == 15
    assert office("media", "wipe", "M-1", "--yes").code == 15
    assert office("media", "destroy", "M-1", "--how", "cut", "--by", "甲", "--witness", "乙").code == 15
    assert office("request", "recopy", SLUG, "--for", "head", "--reason", "x").code == 15
    assert office("media").code == 0
    technician = Asker(user="technician", roles=frozenset({Role.TECHNICIAN}))
    office.keeper.asker = lambda peer: technician  # type: ignore[method-assign]
    assert office("media").code == 15
    assert office("media", "lost", "M-1", "--what", "紛失").code == 15
    assert (len(office.verbs()), stick.image.read_bytes()) == (acts, before)


def test_without_the_keeper_or_a_place_for_the_passphrase_nothing_begins(place: Office) -> None:
    ran = place.export()
    assert (ran.code, "does not run" in ran.err) == (12, True)
    with keeping(place):
        place.ask()
        place.registered("M-1")
        ran = place("export", SLUG, "--for", "head", *place.key())
        assert (ran.code, "--medium-passphrase-file" in ran.err) == (9, True)
        place.secret.write_text("123456789012\n")
        assert place.export().code == 9
        assert place("export", SLUG, "--for", "head").code == 9
        assert place.state("M-1") == "registered"


@pytest.mark.slow
def test_a_copy_is_made_on_a_pc_with_the_socket_alone(
    office: Office, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The medium is plugged in where the manager sits; no file of the box is there."""
    office.registered("M-1")
    folder = tmp_path / "pc"
    folder.mkdir()
    key = shutil.copy(office.store / "demo.key", folder / "my.key")
    config = folder / "pc.toml"
    nowhere = folder / "no-store-here"
    config.write_text(
        f'[media]\nkind = "virtual"\nfolder = "{office.sticks}"\n[store]\npath = "{nowhere}"\n[[line]]\nid = "1"\n'
    )
    monkeypatch.setenv("TSUWAROKU_SOCKET", str(office.store / "run" / "keeper.sock"))
    secret = ("--medium-passphrase-file", office.secret)
    ran = run("--config", config, "export", SLUG, "--for", "head", "--key", key, *secret)
    assert ran.code == 0, ran.err
    again = run("--config", config, "export", SLUG, "--for", "head", "--key", key, *secret)
    assert (again.code, "9(2)" in again.err) == (13, True)
    recopy = ("request", "recopy", SLUG, "--for", "head", "--reason", "破損のため")
    assert run("--config", config, *recopy).code == 0
    assert office.verbs()[-3:] == ["copy begun", "copy made", "recopy approved"]
    opened = [entry.verb for entry in AuditLog(office.store / "audit").entries() if entry.verb == "call read"]
    assert len(opened) == 1  # one call, gone through five times and opened once
    there = ("--config", config, "media")
    assert run(*there, "hand-over", "M-1", "--to", "青森 花子", "--by", "管財 太郎").code == 0
    assert "青森 花子" in run(*there, "list", "--key", key).out
    assert run(*there, "return", "M-1", "--by", "青森 花子").code == 0
    assert run(*there, "wipe", "M-1", "--yes").code == 0
    assert run(*there, "destroy", "M-1", "--how", "破砕", "--by", "甲", "--witness", "乙").code == 0
    sheet = folder / "sheet.pdf"
    assert run(*there, "paper", "M-1", "--out", sheet, "--key", key).code == 0
    assert "青森花子" in "".join(text_of(sheet.read_bytes()).split())
    office.stick("M-2")
    assert run(*there, "register", "--label", "M-2", "--device", "virtual:M-2", "--yes").code == 0
    monkeypatch.delenv("TSUWAROKU_SOCKET")
    assert (office.state("M-1"), office.state("M-2")) == ("destroyed", "registered")


def test_readings_are_kept_open_while_they_are_used_and_no_more_than_may_be() -> None:
    opened: list[str] = []
    ended: list[str] = []
    now = [0.0]

    class Reader:
        def pieces(self) -> Iterator[tuple[int, bytes]]:
            yield 0, b""
            now[0] += 150
            yield 1, b""

    class Calls:
        @contextmanager
        def reading(self, call_id: str, private: object, *, why: str) -> Iterator[Reader]:
            opened.append(call_id)
            try:
                yield Reader()
            finally:
                ended.append(call_id)

    with Readings(Calls(), None, "copy", now=lambda: now[0]) as readings:  # type: ignore[arg-type]
        for _ in range(3):
            assert len(list(readings.pieces("a"))) == 2  # 150 s each, in use all the time
        assert opened == ["a"]
        now[0] += 201
        readings.of("a")
        assert (opened, ended) == (["a", "a"], ["a"])
        for number in range(MOST_OPEN):
            readings.of(str(number))
        assert (len(opened) - len(ended), ended) == (MOST_OPEN, ["a", "a"])
    assert len(opened) == len(ended)
