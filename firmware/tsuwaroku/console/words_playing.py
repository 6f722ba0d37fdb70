"""What hearing a call says, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

PLAYING_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "play.ask": (
        "再生の目的を選んでください（要綱第1条）。監査記録に残ります。",
        "What is the call heard for (Article 1)? The answer goes into the audit log.",
    ),
    "play.choice": ("番号", "Number"),
    "play.other": ("目的", "Purpose"),
    "play.through": ("再生ソフト: {player}", "player: {player}"),
    "play.note": ("備考（なければそのまま Enter）", "Note (Enter for none)"),
    "purpose.courtesy": ("職員の接遇意識の向上に必要なため", "to improve how staff treat callers"),
    "purpose.fairness": ("業務の公正かつ適正な執行に必要なため", "for the fair and proper conduct of business"),
    "purpose.other": ("その他", "another purpose"),
    "play.one_output": (
        "--output と --player は同時に指定できません",
        "the sound goes to one of them: name --output or --player",
    ),
    "play.too_far": ("この通話は {total} までです", "this call is {total} long"),
    "play.order": (
        "始め（{begin}）は終わり（{end}）より前にしてください",
        "it would begin ({begin}) no earlier than it ends ({end})",
    ),
    "play.now": ("通話 #{n}（回線 {line}、{total}）を再生します。", "Playing call #{n} (line {line}, {total})."),
    "play.keys": (
        "スペース: 一時停止・再開　← →: 10秒戻る・進む　q: 終了",
        "space: pause, go on   ← →: 10 s back, ahead   q: leave",
    ),
    "play.mark": ("{at}  ★ {kind}", "{at}  ★ {kind}"),
    "play.done": ("再生を終わりました。", "End of the call."),
    "play.heard": (
        "再生を終わりました。聞いた部分 {stretches} を監査記録に残しました。",
        "Heard: {stretches}. That is in the audit log.",
    ),
    "play.heard_nothing": (
        "音は再生されませんでした。そのことを監査記録に残しました。",
        "Nothing of it was heard. That is in the audit log.",
    ),
    "play.damaged": (
        "注意: この通話記録は損傷しています。聞こえない部分がありますが、無音とは限りません（{why}）",
        "This record is damaged: what is not heard need not be silence ({why})",
    ),
    "play.not_whole": (
        "再生したのは損傷した通話記録で、通話の全部ではありません（{why}）",
        "what was played is damaged, and not the whole call ({why})",
    ),
    "play.not_whole_remedy": (
        "`tsuwaroku verify` で損傷の箇所を確かめ、SSD の状態を保守担当者に点検させてください",
        "see with `tsuwaroku verify` what is damaged, and have the SSD looked at",
    ),
}

PLAYING_HELPS: Final[dict[str, tuple[str, str]]] = {
    "play": (
        "通話を再生します（目的を監査記録に残します）。\n\n"
        "要綱第1条の目的を確認し、監査記録に書き込んでから音を出します。どこからどこまで聞いたかも残ります。"
        "複製はできません（第8条第3項）。\n\n"
        "例: 手元のパソコンのスピーカーで 1分30秒から聞く\n\n"
        "  tsuwaroku play 12 --player auto --from 1:30 --key FILE",
        "Play a call.\n\n"
        "Its purpose (Article 1) is asked, and is in the audit log before the first sound; what was heard of it is "
        "there afterwards. Nothing copies a call.\n\n"
        "On the loudspeaker of this PC, from 1:30 on:\n\n"
        "  tsuwaroku play 12 --player auto --from 1:30 --key FILE",
    ),
    "opt.purpose": (
        "再生の目的: courtesy（接遇の向上）、 fairness（公正な執行）、または文章で",
        "What for (Article 1): courtesy, fairness, or another purpose in words",
    ),
    "opt.note": ("備考（監査記録に封印）", "A note; sealed into the audit log"),
    "opt.with": ("一緒に聞く人の氏名（繰り返し可）", "Who listens along; may be repeated"),
    "opt.output": ("ALSAの出力先（nullは無音）", "ALSA device (default: default); null is none"),
    "opt.player": ("端末の再生ソフト（auto で自動）", "This terminal's player; auto finds one"),
    "opt.play_from": ("この位置から（例 1:30）", "From here on, like 1:30"),
    "opt.play_to": ("この位置まで", "Up to here"),
    "opt.plain": ("音量を調整しない（録音のまま）", "As captured, not levelled"),
}
