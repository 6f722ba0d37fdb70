"""What a copy says of a call in Japanese."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from tests.disclosure.copies import Call, talk
from tsuwaroku.clock import ClockQuality
from tsuwaroku.console import texts
from tsuwaroku.disclosure import page, words
from tsuwaroku.records.call import (
    Caller,
    CallRecord,
    Direction,
    Integrity,
    Mark,
    MarkKind,
    Notice,
    NoticeOutcome,
    Outcome,
)


def record(**changes: object) -> CallRecord:
    return msgspec.structs.replace(Call([talk(0.1, 1)]).record, **changes)


def rows(**changes: object) -> dict[str, str]:
    return dict(words.facts(record(**changes)))


def test_every_value_a_record_can_have_has_its_word() -> None:
    assert words.DIRECTION.keys() == {str(one) for one in Direction}
    assert words.OUTCOME.keys() == {str(one) for one in Outcome}
    assert words.INTEGRITY.keys() == {str(one) for one in Integrity}
    assert words.QUALITY.keys() == {one.name.lower() for one in ClockQuality}
    assert page.MARK_WORDS.keys() == {str(one) for one in MarkKind}


@pytest.mark.parametrize(
    ("of", "kind"),
    [(words.ABSENCE, "absence"), (words.REASON, "reason"), (words.GAP, "gap"), (words.OUTCOME, "outcome")],
)
def test_the_console_has_the_same_words(of: dict[str, str], kind: str) -> None:
    known = texts.WORDS[kind]
    assert of.keys() == known.keys()
    for key, (japanese, _) in known.items():
        assert of[key].replace("告知済み", "告知済") == japanese


def test_days_are_told_by_the_era() -> None:
    assert words.day(date(2026, 11, 23)) == "令和8年11月23日（月）"
    assert words.day_of("2026-12-31") == "令和8年12月31日（木）"
    assert words.day_of("2027-01-01") == "令和9年1月1日（金）"
    assert words.moment("2026-12-31T23:59:59.999+09:00") == "令和8年12月31日（木） 23時59分59秒"
    assert words.moment("2026-12-31T15:00:00+00:00") == "令和9年1月1日（金） 00時00分00秒"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0秒"), (59.4, "59秒"), (60.0, "1分0秒"), (3600.0, "1時間0分0秒"), (14399.6, "4時間0分0秒")],
)
def test_lengths(seconds: float, told: str) -> None:
    assert words.span(seconds) == told


def test_who_it_was() -> None:
    assert rows(caller=Caller())["相手先"] == "不明"
    assert rows(caller=Caller(absence="withheld"))["相手先"] == "非通知"
    assert rows(direction=Direction.OUTBOUND, called="0311112222")["相手先"] == "0311112222"
    assert rows(direction=Direction.OUTBOUND, dialled="0,03?")["相手先"] == "0,03?"


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (Notice(), "対象外（応答なし）"),
        (Notice(outcome=NoticeOutcome.ANNOUNCED, heard=False), "音声で告知、回線上では確認できず"),
        (Notice(outcome=NoticeOutcome.BEEPED), "ビープ音で告知"),
        (Notice(outcome=NoticeOutcome.EXEMPT, item=4), "省略（第7条第2項第4号）"),
        (Notice(outcome=NoticeOutcome.FAILED, reason="emergency_number"), "告知できず（緊急通報のため）"),
        (Notice(outcome=NoticeOutcome.FAILED, reason="something new"), "告知できず（something new）"),
    ],
)
def test_how_article_7_was_kept(notice: Notice, told: str) -> None:
    assert rows(notice=notice)["告知（第7条）"] == told


def test_what_is_not_as_it_should_be_shows() -> None:
    told = rows(
        ended_at=None, answered_at=None, integrity=Integrity.RECOVERED, continues="01KB", marks=[Mark(at_s=1.0)]
    )
    assert (told["通話の終了"], told["応答"], told["不当要求の印"]) == ("不明", "なし", "1件")
    assert "中断" in told["記録の状態"]
    assert told["前の部分の通話記録ID"] == "01KB"
    assert rows(answered_at="2026-11-23T09:30:04+09:00", answer_inferred=True)["応答"].endswith("（推定）")
