"""Appointing, dismissing, the change of the manager, and calls wrapped again."""

from __future__ import annotations

from typing import Final

STAFF: Final[dict[str, str]] = {
    "this account has no such appointment that still stands": "このアカウントには、該当する有効な指名がありません",
    "`tsuwaroku staff list` lists them": "「tsuwaroku staff list」で一覧を確認してください",
    "only the 管理責任者 herself dismisses a deputy": "代理者を解任できるのは管理責任者本人だけです（要綱第4条）",
    "ask her (Article 4)": "管理責任者に依頼してください",
    "this key is somebody else's already": "この鍵は、すでに別の人の鍵として使われています",
    "make a new key": "新しい鍵を作成してください（tsuwaroku keys make）",
    "an appointment does not begin in the past": "指名を過去の日付から始めることはできません",
    "earlier calls are wrapped again with `tsuwaroku keys rewrap`": (
        "以前の通話は「tsuwaroku keys rewrap」で聴けるようにしてください"
    ),
    "the last day lies before the first": "終了日が開始日より前です",
    "check both days": "両方の日付を確認してください",
    "nobody appoints herself": "自分自身を指名することはできません（要綱第4条）",
    "the 管理責任者 appoints (Article 4)": "管理責任者が指名してください",
    "the machine has no such account": "このアカウントは装置に登録されていません",
    "make the account first, then appoint": "先にアカウントを作成してから指名してください",
    "there is no such line": "その回線はありません",
    "`tsuwaroku status` lists the lines": "「tsuwaroku status」で回線を確認してください",
    "more than {} letters": "{0} 文字を超えています",
    "write less": "短く書いてください",
    "calls can be sealed to {} keys at the most": "通話を開ける鍵は {0} 本までです",
    "dismiss whoever is no longer a handler": "管理取扱者でなくなった人を解任してください",
    "is appointed already for some of these days": "この期間の一部はすでに指名されています",
    "dismiss first, then appoint anew (`tsuwaroku staff list`)": (
        "先に解任してから、指名し直してください（tsuwaroku staff list）"
    ),
    "is no public key": "公開鍵ではありません",
    "name the key file of the person": "本人の鍵ファイルを指定してください",
    "is left empty": "空欄です",
    "it stands in the register: write it": "指名簿に記載する項目です。入力してください",
    "no call of this day is listed": "この日の通話はありません",
    "ask for the days first": "先に日付の一覧を取得してください",
    "is no wrapped key": "包んだ鍵ではありません",
    "calls are not sealed to this key": "この鍵の持ち主に向けた封はされていません",
    "`tsuwaroku keys show` lists those they are for": "「tsuwaroku keys show」で確認してください",
    "words are not for who is appointed for some lines": "一部の回線だけの担当者は、記載事項を読めません",
    "appoint for all lines": "全回線の担当者として指名してください",
    "more than {} at once": "一度に {0} 件を超えています",
    "these are not the words of the entry": "監査記録の記載と一致しません",
    "the service named another key": "サービスの示した鍵が、指定した鍵と一致しません",
    "run `tsuwaroku verify`, and tell the maker": "「tsuwaroku verify」を実行し、製作元に連絡してください",
    "nobody of this account has a key that calls are sealed to now": (
        "このアカウントには、現在通話を開ける鍵がありません"
    ),
    "appoint first; `tsuwaroku staff list` shows who is": "先に指名してください（tsuwaroku staff list で確認）",
}
