"""`calls`, `show`, `verify`: over a store with an office's calls."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from tests.console.support import SCRIPT, Run
from tsuwaroku.console import render
from tsuwaroku.console.session import find_record
from tsuwaroku.console.texts import WORDS
from tsuwaroku.errors import NotFoundError, StoreError
from tsuwaroku.notice.policy import Reason
from tsuwaroku.records.call import (
    Audio,
    CallRecord,
    ClockRecord,
    Direction,
    Hold,
    Integrity,
    Mark,
    Notice,
    NoticeOutcome,
    Outcome,
    PublicRecord,
    Retention,
)
from tsuwaroku.store.keys import DeviceKey, make_private_key
from tsuwaroku.store.layout import Store
from tsuwaroku.store.ring import RingFiles

PUBLIC = {"id", "sequence", "line", "date", "outcome", "integrity", "marks", "retention", "continues", "clock"}


def key(store: Path) -> tuple[object, ...]:
    return ("--store", store, "--key", store / "demo.key")


def calls_json(run: Run, office: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("calls", *key(office), "--json").json
    return found


def plain(shown: RenderableType) -> str:
    """What a terminal of 120 columns shows of it, without colours."""
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().rstrip("\n")


def test_calls_with_the_key_is_everything_in_order_of_seizure(run: Run, office: Path) -> None:
    ran = run("calls", *key(office), "--json")
    assert (ran.code, ran.err) == (0, "")
    calls = ran.json
    assert [(call["line"], call["direction"], call["outcome"]) for call in calls] == [
        ("1", "inbound", "answered"),
        ("2", "outbound", "answered"),
        ("3", "inbound", "missed"),
        ("3", "inbound", "answered"),
        ("1", "outbound", "answered"),
        ("2", "outbound", "no_answer"),
        ("3", "inbound", "answered"),
    ]
    assert [call["seized_at"] for call in calls] == sorted(call["seized_at"] for call in calls)
    assert all(call["retention"]["expires_on"] > call["seized_at"][:10] for call in calls)


def test_calls_without_the_key_is_what_anybody_may_know(run: Run, office: Path) -> None:
    ran = run("calls", "--store", office, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert {frozenset(call) for call in ran.json} == {frozenset(PUBLIC | {"extension", "department"})}
    assert [call["sequence"] for call in ran.json] == [1, 2, 3, 4, 5, 6, 7]


def test_filters(run: Run, office: Path) -> None:
    everything = run("calls", *key(office), "--json").json
    day = everything[0]["seized_at"][:10]
    assert run("calls", *key(office), "--line", "3", "--json").json == [c for c in everything if c["line"] == "3"]
    assert run("calls", *key(office), "--date", day, "--json").json == everything
    assert run("calls", *key(office), "--date", "2001-01-01", "--json").json == []
    assert len(run("calls", "--store", office, "--date", day, "--line", "2", "--json").json) == 2


@pytest.mark.parametrize("verb", ["calls", "find"])
def test_a_long_list_shows_the_newest_and_says_how_to_see_the_rest(
    run: Run, office: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(render, "NEWEST", 3)
    monkeypatch.setenv("COLUMNS", "200")
    short = run(verb, "--store", office).out
    assert [line.split()[0] for line in short.splitlines()[2:-1]] == ["#5", "#6", "#7"]
    assert "7 calls; the newest 3 are shown. --all shows every one" in short
    whole = run(verb, "--store", office, "--all").out
    assert [line.split()[0] for line in whole.splitlines()[2:-1]] == [f"#{number}" for number in range(1, 8)]
    assert "newest" not in whole


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
@pytest.mark.parametrize("with_key", [True, False])
def test_the_table_fits_80_columns(
    run: Run, office: Path, language: str, with_key: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    ran = run("calls", *(key(office) if with_key else ("--store", office)))
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert max(cell_len(line) for line in lines) <= 80
    # Head, rule, one row a call, foot: no row was wrapped.
    assert [line.split()[0] for line in lines[2:9]] == (
        ["#2", "#1", "#3", "#4", "#5", "#6", "#7"] if with_key else [f"#{n}" for n in range(1, 8)]
    )


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
def test_the_widest_row_fits_80_columns(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", language)
    widest = CallRecord(
        id="01ABC",
        sequence=1234,
        line="12",
        extension="2101",
        direction=Direction.INTERNAL,
        seized_at="2026-11-23T09:00:00.000+09:00",
        duration_s=3723.0,
        outcome=Outcome.NOT_RECORDED,
        notice=Notice(outcome=NoticeOutcome.ANNOUNCED),
        marks=[Mark(at_s=1.0), Mark(at_s=2.0), Mark(at_s=3.0, withdrawn=True)],
        integrity=Integrity.RECOVERED,
        audio=Audio(rate=8000),
        clock=ClockRecord(quality="synchronised", mono_ns=0, boot_id="00"),
        retention=Retention(expires_on="2026-12-23", hold=Hold(reason="訴訟", until="2027-03-31")),
    )
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(render.calls([widest], with_key=True))
    cells = capture.get().splitlines()[2].split()
    told = {
        "C.UTF-8": ["int", "1:02:03", "unrecorded", "announced", "2", "recovered"],
        "ja_JP.UTF-8": ["内線", "1:02:03", "録音不能", "告知済", "2", "中断・復旧"],
    }
    assert cells == ["#1234", "11-23", "09:00", "12/2101", *told[language], "27/03*"]


def test_show_takes_number_or_beginning_of_an_id(run: Run, office: Path) -> None:
    calls = run("calls", *key(office), "--json").json
    wanted = next(call for call in calls if call["sequence"] == 4)
    for name in ("4", "#4", wanted["id"], wanted["id"].lower(), wanted["id"][:16]):
        assert run("show", name, *key(office), "--json").json == wanted
    assert set(run("show", "4", "--store", office, "--json").json) == PUBLIC | {"extension", "department"}
    assert run("show", wanted["id"][1:], *key(office)).code == 11


@pytest.mark.parametrize("name", ["8", "#0", "ZZZZ", "", "#"])
def test_show_of_nothing_ends_with_11(run: Run, office: Path, name: str) -> None:
    ran = run("show", name, "--store", office, "--json")
    assert (ran.code, ran.out) == (11, "")


def test_an_ambiguous_beginning_is_refused() -> None:
    def record(call_id: str, sequence: int) -> PublicRecord:
        return PublicRecord(
            id=call_id,
            sequence=sequence,
            line="1",
            date="2026-11-23",
            outcome=Outcome.ANSWERED,
            retention=Retention(expires_on="2026-12-23"),
        )

    records = [record("01ABC", 1), record("01ABD", 2)]
    assert find_record(records, "01abd") is records[1]
    with pytest.raises(NotFoundError, match="2 calls begin like this"):
        find_record(records, "01AB")


def test_show_for_people_names_everything(run: Run, office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("show", "2", *key(office))
    marked = next(c for c in run("calls", *key(office), "--json").json if c["sequence"] == 2)
    assert shown.code == 0
    assert marked["audio"]["pcm_sha256"] in shown.out
    assert "unreasonable demand  button" in shown.out
    assert "Article 7(2) item 1" in shown.out
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "第7条第2項第1号" in run("show", "2", *key(office)).out


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ja_JP.UTF-8", ["1. 応答の 0:20 後  不当要求", "2. 通話後  不当要求"]),
        ("C.UTF-8", ["1. 0:20 after the answer  unr", "2. afterwards  unr"]),
    ],
)
def test_a_mark_made_after_the_call_says_no_offset(
    language: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    shown = plain(render.marks([Mark(at_s=20.0), Mark(at_s=90_000.0, by="clerk")], 20.0)).splitlines()
    assert [line.startswith(start) for line, start in zip(shown, said, strict=True)] == [True, True]


def test_a_missed_call_was_hung_up_by_nobody(run: Run, office: Path) -> None:
    missed = next(call for call in calls_json(run, office) if call["outcome"] == "missed")
    shown = run("show", missed["id"], "--store", office, "--key", office / "demo.key").out
    assert "hung up" not in shown
    ended = next(line for line in shown.splitlines() if "Ended" in line)
    assert ended.split("Ended")[1].strip(" │") == render.clock_time(missed["ended_at"])


def test_why_a_notice_failed_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    failed = Notice(outcome=NoticeOutcome.FAILED, kind="announcement", reason=Reason.NUMBER_UNKNOWN.value)
    assert plain(render.notice(failed)) == "告知不可  ダイヤル番号が不明のため（緊急通報の可能性）"
    exempt = Notice(outcome=NoticeOutcome.EXEMPT, item=4, kind="announcement", reason="窓口に掲示")
    assert plain(render.notice(exempt)) == "省略  第7条第2項第4号  窓口に掲示"
    assert sorted(set(Reason) - set(WORDS["reason"])) == []


def test_verify_of_a_sound_store(run: Run, office: Path) -> None:
    ran = run("verify", *key(office), "--json")
    calls = {call["id"]: call for call in run("calls", *key(office), "--json").json}
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["ok"], ran.json["origin"], ran.json["problems"]) == (True, "unproven", [])
    assert {c["id"]: c["pcm_sha256"] for c in ran.json["calls"]} == {
        name: call["audio"]["pcm_sha256"] for name, call in calls.items()
    }
    assert "Origin unproven" in run("verify", "--store", office).out


def test_verify_with_the_fingerprint(run: Run, office: Path) -> None:
    shown = run("keys", "show", "--store", office, "--json").json
    pinned = run("verify", "--store", office, "--fingerprint", shown["fingerprint"], "--json")
    assert (pinned.code, pinned.json["origin"]) == (0, "pinned")
    assert run("verify", "--store", office, "--fingerprint", "00" * 32).code == 10


def test_verify_with_a_key_that_opens_no_call_says_so(run: Run, office: Path, tmp_path: Path) -> None:
    run("simulate", SCRIPT.with_name("single.toml"), "--store", tmp_path / "other", "--fast")
    strange = tmp_path / "other" / "demo.key"
    ran = run("verify", "--store", office, "--key", strange)
    assert ran.code == 9
    assert "The sound was decoded" not in ran.out
    assert f"{strange}: this key opens none of the calls" in ran.err
    as_json = run("verify", "--store", office, "--key", strange, "--json")
    assert (as_json.code, as_json.json["ok"]) == (9, True)


def test_verify_reads_the_store_of_any_box(run: Run, own: Path) -> None:
    (own / "keys" / "device.key").unlink()
    DeviceKey.create(own / "keys" / "device.key")
    assert run("calls", "--store", own).code == 7
    ran = run("verify", "--store", own, "--key", own / "demo.key")
    assert (ran.code, ran.err) == (0, "")


def test_another_fingerprint_is_damage_of_the_store_and_of_no_call(run: Run, office: Path) -> None:
    ran = run("verify", "--store", office, "--fingerprint", "00" * 32)
    assert ran.code == 10
    assert ran.out.splitlines()[:2] == [
        "7 calls verified and sound, but something is wrong with the store.",
        "the store is another box's: its fingerprint is not the one given",
    ]
    assert "Origin unproven" not in ran.out


def test_verify_of_one_call(run: Run, office: Path) -> None:
    ran = run("verify", "4", "--store", office, "--json")
    assert (ran.code, [call["sequence"] for call in ran.json["calls"]]) == (0, [4])
    assert run("verify", "99", "--store", office).code == 11


@pytest.mark.parametrize("as_json", [True, False])
def test_damage_ends_with_10_and_names_the_call(run: Run, own: Path, as_json: bool) -> None:
    ring = own / "ring" / "ring-00000.dat"
    octets = bytearray(ring.read_bytes())
    at = octets.index(b"TXNT") + 300
    octets[at] ^= 1
    ring.write_bytes(octets)
    ran = run("verify", "--store", own, *(["--json"] if as_json else []))
    assert ran.code == 10
    assert ran.err.startswith(f"Damage: {own}: ")
    if as_json:
        assert ran.json["ok"] is False
        assert [call["sequence"] for call in ran.json["calls"] if call["problems"]] == [1]
    else:
        assert "1 of them have problems" in ran.out


def test_the_call_that_is_shown_is_compared_with_the_ring(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says what was sealed; `show` says what is there."""
    key = ("--store", own, "--key", own / "demo.key")
    assert (run("show", "1", *key, "--json").json["integrity"], run("show", "1", *key).err) == ("sealed", "")
    ring = own / "ring" / "ring-00000.dat"
    octets = bytearray(ring.read_bytes())
    at = octets.index(b"TXNT") + 300
    octets[at] ^= 1
    ring.write_bytes(octets)
    for arguments in (key, key[:2]):
        ran = run("show", "1", *arguments, "--json")
        assert (ran.code, ran.json["integrity"]) == (0, "damaged")
        assert ran.err.startswith("the call is damaged in the ring (slot 0, octet 4096: extent does not match its")
    assert run("show", "2", *key, "--json").json["integrity"] == "sealed"

    def away(*_: object) -> bytes:
        raise StoreError("cannot be read (Input/output error)", where="ring-00000.dat")

    monkeypatch.setattr(RingFiles, "salvage", away)
    ran = run("show", "1", *key, "--json")
    assert (ran.code, ran.json["integrity"]) == (0, "sealed")  # a disk that is away is no reason to judge a call
    assert ran.err == "could not be compared with the ring (ring-00000.dat: cannot be read (Input/output error))\n"


def test_a_wrong_passphrase_ends_with_9(run: Run, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "manager.key"
    make_private_key(file, "correct horse", "manager", "管理責任者", passes=1, memory=8192)
    wrong = tmp_path / "passphrase"
    wrong.write_text("battery staple\n")
    ran = run("calls", "--store", office, "--key", file, "--passphrase-file", wrong, "--json")
    assert (ran.code, ran.out) == (9, "")
    assert "wrong passphrase" in ran.err
    wrong.write_text("correct horse\nsecond line\n")
    strange = run("calls", "--store", office, "--key", file, "--passphrase-file", wrong, "--json")
    assert (strange.code, strange.out) == (9, "")
    assert "wrong passphrase" not in strange.err


def test_without_a_terminal_the_passphrase_has_to_come_from_a_file(run: Run, office: Path, tmp_path: Path) -> None:
    file = tmp_path / "manager.key"
    make_private_key(file, "correct horse", "manager", "管理責任者", passes=1, memory=8192)
    ran = run("calls", "--store", office, "--key", file)
    assert ran.code == 9
    assert "--passphrase-file FILE" in ran.err


@pytest.mark.parametrize("name", ["missing.key", "."])
def test_a_missing_key_file_ends_with_9(run: Run, office: Path, tmp_path: Path, name: str) -> None:
    assert run("calls", "--store", office, "--key", tmp_path / name).code == 9


def test_a_demonstration_key_opens_no_real_store(run: Run, office: Path, tmp_path: Path) -> None:
    Store.create(tmp_path / "real", slots=4, retention_days=30, demonstration=False).close()
    (tmp_path / "real" / "keys" / "device.key").rename(tmp_path / "device.key")  # it was brought here from its box
    ran = run("calls", "--store", tmp_path / "real", "--key", office / "demo.key")
    assert ran.code == 9
    assert "a demonstration key opens no real store" in ran.err
