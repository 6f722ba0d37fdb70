"""What the verbs of the two-sided proof say (Article 8), as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

PROOF_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "erased_why": {
        "expired": ("保存期間の満了", "retention over"),
        "hold lapsed": ("保存延長の終了", "hold over"),
        "age": ("稼働時間による満了", "age of the box"),
    },
    "unrecorded_why": {
        "off": ("電源断・停止", "no power"),
        "booting": ("起動中", "booting"),
        "stopped": ("録音サービスの停止", "the service was stopped"),
        "broken_off": ("録音サービスの異常終了", "the service broke off"),
        "capture": ("サウンドカードなし", "no sound card"),
        "storage": ("ディスクに書けない", "the disk took nothing"),
    },
    "read_back": {
        "direct": ("確認済（媒体から直接）", "yes, from the device"),
        "cache dropped": ("確認済（キャッシュ破棄後）", "yes, cache dropped"),
    },
}

PROOF_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "unrecorded.none": ("録音できなかった時間はありません。", "There was no time at which the box could not record."),
    "unrecorded.none_then": (
        "この期間に、録音できなかった時間はありません。",
        "On these days there was no time at which the box could not record.",
    ),
    "unrecorded.count": (
        "録音できなかった時間: {n} 件。この間の通話は記録にありません。",
        "{n} stretches. Calls made in them are not in the records.",
    ),
    "unrecorded.calls": (
        "録音領域が足りなかった通話は `tsuwaroku calls` に「録音不能」、音の欠けは `tsuwaroku show` に出ます。",
        "Calls for which the ring had no room are `unrecorded` in `tsuwaroku calls`; gaps in a call are shown by "
        "`tsuwaroku show`.",
    ),
    "unrecorded.going_on": ("継続中", "goes on"),
    "unrecorded.all_lines": ("全回線", "all"),
    "col.begin": ("開始", "from"),
    "col.end": ("終了", "to"),
    "col.span": ("長さ", "length"),
    "col.unrecorded_why": ("原因", "why"),
    "progress.rebuild": ("一覧を作り直しています", "Rebuilding"),
    "rebuild.done": (
        "録音領域と追記録から一覧を作り直しました: 通話 {calls} 件（{days} 日分）。",
        "The catalogue is made again from ring and journals: {calls} calls of {days} days.",
    ),
    "rebuild.held": ("保存延長中の通話: {n} 件。", "Calls on hold: {n}."),
    "rebuild.unfinished": (
        "消去の途中の通話が {n} 件あります。次にサービスを始めたときに消去を終えます。",
        "{n} erasures are unfinished; the service ends them when it starts.",
    ),
    "rebuild.bad": (
        "読み取れない区画が {n} あります。`tsuwaroku verify` で確かめてください。",
        "{n} slots cannot be read; see `tsuwaroku verify`.",
    ),
    "erased.none": ("消去した通話はありません。", "No call has been erased."),
    "erased.none_then": ("この期間に消去した通話はありません。", "No call was erased in these days."),
    "erased.count": (
        "{n} 件を消去しました。消去の対象は通話の音声・番号・時刻のすべてで、残るのは通番と日付だけです。",
        "{n} calls erased: sound, numbers and times. What is left of them is their number and days.",
    ),
    "erased.unfinished": (
        "うち {n} 件は消去の途中です（すでに再生・閲覧はできません）。",
        "{n} of them are not finished yet; they can no longer be read.",
    ),
    "erased.not_yet": ("消去の途中", "unfinished"),
    "erased.discarded": (
        "ボタンが押されず、鍵を直ちに破棄した通話: {numbers}",
        "Nobody pressed the button, and their key was thrown away at once: {numbers}",
    ),
    "erased.rule": (
        "根拠: 要綱第8条第1項（保存期間の満了、または保存延長の終了）",
        "By Article 8(1): their retention, or their hold, was over.",
    ),
    "erased.problems": ("消去の記録に問題があります", "the record of erasures is damaged"),
    "hold.what": (
        "通話 #{call} を {day} まで保存延長します（通常の保存期限 {expires}、録音領域 {slots} 区画）。",
        "Call #{call} will be kept until {day} (otherwise until {expires}); it takes {slots} slots of the ring.",
    ),
    "hold.fits": (
        "録音領域は足りる見込みです。空きが最も少なくなるのは {day} で、{left} 区画が残ります。",
        "The ring is forecast to suffice: free slots are fewest on {day}, {left} of them.",
    ),
    "hold.breaks": (
        "【注意】この延長により、{day} に録音領域が不足する見込みです（延長しない場合: {without}）。\n"
        "不足すると新しい通話を録音できなくなります。システム担当者に録音領域の増設を相談してください。",
        "CAUTION: with this hold the ring is forecast to be full on {day} (without it: {without}).\n"
        "New calls are then not recorded. Have the ring made larger before that day.",
    ),
    "hold.breaks_anyway": (
        "録音領域は、この延長にかかわらず {day} に不足する見込みです。",
        "The ring is forecast to be full on {day}, with this hold or without it.",
    ),
    "hold.never": ("不足の見込みなし", "not within the forecast"),
    "hold.ask": ("保存延長しますか", "Hold the call?"),
    "hold.done": (
        "通話 #{call} を {day} まで保存延長しました。この日を過ぎると自動的に終了し、通話は消去されます。",
        "Call #{call} is on hold until {day}. The hold then ends by itself, and the call is erased.",
    ),
    "hold.until": (
        "保存期間の延長: {day} まで（理由を見るには --key FILE が必要です）",
        "on hold until {day} (the reason needs --key FILE)",
    ),
    "hold.lapsed": ("保存期間の延長は終了しました。", "The hold has ended."),
    "release.kept": (
        "通話 #{call} の保存延長を解除します。解除後の保存期限は {day} です。",
        "The hold on call #{call} will end. The call is then kept until {day}.",
    ),
    "release.over": (
        "【注意】通話 #{call} の通常の保存期限（{day}）は過ぎています。解除するとすぐに再生・閲覧できなくなり、"
        "次の消去で消去されます。元に戻すことはできません。",
        "CAUTION: the retention of call #{call} was over on {day}. Without its hold it can no longer be read, and is "
        "erased with the next erasure. Nothing brings it back.",
    ),
    "release.ask": ("保存延長を解除しますか", "End the hold?"),
    "release.done": ("通話 #{call} の保存延長を解除しました。", "The hold on call #{call} has ended."),
    "statement.day": ("対象日", "Day"),
    "statement.made": ("作成日時", "Made"),
    "statement.retention": ("保存期間", "Retention"),
    "statement.kept": ("保存すべき通話", "To be kept, and there"),
    "statement.count": ("{n} 件（{numbers}）", "{n} ({numbers})"),
    "statement.n": ("{n} 件", "{n}"),
    "statement.held": ("うち保存延長中", "Of these, on hold"),
    "statement.kept_then": ("当日は保存し、期限後に消去した通話", "Kept then, erased since"),
    "statement.due": ("本日消去する通話（すでに閲覧不可）", "To be erased today, not read any more"),
    "statement.overdue": ("期限を過ぎて未消去の通話", "Overdue, not erased"),
    "statement.unfinished": ("消去の途中の通話（すでに閲覧不可）", "Being erased, not read any more"),
    "statement.unrecorded": ("録音のない通話（ボタンなし・空きなし）", "Not recorded (no press, no room)"),
    "statement.lost": ("電源断で失われた通話", "Lost in a power cut"),
    "statement.erased": ("対象日に消去した通話", "Erased on the day"),
    "statement.erased_before": ("それ以前に消去した通話", "Erased before"),
    "statement.audit_head": ("監査記録の控え", "Head of the audit log"),
    "statement.signature": ("装置の署名", "Device's signature"),
    "statement.holds": (
        "{day} に保存すべき通話 {n} 件はすべて改ざん・欠落なく保存され、"
        "保存期間を過ぎた通話は開けないことを確かめました。",
        "All {n} calls that had to be kept on {day} were kept unaltered, and none that was older can be opened.",
    ),
    "statement.holds_not": (
        "{day} について、要綱第8条第1項のとおりに保存・消去されていることを証明できません。",
        "It cannot be stated that on {day} every call was kept, and every older one erased, as Article 8(1) demands.",
    ),
    "statement.bad": ("保存と消去に問題が見つかりました", "retention is not as it has to be"),
    "col.erased": ("消去日", "Erased"),
    "col.calls": ("件数", "Calls"),
    "col.numbers": ("番号", "Numbers"),
    "col.ended": ("通話日", "Calls of"),
    "col.why": ("理由", "Rule"),
    "col.slots": ("区画", "Slots"),
    "col.read_back": ("読み戻し確認", "Read back"),
}

PROOF_HELPS: Final[dict[str, tuple[str, str]]] = {
    "rebuild": (
        "通話の一覧を、録音領域と追記録だけから作り直します。\n\n"
        "秘密鍵は不要です。一覧が壊れたとき、失われたときに使います。サービスを停止してから実行してください。\n\n"
        "例: tsuwaroku rebuild",
        "Make the list of calls again, from ring and journals alone.\n\n"
        "Needs no private key. For a catalogue that is damaged or lost; the service must be stopped.\n\n"
        "Example: tsuwaroku rebuild",
    ),
    "unrecorded": (
        "録音できなかった時間（録音不能）を一覧表示します。\n\n"
        "電源断・停止・起動・カードやディスクの故障の時間です。電源が切れた時刻は分からないことがあり、そのときは最も早い時刻と遅い時刻を示します。鍵は要りません。\n\n"
        "例: tsuwaroku unrecorded --from 2026-12-01 --to 2026-12-31",
        "List when the box could not record (録音不能).\n\n"
        "Without power, stopped, booting, without card or disk. Where a power cut hides the moment, the earliest and "
        "the latest are told. No key is needed.\n\n"
        "Example: tsuwaroku unrecorded --from 2026-12-01 --to 2026-12-31",
    ),
    "erase-log": (
        "消去した通話の記録を表示します。\n\n"
        "いつ、どの規定により消去し、どのように確かめたかを示します。電話番号や時刻は含まず、鍵もサービスも不要です。\n\n"
        "例: tsuwaroku erase-log --from 2026-12-01 --to 2026-12-31",
        "Show what was erased.\n\n"
        "When, by what rule, and how it was read back. Nothing personal is in it; it needs neither key nor service.\n\n"
        "Example: tsuwaroku erase-log --from 2026-12-01 --to 2026-12-31",
    ),
    "hold": (
        "通話の保存期間を延長します（管理責任者）。\n\n"
        "指定した日まで消去せずに保存し、その日を過ぎると自動的に終了します。録音領域への影響を確認してから実行します。"
        "理由は封じて記録します。\n\n"
        "例: tsuwaroku hold 12 --reason 訴訟のため --until 2027-03-31",
        "Keep a call longer (the 管理責任者).\n\n"
        "To the end of a day; the hold then ends by itself. What it does to the ring is shown before it is confirmed. "
        "The reason is sealed.\n\n"
        "Example: tsuwaroku hold 12 --reason 'court case' --until 2027-03-31",
    ),
    "release-hold": (
        "保存延長を解除します（管理責任者）。\n\n"
        "通常の保存期限を過ぎている通話は、解除するとすぐに読めなくなり、消去されます。\n\n"
        "例: tsuwaroku release-hold 12 --reason 和解のため",
        "End the hold of a call (the 管理責任者).\n\n"
        "A call whose retention is over can then no longer be read, and is erased.\n\n"
        "Example: tsuwaroku release-hold 12 --reason 'settled'",
    ),
    "opt.reason": ("理由（封じて記録します）", "Why; it is sealed"),
    "opt.until": ("この日まで保存します（例 2027-03-31）", "Keep it to the end of this day, e.g. 2027-03-31"),
    "opt.yes": ("確認せずに実行します。", "Do not ask."),
    "retention-statement": (
        "保存と消去の証明書を作成します（装置の署名付き）。\n\n"
        "指定した日に保存すべき通話がすべて揃っていること、期限を過ぎた通話が開けないこと、消去した通話とその理由を示します。"
        "問題があれば終了コード10。\n\n"
        "例: tsuwaroku retention-statement --date 2026-12-24 --json",
        "State, signed by the device, that retention was kept on a day.\n\n"
        "Every call that had to be there is there and verifies; none that is older can be opened; which were erased, "
        "and why. Ends with 10 where that is not so.\n\n"
        "Example: tsuwaroku retention-statement --date 2026-12-24 --json",
    ),
    "opt.day": ("対象日（既定: 今日）", "Of this day (default: today)"),
    "opt.unrecorded_from": ("この日以降に録音できなかった時間", "Stretches that touch this day or later ones"),
    "opt.unrecorded_to": ("この日までに録音できなかった時間", "Stretches that touch this day or earlier ones"),
    "opt.from": ("この日以降に消去したもの", "Erased on this day or later"),
    "opt.to": ("この日以前に消去したもの", "Erased on this day or earlier"),
}
