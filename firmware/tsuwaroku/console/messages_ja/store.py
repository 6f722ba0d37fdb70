"""The store: its files, its disk, its versions."""

from __future__ import annotations

from typing import Final

STORE: Final[dict[str, str]] = {
    "no snapshot ({})": "区画表の控えがありません（{0}）",
    "the snapshot is cut short": "区画表の控えが途中で切れています",
    "the snapshot is not of this ring": "区画表の控えは、この録音領域のものではありません",
    "the signature of the snapshot is wrong": "区画表の控えの署名が正しくありません",
    "the snapshot is torn": "区画表の控えが壊れています",
    "the snapshot is out of range": "区画表の控えの値が範囲外です",
    "cannot be read ({})": "読み込めません（{0}）",
    "the time of this call is not over, so it is not erased (Article 8(1))": (
        "この通話の保存期間は終わっていないため、消去しません（第８条第１項）"
    ),
    "this call is on hold until {}, so it is not erased": "この通話は {0} まで保存が延長されているため、消去しません",
    "this call is going on, so it is not erased": "この通話は続いているため、消去しません",
    "this call was erased on {} and is not read, whatever is left of it (Article 8(1))": (
        "この通話は {0} に消去されました。残りがあっても読み出しません（第８条第１項）"
    ),
    "slot {} has other octets than were written": "区画 {0} に、書き込んだものと違うデータがあります",
    "has other octets than were written": "書き込んだものと違うデータがあります",
    "replace the SSD; the erasure is tried again": "SSD を交換してください。消去はもう一度試みられます",
    "check the SSD (`dmesg`, SMART) and its cable; the erasure is tried again": (
        "SSD（`dmesg`、SMART）とケーブルを確かめてください。消去はもう一度試みられます"
    ),
    "is being erased": "消去中です",
    "cannot be opened for erasing ({})": "消去のために開けません（{0}）",
    "cannot be overwritten ({})": "上書きできません（{0}）",
    "cannot be read back ({})": "書き込んだものを読み直せません（{0}）",
    "another store is here now; nothing is written to it": "別の保存領域になっているため、書き込みません",
    "put the right disk back; what waits is kept and tried again": (
        "正しいディスクに戻してください。書き込み待ちのデータは保持され、もう一度試みられます"
    ),
    "no slot is left on {} ({} free, {} on hold)": "{0} に空きがなくなる見込みです（空き {1} 区画、延長中 {2} 区画）",
    "another process has taken the store meanwhile; nothing is written to it": (
        "その間に別のプロセスがこの保存先を使い始めました。ここには書き込みません"
    ),
    "stop the other one; what waits is kept and tried again": (
        "もう一方を停止してください。書き込み待ちのデータは保持され、もう一度試みられます"
    ),
    "the disk was mounted anew": "ディスクがマウントし直されました",
    "nothing to do: the keeper starts again": "操作は不要です。管理プロセスは自動的に起動し直します",
    "its header cannot be read from the disk": "ヘッダーをディスクから読み込めません",
    "cannot be written ({})": "書き込めません（{0}）",
    "cannot be synced ({})": "ディスクに書き込みを確定できません（{0}）",
    "check the disk, and take away what stands there": "ディスクを確認し、そこにあるものを取り除いてください",
    "cannot be repaired ({})": "修復できません（{0}）",
    "cannot be put aside ({})": "退避できません（{0}）",
    "is not UTF-8 text": "文字コードが UTF-8 ではありません",
    "save the file as UTF-8": "UTF-8 で保存してください",
    "is not valid TOML: {}": "TOML の書き方に誤りがあります: {0}",
    "correct the line it names": "示された行を直してください",
    "is a store already": "すでに保存領域です",
    "it is not as it was written, or another store's": "書き込んだときの内容と異なるか、別の保存先のものです",
    "is damaged ({})": "壊れています（{0}）",
    "is cut short": "途中で切れています",
    "check the disk; `tsuwaroku doctor` tells more": (
        "ディスクを確かめてください。詳しくは `tsuwaroku doctor` で調べられます"
    ),
    "is open for reading only": "読み取り専用で開いています",
    "no entry of the audit log can be read, and none is begun beside it": (
        "監査記録を一件も読み取れません。既存の記録とは別に新しい記録を始めることはしません"
    ),
    "check the disk; `tsuwaroku verify` tells what is damaged. "
    "Keep these files, move them elsewhere, and start again": (
        "ディスクを確かめてください。損傷の箇所は `tsuwaroku verify` で分かります。"
        "これらのファイルは捨てずに別の場所へ移して保管し、起動し直してください"
    ),
    "the end of the audit log cannot be found in it": "監査記録の末尾がこのファイルに見つかりません",
    "check the disk; `tsuwaroku verify` tells what is damaged": (
        "ディスクを確かめてください。損傷の箇所は `tsuwaroku verify` で分かります"
    ),
    "this is longer than an entry of the audit log may be, and nothing was done": (
        "監査記録の一件に書ける長さを超えているため、何も行いませんでした"
    ),
    "say it in fewer words, or of fewer calls at once": "文を短くするか、一度に扱う通話を減らしてください",
    "this is a bug": "プログラムの不具合です。システム担当者に知らせてください",
    "start the service: its keeper makes the catalogue again from the ring": (
        "サービスを開始してください。録音領域から一覧が作り直されます"
    ),
    "check the disk and its space": "ディスクと空き容量を確かめてください",
    "check permissions and free space, then start again: what was made is kept": (
        "権限と空き容量を確かめて、もう一度実行してください。作成済みの部分から続けます"
    ),
    "store of version {}; this program knows version {} with slots of {} octets": (
        "保存領域の版が {0} です。このプログラムで扱えるのは、版 {1}、1区画 {2} バイトのものです"
    ),
    "use the program version that made the store": "保存領域を作ったときの版のプログラムを使ってください",
    "use it, or name another directory": "それを使うか、別のディレクトリを指定してください",
    "is not empty ({})": "空ではありません（{0}）",
    "name an empty or a new directory": "空か、新しいディレクトリを指定してください",
    "is left over from making a store of another size": "別の大きさで作りかけた保存領域が残っています",
    "give the size of then, or remove the half-made store": (
        "そのときの大きさを指定するか、作りかけの保存領域を削除してください"
    ),
    "is left over from making a larger store": "より大きな保存領域の作りかけが残っています",
    "a ring needs at least one slot": "録音領域には1区画以上が必要です",
    "give it a size": "大きさを指定してください",
    "the making of this store was cut off": "保存領域の作成が途中で終わっています",
    "is not a store": "保存領域ではありません",
    "start the making again with the same size": "同じ大きさで、もう一度作成してください",
    "name the store's directory, or make one": "保存領域のディレクトリを指定するか、新しく作ってください",
    "check its permissions and the disk": "権限とディスクを確かめてください",
    "restore it from a backup": "控えから戻してください",
    "the store belongs to another box: its device key is not this one's": (
        "別の装置の保存領域です（装置の鍵が一致しません）"
    ),
    "put the right disk in, or make a new store; `verify` reads any store": (
        "正しいディスクをつなぐか、新しい保存領域を作ってください。`verify` はどの装置の保存領域でも使えます"
    ),
    "holds calls of a store that has lost its store.json": "store.json を失った保存領域の通話が残っています",
    "restore store.json, or name another directory": "store.json を控えから戻すか、別のディレクトリを指定してください",
    "is of version {}": "版が {0} です",
    "run recorder and keeper of one version": "録音プロセスと管理プロセスの版を揃えてください",
    "restart the keeper": "管理プロセスを再起動してください",
    "check the disk and its permissions": "ディスクと権限を確かめてください",
    "nothing of it can be read": "読み取れる部分がありません",
    "run `tsuwaroku verify`": "`tsuwaroku verify` で確かめてください",
    "is not in the ring any more": "録音領域に残っていません",
    "check the SSD (`dmesg`, SMART) and its cable; what waits is kept and tried again": (
        "SSD（`dmesg`、SMART）とケーブルを確かめてください。書き込み待ちのデータは保持され、再試行されます"
    ),
    "ring file has {} octets instead of {}": "録音領域のファイルが {0} バイトです（正しくは {1} バイト）",
    "restore the file; ring files never change their size": (
        "ファイルを控えから戻してください。録音領域のファイルの大きさは変わりません"
    ),
    "ring file is missing ({})": "録音領域のファイルがありません（{0}）",
    "mount the right disk, or restore the file": "正しいディスクをつなぐか、ファイルを控えから戻してください",
}
