"""What `--help` says, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

HELPS: Final[dict[str, tuple[str, str]]] = {
    "app": (
        "通話録（つわろく）: 市役所の内線電話の通話を録音・保存・検証します。",
        "tsuwaroku (通話録): records, keeps and verifies the calls of a city hall's extension lines.",
    ),
    "run": (
        "録音を開始します（サービス本体）。\n\nCtrl-C で正常に終了します。",
        "Run the recorder (the service itself).\n\nCtrl-C ends it cleanly.",
    ),
    "simulate": (
        "通話スクリプトを再生し、録音から保存まで実行します。\n\n模擬交換機を使うので機器は不要です。終わると通話の一覧を表示します。",
        "Play a call script through the whole recorder.\n\n"
        "On the simulated exchange, so without hardware; then lists the calls.",
    ),
    "status": (
        "回線・ランプ・警報・録音領域の現在の状態を表示します。",
        "Show the present state: lines, lamps, alarms, ring.",
    ),
    "levels": (
        "各回線の音量と電圧の最小・最大を測ります。\n\n設置と調整のための機能です。測っている間に受話器を上げ下げし、呼出を鳴らしてください。通話の内容は表示しません。",
        "Measure the lowest and highest sound and voltage of each line.\n\n"
        "For installation: lift, hang up and let it ring meanwhile. Nothing of a call is shown.",
    ),
    "opt.seconds": ("測る時間（秒）", "how long to measure"),
    "calls": (
        "通話記録を一覧表示します。\n\n鍵がなければ、公開できる項目だけを表示します。",
        "List the calls.\n\nWithout a key, only what anybody may know.",
    ),
    "show": (
        "通話記録を1件表示します。",
        "Show one call.",
    ),
    "verify": (
        "改ざん・欠落がないかを検証します。\n\n鍵があれば音声も復号して確かめます。問題があれば終了コード10。",
        "Check that nothing was changed or lost.\n\n"
        "With a key, the sound is decoded too. Ends with 10 if it finds damage.",
    ),
    "mark": (
        "通話に不当要求の印を付け、または取り消します。\n\n印も取消しも記録に残ります。印を付けても保存期間は延びません。",
        "Mark a call as an unreasonable demand (不当要求).\n\n"
        "Or withdraw a mark. Both stay in the record; a mark keeps no call longer.",
    ),
    "plan": (
        "30日間の保存に必要な録音領域の大きさを計算します。",
        "Work out how large the ring has to be.",
    ),
    "config": ("設定ファイルの確認と記入例。", "Check a configuration, or print an example."),
    "config.check": (
        "設定ファイルに問題がないかを確かめます。\n\n誤りがあれば終了コード3。",
        "Check a configuration on this machine.\n\nEnds with 3 if anything is wrong.",
    ),
    "config.example": (
        "全項目と既定値を説明付きで出力します。",
        "Print a commented configuration with every key and its default.",
    ),
    "keys": ("鍵の作成・確認・一覧。", "Make, test and list the keys."),
    "keys.init": (
        "最初に一度だけ、鍵と保存領域を作ります。\n\n管理責任者の鍵ファイルと復旧キーを作り、両方で開けることを確かめてから保存領域を用意します。",
        "Make the keys and the store; done once.\n\n"
        "The manager's key file and the recovery key; both are shown to open before the store is made.",
    ),
    "keys.test": (
        "鍵ファイルや復旧キーで開けることを確かめます。",
        "Test that the key file or the recovery key opens calls.",
    ),
    "keys.show": (
        "誰の鍵で封じているかと、装置の公開鍵を表示します。",
        "Show whom calls are sealed to, and the device's public keys.",
    ),
    "opt.socket": (
        "装置のサービスのソケット（SSH で手元に転送したもの。TSUWAROKU_SOCKET でも指定できます）",
        "the socket of a box's service, forwarded here by SSH (or TSUWAROKU_SOCKET)",
    ),
    "opt.config": (
        "設定ファイル（既定: $TSUWAROKU_CONFIG または /etc/tsuwaroku/config.toml）",
        "Configuration file (default: $TSUWAROKU_CONFIG, else /etc/tsuwaroku/config.toml)",
    ),
    "opt.version": ("バージョンを表示して終了します。", "Print the version and exit."),
    "opt.store": (
        "保存領域（既定: store.path の値）",
        "The store's directory (default: store.path of the configuration)",
    ),
    "opt.sim_store": (
        "保存先（新規なら demo.key も作成）",
        "Where to keep the calls; a new directory gets a demonstration key, demo.key.",
    ),
    "opt.key": (
        "秘密鍵のファイル（復旧キーを書いたファイルも可）",
        "Private key file, or a text file with the recovery key",
    ),
    "opt.passphrase_file": (
        "パスフレーズのファイル（1行目）",
        "File whose first line is the passphrase (otherwise it is asked for)",
    ),
    "opt.recovery_file": (
        "復旧キーのファイル",
        "File of the recovery key",
    ),
    "opt.recovery": ("復旧キーを画面で入力します。", "Type the recovery key in."),
    "opt.key_out": (
        "秘密鍵の保存先（装置の外の媒体）",
        "Where to write the manager's private key (a medium that leaves the box)",
    ),
    "opt.name": ("鍵の持ち主の名称", "Whose key it is"),
    "opt.json": ("結果をJSONで出力します。", "Print the result as JSON."),
    "opt.line": ("この回線の通話だけ", "Only calls of this line"),
    "opt.every": ("新しいものだけでなく、すべて表示する", "Show every one, not the newest alone"),
    "opt.date": ("この日の通話だけ", "Only calls of this day"),
    "opt.audit_head": (
        "監査記録の控え（保存と消去の証明書にある64桁）。その項目が今もあることを確かめます。",
        "A head of the audit log noted earlier (the 64 digits on a retention statement): it must be there, still.",
    ),
    "opt.fingerprint": (
        "控えておいた装置の公開鍵",
        "The device's public key as noted from `keys show`; proves that this box made the store.",
    ),
    "opt.withdraw": ("N番の印を取り消します。", "Withdraw mark number N of `show`."),
    "opt.kind": ("印の種類", "Kind of mark"),
    "opt.fast": ("実時間を待たずに実行します。", "As fast as the machine can, instead of in real time."),
    "opt.start": (
        "開始日時（既定: 今日の9時）",
        "When the script begins, e.g. 2026-11-23T09:00 (default: 9:00 today)",
    ),
    "opt.demo": (
        "機器なしで試します（4回線）。",
        "Without hardware: four lines of a simulated exchange, and a live view.",
    ),
    "opt.role": ("動かすプロセス", "Which process to run"),
    "opt.tbw": (
        "SSDの保証総書込量 TBW（例 600TiB）",
        'Writes the SSD is warranted for (TBW), e.g. "600 TiB", to see its wear a year',
    ),
    "opt.ssd": (
        "SSDの容量（例 500GiB）",
        'Size of the SSD, e.g. "500 GiB", to see whether the ring fits',
    ),
    "arg.id": (
        "番号（例 12）またはIDの先頭部分",
        "Number of the call (12 or '#12'), or the beginning of its id",
    ),
    "arg.script": ("通話スクリプト（TOML）", "Call script (TOML)"),
    "arg.config": ("設定ファイル", "Configuration file"),
}
