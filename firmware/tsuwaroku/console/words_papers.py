"""What `disclose`, `publish` and `ledger` say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

PAPERS_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "disclose.opened": (
        "外部提供 {slug} を受け付けました。管理責任者の決定を受けてください。",
        "Disclosure {slug} is open; it waits for the manager's decision.",
    ),
    "disclose.kept_to": (
        "対象の通話の保存期限は {day} です（最も早いもの）。"
        "それまでに終わらないときは「tsuwaroku hold」で延長してください。",
        "The first of its calls is kept until {day}: put it on hold (`tsuwaroku hold`) if it takes longer.",
    ),
    "disclose.approve_by": (
        "{day} までに、承認または不承認の決定を記録してください（要綱第10条第2号）。",
        "It has to be decided by {day} (Article 10(2)).",
    ),
    "disclose.approved": ("外部提供 {slug} の承認を記録しました。", "Disclosure {slug} is approved."),
    "disclose.refused": ("外部提供 {slug} の不承認を記録しました。", "Disclosure {slug} is refused."),
    "disclose.done": ("外部提供 {slug} の実施を記録しました。", "Disclosure {slug} is recorded as carried out."),
    "disclose.none": ("外部提供はありません。", "There is no disclosure."),
    "disclose.overdue": ("（承認の期限超過）", " (overdue)"),
    "disclose.col.slug": ("番号", "Number"),
    "disclose.col.on": ("受付日", "Opened"),
    "disclose.col.case": ("区分", "Case"),
    "disclose.col.way": ("方法", "Way"),
    "disclose.col.calls": ("通話", "Calls"),
    "disclose.col.stage": ("決定", "Decision"),
    "disclose.col.done": ("実施日", "Done"),
    "disclose.word.basis": ("根拠法令", "Basis"),
    "disclose.word.reference": ("文書番号", "Reference"),
    "disclose.word.recipient": ("提供先", "Recipient"),
    "disclose.word.purpose": ("目的", "Purpose"),
    "disclose.word.copy_basis": ("複製の根拠", "Basis of the copy"),
    "disclose.word.name": ("受付者", "Taken in by"),
    "disclose.word.decided_by": ("決裁者", "Decided by"),
    "disclose.word.decision": ("決裁番号", "Decision"),
    "disclose.word.reason": ("理由", "Reason"),
    "disclose.word.to": ("閲覧者・受領者", "Inspected or taken by"),
    "disclose.word.medium": ("媒体", "Medium"),
    "disclose.word.attended_by": ("立会者", "Attended by"),
    "publish.drafted": (
        "公表用のページの案を {path} に作成しました。内容を確かめて掲載し、"
        "「tsuwaroku publish --approve --posted-on 掲載日 --url アドレス」で記録してください。",
        "The page was drafted to {path}. Read it, post it, then record that with "
        "`tsuwaroku publish --approve --posted-on DAY --url URL`.",
    ),
    "publish.recorded": ("公表を記録しました（要綱第5条）。", "The publication is recorded (Article 5)."),
    "publish.never": ("公表はまだ記録されていません。", "No publication is recorded yet."),
    "publish.last": ("最後の公表: {day}（記録者 {by}）", "Published last on {day}, recorded by {by}."),
    "publish.outdated": (
        "公表した内容が現在の設定と一致していません。作り直して掲載してください。",
        "What was published is not what is configured now: draft it anew and post it.",
    ),
    "ledger.written": ("{title}（{n}件）を {path} に作成しました。", "{title} ({n} rows) was written to {path}."),
}

PAPERS_HELPS: Final[dict[str, tuple[str, str]]] = {
    "disclose": (
        "外部への提供（要綱第10条）と、本人からの開示請求。\n\n閲覧（聴取）が原則です。"
        "複製を渡すには、その根拠となる法令が別に必要です（第8条第3項）。",
        "Disclosure outside (Article 10), and to a caller who asks for her own data.\n\n"
        "Inspection is the default; a copy needs a legal basis of its own (Article 8(3)).",
    ),
    "disclose.new": (
        "外部提供を受け付けます。\n\n氏名などは封じて記録します。決定は、受け付けた人とは別の管理責任者または代理が行います。\n\n"
        "例: tsuwaroku disclose new --case investigation --call 12 --recipient ○○警察署 --purpose 捜査のため "
        "--basis 刑事訴訟法第197条第2項 --reference ○○第45号",
        "Open a disclosure.\n\n"
        "Names are sealed. The manager or her deputy decides, and never whoever opened it.\n\n"
        "Example: tsuwaroku disclose new --case investigation --call 12 --recipient 'a police station' "
        "--purpose 'an investigation' --basis 'Code of Criminal Procedure, 197(2)' --reference 'No. 45'",
    ),
    "disclose.decide": (
        "外部提供の承認・不承認を記録します（管理責任者または代理）。\n\n"
        "例: tsuwaroku disclose decide D2026-001 --approve --decided-by 市長 --decision 管財第12号",
        "Record the decision (manager or deputy).\n\n"
        "Example: tsuwaroku disclose decide D2026-001 --approve --decided-by 'the mayor' --decision 'No. 12'",
    ),
    "disclose.done": (
        "閲覧させたこと、または複製を渡したことを記録します。\n\n"
        "例: tsuwaroku disclose done D2026-001 --to '○○警察署 担当者'",
        "Record that it was inspected, or that the copy was handed out.\n\n"
        "Example: tsuwaroku disclose done D2026-001 --to 'an officer'",
    ),
    "disclose.list": (
        "外部提供を一覧表示します。\n\n鍵があれば、提供先なども表示します。",
        "List the disclosures.\n\nWith a key, to whom, too.",
    ),
    "publish": (
        "公表用のページ（要綱第5条）を作成し、公表を記録します。\n\n"
        "設定と台帳から作成します。録音しない回線は掲載しません。何も指定しなければ、最後の公表を表示します。\n\n"
        "例: tsuwaroku publish --out 公表.html",
        "Draft the public notice (Article 5), and record that it was posted.\n\n"
        "From configuration and ledgers; lines that never record are left out. Without options, what was published "
        "last.\n\nExample: tsuwaroku publish --out notice.html",
    ),
    "ledger": (
        "台帳をCSVまたはPDFで作成します。\n\n鍵がなければ、氏名などの欄は「（封印）」になります。"
        "--out がなければ内容をJSONで出力します。\n\n例: tsuwaroku ledger requests --out 受付簿.pdf --key 鍵ファイル",
        "Write a ledger as CSV or PDF.\n\n"
        "Without the key, what is personal in it stays sealed. Without --out, its contents as JSON.\n\n"
        "Example: tsuwaroku ledger requests --out requests.pdf --key FILE",
    ),
    "arg.disclosure": ("外部提供の番号（例 D2026-001）", "Number of the disclosure, e.g. D2026-001"),
    "arg.ledger": (
        "台帳: devices（設置台帳）、 handlers（指名簿）、 requests（受付簿）、 media（媒体管理簿）、 "
        "disclosures（外部提供台帳）、 erasures（消去記録）、 audit（監査記録）",
        "devices, handlers, requests, media, disclosures, erasures or audit",
    ),
    "opt.case": (
        "区分: law（法令等）、 emergency（緊急）、 investigation（捜査機関）、 own_data（本人の開示請求）",
        "law, emergency, investigation (Article 10, items 1 to 3), or own_data",
    ),
    "opt.recipient": ("提供先（封じて記録します）", "To whom; it is sealed"),
    "opt.disclose_purpose": ("提供の目的（封じて記録します）", "What for; it is sealed"),
    "opt.basis": ("根拠となる法令の条項", "Which article of which law"),
    "opt.reference": ("照会文書の番号", "Number of the letter that asks for it"),
    "opt.way": ("方法: inspection（閲覧）または copy（複製）", "inspection or copy"),
    "opt.way_done": ("行った方法: inspection（閲覧）または copy（複製）", "What was done: inspection or copy"),
    "opt.copy_basis": ("複製の根拠となる法令の条項", "What law allows a copy"),
    "opt.approve_by": (
        "緊急のときだけ: この日までに事後の承認を受ける",
        "Emergencies alone: it may be carried out now, and is decided by this day",
    ),
    "opt.emergency_on": (
        "すでに実施した緊急の提供だけ: 実施した日",
        "An emergency that was carried out before: the day of it",
    ),
    "opt.my_name": ("担当者の氏名（封じて記録します）", "Your name; it is sealed"),
    "opt.done_on": ("行った日（既定: 今日）", "Day it was done on (default: today)"),
    "opt.approve": ("承認する、または承認しない", "Approve it, or refuse it"),
    "opt.decided_by": ("決裁者", "Who decided"),
    "opt.decision": ("決裁番号", "Number of the decision"),
    "opt.refuse_reason": ("承認しない理由", "Why it is refused"),
    "opt.disclose_to": ("閲覧または受領した人（封じて記録します）", "Who inspected or took it; it is sealed"),
    "opt.disclose_medium": ("複製を記録した媒体", "Which medium the copy is on"),
    "opt.page": ("ページの案の保存先", "Where to write the draft"),
    "opt.approve_page": ("承認し、掲載したことを記録します。", "Record that it was approved and posted."),
    "opt.posted_on": ("掲載日", "Day it is posted on"),
    "opt.url": ("掲載したページのアドレス", "Address of the page"),
    "opt.ledger_out": ("保存先（.csv または .pdf）", "Where to write it (.csv or .pdf)"),
    "opt.first_day": ("この日以降（audit、erasures のみ）", "From this day on (audit and erasures alone)"),
    "opt.last_day": ("この日まで（audit、erasures のみ）", "Up to this day (audit and erasures alone)"),
}

PAPERS_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "disclosure_case": {
        "law": ("法令等（第10条第1号）", "law, 10(1)"),
        "emergency": ("緊急（第10条第2号）", "emergency, 10(2)"),
        "investigation": ("捜査機関（第10条第3号）", "investigation, 10(3)"),
        "own_data": ("本人の開示請求", "own data"),
    },
    "disclosure_way": {"inspection": ("閲覧（聴取）", "inspection"), "copy": ("複製", "copy")},
    "disclosure_stage": {
        "opened": ("未決定", "open"),
        "approved": ("承認", "approved"),
        "refused": ("不承認", "refused"),
    },
}
