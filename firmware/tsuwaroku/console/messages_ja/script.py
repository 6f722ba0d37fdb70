"""Call scripts and their sound files."""

from __future__ import annotations

from typing import Final

SCRIPT: Final[dict[str, str]] = {
    "{}: its sound ends at {} s, its contacts go on to {} s": (
        "{0}: 音声は {1} 秒で終わりますが、接点の動きは {2} 秒まで続きます"
    ),
    "is empty": "中身がありません",
    "write at least one [[call]] or [[raw]]": "[[call]] か [[raw]] を1つ以上書いてください",
    "line: {} is already taken by {}": "line: 回線 {0} は {1} で使われています",
    "give a line either [[call]]s or one [[raw]]": "1つの回線には [[call]] か、1つの [[raw]] だけを書いてください",
    "{}: {} is not a time": "{0}: {1} は時間として使えません",
    "write seconds from 0 up, e.g. 12.5": "0以上の秒数で書いてください（例 12.5）",
    "{}: {} is not in the script's folder": "{0}: {1} が通話スクリプトと同じフォルダーにありません",
    "put the sound file beside the script": "音声ファイルを通話スクリプトと同じフォルダーに置いてください",
    "press, flash, breaks, keys, far_dtmf and waiting count from the answer, and nobody answers": (
        "press・flash・breaks・keys・far_dtmf・waiting は応答からの秒数ですが、この通話は応答されません"
    ),
    "what happens in the talk at {} s lasts until {} s, too long": (
        "通話の {0} 秒に始まる動作が {1} 秒まで続き、次の動作または通話の終わりと重なります"
    ),
    "leave more time after it": "その後の間隔を空けてください",
    "remove them, or answer = false": "それらを削除するか、answer = false を削除してください",
    "flash: a flash of {} s does not fit into the talk of {} s": (
        "flash: {0} 秒のフッキングが {1} 秒の通話に収まりません"
    ),
    "leave {} s before and after it": "前後を {0} 秒以上空けてください",
    "talk: {} s is no answer": "talk: {0} 秒では応答になりません",
    "talk for {} s or more, or write answer = false": ("通話を {0} 秒以上にするか、answer = false と書いてください"),
    "dial: an outbound call needs a number": "dial: 発信には番号が必要です",
    "dial: an inbound call dials nothing": "dial: 着信ではダイヤルしません",
    "dialling: nothing is dialled": "dialling: ダイヤルする番号がありません",
    "dial: {} cannot be dialled": "dial: {0} はダイヤルできません",
    "dial: {} cannot be pulsed": "dial: {0} はダイヤルパルスで送れません",
    "rings: a line that does not ring has no call": "rings: 呼び出さない回線に着信はありません",
    "caller_id: only a call that comes in has a caller's number": "caller_id: 発信者番号があるのは着信だけです",
    "caller_id: give a number, or the reason of its absence": ("caller_id: 番号か、番号がない理由のどちらかが必要です"),
    'add e.g. dial = "0123456"': '番号を書いてください（例 dial = "0123456"）',
    'remove it, or set direction = "outbound"': '削除するか、direction = "outbound" としてください',
    "add dial, or remove dialling": "dial を書くか、dialling を削除してください",
    "use up to 64 of 0-9, * and #": "0～9、*、# を64文字までで書いてください",
    'use the digits 0-9, or dialling = "dtmf"': '0～9 の数字だけにするか、dialling = "dtmf" としてください',
    "ring at least once": "1回以上呼び出してください",
    "remove it": "削除してください",
    "keep one of number, absence and octets": "number・absence・octets のどれか1つだけを書いてください",
    "caller_id: octets are up to 200, in hex, and for a standard that sends octets": (
        "caller_id: octets は16進で200オクテットまでです。オクテットを送る方式にだけ書けます"
    ),
    'write e.g. octets = "90 81 87"': '16進で書いてください（例 octets = "90 81 87"）',
    "caller_id: octets say all there is": "caller_id: octets を書いたときは、ほかの内容は書けません",
    "remove called, name and corrupt": "called・name・corrupt を削除してください",
    "caller_id: {} has no word for {}": "caller_id: {0} では {1} を表せません",
    'use withheld or unavailable, or standard = "jclip"': (
        'withheld か unavailable とするか、standard = "jclip" としてください'
    ),
    "caller_id: {} sends neither called number nor name": "caller_id: {0} では着信先番号も名前も送られません",
    "remove them, or use jclip, bellcore_mdmf or etsi": (
        "削除するか、jclip・bellcore_mdmf・etsi のどれかにしてください"
    ),
    "caller_id: jclip is sent at the primary answer": "caller_id: jclip は一次応答のときに送られます",
    "remove when": "when を削除してください",
    "caller_id: only jclip has a primary answer": "caller_id: 一次応答があるのは jclip だけです",
    "remove cars, primary and fsk": "cars・primary・fsk を削除してください",
    "caller_id: without a primary answer nothing is sent anyhow": (
        "caller_id: 一次応答がなければ、もともと何も送られません"
    ),
    "remove fsk": "fsk を削除してください",
    "caller_id: a primary answer without data is the answer": (
        "caller_id: 番号が送られない一次応答は、そのまま応答になります"
    ),
    "remove answer = false, or fsk": "answer = false か fsk のどちらかを削除してください",
    "waiting_id: no call is waiting": "waiting_id: 割込みの着信がありません",
    "add e.g. waiting = [5.0], or remove it": "waiting を書くか（例 waiting = [5.0]）、削除してください",
    "waiting_id: in a call there is no primary answer": "waiting_id: 通話中の着信に一次応答はありません",
    "remove primary and fsk": "primary と fsk を削除してください",
    "end_tones: a line that is not off-hook hears none": "end_tones: 受話器が上がっていない回線に音は流れません",
    "remove them": "それらを削除してください",
    "rings: nobody answers what does not ring": "rings: 呼び出さない着信には応答できません",
    "ring at least once, or answer = false": "1回以上呼び出すか、answer = false としてください",
    "redial: nothing was dialled before": "redial: その前にダイヤルした番号がありません",
    "add dial, or remove redial": "dial を書くか、redial を削除してください",
    "flash_dial: more to dial than flashes": "flash_dial: フッキングの回数より多く書かれています",
    "add a flash for each": "1つごとに flash を書いてください",
    "line: {} has two": "line: 回線 {0} の [[line]] が2つあります",
    "keep one [[line]] for each line": "[[line]] は回線ごとに1つだけにしてください",
    "line: {} has no [[call]]": "line: 回線 {0} の [[call]] がありません",
    "add one, or remove it": "[[call]] を書くか、[[line]] を削除してください",
    "feed: the line's voltage is not given": "feed: 回線の電圧が書かれていません",
    "add e.g. feed = 48": "書いてください（例 feed = 48）",
    "unknown key {}": "{0} という項目はありません",
    "a script holds [[call]], [[line]] and [[raw]] tables only": (
        "通話スクリプトに書けるのは [[call]]・[[line]]・[[raw]] だけです"
    ),
    "{}[{}]: {} is not after {} by more than {} s": "{0}[{1}]: {2} は {3} から {4} 秒を超えて離れていません",
    "{}[{}]: {} is not after {}": "{0}[{1}]: {2} は {3} より後ではありません",
    "put the times in order": "時刻の早い順に並べてください",
    "talk: nobody answers": "talk: この通話は応答されません",
    "remove talk, or answer = false": "talk か answer = false のどちらかを削除してください",
    "contacts[{}]: {} is earlier than the edge before it": "contacts[{0}]: {1} 秒は、前の変化より早い時刻です",
    "contacts[{}]: {} has two edges of {}": "contacts[{0}]: {1} 秒に、{2} の変化が2つあります",
    "put the edges in order of time": "変化を時刻の早い順に並べてください",
    "at: line {} is still busy with [[call]] {} until {} s": ("at: 回線 {0} は {2} 秒まで [[call]] {1} で使用中です"),
    "begin it later, or on another line": "開始を遅らせるか、別の回線にしてください",
    "[[call]] {}: so soon after [[call]] {} that both may look like one call": (
        "[[call]] {0}: [[call]] {1} との間隔が短いため、1つの通話と見なされることがあります"
    ),
    "{} is not a list of tables": "{0} の書き方が違います",
    "write [[{}]], in two brackets": "[[{0}]] のように二重の角括弧で書いてください",
    "name an existing call script": "通話スクリプトのファイルを指定してください",
    "correct the value": "値を直してください",
    "the keys are {}": "使える項目は {0} です",
    "{} is {}: 8000 Hz, 16 bits, 1 channel needed": (
        "{0} の形式が {1} です。8000 Hz・16ビット・1チャンネルでなければなりません"
    ),
    "convert it, e.g. `sox in.wav -r 8000 -b 16 -c 1 out.wav`": (
        "変換してください（例 `sox in.wav -r 8000 -b 16 -c 1 out.wav`）"
    ),
    "{} is cut short: {} samples of the {} its header promises": (
        "{0} が途中で切れています（ヘッダーでは {2} サンプル、実際は {1} サンプル）"
    ),
    "copy or convert the file again": "ファイルをコピーまたは変換し直してください",
    "{} has no samples": "{0} に音声がありません",
    "name a recording that is not empty": "音声の入ったファイルを指定してください",
    "{} cannot be read ({})": "{0} を読み込めません（{1}）",
    "paths count from the script's folder": "パスは通話スクリプトのフォルダーを基準に書いてください",
    "{} is not a PCM WAV file: {}": "{0} は PCM の WAV ファイルではありません: {1}",
    "cannot be read any more ({})": "読み込めなくなりました（{0}）",
    "leave the sound files in place while the script plays": "再生中は音声ファイルを動かさないでください",
}
