"""Disclosure outside, the public notice, the ledgers."""

from __future__ import annotations

from typing import Final

PAPERS: Final[dict[str, str]] = {
    # disclosure (Article 10)
    "there is no disclosure of this number": "この番号の外部提供はありません",
    "`tsuwaroku disclose list`": "`tsuwaroku disclose list` で番号を確かめてください",
    "this is none of the cases of Article 10": "要綱第10条各号のいずれにも当たりません",
    "use law, emergency or investigation (Article 10, items 1 to 3), or own_data for a caller's own": (
        "law、emergency、investigation（第10条第1号から第3号）か、本人の開示請求なら own_data を指定してください"
    ),
    "is neither inspection nor copy": "inspection（閲覧）でも copy（複製）でもありません",
    "use inspection or copy": "inspection（閲覧）か copy（複製）を指定してください",
    "name the calls, each of them once": "対象の通話を、重複なく指定してください",
    "an inspection needs no basis for a copy": "閲覧には複製の根拠は不要です",
    "add --way copy, or leave it out": "複製のときは --way copy を付け、閲覧のときはこの指定を外してください",
    "only an emergency may be approved afterwards (Article 10(2))": (
        "事後の承認が認められるのは緊急の場合（要綱第10条第2号）だけです"
    ),
    "leave it out: it is approved before it is carried out": "この指定を外し、実施の前に承認を受けてください",
    "the approval has to follow within {} days": "事後の承認は {0} 日以内に受けなければなりません",
    "name a day from today on, within that time": "今日からその日数以内の日を指定してください",
    "this disclosure was decided already": "この外部提供はすでに決定されています",
    "open another one": "新しく受け付けてください（tsuwaroku disclose new）",
    "whoever opened a disclosure, or carried it out, does not decide it (Article 10)": (
        "受け付けた人や実施した人は、その外部提供の決定をすることができません（要綱第10条）"
    ),
    "ask the manager or her deputy, whoever of them had no part in it": (
        "管理責任者または代理のうち、関わっていない人に依頼してください"
    ),
    "this disclosure was carried out already": "この外部提供はすでに実施されています",
    "this disclosure was refused": "この外部提供は承認されませんでした",
    "nothing may be handed out": "提供することはできません",
    "this disclosure is not decided yet (Article 10)": "この外部提供はまだ決定されていません（要綱第10条）",
    "have the manager decide it first": "先に管理責任者の決定を受けてください",
    "this disclosure was opened for another way than that (Article 8(3))": (
        "受け付けたときの方法（閲覧・複製）と異なります（要綱第8条第3項）"
    ),
    "a copy needs its own legal basis: open one with --way copy": (
        "複製には別に法令の根拠が必要です。--way copy で新しく受け付けてください"
    ),
    "{} lies in the future, or before what had to come first": ("{0} は、今日より後か、前の手続より前の日付です"),
    "write the day it was done on, like 2026-11-23 or 令和8年11月23日": (
        "行った日を 2026-11-23 や令和8年11月23日のように指定してください"
    ),
    "this is needed: {}": "記入が必要です: {0}",
    "write it behind that option": "このオプションの後に記入してください",
    "is longer than {} letters": "{0} 文字を超えています",
    "ask the records manager": "管理責任者に依頼してください",
    "this call is of a line you are not appointed for": "この通話は、指名された回線のものではありません",
    "only an emergency that was carried out before today has such a day (Article 10(2))": (
        "この日付を指定できるのは、昨日までに実施した緊急の提供（要綱第10条第2号）だけです"
    ),
    "leave it out, or name that day and with --approve-by the one by which it is decided": (
        "この指定を外すか、実施した日と、--approve-by に決定を受ける期限の日を指定してください"
    ),
    "its calls were kept until {} (Article 8(1)): nothing could be disclosed on {}": (
        "対象の通話の保存期間は {0} に満了しており（要綱第8条第1項）、{1} には提供できませんでした"
    ),
    "if it was done before, write that day behind --on; otherwise refuse it, and tell whoever asked": (
        "それより前に実施したのであれば、その日を --on に指定してください。"
        "そうでなければ不承認とし、相手方に伝えてください"
    ),
    # the public notice (Article 5)
    "the notice is recorded once it has been posted (Article 5)": "公表の記録は、掲載した後に行います（要綱第5条）",
    "name the day it was posted on": "掲載した日を指定してください",
    "is not the address of a page": "ページのアドレスではありません",
    "write it like https://www.city.example.jp/page": "https://www.city.example.jp/page のように記入してください",
    "the configuration has moved on since this notice was drafted (Article 5)": (
        "案を作成した後に設定が変わっています（要綱第5条）"
    ),
    "draft it anew with `tsuwaroku publish --out FILE`, and post that": (
        "`tsuwaroku publish --out FILE` で作り直し、それを掲載してください"
    ),
    "a draft is not approved before anybody has read it (Article 5)": (
        "読む前の案を承認することはできません（要綱第5条）"
    ),
    "draft it with --out, post it, then run --approve without --out": (
        "--out で案を作成して掲載し、その後に --out を付けずに --approve を実行してください"
    ),
    # ledgers
    "there is no ledger of that name": "この名称の台帳はありません",
    "a ledger is written as CSV or PDF": "台帳は CSV か PDF で作成します",
    "end the name in .csv or .pdf": "ファイル名の末尾を .csv か .pdf にしてください",
    "this ledger is always whole": "この台帳には期間を指定できません",
    "leave --from and --to to audit and erasures": "--from と --to は audit と erasures だけに使えます",
    "the range ends before it begins": "期間の終わりが始まりより前です",
    "name a later day": "後の日を指定してください",
    "there is a file of that name already": "同じ名前のファイルがすでにあります",
    "name a file in a directory of yours": "書き込めるディレクトリのファイルを指定してください",
}
