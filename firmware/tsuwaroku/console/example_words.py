"""What each key of the configuration is for, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

SECTIONS: Final[dict[str, tuple[str, str]]] = {
    "file": (
        "通話録の設定。「#」を外して値を変えます。「tsuwaroku config check」で確かめられます。",
        "Configuration of tsuwaroku. Remove the # of a key to change it; `tsuwaroku config check` checks the file.",
    ),
    "board": ("録音用の基板", "The hardware"),
    "card": (
        "サウンドカードが複数ある場合、2枚目以降を1枚に1つ書きます。回線の card で指定します",
        "More sound cards than the board's own, one table each; a line names its own in `card`",
    ),
    "store": ("保存領域", "Where calls are kept, and how much"),
    "announcement": ("告知の音声（要綱第7条）", "The announcement (Article 7)"),
    "service": ("サービス", "The processes"),
    "ledger_years": (
        "台帳ごとの保存年限（年）。完結した年度の翌年度から数え、経過すると氏名や理由を消去する。既定: 消去しない",
        "years after which the words of people in each ledger are erased, counted from the fiscal year after the one in"
        " which the matter was closed; by default they are kept",
    ),
    "media": ("複製の媒体", "Media for copies"),
    "office": ("書類と公表のページに記載する内容", "What papers and the public notice say"),
    "line": ("回線。1回線に [[line]] を1つ書きます", "One [[line]] for each extension line"),
    "timers": ("時間の判定値（通常は変更不要）", "Timers; their defaults fit Japanese PBXs"),
    "notice": ("告知の方法", "How the other party is told (Article 7)"),
    "timetable": ("曜日・時刻で録音の方式を変える場合", "Another mode at certain times of the week"),
}
COMMENTS: Final[dict[str, tuple[str, str]]] = {
    "station": ("設置場所の名称", "Name of the place, for people"),
    "board.kind": ("基板の種類。virtual は機器なし", 'a module of hal/hats, or "virtual" for none'),
    "board.capture": ("録音側のALSAデバイス名", "ALSA capture device, by name"),
    "board.playback": ("告知再生側のALSAデバイス名", "ALSA playback device of the announcement path"),
    "board.rate": ("標本化周波数（Hz）", "samples a second"),
    "board.card_rate": (
        "カードの標本化周波数（rate の整数倍。省略時は基板の既定）",
        "what the card runs at, a multiple of rate; the board's own unless given",
    ),
    "board.channels": (
        "カードのチャンネル数（省略時は基板の既定）",
        "channels of the card; the board's own unless given",
    ),
    "board.period_ms": ("読み取りの単位（ミリ秒）", "period of the card"),
    "board.buffer_ms": ("カードのバッファ（ミリ秒、period_ms の2倍以上）", "buffer of the card, at least two periods"),
    "board.pin_factory": (
        "GPIOの方式: lgpio または rpigpio（Pi 4 以前）。空欄は基板の既定",
        '"lgpio" (any Pi) or "rpigpio" (Pi 4 and older); empty: as the board says',
    ),
    "board.gpio_chip": ("GPIOチップの名称。空欄は基板の既定", "label of the GPIO chip; empty: as the board says"),
    "board.meter": (
        "回線電圧を測るADCの名称。空欄は基板の既定、none は測定なし",
        'name of the ADC of the line voltages; empty: as the board says, "none": there is none',
    ),
    "board.script": (
        "virtual のときに再生する通話スクリプト。空欄は試用の通話",
        "virtual only: the call script to play; empty: made-up calls",
    ),
    "card.name": ("このカードの名称（回線の card に書くもの）", "its name, as lines give it in card"),
    "card.rate": (
        "カードの標本化周波数（board の rate の整数倍。省略時は同じ）",
        "what the card runs at, a multiple of the board's rate; the same unless given",
    ),
    "card.capture": (
        "録音側のALSAデバイス名。空欄は name と同じ名前のカード",
        "ALSA capture device; empty: the card called as `name` says",
    ),
    "card.playback": (
        "告知再生側のALSAデバイス名。空欄は告知なし",
        "ALSA playback device; empty: no announcement on its lines",
    ),
    "card.channels": ("このカードのチャンネル数", "channels of this card"),
    "store.path": ("保存領域のディレクトリ（SSD上）", "the store's directory, on the SSD"),
    "store.device_key": ("装置の署名鍵。空欄は保存領域の中", "the device's signing key; empty: in the store"),
    "store.ring_size": (
        '録音領域の大きさ（例 "200 GiB"）。空欄は必要量',
        'e.g. "200 GiB"; empty: what the guarantee needs',
    ),
    "store.retention": (
        '保存期間。例: "30日間"、"3か月"、"5年"（空欄: retention_days の日数）',
        'how long calls are kept: "30 days", "3 months", "5 years" (empty: retention_days)',
    ),
    "store.retention_days": ("保存期間（日）。要綱第8条は30日", "days of keeping; Article 8 says 30"),
    "store.off_hook_hours_a_day": (
        "1回線の1日の通話時間（実測値があれば）",
        "hours a line is in use a day, where that was measured",
    ),
    "store.hold_reserve": ("保存延長のための余裕（0.1 = 10 %）", "room for calls on hold; 0.1 is 10 %"),
    "store.hold_years": ("保存延長の最長期間（年）", "the longest hold, in years"),
    "store.accept_shorter": ("保存期間に足りない録音領域でも動かす", "run with a ring smaller than the guarantee"),
    "announcement.file": ("告知の音声ファイル。空欄は標準の音声", "a recording of your own; empty: the one supplied"),
    "announcement.level_dbm0": ("告知の平均レベル（dBm0）", "its mean level"),
    "announcement.emergency_numbers": ("告知を流さない緊急番号", "numbers to which no notice is ever played"),
    "service.socket": (
        "制御用ソケット。空欄は保存領域の run/keeper.sock",
        "control socket; empty: run/keeper.sock in the store",
    ),
    "service.watchdog": (
        "録音が進まないときに装置を再起動するウォッチドッグ（例 /dev/watchdog0）。空欄は使わない",
        'the watchdog that restarts the machine when capture stalls, e.g. "/dev/watchdog0"; empty: none',
    ),
    "service.watchdog_timeout_s": (
        "ウォッチドッグの時限（秒）。Raspberry Pi は15秒まで",
        "its time-out in seconds; a Raspberry Pi counts to 15",
    ),
    "service.group": ("制御用ソケットを使えるグループ", "group that may use the socket"),
    "service.manager_group": ("管理責任者のアカウントのグループ", "group of the records manager's account"),
    "service.handler_group": (
        "管理取扱者・代理者に指名できるアカウントのグループ",
        "group of accounts that may be appointed as handler or deputy",
    ),
    "service.technician_group": ("保守担当者のグループ", "group of technicians"),
    "service.extensions": (
        "アカウントごとの本人の内線（自分の内線の通話だけの請求は、本人が決定できません）",
        "each account's own extensions: nobody decides on a request for nothing but calls of his own",
    ),
    "service.local_console": (
        "この装置を1人で管理する場合にtrue（サービスのアカウントが全ての操作をでき、秘密鍵を装置の上で使える）",
        "true where one person has the box to herself: the service's own account may do everything, and private keys"
        " may be used on it",
    ),
    "media.kind": ("usb、または virtual（機器なしの試用）", '"usb", or "virtual" in a demonstration without hardware'),
    "media.folder": ("virtual の場合、仮想の媒体を置くフォルダー", "virtual: the folder in which the media lie"),
    "media.head_days": (
        "所属長の返却期限（提供の日からの日数。承認に期限があればその日）",
        "days until the department's copy is due back, where the approval names no day",
    ),
    "media.personnel_days": (
        "人事課長の返却期限（提供の日からの日数。市の定めによる）",
        "days until the personnel's copy is due back, by the city's rule",
    ),
    "ledger_years.handlers": ("取扱者指名簿", "appointments: counted from their end"),
    "ledger_years.requests": (
        "提供請求受付簿。複製した媒体がすべて廃棄されるまで数え始めない",
        "requests: not before every medium of theirs is destroyed",
    ),
    "ledger_years.media": ("媒体管理簿。廃棄の日から数える", "media: from their destruction"),
    "ledger_years.disclosures": ("外部提供台帳", "disclosures outside"),
    "ledger_years.audit": (
        "監査記録の理由（再生の目的、保存延長の理由など）",
        "the audit log: why somebody listened, held a call, and the like",
    ),
    "office.city": ("市町村などの名称（例: ○○市）", "name of the city"),
    "office.ordinance": ("要綱の題名", "title of the ordinance"),
    "office.form": ("請求書の様式の名称", "what the form of a request is called"),
    "office.manager": ("管理責任者の職（請求書のあて先）", "the post that is manager; requests are addressed to it"),
    "office.personnel": ("複製をもう1部受け取る職", "the post that gets the second copy"),
    "office.contact": ("問い合わせ先（公表のページ用）", "where the public asks, for the notice"),
    "line.id": ("回線名（英数字）", "name of the line, letters and digits"),
    "line.extension": ("内線番号", "extension number"),
    "line.department": ("部署名", "department"),
    "line.card": (
        "[[board.card]] の name。空欄は基板のカード",
        "name of a [[board.card]]; empty: the board's own card",
    ),
    "line.port": (
        "基板の端子番号。ほかのカードではチャンネル番号（1から）",
        "port of the board; on another card its channel, from 1",
    ),
    "line.mode": (
        "every_call（全通話）、on_button（ボタンを押した通話のみ）、off（録音しない）",
        'when to record: "every_call", "on_button" or "off"',
    ),
    "line.hook": ("フックの接点。空欄は基板の既定", "hook contact; empty: the board's for this port"),
    "line.ring": ("呼出検出の接点", "ring contact"),
    "line.lamp": ("ランプの出力", "lamp output"),
    "line.button": ("不当要求ボタンの接点", "contact of the 不当要求 button"),
    "line.speak": ("告知を回線につなぐ出力", "output that connects the announcement path"),
    "timers.bounce_ms": ("接点のばたつきとみなす時間", "contact bounce"),
    "timers.off_hook_idle_ms": ("待機中に発信とみなす時間", "off-hook this long on an idle line begins a call"),
    "timers.off_hook_ringing_ms": ("呼出中に応答とみなす時間", "off-hook this long while ringing answers"),
    "timers.glitch_ms": ("これより短い切断は無視", "a shorter break is a glitch"),
    "timers.pulse_max_ms": ("ダイヤルパルスの切断の上限", "longest break of a dial pulse"),
    "timers.flash_min_ms": ("フッキングとみなす最短の切断", "shortest break that is a flash"),
    "timers.hang_up_s": ("終話とみなす切断（秒）", "a break this long ends the call"),
    "timers.ring_confirm_ms": (
        "呼出とみなす合計時間（250ミリ秒中）",
        "ringing voltage for this long within 250 ms is a ring",
    ),
    "timers.ring_silence_ms": ("1回の呼出の終わりとみなす無信号", "silence that ends one ring"),
    "timers.ring_timeout_s": ("不在とみなす無呼出（秒）", "no ring for this long: missed"),
    "timers.car_ring_ms": ("情報受信端末起動信号の最長", "a longer ring is no CAR (the signal before a number)"),
    "timers.car_pause_ms": ("情報受信端末起動信号の後の最長の休止", "nor is a ring with a longer pause behind it"),
    "timers.primary_data_s": (
        "一次応答で番号を待つ時間（秒）。過ぎれば応答とみなす",
        "no number within this long: the primary answer was an answer",
    ),
    "timers.ring_pause_s": ("一つの着信の呼出と呼出の間の最長（秒）", "longest pause between two rings of one call"),
    "timers.sound_silence_s": (
        "音声だけで検知した通話は、無音がこれだけ続くと終わり（秒）",
        "no voice for so long ends a call that nothing but voices showed",
    ),
    "timers.primary_s": ("一次応答の最長（秒）", "longest primary answer"),
    "timers.pulse_pause_ms": ("ダイヤルパルスの桁の終わりとみなす休止", "pause that ends a digit of dial pulses"),
    "timers.busy_cycles": ("終話とみなす話中音の回数", "so many busy tones end a call"),
    "timers.dial_tone_end_s": ("終話とみなす発信音（秒）", "a dial tone this long ends a call"),
    "timers.flash_tones_s": (
        "フッキング後、信号音を終話とみなさない時間（秒）",
        "tones so soon after a flash end no call",
    ),
    "timers.answer_inferred_s": ("発信の応答を推定する時間（秒）", "no ring-back for this long: taken as answered"),
    "timers.pre_roll_s": ("受話器を上げる前から録音する秒数", "seconds kept from before off-hook"),
    "timers.mark_window_s": ("終話後に印を付けられる秒数", "seconds after hang-up in which the button still marks"),
    "timers.part_max_s": ("1つの記録の最長（秒）", "longest part of a call"),
    "notice.button_stops": (
        "ボタンで告知を止める（第7条第2項第1号）",
        "the 不当要求 button stops the notice (Article 7(2) item 1)",
    ),
    "notice.repeat_after_flash": ("転送後に再度告知する", "tell the new party after a transfer"),
    "notice.latest_s": ("応答から告知開始までの上限（秒）", "it begins this long after the answer at the latest"),
    "notice.beep_every_s": ("ビープ音の間隔（秒）", "interval of the beeps"),
    "decision.kind": (
        "announcement（音声）、beep（ビープ音）、both（両方）、exempt（告知しない）",
        '"announcement", "beep", "both" or "exempt"',
    ),
    "decision.exempt_item": (
        "exempt の根拠: 第7条第2項の号（1～5）",
        "exempt: the item of Article 7(2) that justifies it, 1 to 5",
    ),
    "decision.decided_by": ("決定者", "who decided"),
    "decision.decided_on": ("決定日", "when"),
    "decision.basis": ("第4号の場合、事前の告知の名称", "item 4: the earlier notice"),
    "timetable.days": ("mon-fri、sat,sun、daily など", '"mon-fri", "sat,sun", "daily"'),
    "timetable.start": ("開始時刻", "from"),
    "timetable.end": ("終了時刻（翌日にまたがってよい）", "to; may lie past midnight"),
    "timetable.mode": ("その間の方式", "the mode meanwhile"),
}
