"""What a copy says in Japanese: the page, its facts, the sheet beside it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from tsuwaroku.clock import JST, NS, from_iso
from tsuwaroku.records.call import Caller, CallRecord, Direction, NoticeOutcome

DIRECTION: Final = {"inbound": "着信", "outbound": "発信", "internal": "内線", "unknown": "不明"}
OUTCOME: Final = {
    "answered": "通話",
    "missed": "不在",
    "abandoned": "中止",
    "no_answer": "応答なし",
    "busy": "話中",
    "failed": "不接続",
    "not_recorded": "録音不能",
}
INTEGRITY: Final = {
    "sealed": "正常（封印済み）",
    "recovered": "中断（中断の直前まで記録）",
    "damaged": "損傷（読み取れない部分あり）",
}
ABSENCE: Final = {
    "withheld": "非通知",
    "payphone": "公衆電話",
    "unavailable": "表示圏外",
    "service_conflict": "サービス競合",
    "not_offered": "番号情報なし",
    "unreadable": "読取不可",
}
REASON: Final = {
    "emergency_number": "緊急通報のため",
    "number_unknown": "ダイヤル番号が不明のため（緊急通報の可能性）",
    "capture_began_in_call": "通話の途中から録音したため",
    "call_ended_before": "告知の前に通話が終了",
    "call_ended_before_completion": "告知の途中で通話が終了",
    "interrupted": "告知が途中で中断",
    "playback_failed": "告知の再生に失敗",
    "inherited": "前の部分で告知済み",
}
GAP: Final = {
    "overrun": "取りこぼし",
    "unplugged": "カード抜け",
    "short_read": "読み取り不足",
    "backlog": "書き込み待ち超過",
    "restart": "再開",
}
QUALITY: Final = {
    "synchronised": "同期済み",
    "holdover": "保持中（概ね正確）",
    "unsynchronised": "未同期（日時は不確か）",
}
WEEKDAYS: Final = "月火水木金土日"
_REIWA = 2018  # 令和1年 is 2019; no recorder is older


def day(on: date) -> str:
    """令和8年11月23日（月）."""
    return f"令和{on.year - _REIWA}年{on.month}月{on.day}日（{WEEKDAYS[on.weekday()]}）"


def day_of(text: str) -> str:
    """The same of 2026-11-23."""
    return day(date.fromisoformat(text))


def moment(text: str) -> str:
    """An ISO time in Asia/Tokyo, to the second."""
    at = datetime.fromtimestamp(from_iso(text) // NS, JST)
    return f"{day(at.date())} {at:%H時%M分%S秒}"


def span(seconds: float) -> str:
    """A length of time."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return (f"{hours}時間" if hours else "") + (f"{minutes}分" if whole >= 60 else "") + f"{whole % 60}秒"


def party(caller: Caller) -> str:
    """Who called."""
    told = caller.number or ABSENCE.get(caller.absence or "", caller.absence or "") or "不明"
    return f"{told}（{caller.name}）" if caller.name else told


def notice(record: CallRecord) -> str:
    """How Article 7(2) was kept."""
    told = record.notice
    reason = REASON.get(told.reason or "", told.reason or "")
    heard = {True: "、回線上で確認", False: "、回線上では確認できず", None: ""}[told.heard]
    if told.outcome is None:
        return "対象外（応答なし）"
    if told.outcome is NoticeOutcome.ANNOUNCED:
        return f"音声で告知{heard}"
    if told.outcome is NoticeOutcome.BEEPED:
        return f"ビープ音で告知{heard}"
    if told.outcome is NoticeOutcome.EXEMPT:
        item = f"第7条第2項第{told.item}号" if told.item else "第7条第2項ただし書"
        return f"省略（{item}）" + (f" {reason}" if reason else "")
    return "告知できず" + (f"（{reason}）" if reason else "")


def facts(record: CallRecord) -> list[tuple[str, str]]:
    """The rows of a call's table."""
    inbound = record.direction is not Direction.OUTBOUND
    ended = moment(record.ended_at) if record.ended_at else "不明"
    rows = [
        ("通話の開始", moment(record.seized_at)),
        (
            "応答",
            moment(record.answered_at) + ("（推定）" if record.answer_inferred else "")
            if record.answered_at
            else "なし",
        ),
        ("通話の終了", ended),
        ("通話時間", span(record.duration_s)),
        ("回線・内線", f"{record.line}・{record.extension}" if record.extension else record.line),
        ("方向・結果", f"{DIRECTION[record.direction]}・{OUTCOME[record.outcome]}"),
        ("相手先", party(record.caller) if inbound else (record.called or record.dialled or "不明")),
        ("告知（第7条）", notice(record)),
        ("不当要求の印", _marks(record)),
        ("録音の欠落", _gaps(record)),
        ("記録の状態", INTEGRITY[record.integrity]),
        ("装置の時計", QUALITY.get(record.clock.quality, record.clock.quality)),
        ("保存期間の満了", day_of(record.retention.expires_on)),
        ("通話記録ID", record.id),
    ]
    if record.clock.dated_at:
        rows.insert(1, ("判明した開始日時", record.clock.dated_at))
    if record.continues:
        rows.append(("前の部分の通話記録ID", record.continues))
    if record.audio.pcm_sha256:
        rows.append(("音声の形式", f"{record.audio.rate} Hz・16ビット・モノラル（録音時のまま）"))
        rows.append(("音声のSHA-256", record.audio.pcm_sha256))
    return rows


def _marks(record: CallRecord) -> str:
    standing = sum(not mark.withdrawn for mark in record.marks)
    withdrawn = len(record.marks) - standing
    return (f"{standing}件" if standing else "なし") + (f"（ほかに取消し{withdrawn}件）" if withdrawn else "")


def _gaps(record: CallRecord) -> str:
    gaps = record.audio.gaps
    if not gaps:
        return "なし"
    why = "、".join(sorted({GAP.get(gap.reason, gap.reason) for gap in gaps}))
    return f"{len(gaps)}か所、計{sum(gap.samples for gap in gaps) / record.audio.rate:.2f}秒（{why}）"
