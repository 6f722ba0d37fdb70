"""Copies and the media they are on."""

from __future__ import annotations

from typing import Final

CUSTODY: Final[dict[str, str]] = {
    # copies
    "this request has not been approved, so nothing is copied for it (Article 9(2))": (
        "この請求は承認されていないため、複製できません（第9条第2項）"
    ),
    "`tsuwaroku request show` says where it stands": "請求の状況は「tsuwaroku request show」で確認できます",
    "`tsuwaroku request show` says where the request stands": "状況は「tsuwaroku request show」で確認してください",
    "`tsuwaroku request list` lists them": "請求の一覧は「tsuwaroku request list」で確認できます",
    "there is no request of this number": "この番号の請求はありません",
    "the copy of this request for this recipient has been made: one each (Article 9(2)), another only by approval"
    " (Article 9(3))": (
        "この請求の、この提供先への複製は作成済みです。複製は各1部で（第9条第2項）、もう1部には承認が必要です（第9条第3項）"
    ),
    "the manager may approve another copy with `tsuwaroku request recopy`": (
        "管理責任者が「tsuwaroku request recopy」で承認すれば、もう1部作成できます"
    ),
    "another copy is approved only when the one that was approved has been made (Article 9(3))": (
        "もう1部の承認は、承認済みの複製を作成した後でなければできません（第9条第3項）"
    ),
    "this attempt at a copy no longer counts: it has ended, or another was begun since (Article 9(2))": (
        "この複製は提供に数えられません。すでに終わったか、後から別の複製が始められています（第9条第2項）"
    ),
    "keep the medium locked away, for the copy may be readable; begin the export anew": (
        "媒体に複製が残っていることがあるので施錠して保管し、もう一度「tsuwaroku export」を実行してください"
    ),
    # words whose years of keeping are over
    "cannot be swept ({})": "書き換え前のファイルの残りを消去できません（{0}）",
    "check the SSD (`dmesg`)": "SSDの状態を確かめてください（dmesg）",
    "words of {} entries are still there, or the entries are not": (
        "{0} 件の記録の内容がまだ残っているか、記録そのものがありません"
    ),
    "run `tsuwaroku verify`; the erasure is tried again": (
        "「tsuwaroku verify」で確かめてください。消去はもう一度試みます"
    ),
    "the log has no file of this day": "この日の監査記録はありません",
    "is no name of a stick": "仮想の媒体の名前に使えません",
    "use letters, digits and hyphens": "英数字とハイフンで指定してください",
    "there is no stick of this name": "この名前の仮想の媒体はありません",
    "`tsuwaroku media demo-stick NAME` makes one": "`tsuwaroku media demo-stick 名前` で作れます",
    "this statement is not of the copy that was begun": "署名する内容が、始めた複製のものではありません",
    "begin the export anew": "もう一度「tsuwaroku export」を実行してください",
    "the copy is on the medium, and the service did not say that it counts: {}": (
        "媒体への複製はできましたが、サービスから提供に数えたという返事がありません: {0}"
    ),
    "keep the medium {} locked away; `tsuwaroku media` says whether the copy counts, and if it does not, export anew": (
        "媒体 {0} を施錠して保管してください。提供に数えられたかは「tsuwaroku media」で分かります。"
        "数えられていなければ、もう一度「tsuwaroku export」を実行してください"
    ),
    "there is no terminal to show the medium's passphrase on": "媒体のパスフレーズを表示する画面がありません",
    "name a file that has it in its first line with --medium-passphrase-file FILE": (
        "1行目にパスフレーズを書いたファイルを --medium-passphrase-file で指定してください"
    ),
    "this key does not open the request": "この鍵では請求書を開けません",
    "use the manager's key, or the recovery key": "管理責任者の鍵か、復旧キーを使ってください",
    # media
    "this medium is registered to nobody: a copy goes only onto a medium of the manager's (Article 9(2))": (
        "この媒体は登録されていません。複製できるのは、管理責任者が管理する媒体だけです（第9条第2項）"
    ),
    "register a new one with `tsuwaroku media register`, then begin anew": (
        "新しい媒体を「tsuwaroku media register」で登録してから、もう一度実行してください"
    ),
    "this medium has been used, and is never used again: it is wiped and destroyed (Article 9(5))": (
        "この媒体は使用済みで、再び使うことはできません。消去して廃棄します（第9条第5項）"
    ),
    "this was registered before, as {}, and is never registered again: a used medium is wiped and destroyed"
    " (Article 9(5))": (
        "この媒体は {0} として登録されたことがあり、再登録できません。使用済みの媒体は消去して廃棄します（第9条第5項）"
    ),
    "take a new medium": "新しい媒体を使ってください",
    "take a new medium, and register it with `tsuwaroku media register`": (
        "新しい媒体を用意し、「tsuwaroku media register」で登録してください"
    ),
    "a copy for another purpose was begun on this medium ({}), and what was written is on it still": (
        "この媒体には別の複製（{0}）の書きかけが残っています"
    ),
    "take a new medium; wipe and destroy this one (Article 9(5))": (
        "新しい媒体を使い、この媒体は消去して廃棄してください（第9条第5項）"
    ),
    "there is no medium of this name": "この名称の媒体はありません",
    "`tsuwaroku media` lists them": "一覧は「tsuwaroku media」で表示できます",
    "`tsuwaroku media` shows where it stands": "媒体の状況は「tsuwaroku media」で確認できます",
    "`tsuwaroku media` shows where it stands; copies are made by `tsuwaroku export`": (
        "媒体の状況は「tsuwaroku media」で確認できます。複製は「tsuwaroku export」で作成します"
    ),
    "there is no copy on this medium that could be handed over (Article 9(2))": (
        "この媒体には、提供できる複製がありません（第9条第2項）"
    ),
    "this medium is not out, so it cannot come back (Article 9(4))": (
        "この媒体は提供中ではないため、返却を記録できません（第9条第4項）"
    ),
    "this medium has not come back: it is returned first, then wiped (Article 9(4) and (5))": (
        "この媒体はまだ返却されていません。返却を受けてから消去します（第9条第4項・第5項）"
    ),
    "record its return with `tsuwaroku media return`": "返却を「tsuwaroku media return」で記録してください",
    "there is nothing on this medium to wipe": "この媒体に消去するものはありません",
    "a wipe counts only when every octet was read back as zero (Article 9(5))": (
        "全領域を読み戻して確かめた消去だけが、消去として認められます（第9条第5項）"
    ),
    "wipe it with `tsuwaroku media wipe`": "「tsuwaroku media wipe」で消去してください",
    "this medium is destroyed only after it has come back and was wiped (Article 9(5))": (
        "廃棄は、返却を受けて消去した後でなければできません（第9条第5項）"
    ),
    "wipe it with `tsuwaroku media wipe`; one that cannot be wiped any more, with --broken": (
        "「tsuwaroku media wipe」で消去してください。壊れて消去できないときは --broken を付けて記録します"
    ),
    "nobody is the witness of what he does himself": "廃棄した本人は立会人になれません",
    "name somebody else who saw it": "立ち会った別の者の氏名を書いてください",
    "this medium is destroyed already": "この媒体はすでに廃棄されています",
    "`tsuwaroku media` shows when it was": "廃棄した日は `tsuwaroku media` で確かめられます",
    "this medium is lost or destroyed already": "この媒体はすでに亡失または廃棄と記録されています",
    "{} lies ahead": "{0} は未来の日付です",
    "{} lies before the day of what was last done with the medium, {}": (
        "{0} は、この媒体の直前の記録の日（{1}）より前です"
    ),
    "give the day on which it was done": "実際に行った日を指定してください",
    "this field is empty, or longer than {} letters": "空欄か、{0} 文字を超えています",
    "say it in a few words": "簡潔に記入してください",
    "the name of a medium is missing": "媒体の名称がありません",
    "name it with --label, as on its label": "ラベルに書く名称を --label で指定してください",
    "the medium was not marked anew": "媒体に新しい目印が書かれていません",
    "use `tsuwaroku media register`": "「tsuwaroku media register」を使ってください",
    "{} is no number of octets": "{0} は容量として正しくありません",
    "there is no copy on this medium, so there is no sheet of it": "この媒体には複製がないため、管理票は作成できません",
    "export onto it first": "先に「tsuwaroku export」で複製してください",
    "the medium {} is not plugged in": "媒体 {0} が差し込まれていません",
    "plug in the medium that is meant, then begin anew": "その媒体を差し込んで、もう一度実行してください",
    "copies and media are in the service's keeping, and it does not run": (
        "複製と媒体の記録はサービスが管理していますが、サービスが動いていません"
    ),
    "start it with `systemctl start tsuwaroku` (or `tsuwaroku run`), then begin anew": (
        "「systemctl start tsuwaroku」（または「tsuwaroku run」）で起動してから、もう一度実行してください"
    ),
    "needs the device's key": "装置の鍵が必要です",
    "do this on the box itself": "装置本体で実行してください",
    # the configuration
    "virtual media need a folder, and others have none": (
        "media.folder は、仮想の媒体（virtual）のときに必要で、それ以外では指定できません"
    ),
    'set media.folder together with media.kind = "virtual", or leave both out': (
        'media.folder を media.kind = "virtual" と一緒に指定するか、両方を省いてください'
    ),
    "virtual media are for demonstrations alone: a copy would lie on this machine": (
        "仮想の媒体は試用専用です（複製がこの装置の中に残ります）"
    ),
    'set media.kind = "usb"': 'media.kind = "usb" にしてください',
}
