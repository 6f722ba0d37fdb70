"""Keys and passphrases, listening, and finding a call."""

from __future__ import annotations

from typing import Final

KEYS: Final[dict[str, str]] = {
    "there is no terminal to show the recovery key on": "復旧キーを表示する端末がありません",
    "name a file for it with --recovery-file FILE, print that, and delete it": (
        "--recovery-file FILE で保存先を指定し、印刷したあと消去してください"
    ),
    "its keys are made once; name another one": "鍵を作るのは1回だけです。別の保存領域を指定してください",
    "the passphrase has fewer than {} characters": "パスフレーズが {0} 文字に足りません",
    "choose a longer one, e.g. four words": "もっと長くしてください（例 4つの単語）",
    "this key is none of those the store's calls are sealed to": "この保存領域の通話を開ける鍵ではありません",
    "`tsuwaroku keys show` lists them; look for the file or sheet of this store": (
        "開ける鍵は `tsuwaroku keys show` で確かめられます。この保存領域の鍵ファイルか用紙を探してください"
    ),
    "the key does not open what was sealed to it": "この鍵あての封印を開けません",
    "use another copy of it": "同じ鍵の別の控えを使ってください",
    "exists already": "すでにあります",
    "keep it, and name another file": "それは残したまま、別のファイル名を指定してください",
    "a private key must not lie in the store it opens": "秘密鍵を、それで開ける保存領域の中には置けません",
    "name a place on another medium, e.g. a USB stick of the manager's": (
        "別の媒体を指定してください（例 管理責任者のUSBメモリー）"
    ),
    "its directory does not exist": "保存先のディレクトリがありません",
    "make it, or name another file": "ディレクトリを作るか、別のファイル名を指定してください",
    "the two passphrases differ": "2回のパスフレーズが一致しません",
    "start again and type the same one twice": "最初からやり直し、同じものを2回入力してください",
    "name another file": "別のファイル名を指定してください",
    "there is no terminal to ask on": "入力を求める端末がありません",
    "name a file with --recovery-file FILE": "--recovery-file FILE でファイルを指定してください",
    "this key does not open the call": "この鍵では、この通話を開けません",
    "use a key the call was sealed to": "録音した当時の鍵を使ってください",
    "this call has no sound": "この通話に音声はありません",
    "`tsuwaroku show` says why": "理由は `tsuwaroku show` で確かめられます",
    "a private key is not used on the box itself": "秘密鍵は、録音装置の上では使えません",
    "use it on your own PC: forward the box's socket there (`ssh -L /tmp/tsuwaroku.sock:SOCKET BOX`) and add"
    " --socket /tmp/tsuwaroku.sock; or set service.local_console = true where one person has the box to herself": (
        "ご自分のPCで使ってください。「ssh -L /tmp/tsuwaroku.sock:装置のソケット 装置名」で転送し、"
        "--socket /tmp/tsuwaroku.sock を付けます。装置を1人で管理する場合だけ、設定の service.local_console を true に"
        "することもできます"
    ),
    "this call was kept until {} (Article 8(1)) and may no longer be read": (
        "この通話の保存期間は {0} まででした（第8条第1項）。再生・閲覧はできません"
    ),
    "nothing can be done; the manager may hold calls only before they expire": (
        "期限を過ぎた通話は戻せません。管理責任者が延長できるのは期限の前だけです"
    ),
    "the purpose is empty": "目的が空です",
    "say in words what the call is heard for (Article 1)": "何のために再生するのかを書いてください（第1条）",
    "a purpose of Article 1 has to be stated before a call is heard": (
        "通話の再生には、第1条に定める目的の指定が必要です"
    ),
    'add --purpose courtesy, --purpose fairness, or the purpose in words: --purpose "…"': (
        "--purpose courtesy（接遇の向上）か --purpose fairness（業務の適正）を指定するか、"
        '--purpose "…" に目的を書いてください'
    ),
    "listening cannot be written into the audit log of this store, so it is refused": (
        "この保存領域の監査記録に書き込めないため、再生できません"
    ),
    "play it on the box, or through its running service": (
        "装置の上で再生するか、動いているサービスを通して再生してください"
    ),
    "the sound device does not open ({})": "音声の出力先を使用できません（{0}）",
    "{} calls begin like this": "これで始まる通話が {0} 件あります",
    "write more of the id": "ID をもう少し長く指定してください",
    "a passphrase is needed and there is no terminal to ask on": (
        "パスフレーズが必要ですが、入力を求める端末がありません"
    ),
    "put it in a file only you can read and name that with --passphrase-file FILE": (
        "自分だけが読めるファイルに書き、--passphrase-file FILE で指定してください"
    ),
    "there is no such key file": "この鍵ファイルはありません",
    "name the key file with --key FILE": "--key FILE で鍵ファイルを指定してください",
    "this needs a private key": "秘密鍵が必要です",
    "add --key FILE (in a demonstration: --key DIR/demo.key)": (
        "--key FILE を付けてください（試用では --key DIR/demo.key）"
    ),
    "no call has this number or id": "この番号またはIDの通話はありません",
    "`tsuwaroku calls` lists the calls": "通話の一覧は `tsuwaroku calls` で表示できます",
    "the ring no longer holds this call": "この通話は録音領域に残っていません",
    "its sound has expired": "音声の保存期間は終わっています",
    "there is no configuration, and no --store names a store": "設定ファイルがなく、--store の指定もありません",
    "add --store DIR, or name a configuration with --config FILE": (
        "--store DIR を付けるか、--config FILE で設定ファイルを指定してください"
    ),
    "check the file's name": "ファイル名を確かめてください",
    "is not a private key file, or is damaged": "秘密鍵のファイルではないか、壊れています",
    "name it with --key FILE": "--key FILE で鍵ファイルを指定してください",
    "an empty passphrase protects nothing": "空のパスフレーズでは鍵を守れません",
    "choose a passphrase": "パスフレーズを決めてください",
    "key file of version {}": "鍵ファイルの版が {0} です",
    "use the program version that made it": "鍵を作ったときの版のプログラムを使ってください",
    "keep it; choose another name for the new key": "それは残したまま、新しい鍵に別の名前を付けてください",
    "device key may be read by others (mode {})": "装置の鍵がほかの人にも読める状態です（モード {0}）",
    "chmod 600 {}": "`chmod 600 {0}` を実行してください",
    "is not a device key": "装置の鍵ではありません",
    "name the right file in store.device_key": "store.device_key に正しいファイルを指定してください",
    "more than {} recipients": "通話を開ける鍵が {0} 本を超えています",
    "withdraw keys nobody uses any more": "使われていない鍵を取り消してください",
    "list of recipients was not signed by this box": "鍵の一覧が、この装置で署名されたものではありません",
    "somebody changed it: restore it from a backup and tell the 管理責任者": (
        "書き換えられています。控えから戻し、管理責任者に報告してください"
    ),
    "the recovery key is not right: a group is missing or mistyped": (
        "復旧キーが正しくありません。組が抜けているか、打ち間違いがあります"
    ),
    "compare all 14 groups of four with the sheet and type them again": (
        "4文字ずつ14組を用紙と見比べて、もう一度入力してください"
    ),
    "wrong passphrase": "パスフレーズが違います",
    "type it again; if it is lost, type the printed recovery key into a file and name that instead": (
        "もう一度入力してください。分からなくなったときは、印刷した復旧キーをファイルに書き写し、"
        "鍵ファイルの代わりに指定してください"
    ),
    "key file cannot be read ({})": "鍵ファイルを読み込めません（{0}）",
    "key file cannot be written ({})": "鍵ファイルを書き込めません（{0}）",
    "choose another place": "別の保存先を指定してください",
    "device key cannot be read ({})": "装置の鍵を読み込めません（{0}）",
    "run as the service's user; if the key is lost, the store stays readable but records no more": (
        "サービスのユーザーで実行してください。鍵を失った場合、これまでの通話は読めますが、新たな録音はできません"
    ),
    "list of recipients cannot be read ({})": "鍵の一覧を読み込めません（{0}）",
    "restore keys/recipients.json": "keys/recipients.json を控えから戻してください",
    "this key does not open it": "この鍵では開けません",
    "what was wrapped for this key does not open with it": "この鍵宛てに送られたものが、この鍵では開けません",
    "have the call wrapped again by whoever can open it (`tsuwaroku keys rewrap --again`)": (
        "通話を開ける人に送り直してもらってください（`tsuwaroku keys rewrap --again`）"
    ),
    "use the key it was sealed for, or run `tsuwaroku verify`": (
        "封印したときの鍵を使うか、`tsuwaroku verify` で確かめてください"
    ),
    "this key opens no call key here: the call was sealed for others": "この通話は別の鍵で封印されています",
    "use the key of the 管理責任者 or 管理取扱者 in office when the call was recorded, or the recovery key": (
        "録音した当時の管理責任者・管理取扱者の鍵か、復旧キーを使ってください"
    ),
    "nothing can be sealed to this public key": "この公開鍵では何も封じることができません",
    "make a new key, and name it in place of this one": "新しい鍵を作成し、この鍵の代わりに指定してください",
    "the call {} can be sealed to nobody": "通話 {0} の鍵を封じる相手がいません",
    "`tsuwaroku keys show` lists whom calls are sealed to; name a new key with `tsuwaroku keys succeed`": (
        "通話の鍵を封じる相手は `tsuwaroku keys show` で表示できます。"
        "`tsuwaroku keys succeed` で新しい鍵を指定してください"
    ),
    "a real store seals nothing to a demonstration key": "実際の保存領域で試用の鍵は使えません",
    "make keys with `tsuwaroku keys init`": "`tsuwaroku keys init` で鍵を作ってください",
    "a demonstration key opens no real store": "試用の鍵で実際の保存領域は開けません",
    "use the key of the 管理責任者 or 管理取扱者": "管理責任者か管理取扱者の鍵を使ってください",
    "the device key is needed": "装置の鍵が必要です",
    "run on the box itself": "装置の上で実行してください",
    "the device key is needed to record": "録音には装置の鍵が必要です",
    "calls would be sealed to nobody": "通話を開ける鍵が1つも登録されていません",
}
