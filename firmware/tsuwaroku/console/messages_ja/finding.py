"""Japanese of what finding, listening and passphrases refuse."""

from __future__ import annotations

from typing import Final

FINDING: Final[dict[str, str]] = {
    "there is no line {}": "回線 {0} はありません",
    "lines there are: {}": "ある回線: {0}",
    "there is no extension {}": "内線 {0} はありません",
    "extensions there are: {}": "ある内線: {0}",
    "there is no department {}": "部署「{0}」はありません",
    "departments there are: {}": "ある部署: {0}",
    "this needs the files of the store, and a socket is all that is here": (
        "この操作には保存領域のファイルが必要ですが、ここにはソケットしかありません"
    ),
    "do it on the box itself": "装置で直接行ってください",
    "say it in fewer words": "短くまとめてください",
    "more than {} people listen along": "一緒に聞く人が {0} 人を超えています",
    "hear it in smaller groups": "人数を分けて聞いてください",
    "nobody says here which lines are whose": "どの回線がどの部署のものか、ここでは分かりません",
    "name the box's configuration with --config FILE, or ask the service; --line takes a line's id": (
        "--config FILE で装置の設定ファイルを指定するか、サービスに接続してください。回線は --line でも指定できます"
    ),
    "connect a loudspeaker or headphones, name another device of `aplay -L` with --output NAME, or use this terminal's"
    " player with --player auto": (
        "スピーカーかヘッドホンを接続してください。`aplay -L` の別の出力先を --output で指定するか、"
        "--player auto で手元の再生ソフトを使うこともできます"
    ),
    "the sound device failed ({})": "音声の出力先が異常です（{0}）",
    "it takes no sound": "音を受け付けません",
    "connect it again, then play once more": "接続し直してから、もう一度再生してください",
    "the player does not start ({})": "再生ソフトを起動できません（{0}）",
    'install one (aplay, paplay, ffplay), or name another: --player "CMD"': (
        'aplay・paplay・ffplay のどれかをインストールするか、--player "CMD" で別のものを指定してください'
    ),
    "the player ended before the call did ({})": "再生ソフトが通話の途中で終了しました（{0}）",
    'see whether it plays other sounds, or name another: --player "CMD"': (
        'ほかの音を再生できるか確かめるか、--player "CMD" で別のものを指定してください'
    ),
    "none of the players {} is on this machine": "この端末に再生ソフト（{0}）がありません",
    'install one of them (alsa-utils has aplay), or name another: --player "CMD"': (
        'どれかをインストールするか（aplay は alsa-utils にあります）、--player "CMD" で別のものを指定してください'
    ),
    "this names no program": "プログラムの指定ではありません",
    'write it as on the command line: --player "aplay -q -"': (
        'コマンドラインと同じように書いてください（例 --player "aplay -q -"）'
    ),
}
