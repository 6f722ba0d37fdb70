"""Every text that errors, findings and alarms carry has its Japanese, and none that nobody says."""

from __future__ import annotations

import re
import string
from collections import Counter
from pathlib import Path

import pytest

from tests.console.messages_source import ROOT, templates
from tests.console.support import Run
from tsuwaroku.console import live
from tsuwaroku.console.messages_ja import FOREIGN, MESSAGES, PLACES, THEMES, WORDS
from tsuwaroku.console.translate import place, translate
from tsuwaroku.service.status import Alarm

JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")

# Templates whose placeholder is a word of the same module, known only where it is filled in.
ASSEMBLED = {
    "cannot be {} ({})": {"cannot be repaired ({})"},  # audit, journal: read, written, repaired
    "read": set(),
    "written": set(),
    "repaired": set(),
    "cannot be read": set(),  # ring: with the system's reason behind it
    "cannot be written": set(),
    "cannot be synced": {"cannot be synced ({})"},
    "cannot be opened for erasing": {"cannot be opened for erasing ({})"},
    "cannot be overwritten": {"cannot be overwritten ({})"},
    "cannot be read back": {"cannot be read back ({})"},
}


def said() -> set[str]:
    found = set(templates())
    assert set(ASSEMBLED) - found == set()
    return (found - set(ASSEMBLED)).union(*ASSEMBLED.values())


def test_every_text_has_its_japanese() -> None:
    assert sorted(said() - set(MESSAGES)) == []


def test_no_japanese_is_unused() -> None:
    assert sorted(set(MESSAGES) - said()) == []


def test_the_collector_sees_each_way_of_saying() -> None:
    assert {
        "is cut short",  # a message as it is
        "call {} is missing",  # an f-string in a list of problems
        "correct the value",  # one side of a condition
        "the announcement cannot be used: {}",  # a sum
        "dial: an outbound call needs a number",  # by a variable
        "`tsuwaroku config example` prints every key with its default",  # by a function
        "set {}.channels = {}",  # by a loop
        "the signature of entry {} is wrong",  # yielded
        "there is no store yet",  # a finding
        "the queue to the disk is full",  # an alarm
    } <= said()


def test_no_text_stands_in_two_themes() -> None:
    times = Counter(english for theme in (*THEMES, WORDS, FOREIGN) for english in theme)
    assert [english for english, count in times.items() if count > 1] == []


@pytest.mark.parametrize("table", [MESSAGES, WORDS, FOREIGN, PLACES], ids=["messages", "words", "foreign", "places"])
def test_placeholders_agree_and_japanese_is_japanese(table: dict[str, str]) -> None:
    def fields(text: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}

    expected = {english: {str(n) for n in range(english.count("{}"))} for english in table}
    assert {english: fields(ja) for english, ja in table.items()} == expected
    not_japanese = [ja for english, ja in table.items() if not JAPANESE.search(ja) and "{} (at" not in english]
    assert not_japanese == []
    assert [ja for ja in table.values() if ja.endswith("。")] == []


def test_each_word_and_place_stands_in_the_source() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py") if path.parent.name != "console")
    outside = "\n".join(part for part in source.split("\n") if "Final[dict[str, str]]" not in part)
    longest = {english: max(english.split("{}"), key=len) for english in WORDS | PLACES}
    assert [english for english, piece in longest.items() if piece.strip() not in outside] == []


@pytest.fixture
def ja(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL"):
        monkeypatch.setenv(name, "ja_JP.UTF-8")


TRANSLATED = [
    ("is cut short", "途中で切れています"),
    ("no call 12", "通話 12 はありません"),
    # the longest template that fits, and what fills it translated too
    ("slot 7, octet 4096: padding is not zero", "区画 7、4096 バイト目: 余白に余分なデータがあります"),
    ("slot 7, octet 4096: no extent", "区画 7、4096 バイト目: 記録単位がありません"),
    ("call 3 was not decoded: wrong passphrase", "通話 #3 は復号できませんでした: パスフレーズが違います"),
    ("audit 2026-11-23.jsonl line 3: not as it was written",
     "監査記録 2026-11-23.jsonl の 3 行目: 書き込まれたときの内容と異なります"),
    ("recorder journal: records 2 to 4 are missing", "録音プロセスの変更記録: 項目 2～4 がありません"),
    ("the announcement cannot be used: it is clipped; it lasts 0.5 s, less than 1 s",
     "この告知音声は使えません: 音が割れています、長さが 0.5 秒で、1 秒に足りません"),
    # foreign texts: the common ones, the others as they are
    ("cannot be read (Permission denied)", "読み込めません（権限がありません）"),
    ("cannot be read (Stale file handle)", "読み込めません（Stale file handle）"),
    ("port: Expected `int`, got `str`", "port: `int` でなければなりませんが、`str` が書かれています"),
    # a place before it, a remedy after it
    ("/srv/a: is not a store → name the store's directory, or make one",
     "/srv/a: 保存領域ではありません → 保存領域のディレクトリを指定するか、新しく作ってください"),
    ("configuration: board: names no sound card; set capture to a card's name or a PCM",
     "設定: board: サウンドカードが指定されていません。capture にカードかデバイスの名称を指定してください"),
    (
        "Invalid enum value 'foo' (at line[2].mode)",
        "'foo' は選べない値です（line[2].mode）",
    ),
    ("Expected `int` >= 1 (at line[2].port)", "`int` は 1 以上でなければなりません（line[2].port）"),
    # nobody's
    ("call was never committed", "call was never committed"),
    ("something else: nobody knows", "something else: nobody knows"),
    ("", ""),
]  # fmt: skip


@pytest.mark.usefixtures("ja")
@pytest.mark.parametrize(("english", "expected"), TRANSLATED)
def test_a_text_is_recognised(english: str, expected: str) -> None:
    assert translate(english) == expected


@pytest.mark.usefixtures("ja")
def test_places_keep_paths_and_keys() -> None:
    wheres = ["/etc/line 3/a.toml: line 201: board", "configuration: board", "virtual board", "--ssd", ""]
    assert [place(where) for where in wheres] == [
        "/etc/line 3/a.toml: 回線 201: board",
        "設定: board",
        "模擬の基板",
        "--ssd",
        "",
    ]


def test_english_stays_english() -> None:
    assert [translate(english) for english, _ in TRANSLATED] == [english for english, _ in TRANSLATED]
    assert place("configuration: line 201") == "configuration: line 201"


NAMES = re.compile(
    r"`[^`]*`|\"[^\"]*\"|'[^']*'"  # commands and values
    r"|(?:[\w.-]*/)+[\w.-]+|\w+(\.\w+)+"  # paths, keys
    r"|--[\w-]+( [A-Z]+\b)?|\[\[\w+\]\]|\w+_\w+( = \S+)?"  # options, tables, settings
)
SENTENCE = re.compile(r"[A-Za-z]{2,}[ ,;:]+[A-Za-z]{2,}")


def _left_over(text: str) -> list[str]:
    return SENTENCE.findall(NAMES.sub("◇", text))


def test_a_sentence_left_over_is_seen() -> None:
    assert _left_over("対処: name the file with --config FILE") != []
    assert _left_over("対処: --config FILE で `tsuwaroku config example` の /etc/a.toml を") == []


@pytest.mark.usefixtures("ja")
@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--config", "{tmp}/none.toml", "plan"], 3, "読み込めません（ファイルまたはディレクトリがありません）"),
        (["--config", "{tmp}/unknown.toml", "plan"], 3, "`colour` という項目はありません（line[1]）"),
        (["--config", "{tmp}/broken.toml", "plan"], 3, "TOML の書き方に誤りがあります"),
        (["--config", "{tmp}/bare.toml", "plan"], 3, "回線が1つも設定されていません"),
        (["--config", "{tmp}/timed.toml", "plan"], 3, "timed.toml: 回線 201: timetable の start = '25:00' は時刻では"),
        (["simulate", "{tmp}/bad.toml", "--store", "{tmp}/new"], 4, "dial: 発信には番号が必要です"),
        (["calls", "--store", "{tmp}/nowhere"], 6, "保存領域ではありません"),
        (["verify", "--store", "{store}", "--key", "{tmp}/none.key"], 9, "この鍵ファイルはありません"),
        (["show", "99", "--store", "{store}", "--key", "{store}/demo.key"], 11, "この番号またはIDの通話はありません"),
        (["play", "1", "--store", "{store}"], 9, "秘密鍵が必要です"),
        (["status", "--store", "{store}"], 12, "サービスが応答しません"),
    ],
)
def test_errors_are_told_in_japanese(
    arguments: list[str], code: int, told: str, run: Run, office: Path, tmp_path: Path
) -> None:
    (tmp_path / "unknown.toml").write_text('[[line]]\nid = "201"\ncolour = "red"\n')
    (tmp_path / "broken.toml").write_text("line =\n")
    (tmp_path / "bare.toml").write_text("line = []\n")
    (tmp_path / "timed.toml").write_text(
        '[[line]]\nid = "201"\n[[line.timetable]]\ndays = "daily"\nstart = "25:00"\nend = "24:00"\nmode = "off"\n'
    )
    (tmp_path / "bad.toml").write_text('[[call]]\nline = "201"\nat = 1\ndirection = "outbound"\n')
    ran = run(*(argument.format(tmp=tmp_path, store=office) for argument in arguments))
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err
    assert _left_over(ran.err) == []


@pytest.mark.usefixtures("ja")
def test_findings_are_told_in_japanese_and_json_stays_english(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "a.toml"
    config.write_text(f'[store]\npath = "{tmp_path}/store"\nring_size = "200 GiB"\n[[line]]\nid = "201"\n')
    ran = run("config", "check", config)
    assert "模擬の基板が設定されています" in ran.out
    assert "保存領域がまだありません" in ran.out
    assert _left_over(ran.out + ran.err) == []
    texts = [finding["text"] for finding in run("config", "check", config, "--json").json]
    assert texts[0] == "the board is simulated"
    config.write_text('[board]\nkind = "tsuwa2"\n[[line]]\nid = "201"\nport = 5\n')
    assert "設定: 回線 201 " in run("config", "check", config).out
    assert run("config", "check", config, "--json").json[0]["place"] == "configuration: line 201"


@pytest.mark.usefixtures("ja")
def test_an_alarm_says_its_detail_in_japanese() -> None:
    alarm = Alarm(code="backlog", severity="critical", line="201", since="", detail="the queue to the disk is full")
    line = live.alarm_line(alarm, remedy=True).plain
    assert "（" not in line
    assert "(ディスクへの書き込み待ちが上限に達しました)" in line
    assert _left_over(line) == []


@pytest.mark.usefixtures("ja")
def test_problems_of_verify_are_told_in_japanese(run: Run, own: Path) -> None:
    day = min((own / "catalogue").glob("*.json"))
    day.write_bytes(day.read_bytes() + b" ")
    audit = min((own / "audit").glob("*.jsonl"))
    audit.write_bytes(audit.read_bytes()[:-20])
    ran = run("verify", "--store", own)
    assert ran.code == 10
    assert f"一覧 {day.name}: 書き込まれたときの内容と異なります" in ran.out
    assert f"監査記録 {audit.name} の " in ran.out
    assert _left_over(ran.out + ran.err) == []


@pytest.mark.usefixtures("ja")
def test_notes_of_verify_and_warnings_of_the_list_are_told_in_japanese(run: Run, own: Path) -> None:
    day = min((own / "catalogue").glob("*.json"))
    day.unlink()
    ran = run("verify", "--store", own)
    assert ran.code == 0
    assert "通話 #1 はまだ一覧にありません" in ran.out
    assert _left_over(ran.out + ran.err) == []
    day.write_bytes(b"{")
    ran = run("calls", "--store", own)
    assert "対処" not in ran.err
    assert f"{day}: 読み込めません（" in ran.err
    assert "サービスを開始してください。録音領域から一覧が作り直されます" in ran.err


@pytest.mark.usefixtures("ja")
def test_notes_of_a_script_are_told_in_japanese(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "a.toml"
    script.write_text(
        '[[call]]\nline = "201"\nat = 1\ndirection = "inbound"\ntalk = 2\n'
        '[[call]]\nline = "201"\nat = 9\ndirection = "inbound"\ntalk = 2\n'
    )
    ran = run("simulate", script, "--store", tmp_path / "new", "--fast")
    assert (ran.code, _left_over(ran.err)) == (0, [])
    assert "[[call]] 2: [[call]] 1 との間隔が短いため" in ran.err
