"""What `request` and `queue` say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

REQUEST_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "request.how": (
        "通話記録提供請求書（別記様式）の各欄に答えてください。"
        "分からない欄は「不明（理由）」、ない欄はそのまま Enter を押します。",
        "Answer each field of the form. What nobody knows is 不明（and why）; leave empty what there is none of.",
    ),
    "request.hint.department": ("（例: 市民課）", " (e.g. 市民課)"),
    "request.hint.head": ("（例: 青森 花子）", " (name)"),
    "request.hint.content": ("（なければ空欄）", " (may be empty)"),
    "request.hint.begin": ("（例: 令和8年11月23日 14時5分）", " (e.g. 2026-11-23 14:05)"),
    "request.hint.end": ("（例: 令和8年11月23日 14時30分）", " (e.g. 2026-11-23 14:30)"),
    "request.hint.reasons": (
        "（接遇、公正、その他から。複数は「、」で区切る）",
        " (接遇 courtesy, 公正 fairness, その他 other; several with 、 between)",
    ),
    "request.hint.purpose": ("（具体的に）", " (state it)"),
    "request.hint.serves": ("（接遇、圧力、公正から）", " (接遇 courtesy, 圧力 pressure or 公正 fairness)"),
    "request.hint.far_number": ("（例: 03-1234-5678、不明（非通知のため））", " (e.g. 03-1234-5678)"),
    "request.hint.far_name": ("（例: 不明（名乗らなかったため））", " (or 不明 with the reason)"),
    "request.hint.near_number": ("（例: 内線201）", " (e.g. 内線201)"),
    "request.hint.near_person": ("（例: 市民課 青森 花子）", " (department and name)"),
    "request.hint.notes": ("（なければ空欄）", " (may be empty)"),
    "request.hint.remarks": ("（なければ空欄）", " (may be empty)"),
    "request.article": ("（要綱{article}）", " ({article})"),
    "request.problem": ("{field}: {message}{article}。{remedy}", "{field}: {message}{article}; {remedy}"),
    "request.meant": ("この請求に当てはまる通話: {n} 件", "Calls this request can mean: {n}"),
    "request.added": ("--call で加える通話: {n} 件", "Calls added with --call: {n}"),
    "request.unknown": (
        "番号が分からないため、当てはまるか判断できない通話: {n} 件（請求には含めません。含めるときは --call で指定）",
        "Calls that fit but for a number nobody knows: {n} (not part of the request; add one with --call)",
    ),
    "request.none_found": (
        "当てはまる通話がありません。このまま受け付けると、提供できる通話のない請求になります。",
        "No call fits. Taken in like this, the request has no call that could be provided.",
    ),
    "request.ask": ("この内容で請求を受け付けますか", "Take the request in"),
    "request.submitted": (
        "{number} として受け付けました（通話 {n} 件）。管理責任者または職務代理者の決定を待ちます。",
        "Taken in as {number} ({n} calls). The manager or the deputy decides.",
    ),
    "request.none": ("請求はありません。", "There is no request."),
    "request.col.number": ("請求番号", "Number"),
    "request.col.on": ("受付日", "Taken in"),
    "request.col.status": ("状態", "Status"),
    "request.col.calls": ("通話", "Calls"),
    "request.col.by": ("受付アカウント", "Account"),
    "request.col.department": ("請求所属", "Department"),
    "request.col.day": ("通話日", "Day"),
    "request.col.kept": ("保存期限", "Kept until"),
    "request.decided": ("決定", "Decided"),
    "request.reason": ("理由", "Reason"),
    "request.return_by": ("返却期限", "Due back"),
    "request.copies": ("複製（{recipient}）", "Copy for the {recipient}"),
    "request.copies_left": ("{names}（あと {left} 部）", "{names} ({left} more may be made)"),
    "request.no_copy": ("未作成", "none yet"),
    "request.unknown_numbers": ("番号不明の通話", "Unknown numbers"),
    "request.form": ("請求内容", "Form"),
    "request.sealed": (
        "封印されています（--key で鍵を指定すると表示します）",
        "sealed (give the key with --key)",
    ),
    "request.no_calls": ("対象の通話はありません。", "It names no call."),
    "request.soon": (
        "保存期限が {day} の通話があります。期限までに決定・提供するか、保存延長してください。",
        "A call is kept until {day} only: decide and export in time, or hold it.",
    ),
    "request.withdrawn": ("{number} を取り下げました。", "{number} is withdrawn."),
    "request.refused": ("{number} を不承認としました。", "{number} is refused."),
    "request.approve_ask": ("これらの通話の提供を承認しますか", "Approve these calls"),
    "request.approved": ("{number} を承認しました（通話 {n} 件）。", "{number} is approved ({n} calls)."),
    "request.paper": ("{path} に作成しました。", "Written to {path}."),
    "queue.none": ("確認を待つ通話はありません。", "No marked call waits."),
    "queue.options_behind": (
        "オプションは「{verb}」の後に書いてください",
        "write the options behind `{verb}`",
    ),
    "queue.col.left": ("残り日数", "Days left"),
    "queue.col.kept": ("保存期限", "Kept until"),
    "queue.col.state": ("状態", "State"),
    "queue.passed": (
        "通話 #{call} の消去を認めました。{day} まで保存され、その後消去されます。",
        "Call #{call} may lapse. It is kept until {day}, then erased.",
    ),
}

REQUEST_HELPS: Final[dict[str, tuple[str, str]]] = {
    "request": (
        "通話記録提供請求（要綱第9条）。\n\n受付・一覧・取下げ・決定・書類の作成。",
        "Requests for call records (Article 9): take in, list, withdraw, decide, print.",
    ),
    "request.template": (
        "請求書の記入用ファイル（TOML）を出力します。\n\n例: tsuwaroku request template > 請求書.toml",
        "Print the form as a file to fill in (TOML).\n\nExample: tsuwaroku request template > form.toml",
    ),
    "request.new": (
        "請求を受け付けます。\n\n"
        "様式の各欄を順に尋ねるか、--file のファイルを読み、当てはまる通話を鍵で探して年度の番号を付けます。"
        "氏名などは封印して記録します。",
        "Take a request in.\n\n"
        "Asks for every field, or reads --file, finds the calls it can mean with the key, and numbers it by fiscal "
        "year. Names are sealed.",
    ),
    "request.list": ("請求の一覧を表示します。", "List the requests."),
    "request.show": (
        "請求を1件表示します。\n\n対象の通話が消去されているときは、その日と根拠も表示します。",
        "Show a request.\n\nOf a call that was erased: when, and under which rule.",
    ),
    "request.withdraw": (
        "決定前の請求を取り下げます（受け付けた本人または管理責任者）。",
        "Withdraw a request that is not decided (whoever submitted it, or the manager).",
    ),
    "request.approve": (
        "請求を承認します（管理責任者・職務代理者）。\n\n"
        "受け付けた本人は承認できません。--call で一部の通話だけを承認できます。",
        "Approve a request (manager, deputy).\n\nNever by whoever submitted it. With --call, for some of its calls.",
    ),
    "request.refuse": (
        "請求を不承認とします（管理責任者・職務代理者）。",
        "Refuse a request (manager, deputy).",
    ),
    "request.paper": (
        "請求書と決定通知書をPDFで作成します。\n\n鍵が必要です。",
        "Make the form and the decision as PDF.\n\nNeeds the key.",
    ),
    "arg.request": (
        "請求番号（令和8年度 第1号、2026-001、8-1 など）",
        "number of the request: 令和8年度 第1号, 2026-001 or 8-1",
    ),
    "opt.form_file": ("記入済みの請求書ファイル（TOML）", "the form, filled in (TOML)"),
    "opt.calls": ("通話の番号またはID（繰り返し可）", "a call, by number or id; may be repeated"),
    "opt.by": ("手続をした人の氏名（封印して記録）", "name of who does this; it is sealed"),
    "opt.request_reason": ("理由（封印して記録）", "the reason; it is sealed"),
    "opt.request_year": ("年度（令和8、8、2026 など）", "fiscal year: 令和8, 8 or 2026"),
    "opt.return_by": ("媒体の返却期限（令和8年12月31日、2026-12-31 など）", "day the media are due back"),
    "opt.papers_out": ("作成先のディレクトリ", "directory to write them to"),
    "queue": (
        "不当要求の印が付いた通話を、残り日数の順に表示します。\n\n"
        "残すときは hold、請求は request new、消去を認めるときは queue pass。",
        "Marked calls that wait for the manager, by days left.\n\n"
        "Keep one with `hold`, ask for it with `request new`, or let it lapse with `queue pass`.",
    ),
    "queue.list": ("一覧を表示します。", "List them."),
    "queue.pass": (
        "印の付いた通話が保存期限で消去されることを認めます（管理責任者・職務代理者）。",
        "Let a marked call lapse on its last day (manager, deputy).",
    ),
    "opt.pass_reason": ("消去を認める理由（封印して記録）", "why it need not be kept; it is sealed"),
}

REQUEST_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "request": {
        "submitted": ("受付・未決定", "submitted"),
        "approved": ("承認", "approved"),
        "refused": ("不承認", "refused"),
        "withdrawn": ("取下げ", "withdrawn"),
    },
    "waiting": {
        "waiting": ("確認待ち", "waiting"),
        "held": ("保存延長中", "on hold"),
        "requested": ("請求あり", "in a request"),
        "passed": ("消去を承認", "let go"),
    },
}
