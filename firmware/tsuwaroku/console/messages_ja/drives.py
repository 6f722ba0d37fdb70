"""Media: finding, recognising, preparing and wiping them."""

from __future__ import annotations

from typing import Final

DRIVES: Final[dict[str, str]] = {
    "no medium is plugged in": "媒体が差し込まれていません",
    "plug the USB stick into the box and begin anew": "USBメモリを本体に差し込み、はじめからやり直してください",
    "several media are plugged in: {}": "媒体が複数差し込まれています（{0}）",
    "take out all but the one that is meant, or name its device": (
        "使う媒体だけを残してほかを抜くか、使う媒体のデバイス名を指定してください"
    ),
    "is no USB medium that is plugged in; no other disk is ever written to": (
        "差し込まれているUSB媒体ではありません。USB媒体以外のディスクには書き込みません"
    ),
    "name the device of a USB stick that is plugged in": "差し込まれているUSBメモリのデバイス名を指定してください",
    "this disk belongs to the box itself": "このディスクは本体のものです",
    "this disk is in use by the system ({})": "このディスクはシステムが使用中です（{0}）",
    "this is a fixed disk, as the box's own SSD is, and not a removable medium": (
        "取り外しできる媒体ではなく、本体のSSDと同じ固定ディスクです"
    ),
    "use an ordinary USB stick that holds nothing else": "ほかのものが入っていない、通常のUSBメモリを使ってください",
    "there is a Linux file system on it ({}): it may be a disk of the box": (
        "Linux のファイルシステム（{0}）があります。本体のディスクかもしれません"
    ),
    "if it is meant as a medium for copies, format it on a PC first": (
        "複製用の媒体として使うときは、先にパソコンでフォーマットしてください"
    ),
    "the system is still looking at it": "システムが媒体を確認しているところです",
    "wait some seconds, then begin anew": "数秒待ってから、はじめからやり直してください",
    "this is in a card reader: the serial number is the reader's, and says nothing of the card": (
        "カードリーダーに入っています。シリアル番号はリーダーのもので、カードを区別できません"
    ),
    "use a USB stick": "USBメモリを使ってください",
    "{} is no name for the folder of a copy": "{0} は複製のフォルダー名に使えません",
    "give it another one, without a slash": "スラッシュを含まない別の名前にしてください",
    "the medium cannot be read, and nobody can tell what is on it": (
        "媒体を読み取れず、何が入っているか確かめられません"
    ),
    "use another medium, and destroy this one if a copy was ever on it": (
        "別の媒体を使ってください。この媒体に複製を入れたことがあれば、破壊してください"
    ),
    "the medium was pulled out": "媒体が抜かれました",
    "put it in again and begin anew: nothing of this act counts": (
        "媒体を差し直し、はじめからやり直してください。今回の操作は行われなかったものとして扱います"
    ),
    "the medium is in use by another task": "媒体は別の処理で使用中です",
    "wait until that has ended, then begin anew": "その処理が終わるのを待ってから、はじめからやり直してください",
    "the medium is mounted at {} and may be in use": "媒体が {0} にマウントされていて、使用中の可能性があります",
    "unmount it there (`umount`), then begin anew": "マウントを解除（`umount`）してから、はじめからやり直してください",
    "something else on this machine uses the medium": "この機器の別のプログラムが媒体を使用中です",
    "end what has its files open, then begin anew": (
        "媒体のファイルを開いているものを終了してから、はじめからやり直してください"
    ),
    "the medium has no file system of a medium for copies ({})": "複製用の媒体のファイルシステムがありません（{0}）",
    "register it, or prepare it anew if it is registered": (
        "媒体を登録してください。登録済みであれば、準備をやり直してください"
    ),
    "the medium is write-protected": "媒体が書き込み禁止になっています",
    "release its write protection; if it has none it is worn out: use another medium and destroy this one": (
        "書き込み禁止を解除してください。解除する部分がなければ媒体の寿命です。別の媒体を使い、この媒体は破壊してください"
    ),
    "this process may not use disks": "この処理にはディスクを使う権限がありません",
    "run the service with CAP_SYS_ADMIN and the group `disk`": (
        "サービスに CAP_SYS_ADMIN とグループ `disk` を与えて動かしてください"
    ),
    "the system knows this medium, and this process has no way to it": (
        "システムは媒体を認識していますが、この処理から使えません"
    ),
    "run the service on the machine itself, not in a container": (
        "サービスはコンテナーの中ではなく、本体で直接動かしてください"
    ),
    "this system's kernel cannot mount {}": "このシステムのカーネルでは {0} をマウントできません",
    "use the kernel of Raspberry Pi OS or Debian, or prepare the medium with the other one of exFAT and FAT32": (
        "Raspberry Pi OS か Debian のカーネルを使うか、媒体を exFAT・FAT32 のもう一方で準備し直してください"
    ),
    "the medium could not be formatted ({})": "媒体をフォーマットできませんでした（{0}）",
    "the medium's file system is damaged ({})": "媒体のファイルシステムが壊れています（{0}）",
    "prepare it anew; if that fails too, use another medium": (
        "準備をやり直してください。それでもできないときは、別の媒体を使ってください"
    ),
    "{} is no name for a medium": "{0} は媒体の名称（ボリュームラベル）に使えません",
    "use up to 11 of A to Z, 0 to 9, hyphen and underscore": (
        "半角英大文字・数字・ハイフン・下線を、11文字以内で使ってください"
    ),
    "this program is missing": "このプログラムがありません",
    "install the package {} (`scripts/setup` does)": (
        "パッケージ {0} をインストールしてください（`scripts/setup` で入ります）"
    ),
    "{} was still waiting for the medium after {} s": "{0} が {1} 秒待っても、媒体の応答がありませんでした",
    "pull the medium out and use another one": "媒体を抜き、別の媒体を使ってください",
    "udev's library is missing, so no medium can be found": "udev のライブラリーがないため、媒体を見つけられません",
    "install the package libudev1": "パッケージ libudev1 をインストールしてください",
    "{} is no name for a medium in the ledger": "{0} は媒体管理簿の媒体名に使えません",
    "use up to 64 characters without spaces, such as the number on its label": (
        "ラベルの番号など、空白を含まない64文字以内の名前にしてください"
    ),
    "there has been a medium {} already": "媒体 {0} はすでに登録されたことがあります",
    "give this one a name of its own": "別の名前を付けてください",
    "this was registered before, as {}: a medium that has served is wiped and destroyed (9(5))": (
        "この媒体は以前 {0} として登録されています。使用済みの媒体は消去して廃棄します（第9条第5項）"
    ),
    "use a new medium; enter this one as destroyed": "新しい媒体を使い、この媒体は廃棄して記録してください",
    "this medium has no serial number of its own ({}): it could not be told from others": (
        "この媒体には固有のシリアル番号がなく（{0}）、ほかの媒体と区別できません"
    ),
    "use one of a make that numbers its media": "1本ごとにシリアル番号が付いている製品を使ってください",
    "the medium says that it has {} octets, and keeps {} at the most": (
        "媒体は容量を {0} バイトと示していますが、実際に記録できるのは最大 {1} バイトです"
    ),
    "it is a counterfeit or worn out: never use it for anything": (
        "容量を偽った製品か、寿命の尽きた媒体です。何にも使わないでください"
    ),
    "this is the registered medium {}": "登録済みの媒体 {0} です",
    "the token of the medium {} is on another medium: somebody has copied its files": (
        "媒体 {0} の識別ファイルが別の媒体に入っています。だれかが中身を複写しています"
    ),
    "find out who did, and record it: 9(3) allows no copy without the manager's approval": (
        "だれが複写したかを調べて記録してください。管理責任者の承認のない複製は認められません（第9条第3項）"
    ),
    "this is not the medium {}": "媒体 {0} ではありません",
    "plug in the medium that is meant": "目的の媒体を差し込んでください",
    "this has the serial number of the medium {}, and another size": (
        "シリアル番号は媒体 {0} と同じですが、容量が違います"
    ),
    "do not use it: it fails, or is made to pass for the other; register another medium": (
        "使わないでください。故障しているか、偽装された媒体です。別の媒体を登録してください"
    ),
    "this may be the medium {}: it has no serial number of its own, and not its token": (
        "媒体 {0} かもしれませんが、固有のシリアル番号も識別ファイルもないため、確かめられません"
    ),
    "compare its label with the ledger; it cannot be used for copies any more": (
        "ラベルを媒体管理簿と照合してください。複製にはもう使えません"
    ),
    "this is the medium {}, and its token is gone: it was wiped or formatted": (
        "媒体 {0} ですが、識別ファイルがありません。消去またはフォーマットされています"
    ),
    "if no copy was ever handed over on it, prepare it anew; else destroy it": (
        "一度も複製の提供に使っていなければ準備をやり直し、使ったことがあれば廃棄してください"
    ),
    "this is the medium {}, and its token is not the one that was written on it": (
        "媒体 {0} ですが、識別ファイルが登録したときのものではありません"
    ),
    "find out who changed it; if no copy was ever handed over on it, prepare it anew": (
        "だれが変えたかを調べてください。一度も複製の提供に使っていなければ、準備をやり直してください"
    ),
    "the copy was written, and then this happened: {}; it does not count as handed over": (
        "複製は書き込まれましたが、その後に問題が起きました（{0}）。提供したものとして扱いません"
    ),
    "keep the medium {} locked away, for the copy may be readable; plug it in again and export anew": (
        "複製が読める状態で残っている可能性があるため、媒体 {0} は施錠して保管し、差し直して複製をやり直してください"
    ),
    "the medium was mounted again, and the copy on it is not what was written": (
        "媒体をマウントし直して調べたところ、複製が書き込んだ内容と異なります"
    ),
    "{} octets in {} places of the medium could not be wiped": "媒体の {1} か所、合計 {0} バイトを消去できませんでした",
    "destroy it physically now, and record it as destroyed without having been wiped": (
        "直ちに物理的に破壊し、消去できないまま破壊したことを記録してください"
    ),
}
