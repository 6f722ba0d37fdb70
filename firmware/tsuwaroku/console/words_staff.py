"""What the verbs about staff say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

Pair = tuple[str, str]

STAFF_PHRASES: Final[dict[str, Pair]] = {
    "staff.appointed": (
        "{user} を指名しました。これ以後に始まる通話を、本人の鍵で開けます。",
        "{user} is appointed. Calls that begin from now on open with that key.",
    ),
    "staff.appointed_no_key": (
        "{user} を指名しました。鍵がないため、通話は聴けません。",
        "{user} is appointed, without a key that opens calls.",
    ),
    "staff.dismissed": (
        "{user} を解任しました。これ以後の通話は、本人の鍵では開けません。",
        "{user} is dismissed. No later call opens with that key.",
    ),
    "staff.none": ("指名された人はいません。", "Nobody is appointed."),
    "staff.all_lines": ("全回線", "all lines"),
    "staff.open_end": ("定めなし", "until further notice"),
    "staff.sealed": ("（封印）", "(sealed)"),
    "staff.erased": ("（保存年限経過により消去）", "(erased: its years of keeping are over)"),
    "staff.col.user": ("アカウント", "Account"),
    "staff.col.post": ("役割", "Post"),
    "staff.col.name": ("氏名", "Name"),
    "staff.col.lines": ("回線", "Lines"),
    "staff.col.from": ("開始日", "From"),
    "staff.col.until": ("終了日", "Until"),
    "staff.col.state": ("状態", "State"),
    "staff.col.verb": ("操作", "May"),
    "staff.key_made": (
        "鍵ファイル {key} を作成しました。公開部分は {pub} です（指名する人に渡してください）。",
        "Made the key file {key}; its public side is {pub}: give that to who appoints.",
    ),
    "succeed.done": (
        "管理責任者の鍵を引き継ぎました。これ以後の通話は、前任者の鍵では開けません。",
        "The manager's key has changed. No later call opens with the predecessor's.",
    ),
    "succeed.already": ("鍵の引継ぎは済んでいます。続きを行います。", "The key has changed already; going on."),
    "recovery.done": (
        "復旧用の鍵を交換しました。これ以後の通話は、以前の用紙では開けません。",
        "The recovery key has changed. No later call opens with the old sheet.",
    ),
    "recovery.already": ("復旧用の鍵の交換は済んでいます。続きを行います。", "It has changed already; going on."),
    "recovery.old": (
        "交換より前の通話は、消去されるまで以前の用紙でも開けます。以前の用紙は、見つかれば破棄してください。",
        "Calls from before still open with the old sheet until they are erased: destroy it, where it is found.",
    ),
    "rewrap.progress": ("以前の通話を開けるようにしています", "Wrapping earlier calls again"),
    "rewrap.log": ("監査記録の理由を開けるようにしています", "Sealing the reasons in the audit log again"),
    "rewrap.calls": (
        "以前の通話 {n} 件を、この鍵で開けるようにしました。",
        "{n} earlier calls now open with this key, too.",
    ),
    "rewrap.closed": (
        "{n} 件は、使った鍵では開けないため残っています。",
        "{n} calls are left: the key in use does not open them.",
    ),
    "rewrap.sent": (
        "{n} 件は、以前の操作で送信済みです。本人の鍵で開けない通話があるときは、--again を付けて送り直してください。",
        "{n} calls were sent before; if the person's key does not open one, send them once more with --again.",
    ),
    "rewrap.words": ("記載事項 {n} 件を読めるようにしました。", "The words of {n} acts can now be read."),
    "rewrap.words_left": (
        "記載事項 {n} 件は、使った鍵では読めないため残っています。",
        "The words of {n} acts are left: the key in use does not open them.",
    ),
}

STAFF_HELPS: Final[dict[str, Pair]] = {
    "appoint": (
        "管理取扱者（または代理者）を指名します（要綱第4条）。\n\n氏名は封印され、鍵のある人だけが読めます。",
        "Appoint a handler, or a deputy (Article 4).\n\nThe name is sealed: only who has a key reads it.",
    ),
    "dismiss": (
        "管理取扱者（または代理者）を解任します。\n\nこれ以後の通話は、本人の鍵では開けません。",
        "Dismiss a handler or a deputy.\n\nNo later call opens with that key.",
    ),
    "staff": ("指名の状況と、役割ごとの権限を表示します。", "Who is appointed, and what each role may do."),
    "staff.list": ("指名された人を一覧表示します。", "List who is and was appointed."),
    "staff.rights": ("役割ごとに、できることを表示します。", "What each role may do."),
    "keys.make": (
        "管理取扱者または新しい管理責任者の鍵を作成します。\n\n公開部分（FILE.pub）も作成します。",
        "Make the key of a handler or of a new manager.\n\nIts public side is FILE.pub.",
    ),
    "keys.succeed": (
        "管理責任者の交代に伴い、鍵を引き継ぎます。\n\n前任者の鍵か復旧用の鍵で、保存中の通話と記載事項を新しい鍵で開けるようにします。途中で止まっても、同じ操作で続けられます。",
        "The change of the manager.\n\nWith the predecessor's key or the recovery key, calls and words are opened to "
        "the new one. If cut off, the same command goes on.",
    ),
    "keys.recovery": (
        "復旧用の鍵を新しい用紙に交換します。\n\n用紙を失くしたときや、人目に触れたおそれがあるときに行います。新しい用紙で開けることを"
        "確かめてから交換し、保存中の通話と記載事項も開けるようにします。途中で止まったときは、同じファイルを指定すると続けられます。",
        "A new recovery sheet in the place of the old one.\n\nFor when it was lost, or somebody may have seen it. The"
        " new one is tried first; then calls and words are opened to it, too. If cut off, go on with the same file.",
    ),
    "keys.rewrap": (
        "指名より前の通話も、管理取扱者の鍵で開けるようにします。",
        "Let a handler open calls from before the appointment, too.",
    ),
    "opt.again": (
        "送信済みの通話も送り直します（本人の鍵で開けないとき）。",
        "Also calls that were sent before (where the person's key does not open them).",
    ),
    "arg.name": ("氏名", "name of the person"),
    "opt.user": ("アカウント名", "the account"),
    "opt.key_file": ("本人の鍵の公開部分（FILE.pub）", "public side of the person's key file (FILE.pub)"),
    "opt.lines": ("回線（例 1,2。既定: 全回線）", "lines, e.g. 1,2 (default: all)"),
    "opt.from_day": ("開始日（既定: 今日）", "first day (default: today)"),
    "opt.until_day": ("終了日（既定: 定めなし）", "last day (default: until further notice)"),
    "opt.deputy": ("代理者として指名します（管理責任者のみ）。", "As a deputy (the manager alone appoints one)."),
    "opt.title": ("職名", "title of the post"),
    "opt.number": ("指名の番号（既定: 全て）", "number of the appointment (default: all of them)"),
    "opt.dismiss_reason": ("解任の理由（封印されます）", "why (sealed)"),
    "opt.new_key": ("新しい管理責任者の鍵の公開部分", "public side of the new manager's key"),
    "opt.decree": ("発令番号（封印されます）", "number of the decree (sealed)"),
    "opt.person_name": ("氏名（封印されます）", "name (sealed)"),
    "opt.open_with": ("今の通話を開ける鍵、または復旧用の鍵", "a key that opens the calls, or the recovery key"),
    "opt.for_user": ("管理取扱者のアカウント", "the handler's account"),
    "opt.new_sheet": ("交換する理由（封じて記録します）", "Why it is replaced; it is sealed"),
    "opt.manager_key": ("管理責任者の鍵として作成します。", "A manager's key, not a handler's."),
}

STAFF_WORDS: Final[dict[str, dict[str, Pair]]] = {
    "post": {"handler": ("管理取扱者", "handler"), "deputy": ("代理者", "deputy")},
    "box_role": {
        "manager": ("管理責任者", "manager"),
        "deputy": ("代理者", "deputy"),
        "handler": ("管理取扱者", "handler"),
        "technician": ("保守担当者", "technician"),
    },
    "appointment": {
        "active": ("有効", "stands"),
        "coming": ("開始前", "to come"),
        "ended": ("終了", "ended"),
        "dismissed": ("解任", "dismissed"),
    },
    "verb": {
        "status": ("状態の表示", "see the state"),
        "clock.show": ("時計の表示", "see the clock"),
        "clock.propose": ("時計の確認の申請", "propose the clock"),
        "clock.confirm": ("時計の確認", "confirm the clock"),
        "calls": ("通話の一覧", "list calls"),
        "play": ("通話の再生", "play calls"),
        "mark": ("不当要求の印", "mark calls"),
        "hold": ("保存期間の延長", "hold calls"),
        "queue": ("不当要求の一覧", "see the marked calls"),
        "rewrap": ("以前の通話を開けるようにする", "wrap earlier calls again"),
        "audit.note": ("監査記録への記入", "write audit entries"),
        "audit.read": ("監査記録の閲覧", "read the audit log"),
        "ledgers": ("台帳", "ledgers"),
        "staff": ("指名の一覧", "see who is appointed"),
        "appoint": ("管理取扱者の指名・解任", "appoint and dismiss handlers"),
        "deputise": ("代理者の指名", "appoint a deputy"),
        "succeed": ("管理責任者の交代", "change the manager"),
        "request.new": ("提供請求の受付", "take in requests"),
        "request.read": ("提供請求の閲覧", "read requests"),
        "request.withdraw": ("提供請求の取下げ", "withdraw requests"),
        "request.decide": ("提供請求の承認・不承認", "decide requests"),
        "media.read": ("媒体の一覧", "see the media"),
        "media.register": ("媒体の登録", "register media"),
        "export": ("複製の作成", "make copies"),
        "custody": ("媒体の受渡し", "hand over and take back media"),
        "dispose": ("媒体の消去・廃棄", "wipe and destroy media"),
        "disclose": ("外部提供の受付", "take in disclosures"),
        "disclose.decide": ("外部提供の決定", "decide disclosures"),
        "publish": ("公表", "publish"),
    },
}
