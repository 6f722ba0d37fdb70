"""`disclose`, `publish` and `ledger` as people run them, through the keeper's socket."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.support import Run
from tests.disclosure.papers import text_of
from tests.service.serving import serving
from tsuwaroku.clock import SystemClock
from tsuwaroku.config import Config, parse
from tsuwaroku.console.papers import PapersClient
from tsuwaroku.errors import ServiceError
from tsuwaroku.service import control
from tsuwaroku.service.asking import Peer
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.ledgers import SEALED
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.verify import verify_store

CONFIG = """
station = "本庁舎"
[office]
city = "青葉市"
ordinance = "青葉市通話録音装置の設置及び運用に関する要綱"
contact = "管財課 0312345678"
[store]
path = "{store}"
[[line]]
id = "1"
department = "市民課"
[[line]]
id = "2"
department = "相談室"
mode = "off"
[[line]]
id = "3"
department = "税務課"
"""
POLICE = (
    "--case", "investigation", "--recipient", "北警察署", "--purpose", "捜査のため",
    "--basis", "刑事訴訟法第197条第2項", "--reference", "北第45号",
)  # fmt: skip
As = Callable[[str], None]


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> As:
    """Whose process it is at the other end: the kernel's word, which a test cannot change."""

    def become(user: str) -> None:
        monkeypatch.setattr(control, "peer_of", lambda link: Peer(user, os.geteuid(), frozenset()))

    become("hana")
    return become


@pytest.fixture
def box(own: Path, as_user: As) -> Iterator[Path]:
    """A configuration whose store has calls and a keeper that serves it."""
    path = own.parent / "config.toml"
    path.write_text(CONFIG.format(store=own), encoding="utf-8")
    settings = parse(path.read_text(encoding="utf-8"))
    store = Store.open(own, need_device=True)
    keeper = Keeper(store, settings, SystemClock())
    keeper.start()
    with serving(keeper, own, settings):
        yield path
    keeper.close()
    report = verify_store(store)
    store.close()
    assert report.problems == []


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_disclosure_and_its_ledger(run: Run, box: Path, own: Path, as_user: As, tmp_path: Path) -> None:
    config = ("--config", box)
    opened = run(*config, "disclose", "new", *POLICE, "--call", "1", "--call", "2")
    assert (opened.code, "D2026-001" in opened.out or "D20" in opened.out) == (0, True)
    slug = run(*config, "disclose", "list", "--json").json[0]["seen"]["disclosure"]["slug"]
    decision = ("disclose", "decide", slug, "--approve", "--decided-by", "市長", "--decision", "第12号")
    own_word = run(*config, *decision)
    assert (own_word.code, "does not decide it" in own_word.err) == (13, True)
    early = run(*config, "disclose", "done", slug, "--to", "担当者")
    assert (early.code, "not decided yet" in early.err) == (13, True)
    as_user("kanri")
    assert run(*config, *decision).code == 0
    as_user("hana")
    assert run(*config, "disclose", "done", slug, "--to", "北署 担当者").code == 0
    shown = run(*config, "disclose", "list", "--key", own / DEMO_KEY)
    assert all(word in shown.out for word in (slug, "北警察署", "北署 担当者", "第12号", "investigation"))
    assert "北警察署" not in run(*config, "disclose", "list").out
    for key, word in (((), SEALED), (("--key", own / DEMO_KEY), "北警察署")):
        out = tmp_path / f"{len(key)}.csv"
        assert run(*config, "ledger", "disclosures", "--out", out, *key).code == 0
        (_, row) = rows(out)
        assert (row[0], row[4], row[6]) == (slug, word, "2件")
    again = run(*config, "ledger", "disclosures", "--out", tmp_path / "0.csv")
    assert (again.code, "already" in again.err) == (14, True)


def test_bad_input_names_the_article_in_japanese(
    run: Run, box: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    config = ("--config", box)
    new = ("disclose", "new", "--call", "1", "--recipient", "新聞社", "--purpose", "取材")
    for options, said in (
        (("--case", "press"), "第10条"),
        (("--case", "law"), "第10条"),
        (("--case", "law", "--basis", "x", "--reference", "y", "--way", "copy"), "第8条第3項"),
        (("--case", "law", "--basis", "x", "--reference", "y", "--approve-by", "2026-12-01"), "第10条第2号"),
    ):
        ran = run(*config, *new, *options)
        assert (ran.code, said in ran.err) == (13, True), ran.err
    assert run(*config, "disclose", "list", "--json").json == []
    assert run(*config, "disclose", "new", *POLICE, "--call", "9999").code == 11
    assert run(*config, "disclose", "decide", "D1", "--approve", "--decided-by", "x").code == 11
    opened = run(*config, "ledger", "audit", "--key", own / "demo.key").json
    assert [row[3] for row in opened["rows"] if row[3] == "refused"] != []
    audit = run(*config, "ledger", "audit").json
    refused = [row for row in audit["rows"] if row[3] == "refused"]
    assert len(refused) == 5
    assert not any(word in str(audit["rows"]) for word in ("新聞社", "取材"))


def test_the_notice_is_drafted_posted_and_recorded(run: Run, box: Path, tmp_path: Path, own: Path) -> None:
    config = ("--config", box)
    page = tmp_path / "notice.html"
    assert "No publication" in run(*config, "publish").out
    drafted = run(*config, "publish", "--out", page)
    assert (drafted.code, "drafted" in drafted.out) == (0, True)
    text = page.read_text(encoding="utf-8")
    assert "本庁舎 市民課" in text
    assert "相談室" not in text
    assert "運用状況" in text
    kept = [call for call in run("calls", "--store", own, "--json").json if call["outcome"] != "not_recorded"]
    assert kept
    assert f"録音した通話</th><td>{len(kept)}件" in text
    marked = sum(1 for call in kept if call["marks"])
    assert f"印を付けた通話</th><td>{marked}件" in text
    assert marked
    posted = SystemClock().now().isoformat()[:10]
    refused = run(*config, "publish", "--approve", "--posted-on", "2199-01-01", "--url", "https://www.example.jp/")
    assert (refused.code, "Article 5" in refused.err) == (13, True)
    both = run(*config, "publish", "--approve", "--out", tmp_path / "x.html")
    assert (both.code, (tmp_path / "x.html").exists()) == (13, False)
    done = run(*config, "publish", "--approve", "--posted-on", posted, "--url", "https://www.example.jp/", "--json")
    assert (done.json["outdated"], done.json["last"]["posted_on"], done.json["last"]["by"]) == (False, posted, "hana")


def test_every_ledger_is_written_from_the_keeper_and_from_the_store_alike(
    run: Run, box: Path, own: Path, tmp_path: Path
) -> None:
    config = ("--config", box)
    assert run(*config, "disclose", "new", *POLICE, "--call", "1").code == 0
    for book in ("devices", "handlers", "requests", "media", "disclosures", "erasures"):
        running = run(*config, "ledger", book).json
        socket = keeper_socket(own, Config(line=()))
        away = socket.rename(socket.with_suffix(".away"))
        resting = run(*config, "ledger", book).json
        away.rename(socket)
        assert running == resting
        assert len(running["columns"]) >= 7
    assert [row[0] for row in run(*config, "ledger", "devices").json["rows"]] == ["1", "2", "3"]
    before = run(*config, "ledger", "audit").json["rows"]
    assert before[-1][3] == "audit read"
    assert run(*config, "ledger", "audit").json["rows"][: len(before)] == before
    opened = run(*config, "ledger", "audit", "--key", own / DEMO_KEY)
    assert (opened.code, SEALED in opened.out, len(opened.json["rows"])) == (0, False, len(before) + 2), opened.err
    pdf = tmp_path / "devices.pdf"
    assert run(*config, "ledger", "devices", "--out", pdf).code == 0
    assert "録音装置設置台帳" in text_of(pdf.read_bytes()).replace(" ", "")


def test_a_ledger_that_cannot_be_is_refused(run: Run, box: Path, tmp_path: Path) -> None:
    config = ("--config", box)
    for arguments in (
        ("poems",),
        ("audit", "--out", tmp_path / "x.docx"),
        ("requests", "--from", "2026-11-01"),
        ("audit", "--from", "2026-11-02", "--to", "2026-11-01"),
        ("audit", "--from", "令和8年2月30日"),
    ):
        assert run(*config, "ledger", *arguments).code == 13
    assert run(*config, "ledger", "audit", "--out", tmp_path / "no" / "x.csv").code == 14
    assert list(tmp_path.glob("*.docx")) == []


def test_without_a_role_nothing_of_it_is_given(
    run: Run, box: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control, "peer_of", lambda link: Peer("nobody", 54321, frozenset()))
    config = ("--config", box)
    for arguments in (
        ("disclose", "list"),
        ("disclose", "new", *POLICE, "--call", "1"),
        ("publish", "--out", tmp_path / "x.html"),
        ("ledger", "requests"),
        ("ledger", "audit"),
    ):
        assert run(*config, *arguments).code == 15, arguments
    assert not (tmp_path / "x.html").exists()


def test_where_no_keeper_runs_an_act_is_refused_with_its_remedy(run: Run, own: Path) -> None:
    ran = run("disclose", "new", *POLICE, "--call", "1", "--store", own)
    assert (ran.code, "systemctl start" in ran.err) == (ServiceError.exit_code, True)
    with PapersClient(own / "run" / "nowhere.sock") as client, pytest.raises(ServiceError):
        client.tallies()
