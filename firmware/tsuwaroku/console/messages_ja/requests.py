"""Dates by era, the form of Article 9(1) and the papers about it."""

from __future__ import annotations

from typing import Final

REQUESTS: Final[dict[str, str]] = {
    # dates and numbers
    "{} lies before 明治6年1月1日, when today's calendar began": (
        "{0} は、今の暦が始まった明治6年1月1日より前の日付です"
    ),
    "give a later date": "それより後の日付を指定してください",
    "the date lies before 明治6年, or past the end of the calendar": "明治6年より前か、暦の範囲を超えた日付です",
    "the calendar has no {}月{}日 in that year": "その年に {0}月{1}日 はありません",
    "{}0年 does not exist: an era begins with its first year, 元年": "{0}0年はありません。元号は元年から始まります",
    "{}{}年: {} began on {}, after that day": "{0}{1}年: {2}は{3}からで、その日はまだ{2}ではありません",
    "{}{}年: {} ended on {}, before that day": "{0}{1}年: {2}は{3}までで、その日はもう{2}ではありません",
    "if {} is meant, write that": "{0} のことであれば、そのように書いてください",
    "{} is not a date with a time": "{0} は日時ではありません",
    "no day has the time of {}": "{0} という時刻はありません",
    "{} is not the number of a request": "{0} は請求の番号ではありません",
    "write it like 令和8年5月1日 or 2026-05-01": "令和8年5月1日、または 2026-05-01 のように書いてください",
    "write it like 令和8年5月1日 14時5分 or 2026-05-01 14:05": (
        "令和8年5月1日 14時5分、または 2026-05-01 14:05 のように書いてください（午後は24時間で）"
    ),
    "write it like 令和8年度 第1号": "令和8年度 第1号 のように書いてください",
    # the form
    "the department that asks is missing": "請求する所属が書かれていません",
    "name the department": "所属（課名）を書いてください",
    "the head of the department is missing": "所属長の氏名が書かれていません",
    "a request is the head's: give the name": "請求できるのは所属長です。所属長の氏名を書いてください",
    "the time of the call is missing": "通話日時が書かれていません",
    "give the stretch of time in which the call must have been, as well as it is known": (
        "分かる範囲で、その通話が必ず含まれる始めと終わりの日時を書いてください"
    ),
    "the end lies before the beginning": "終わりの日時が始めの日時より前です",
    "exchange the two times, or correct one": "二つの日時を入れ替えるか、訂正してください",
    "the time lies ahead": "未来の日時です",
    "a record can be asked for once the call has been: correct it": (
        "請求できるのは通話の後です。日時を訂正してください"
    ),
    "no reason for the request is ticked": "通話記録請求理由が選ばれていません",
    "tick at least one of the three": "三つのうち一つ以上を選んでください",
    "this is none of the form's reasons": "様式にない請求理由です",
    "use courtesy, fairness or other": "接遇、公正、その他 から選んでください",
    "その他 is ticked and the purpose not stated": "「その他」の内容が書かれていません",
    "state what the record is for": "通話記録を何のために使うかを書いてください",
    "which purpose of Article 1 this serves is not stated": (
        "「その他」が要綱第1条のどの目的のためかが書かれていません"
    ),
    "choose courtesy, pressure or fairness; a record is for nothing else": (
        "接遇、圧力（不当な圧力等の排除）、公正 から選んでください。それ以外の目的には利用できません"
    ),
    "this is no purpose of Article 1": "要綱第1条にない目的です",
    "choose courtesy, pressure or fairness": "接遇、圧力（不当な圧力等の排除）、公正 から選んでください",
    "a purpose is stated and その他 not ticked": "内容が書かれていますが、「その他」が選ばれていません",
    "tick その他 too, or move it to 備考": "「その他」も選ぶか、内容を備考へ移してください",
    "不明 needs its reason": "「不明」には理由が必要です",
    "say why it is not known, like 不明（非通知のため）": (
        "不明（非通知のため）のように、分からない理由を書いてください"
    ),
    "it is 不明 and has a value": "「不明」と値の両方が書かれています",
    "leave one of the two": "どちらか一方にしてください",
    "this field is empty": "空欄です",
    "fill it in, or write 不明 with the reason": "記入するか、「不明（理由）」と書いてください",
    "nothing is known of either party: every call of that time would be meant": (
        "相手先も対応者もすべて不明では、その時間のすべての通話が対象になってしまいます"
    ),
    "give at least one number or name": "番号か氏名を一つ以上書いてください",
    "this is no telephone number": "電話番号の書き方ではありません",
    "write it like 03-1234-5678, +81-3-1234-5678 or 内線201, or 不明 with the reason": (
        "03-1234-5678、+81-3-1234-5678、内線201 のように書くか、「不明（理由）」と書いてください"
    ),
    "the number lacks its area code": "市外局番がありません",
    "write it whole, like 03-1234-5678; an extension as 内線201": (
        "03-1234-5678 のように市外局番から書いてください。内線は 内線201 のように書きます"
    ),
    "the text is longer than {} letters": "{0} 文字を超えています",
    "shorten it, or hand the rest in on paper": "短くするか、残りを別紙で提出してください",
    "there is a sign in it that no paper can show": "印字できない文字（制御文字・外字など）が含まれています",
    "write it anew; a letter made in house (外字) by the nearest common one": (
        "入力し直してください。外字は近い文字に置き換えてください"
    ),
    "the form cannot be read: {}": "請求書のファイルを読み取れません: {0}",
    "correct the line it names; texts stand in quotes": '示された行を訂正してください。文字は " " で囲みます',
    "{} is no field of the form": "{0} という項目は様式にありません",
    "use the names of the template": "ひな形にある項目名を使ってください",
    "{} is answered twice": "{0} が二度書かれています",
    "answer each field once": "一つの項目は一度だけ書いてください",
    "{} is not a text": "{0} が文字で書かれていません",
    'write it in quotes, like "市民課"; a list for the reasons alone': (
        '"市民課" のように " " で囲んでください。[ ] を使うのは請求理由だけです'
    ),
    # papers
    "the papers' font is missing": "書類の書体がありません",
    "install it with `scripts/setup`, or `apt-get install {}`": (
        "`scripts/setup`、または `apt-get install {0}` で導入してください"
    ),
    "the paper cannot be set ({})": "書類を作成できません（{0}）",
    "`apt-get install --reinstall {}`; if that does not help, send this message to who maintains the box": (
        "`apt-get install --reinstall {0}` を実行してください。直らないときは、この文を保守担当者に知らせてください"
    ),
}
