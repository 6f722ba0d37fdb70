"""The configuration, the announcement, and what `config check` finds."""

from __future__ import annotations

from typing import Final

CONFIG: Final[dict[str, str]] = {
    "a virtual board is no reason to restart the machine": "virtual の基板のために装置を再起動することはありません",
    "remove service.watchdog, or name a real board": "service.watchdog を消すか、実際の基板を指定してください",
    "{} is not a size": "{0} は容量として読み取れません",
    "{} is not a retention": "{0} は保存期間として読み取れません",
    'write it like "30 days", "3 months" or "5年"': "「30日」「3か月」「5年」のように指定してください",
    "a retention of {} is out of range": "保存期間 {0} は指定できる範囲を超えています",
    "use 1 to {} days, {} months or {} years": "1～{0} 日、1～{1} か月、1～{2} 年の範囲で指定してください",
    'write it like "200 GiB" or "512 MiB"': '"200 GiB" や "512 MiB" のように書いてください',
    "names no line": "回線が1つも設定されていません",
    "add a [[line]] with an id for each extension": "内線ごとに、id を付けた [[line]] を追加してください",
    "two lines have the id {}": "id が {0} の回線が2つあります",
    "give each line its own": "回線ごとに異なるものを指定してください",
    "two cards are named {}": "name が {0} のカードが2つあります",
    "give each card a name of its own": "カードごとに異なる name を指定してください",
    "card = {} is no card of the board": "card = {0} というカードは設定されていません",
    "add a [[board.card]] with that name, or leave card out for the board's own": (
        "その name の [[board.card]] を追加するか、基板のカードを使う場合は card を省いてください"
    ),
    "no line is on the card {}": "カード {0} を使う回線がありません",
    'set card = "{}" in the lines that are on it, or remove the card': (
        'つないだ回線に card = "{0}" を指定するか、カードの設定を削除してください'
    ),
    "buffer_ms = {} is less than two periods": "buffer_ms = {0} は period_ms の2倍に足りません",
    "make buffer_ms at least twice period_ms": "buffer_ms を period_ms の2倍以上にしてください",
    "rate = {}: the simulated exchange speaks 8000 Hz": "rate = {0}: 模擬交換機で使えるのは 8000 Hz だけです",
    "leave rate out, or name the HAT in board.kind": "rate を省くか、board.kind に実際の基板を指定してください",
    "pin_factory = {} is unknown": "pin_factory = {0} は使えません",
    'use "lgpio" (any Pi) or "rpigpio" (Pi 4 and older)': (
        '"lgpio"（全機種）か "rpigpio"（Pi 4 以前）を指定してください'
    ),
    "timers must grow: bounce_ms < glitch_ms <= pulse_max_ms <= flash_min_ms < hang_up_s": (
        "時間の設定は bounce_ms < glitch_ms <= pulse_max_ms <= flash_min_ms < hang_up_s の順に大きくなければなりません"
    ),
    "correct the timers of this line or leave them out": "この回線の timers を直すか、省いてください",
    "name the file with --config FILE": "--config FILE で設定ファイルを指定してください",
    "`tsuwaroku config example` prints every key with its default": (
        "設定項目と既定値の一覧は `tsuwaroku config example` で表示できます"
    ),
    "remove the key or correct its spelling; `tsuwaroku config example` prints every key": (
        "その項目を削除するか、つづりを直してください。項目の一覧は `tsuwaroku config example` で表示できます"
    ),
    "lines {} and {} both use {} {}": "回線 {0} と {1} が同じ{2} {3} を使っています",
    "the port": "ポート",
    "the contact": "接点",
    "notice.{} is exempt without an item": "notice.{0} で告知を省略していますが、該当する号の指定がありません",
    "set exempt_item to the item of Article 7(2) that justifies it (1 to 5)": (
        "exempt_item に、省略の根拠となる第7条第2項の号（1～5）を指定してください"
    ),
    "notice.{} claims item 4 (told beforehand) without naming that notice": (
        "notice.{0} は第4号（事前の告知）を根拠としていますが、その告知の内容が書かれていません"
    ),
    'set basis, e.g. basis = "代表番号の自動音声ガイダンス"': (
        'basis に告知の方法を書いてください（例 basis = "代表番号の自動音声ガイダンス"）'
    ),
    "notice.{} gives an exempt_item but is not exempt": (
        "notice.{0} に exempt_item がありますが、告知を省略する設定になっていません"
    ),
    'remove exempt_item or set kind = "exempt"': 'exempt_item を削除するか、kind = "exempt" としてください',
    "days = {} is not understood": "days = {0} は曜日として読み取れません",
    'write "mon-fri", "sat,sun" or "daily"': '"mon-fri"、"sat,sun"、"daily" のように書いてください',
    "timetable {} = {} is not a time": "timetable の {0} = {1} は時刻ではありません",
    'write it like "17:15"': '"17:15" のように書いてください',
    "rate = {} cannot be searched for voices": "rate = {0} では音声の有無を判定できません",
    "rate = {} cannot be searched for caller ID": "rate = {0} では発信者番号を読み取れません",
    "set rate to 8000, 16000 or another multiple of 8000": "rate を 8000、16000 など 8000 の倍数にしてください",
    "set rate to one of {}": "rate を {0} のいずれかにしてください",
    # the announcement
    "its rate is {} Hz, the line's is {} Hz": "標本化周波数が {0} Hz です（回線は {1} Hz）",
    "it lasts {} s, less than {} s": "長さが {0} 秒で、{1} 秒に足りません",
    "it lasts {} s, more than {} s": "長さが {0} 秒で、{1} 秒を超えています",
    "too loud: mean {} dBm0, at most {} is allowed": "音量が大きすぎます（平均 {0} dBm0、上限 {1}）",
    "too quiet: mean {} dBm0, at least {} is needed": "音量が小さすぎます（平均 {0} dBm0、下限 {1}）",
    "peaks reach {} dBm0, at most {} is allowed": "最大音量が {0} dBm0 に達しています（上限 {1}）",
    "it is clipped": "音が割れています",
    "the announcement cannot be used: {}": "この告知音声は使えません: {0}",
    "make it mono, 16 bits, {} Hz, mean about {} dBm0, e.g. `sox IN -r {} -c 1 -b 16 OUT.wav sinc 300-3400 gain -n -9`,"
    ' or set file = "" for the one that ships': (
        "モノラル・16ビット・{0} Hz・平均 {1} dBm0 程度で作り直してください"
        "（例 `sox IN -r {2} -c 1 -b 16 OUT.wav sinc 300-3400 gain -n -9`）。"
        'file = "" とすると、付属の告知音声を使います'
    ),
    "leave level_dbm0 out, or set it to -15": "level_dbm0 を省くか、-15 にしてください",
    "there is no such recording": "この音声ファイルはありません",
    'name a WAV or FLAC file, or set file = "" for the one that ships': (
        'WAV か FLAC のファイルを指定してください。file = "" とすると、付属の告知音声を使います'
    ),
    "is {} with {} channel(s) at {} Hz; the line takes PCM_16, mono, {} Hz": (
        "形式が {0}・{1} チャンネル・{2} Hz です。回線で使えるのは PCM_16・モノラル・{3} Hz です"
    ),
    "convert it: `sox IN -r {} -c 1 -b 16 OUT.wav`": "変換してください: `sox IN -r {0} -c 1 -b 16 OUT.wav`",
    "the announcement that ships is damaged": "付属の告知音声が壊れています",
    "reinstall tsuwaroku": "tsuwaroku を入れ直してください",
    "cannot be read as sound ({})": "音声として読み込めません（{0}）",
    "the announcement that ships is missing or unreadable ({})": "付属の告知音声がないか、読み込めません（{0}）",
    # what `config check` finds
    "the sound card {} is not there; cards present: {}": (
        "サウンドカード {0} が見つかりません。接続されているカード: {1}"
    ),
    "plug the card in, or name another in {}": "カードを接続するか、{0} に別のカードを指定してください",
    "{}: {} lines, {}": "{0}: {1} 回線、{2}",
    "make the recording anew at this level": "この音量に合わせて録音し直してください",
    "{} slots, {} recipients": "{0} 区画、鍵 {1} 本",
    "{} GiB for {} days": "{0} GiB（{1} 日分）",
    "the board is simulated": "模擬の基板が設定されています",
    "name the HAT in board.kind on a real box": "実際の装置では、board.kind に基板の種類を指定してください",
    "{} s": "{0} 秒",
    "there is no store yet": "保存領域がまだありません",
    "make keys and store with `tsuwaroku keys init`": "`tsuwaroku keys init` で鍵と保存領域を作ってください",
    "accept_shorter: keeps {} of {} days at the worst rate": (
        "accept_shorter が設定されています。通話量が最大のとき、{1} 日のうち {0} 日分しか保存できません"
    ),
    "make the ring larger": "録音領域を大きくしてください",
    "{} of the findings keep the service from starting": "上のうち {0} 件が、サービスを開始できない原因です",
}
