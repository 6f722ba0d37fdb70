"""Sound cards, contacts, lamps and pins."""

from __future__ import annotations

from typing import Final

BOARD: Final[dict[str, str]] = {
    "the sound card {} cannot be opened ({})": "サウンドカード {0} を使用できません（{1}）",
    'use a converting PCM, e.g. "plughw:CARD={}"': '変換付きのデバイスを指定してください（例 "plughw:CARD={0}"）',
    "set {}.channels = {}": "{0}.channels = {1} としてください",
    "set board.rate = {} or use a converting PCM (plughw)": (
        "board.rate = {0} とするか、変換付きのデバイス（plughw）を指定してください"
    ),
    "another program has it: stop that program, or use a shared (dsnoop) PCM": (
        "別のプログラムが使用中です。そのプログラムを止めるか、共有できるデバイス（dsnoop）を指定してください"
    ),
    "let the service's user into the group audio": "サービスのユーザーを audio グループに加えてください",
    "cards present: {}; PCMs: {}; plug the card in or name another in {}": (
        "接続されているカード: {0}。使えるデバイス: {1}。カードを接続するか、{2} に別のものを指定してください"
    ),
    "the sound card {} gave a period of {} samples, not {}": (
        "サウンドカード {0} の周期が {1} サンプルになりました（設定は {2}）"
    ),
    "set board.period_ms = {}, or use another PCM": "board.period_ms = {0} とするか、別のデバイスを指定してください",
    "the sound card {} gave a buffer of {} samples, not {}": (
        "サウンドカード {0} のバッファーが {1} サンプルになりました（設定は {2}）"
    ),
    "set board.buffer_ms = {}, or use another PCM": "board.buffer_ms = {0} とするか、別のデバイスを指定してください",
    "ALSA cannot be used ({})": "ALSA を使用できません（{0}）",
    "run scripts/setup: it installs pyalsaaudio": "scripts/setup を実行して pyalsaaudio を入れてください",
    "the sound card {} gave {} {}, not {}": "サウンドカード {0} の{1}が {2} になりました（設定は {3}）",
    "gives no samples": "音声が届いていません",
    "is gone": "取り外されています",
    "is not open": "開始されていません",
    "open it before reading": "読み取る前に開始してください",
    "no announcement card is configured ({}.playback)": ("告知用のサウンドカードが設定されていません（{0}.playback）"),
    "has no line {}": "回線 {0} がありません",
    "name a line of the configuration": "設定ファイルにある回線を指定してください",
    "the announcement path cannot be switched ({})": "告知の出力を切り替えられません（{0}）",
    "no GPIO chip is labelled {}": "GPIO チップ {0} が見つかりません",
    "chips present: {}; set gpio_chip to the label of the header's chip{}": (
        "見つかったチップ: {0}。gpio_chip にピンヘッダーのチップの名称を指定してください{1}"
    ),
    "a pin of the board {} cannot be claimed ({})": "基板 {0} のピンを使用できません（{1}）",
    "see that nothing else uses it (gpioinfo lists users), and that the pins fit this Pi": (
        "ほかで使われていないか（`gpioinfo` で確認できます）、この Pi に合うピンかを確かめてください"
    ),
    "RPi.GPIO cannot drive a Raspberry Pi 5": "RPi.GPIO は Raspberry Pi 5 では使えません",
    'use pin_factory = "lgpio"': 'pin_factory = "lgpio" としてください',
    "RPi.GPIO cannot be used ({})": "RPi.GPIO を使用できません（{0}）",
    'use pin_factory = "lgpio", or install RPi.GPIO on a Pi 4 or older under Raspberry Pi OS': (
        'pin_factory = "lgpio" としてください。Pi 4 以前の Raspberry Pi OS では、RPi.GPIO を入れる方法もあります'
    ),
    "lgpio cannot be used ({})": "lgpio を使用できません（{0}）",
    "run scripts/setup: it installs lgpio": "scripts/setup を実行して lgpio を入れてください",
    "the library for dialled digits ({}) cannot be used: {}": (
        "ダイヤル番号を読み取るライブラリ（{0}）を使用できません: {1}"
    ),
    "run scripts/setup: it installs libspandsp2": "scripts/setup を実行して libspandsp2 を入れてください",
    "gpiochip{} cannot be opened ({})": "gpiochip{0} を使用できません（{1}）",
    "let the service's user into the group gpio": "サービスのユーザーを gpio グループに加えてください",
    "kind = {} is no board known here": "kind = {0} という基板はありません",
    "use one of: virtual, {}": "次のいずれかを指定してください: virtual, {0}",
    "names no sound card": "サウンドカードが指定されていません",
    "set capture to a card's name or a PCM": "capture にカードかデバイスの名称を指定してください",
    "has no port": "port が指定されていません",
    "set port to the number of its connector; it is also its audio channel": (
        "port に接続端子の番号を指定してください。音声チャンネルの番号も兼ねています"
    ),
    "port = {}, but the board {} has {}": "port = {0} はありません。基板 {1} の端子は {2} 個です",
    "use a port from 1 to {}, or another board": "port を 1～{0} にするか、別の基板を指定してください",
    "port = {}, but the sound card has {} channels": ("port = {0} はありません。サウンドカードは {1} チャンネルです"),
    "set {}.channels to what the card has, or use a lower port": (
        "{0}.channels をカードのチャンネル数に合わせるか、port を小さくしてください"
    ),
    "no line is on the board's own card": "基板のサウンドカードを使う回線がありません",
    "leave card out in the lines that are on it, or remove capture, playback and channels": (
        "つないだ回線の設定では card を省いてください。使わない場合は capture・playback・channels を削除してください"
    ),
    "{} and {} both capture from {}": "{0} と {1} が同じデバイス {2} から録音する設定になっています",
    "give each card its own capture, or put all its lines on one of them": (
        "カードごとに別の capture を指定するか、回線を1つのカードにまとめてください"
    ),
    "{} is no pin": "{0} はピンの指定として読み取れません",
    'write it like "GPIO17", or "!GPIO17" where low means active, and an expander\'s like "HOOK3"': (
        '"GPIO17" のように書いてください。Low で動作する場合は "!GPIO17"、拡張ICのピンは "HOOK3" のような名称とします'
    ),
    "no GPIO line is named {}": "GPIO {0} が見つかりません",
    "load the board's overlay (dtoverlay= in config.txt) and see that its expanders answer (i2cdetect){}": (
        "config.txt の dtoverlay= に基板のオーバーレイがあるか、拡張ICが応答するか（`i2cdetect`）を確かめてください{0}"
    ),
    "two GPIO lines are named {} (gpiochip{}, gpiochip{})": (
        "{0} という名称の GPIO が2つあります（gpiochip{1}、gpiochip{2}）"
    ),
    "the voltage ADC {} cannot be read ({})": "電圧測定用のADC {0} を読み取れません（{1}）",
    "check its wiring, and the board's overlay": "配線と、基板のオーバーレイを確かめてください",
    "{} of the voltage ADCs are named {}": "電圧測定用のADC {1} が {0} 個見つかりました（1個必要です）",
    "ADCs present: {}; load the board's overlay or name another in board.meter": (
        "見つかったADC: {0}。基板のオーバーレイを指定するか、board.meter に別の名称を指定してください"
    ),
    "load the overlay of one board only": "オーバーレイは基板1枚分だけを指定してください",
    "{} is on {}, and pin_factory = {} knows the header's pins alone": (
        "{0} は {1} につながっていますが、pin_factory = {2} で使えるのはピンヘッダーのピンだけです"
    ),
    "a card at {} Hz cannot be recorded at {} Hz: that is no multiple": (
        "{0} Hz のカードを {1} Hz で記録することはできません（整数倍ではありません）"
    ),
    "the board {} does not measure voltages": "基板 {0} には電圧を測る機能がありません",
    "remove meter": "meter を削除してください",
    "record at 8000 Hz, and let the card run at 8000, 16000 or 48000 Hz": (
        "board の rate を 8000、カードの標本化周波数（card_rate、rate）を 8000・16000・48000 のいずれかにしてください"
    ),
    "has no {} contact": "{0} の接点が指定されていません",
    'set {} to its pin, e.g. {} = "GPIO17" ("!GPIO17" where low means active)': (
        '{0} にピンを指定してください（例 {1} = "GPIO17"、Low で動作する場合は "!GPIO17"）'
    ),
    "{} is used by {} and by {}": "{0} を {1} と {2} の両方が使っています",
    "give each its own pin": "それぞれ別のピンを指定してください",
    "{} is on {}, which is high from power-on until the service runs": (
        "{0} につないだ {1} は、電源を入れてからサービスが始まるまで High になります"
    ),
    'use GPIO9 or higher, or wire it active low ("!GPIO5")': (
        'GPIO9 以降を使うか、Low で動作するように配線してください（"!GPIO5"）'
    ),
    "announcement card {}: {}": "告知用カード {0}: {1}",
    "announcement card {} is back": "告知用カード {0} が復帰しました",
    "{} Hz gives no whole frame": "{0} Hz では1フレームが整数になりません",
    "use a multiple of 50 Hz": "50 Hz の倍数にしてください",
    "two sources have one line": "1つの回線に音源が2つあります",
    "give each line one source": "回線ごとに音源を1つにしてください",
    "has no lamp {}": "ランプ {0} がありません",
    "name a line of it, or 'system'": "設定ファイルにある回線か、'system' を指定してください",
    "name a line of the call script": "通話スクリプトにある回線を指定してください",
    "the simulated card is unplugged": "模擬のカードが抜かれました",
    "the simulated card is back": "模擬のカードが復帰しました",
    # what the hook sensor does
    "hook_chatter": "接点が細かく断続しています",
    "time_reversed": "接点の時刻が前後しています",
    "speech_on_hook": "受話器が置かれた状態を示しているのに、話し声が聞こえます",
    "short_off_hook": "受話器がごく短く上がりました",
    "ring_in_call": "受話器が上がっている間に呼出信号がありました",
    "ambiguous_break": "切断ともフッキングとも判別できません",
}
