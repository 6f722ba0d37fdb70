"""Lists and hearings over the control socket."""

from __future__ import annotations

from typing import Final

HEARING: Final[dict[str, str]] = {
    "nobody hears a call of his own extension": "自分の内線の通話を聴くことはできません",
    "the manager, her deputy or a handler whose telephone it was not hears it": (
        "その内線の使用者でない管理責任者・代理者・管理取扱者が聴いてください"
    ),
    "you are not appointed for the line of this call": "この通話の回線は、あなたの指名の範囲にありません",
    "ask the records manager; `tsuwaroku staff list` lists the appointments": (
        "管理責任者に申し出てください。指名の範囲は `tsuwaroku staff list` で確かめられます"
    ),
    "this was ended, or the service has started again since": (
        "この一覧・再生はすでに終わったか、その後サービスが再起動しました"
    ),
    "ask for the call again; what was heard up to now is written down": (
        "もう一度やり直してください。それまでに聴いた範囲は記録されています"
    ),
    "this account has {} lists and calls open at once": "このアカウントで同時に開いている一覧と通話が {0} 件あります",
    "end some; what is not used for five minutes ends by itself": (
        "使っていないものを終えてください。5分間使わなければ自動的に終わります"
    ),
    "there is a sign in it that no paper can show, or nothing at all": (
        "記録に残せない文字が含まれているか、何も書かれていません"
    ),
    "this is no sound device: it could write what it plays into a file (Article 8(3))": (
        "音の出力先ではありません。再生した音をファイルに書き込むおそれがあるため使えません（要綱第8条第3項）"
    ),
    "name a device of `aplay -L` with --output NAME": "`aplay -L` に出る装置を --output NAME で指定してください",
    "this account may not connect to the service": "このアカウントはサービスに接続できません",
    "log in again as a member of the group that may connect (service.group)": (
        "接続を許されたグループ（service.group）に属するユーザーでログインし直してください"
    ),
    "write it anew": "書き直してください",
    "a stretch that ends before it begins": "聴いた範囲の終わりが始まりより前になっています",
    "the call has no slot {}": "この通話に区画 {0} はありません",
    "nothing of it can be read ({})": "この通話は読み取れません（{0}）",
    "the list of {} was damaged and is being made again": "{0} の一覧が壊れていたため、作り直しています",
    "try again in a minute": "1分ほどたってから、もう一度実行してください",
    "write it like 2026-11-23": "2026-11-23 のように書いてください",
}
