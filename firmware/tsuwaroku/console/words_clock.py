"""What the verbs of the clock say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

CLOCK_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "progress.clock": ("消去の対象になる通話を調べています", "Looking for the calls that would go"),
    "clock.says": ("時計の日時", "The clock says"),
    "clock.believed": ("装置が把握している日時", "The box knows"),
    "clock.unknown": ("不明（一度も確定していません）", "no date yet"),
    "clock.difference": ("時計のずれ", "Difference"),
    "clock.none": ("なし", "none"),
    "clock.ahead": ("時計が {by}進んでいます", "the clock is {by} ahead"),
    "clock.behind": ("時計が {by}遅れています", "the clock is {by} behind"),
    "clock.days": ("{n} 日", "{n} days"),
    "clock.and_hours": ("と {n} 時間", " {n} h"),
    "clock.hours": ("{n} 時間 {m} 分", "{n} h {m} min"),
    "clock.minutes": ("{n} 分", "{n} min"),
    "clock.seconds": ("{n} 秒", "{n} s"),
    "clock.proposal": ("保守担当者の申請", "Technician's proposal"),
    "clock.no_proposal": ("なし", "none"),
    "clock.proposed_by": ("{by}（{at}）", "by {by}, {at}"),
    "clock.lapsed.moved": (
        "申請の後に時計が変わっています。もう一度「tsuwaroku clock propose」が必要です。",
        "the clock has been moved since: it has to be proposed again",
    ),
    "clock.lapsed.restarted": (
        "申請の後に装置が再起動したため、無効です。",
        "the machine has restarted since: it no longer counts",
    ),
    "clock.agreed": ("時計と装置の日時は一致しています。", "The clock says what the box knows."),
    "clock.differs": (
        "時計と装置の日時は一致していませんが、消去は停止していません。",
        "The clock does not say what the box knows; erasure goes on by what the box knows.",
    ),
    "clock.why.clock_never_set": (
        "日付が一度も確定していないため、消去を停止しています。",
        "No date was ever known, so nothing is erased by its date.",
    ),
    "clock.why.clock_ahead": (
        "時計が大きく進んでいて、正しいと判断できないため、消去を停止しています。\n"
        "長い停電の後であれば、時刻を確かめたうえで「tsuwaroku clock propose」（保守担当者）、"
        "「tsuwaroku clock confirm」（管理責任者）で確認してください。",
        "The clock is ahead of what can be believed, so nothing is erased by its date.\n"
        "After a long time without power: check the time, then `tsuwaroku clock propose` (technician) and "
        "`tsuwaroku clock confirm` (manager).",
    ),
    "clock.why.clock_behind": (
        "時計が大きく遅れているため、消去を停止しています。\n"
        "時刻を合わせてください。時計のほうが正しいときは「tsuwaroku clock confirm」（管理責任者）で確認してください。",
        "The clock is behind what the box knows, so nothing is erased by its date.\n"
        "Set it right; if it is right already, `tsuwaroku clock confirm` (manager).",
    ),
    "clock.proposed": (
        "時計が正しいことを申請しました。この申請だけでは何も消去されません。"
        "管理責任者に「tsuwaroku clock confirm」での確認を依頼してください。",
        "It is proposed that the clock is right. Nothing is erased by this: ask the records manager to run "
        "`tsuwaroku clock confirm`.",
    ),
    "clock.aging": (
        "確認すると、{by}の停電があったものとして、以前の通話の経過日数に加えます。",
        "Once it is confirmed, {by} count as time without power, and every earlier call is so much older.",
    ),
    "clock.no_aging": (
        "確認しても、これまでの通話の経過日数は増えません。",
        "No call gets older by this.",
    ),
    "clock.nothing_goes": (
        "確認によって消去の対象になる通話はありません。",
        "No call would go because of this.",
    ),
    "clock.going": (
        "【注意】確認すると、次の {n} 件が保存期間を過ぎたものとして消去されます。元に戻すことはできません。",
        "CAUTION: once it is confirmed, these {n} calls are past their days and are erased. Nothing brings them back.",
    ),
    "clock.marked_go": (
        "うち {n} 件には不当要求の印があります（先頭に表示）。",
        "{n} of them are marked as an unreasonable demand (shown first).",
    ),
    "clock.more": ("ほか {n} 件（すべて見るには --json）", "and {n} more (--json shows them all)"),
    "clock.hold_first": (
        "残す必要がある通話があれば、確認する前に「tsuwaroku hold」で保存期間を延長してください。",
        "If one of them has to be kept, put it on hold first (`tsuwaroku hold`).",
    ),
    "clock.ask": ("時計が正しいことを確認しますか", "Confirm that the clock is right?"),
    "clock.done": (
        "時計が正しいことを確認しました。保存期間を過ぎた通話 {n} 件は、まもなく消去されます。",
        "The clock is confirmed. {n} calls past their days will now be erased.",
    ),
    "clock.done_none": (
        "時計が正しいことを確認しました。消去の停止は解除されます。",
        "The clock is confirmed; erasure by date goes on.",
    ),
    "clock.options_behind": (
        "オプションは「clock {verb}」の後に書いてください",
        "write the options behind `clock {verb}`",
    ),
    "calls.unsure": (
        "? 時計が同期していないときの通話です（日時は正しくない可能性があります）。",
        "? The clock was not synchronised: the time may be wrong.",
    ),
    "calls.dated": (
        "≈ 時計が合っていないときの通話です。日時は後から判明した時刻で、記録上の日時とは異なります。",
        "≈ The clock was wrong: the time is what was found out later, not what the record says.",
    ),
    "show.recorded_at": ("記録上の開始", "Began, as recorded"),
    "show.dated": ("（後から判明した日時）", " (as found out later)"),
    "show.unsure": ("（日時は正しくない可能性があります）", " (the time may be wrong)"),
}

CLOCK_HELPS: Final[dict[str, tuple[str, str]]] = {
    "clock": (
        "日時の状態の表示、申請と確認。\n\n停電の後などで時計が正しいと判断できないとき、通話の消去は停止します。"
        "保守担当者が申請し、管理責任者が確認すると再開します。",
        "The date: what is known of it, proposed, confirmed.\n\n"
        "While the clock is in dispute, as after a long power cut, no call is erased by its date. The technician "
        "proposes, the manager confirms.",
    ),
    "clock.status": (
        "時計の日時と、装置が把握している日時を表示します。\n\n消去が停止しているときは、その理由も表示します。\n\n"
        "例: tsuwaroku clock status",
        "Show what the clock says, and what the box knows of the date.\n\n"
        "And why nothing is erased, where that is so.\n\n"
        "Example: tsuwaroku clock status",
    ),
    "clock.propose": (
        "時計が正しいことを申請します（保守担当者）。\n\n時報など信頼できる時刻と照らし合わせてから実行してください。"
        "申請だけでは何も消去されません。\n\n例: tsuwaroku clock propose",
        "Propose that the clock is right (the technician).\n\n"
        "After it was checked against a source that can be trusted. Nothing is erased by this.\n\n"
        "Example: tsuwaroku clock propose",
    ),
    "clock.confirm": (
        "時計が正しいことを確認します（管理責任者）。\n\n確認によって消去される通話を示してから、確認を求めます。"
        "理由は封じて記録します。\n\n例: tsuwaroku clock confirm --reason 庁舎の停電のため",
        "Confirm that the clock is right (the 管理責任者).\n\n"
        "Which calls would go by it is shown before it is asked. The reason is sealed.\n\n"
        "Example: tsuwaroku clock confirm --reason 'no power during the works'",
    ),
    "opt.clock_reason": ("確認の理由（封じて記録します）", "Why; it is sealed"),
}
