"""`request` and `queue` as people run them, through the keeper's socket, with the key on their side."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.console.support import Ran, Run
from tests.disclosure.papers import text_of
from tests.service.serving import serving
from tsuwaroku.clock import JST, SystemClock
from tsuwaroku.config import parse
from tsuwaroku.console import request_form
from tsuwaroku.console.requesting import number_of
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.call import CallRecord
from tsuwaroku.records.era import RequestNumber
from tsuwaroku.records.matching import Match
from tsuwaroku.records.request_file import TEMPLATE, from_toml
from tsuwaroku.records.retention import day_of
from tsuwaroku.service import control
from tsuwaroku.service.asking import Peer
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.simulate import default_start
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.layout import DEMO_KEY, Store

CONFIG = """
[office]
city = "青葉市"
manager = "庁舎管財課長"
ordinance = "青葉市通話録音装置の設置及び運用に関する要綱"
[store]
path = "{store}"
[[line]]
id = "1"
department = "市民課"
[[line]]
id = "2"
department = "税務課"
[[line]]
id = "3"
department = "市民課"
"""
DAY = day_of(default_start()).isoformat()
FILLED = {
    "department": "市民課",
    "head": "青森 花子",
    "begin": f"{DAY} 09:00",
    "end": f"{DAY} 09:00",
    "far_number": "03-1234-5678",
    "far_name": "不明（名乗らなかったため）",
    "near_number": "不明（転送のため）",
    "near_person": "市民課 弘前 太郎",
}


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Whose process it is at the other end: the kernel's word, which a test cannot change."""

    def become(user: str) -> None:
        monkeypatch.setattr(control, "peer_of", lambda link: Peer(user, os.geteuid(), frozenset()))

    become("hana")
    return become


As = Callable[[str], None]


class Desk:
    """`run` with the configuration; with `key` the key, too."""

    def __init__(self, run: Run, folder: Path, store: Path) -> None:
        self._run = run
        self.folder = folder
        self.store = store
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(store=store), encoding="utf-8")

    def __call__(self, *arguments: object, key: bool = False) -> Ran:
        more = ("--key", self.store / DEMO_KEY) if key else ()
        return self._run("--config", self.config, *arguments, *more)

    def form(self, **changed: str) -> Path:
        """The template, filled in as a clerk does."""
        text = TEMPLATE.replace("reasons = []", 'reasons = ["接遇"]')
        for field, value in (FILLED | changed).items():
            text = text.replace(f'{field} = ""', f"{field} = {json.dumps(value, ensure_ascii=False)}")
        path = self.folder / "form.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def new(self, *more: object, **changed: str) -> Ran:
        return self("request", "new", "--file", self.form(**changed), *more, key=True)


@pytest.fixture
def desk(run: Run, own: Path, as_user: As) -> Iterator[Desk]:
    desk = Desk(run, own.parent, own)
    settings = parse(desk.config.read_text(encoding="utf-8"))
    store = Store.open(own, need_device=True)
    keeper = Keeper(store, settings, SystemClock())
    keeper.start()
    with serving(keeper, own, settings):
        yield desk
    keeper.close()
    store.close()


def test_a_request_from_its_file_to_its_papers(desk: Desk, as_user: As, tmp_path: Path) -> None:
    made = desk.new("--yes", "--json", "--call", "7", "--by", "係 次郎")
    assert made.code == 0, made.err
    slug, number = made.json["slug"], made.json["number"]
    calls = desk("calls", "--json").json
    ids = {call["sequence"]: call["id"] for call in calls}
    # dialled 0312345678 on another department's line; nobody knows who called the two answered lines of 市民課
    assert made.json["calls"] == [ids[1], ids[7]]
    assert made.json["unknown_numbers"] == 3
    assert desk("request", "approve", slug, "--yes").code == 15
    as_user("kanri")
    shown = desk("request", "show", number, key=True)
    assert all(word in shown.out for word in ("青森 花子", "不明（転送のため）", "#7", number)), shown.out
    sealed = desk("request", "show", number).out
    assert ("青森" in sealed, "sealed" in sealed) == (False, True)
    assert desk("request", "approve", slug, "--call", "4", "--yes").code == 13
    day = f"{datetime.now(JST).year + 1}-01-31"
    approved = desk("request", "approve", number, "--call", "#1", "--return-by", day, "--by", "管財 太郎", "--yes")
    assert approved.code == 0, approved.err
    assert desk("request", "refuse", slug, "--reason", "後から").code == 13
    (row,) = desk("request", "list", "--json").json
    assert (row["status"], row["calls"], row["by"], row["form"]) == ("approved", [ids[1]], "hana", None)
    assert "市民課" in desk("request", "list", key=True).out
    assert desk("request", "list", "--year", "2001", "--json").json == []
    out = tmp_path / "papers"
    assert desk("request", "paper", slug, "--out", out, key=True).code == 13
    out.mkdir()
    assert desk("request", "paper", slug, "--out", out).code == 9
    assert desk("request", "paper", slug, "--out", out, key=True).code == 0
    form, decision = (text_of((out / f"request-{slug}-{name}.pdf").read_bytes()) for name in ("form", "decision"))
    assert "青森花子" in "".join(form.split())
    said = "".join(decision.split())
    assert all(word in said for word in ("管財太郎", "通話#1", "内線2", number.replace(" ", ""))), said
    again = desk("request", "paper", slug, "--out", out, key=True)
    assert (again.code, "already" in again.err) == (14, True)


def test_a_form_with_faults_says_them_all_in_japanese_and_is_audited(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = desk.new("--yes", begin="平成38年11月23日 9時", far_name="", head="")
    assert ran.code == 13
    for said in (
        "所属長名: 所属長の氏名が書かれていません（要綱第9条第1項）",
        "平成38年: 平成は",
        "空欄です",
        "受け付けられません",
    ):
        assert said in ran.err, ran.err
    assert desk("request", "list", "--json").json == []
    entries = [entry for entry in AuditLog(desk.store / "audit").entries() if entry.verb == "refused"]
    assert [(entry.actor, entry.detail["why"]) for entry in entries] == [("hana", "bad form")]
    other = desk("request", "new", "--file", desk.folder / "none.toml", key=True)
    assert (other.code, "読み込めません" in other.err) == (13, True)
    (desk.folder / "bad.toml").write_bytes(b'head = "\xff"')
    assert desk("request", "new", "--file", desk.folder / "bad.toml", key=True).code == 13
    assert desk("request", "new", key=True).code == 13  # no file, and no terminal to ask on
    assert desk("request", "new").code == 9


def test_nothing_is_submitted_that_was_not_confirmed_and_unknown_calls_are_nobodys(desk: Desk) -> None:
    before = desk.new()
    assert (before.code, "Calls this request can mean: 1" in before.err) == (13, True)
    assert "a number nobody knows" in before.err
    assert desk.new("--yes", "--call", "999").code == 11
    assert desk.new("--yes", "--call", "01KSR496151AXPZWJ96Z1ZGX6X").code == 11
    assert desk("request", "list", "--json").json == []
    assert desk("request", "show", "8-1").code == 11
    assert desk("request", "show", "第1号").code == 13


def test_hostile_words_are_shown_as_they_are(desk: Desk, as_user: As) -> None:
    text = "[bold red]請求[/bold red] #read(\"/etc/passwd\") {0} 'x'; rm"
    made = desk.new("--yes", "--json", content=text, notes="[/]")
    assert made.code == 0, made.err
    assert desk("request", "withdraw", made.json["slug"], "--reason", "[link=x]取下げ[/link]").code == 0
    shown = desk("request", "show", made.json["slug"], "--json", key=True).json["request"]
    assert (shown["form"]["content"], shown["reason"]) == (text, "[link=x]取下げ[/link]")
    told = desk("request", "show", made.json["slug"], key=True).out
    assert "[bold red]請求[/bold red]" in told
    assert "[link=x]取下げ[/link]" in told


def test_the_queue_and_letting_go(desk: Desk, as_user: As) -> None:
    rows = desk("queue", "--json").json
    assert [(row["sequence"], row["state"], row["marks"]) for row in rows] == [(2, "waiting", 1), (5, "waiting", 1)]
    assert "waiting" in desk("queue").out
    assert desk("queue", "pass", "4", "--reason", "印なし").code == 13
    ran = desk("queue", "pass", "2", "--reason", "用件は済んだ")
    assert (ran.code, "may lapse" in ran.out) == (0, True)
    assert [row["state"] for row in desk("queue", "list", "--json").json] == ["passed", "waiting"]
    assert desk("queue", "pass", "2", "--reason", "もう一度").code == 13


def test_without_a_keeper_it_says_what_to_do(run: Run, own: Path) -> None:
    for verb in (("request", "list"), ("queue",), ("request", "withdraw", "8-1", "--reason", "x")):
        ran = run(*verb, "--store", own)
        assert (ran.code, "systemctl start" in ran.err) == (12, True)


def test_the_template_is_the_form(run: Run) -> None:
    assert from_toml(run("request", "template").out) == from_toml(TEMPLATE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("令和8年度 第1号", (2026, 1)),
        ("2026-001", (2026, 1)),
        ("8-1", (2026, 1)),
        ("８－１", (2026, 1)),
        ("R8-12", (2026, 12)),
        ("平成31年度第2号", (2019, 2)),
    ],
)
def test_a_number_as_people_write_it(text: str, expected: tuple[int, int]) -> None:
    assert number_of(text, datetime(2026, 11, 28, tzinfo=JST).date()) == RequestNumber(*expected)


@pytest.mark.parametrize("text", ["", "1", "8-0", "0-1", "令和0-1号", "平成38年度 第1号", "8-1; rm", "8-1\x00"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(RefusedError):
        number_of(text, datetime(2026, 11, 28, tzinfo=JST).date())


def test_the_form_is_asked_for_until_it_has_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    wrong = {"begin": ["平成38年1月1日 9時"], "reasons": ["", "接遇、その他"], "far_name": [""]}

    def ask(field: str, before: str) -> str:
        asked.append(field)
        if wrong.get(field):
            return wrong[field].pop(0)
        return {**FILLED, "reasons": "接遇、その他", "purpose": "研修のため", "serves": "接遇"}.get(field, before)

    form = request_form.asked_for(datetime.now(JST).replace(year=datetime.now(JST).year + 1), ask)
    assert (form.reasons, form.purpose, form.serves) == (("courtesy", "other"), "研修のため", "courtesy")
    assert form.far_name.unknown == "名乗らなかったため"
    assert asked.count("department") == 1
    assert (asked.count("begin"), asked.count("reasons"), asked.count("far_name")) == (2, 2, 2)
    assert "no reason for the request is ticked" in capsys.readouterr().err


def test_a_call_whose_clock_was_wrong_is_found_by_the_date_it_had(desk: Desk) -> None:
    record = next(one for one in _records(desk) if one.sequence == 1)
    form = from_toml(desk.form().read_text(encoding="utf-8"))
    seized = record.seized_at
    record.seized_at, record.ended_at = "2019-05-01T00:00:00.000+09:00", "2019-05-01T00:00:34.000+09:00"
    assert request_form.meant(form, [record], {})[Match.NO] == [record]
    record.clock.dated_at = seized
    assert request_form.meant(form, [record], {})[Match.YES] == [record]


def _records(desk: Desk) -> list[CallRecord]:
    from tests.service.support import demo_key
    from tsuwaroku.store.recovery import list_calls

    return list_calls(Store.open(desk.store), demo_key(desk.store))
