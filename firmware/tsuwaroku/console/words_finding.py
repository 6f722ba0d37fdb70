"""What finding, completion and wrong passphrases say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

FINDING_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "bad.when": (
        "{value} は日付でも日時でもありません（例 2026-11-23、2026-11-23T09:30、令和8年11月23日 9時30分）",
        "{value} is neither a date nor a time; write it like 2026-11-23 or 2026-11-23T09:30",
    ),
    "bad.order": (
        "始め（{begin}）が終わり（{end}）より後になっています",
        "the range begins ({begin}) after it ends ({end})",
    ),
    "bad.number": (
        "{value} は番号として読めません（例 0312345678、03-1234-5678、末尾だけなら 5678）",
        "{value} is no number; write it like 0312345678 or 03-1234-5678, or a part of one, like 5678",
    ),
    "bad.whole_number": (
        "{value} は電話番号の全体ではありません（例 0312345678、内線2101）。一部で探すときは --whole や = を付けません",
        "{value} is not a whole telephone number like 0312345678; a part of one is sought without --whole and =",
    ),
    "bad.length": (
        "{value} は長さではありません（秒数、または 分:秒。例 90、1:30、1:02:30）",
        "{value} is no length; write seconds, m:ss or h:mm:ss, like 90, 1:30 or 1:02:30",
    ),
    "bad.lengths": (
        "{longer} 以上かつ {shorter} 以下の通話はありえません",
        "no call is both {longer} or longer and {shorter} or shorter",
    ),
    "bad.direction": (
        "{value} は方向ではありません。次のどれかです: {names}",
        "{value} is no direction; it is one of {names}",
    ),
    "find.needs_key": (
        "時刻・電話番号・方向・通話時間は封印されています。--key FILE で鍵を指定してください",
        "times of day, numbers, directions and lengths are sealed: give the key with --key FILE",
    ),
    "bad.marked": ("印のあるものとないものの両方は選べません", "marked and unmarked calls are all calls"),
    "find.whole_of_what": (
        "番号を --number で指定してください",
        "name the number with --number",
    ),
    "find.cut_off": (
        "途中で途切れた通話 {n} 件は、実際の長さが分からないため、短く見えても含めています。",
        "{n} calls that were cut off are among them, however short they look: how long they were nobody knows.",
    ),
    "slow.wrong": (
        "この鍵のパスフレーズは続けて {n} 回間違っています。次に入力できるのは {wait}後です。",
        "The passphrase of this key was wrong {n} times in a row. The next may be tried in {wait}.",
    ),
    "slow.wait": (
        "パスフレーズの誤りが続いたため、{wait}待ちます（Ctrl-C で中止）。",
        "After so many wrong passphrases, {wait} have to pass (Ctrl-C leaves).",
    ),
    "slow.seconds": ("{s} 秒", "{s} s"),
    "slow.minutes": ("{m} 分 {s} 秒", "{m} min {s} s"),
    "find.none": ("条件に合う通話記録はありません。", "No call is like that."),
    "col.number": ("相手番号", "Number"),
    "col.department": ("部署", "Department"),
}

FINDING_HELPS: Final[dict[str, tuple[str, str]]] = {
    "find": (
        "通話記録を日時・部署・番号などで探します。\n\n"
        "条件を重ねると、すべてに合う通話だけになります。"
        "時刻・電話番号・方向・通話時間での検索には鍵が必要です。\n\n"
        "例: 11月23日の午前に市民課が受けた10分以上の通話\n\n"
        "  tsuwaroku find --from 2026-11-23T09:00 --to 2026-11-23T12:00 --department 市民課 --direction 着信 "
        "--longer 10:00 --key FILE\n\n"
        "例: 0312345678 との通話（全桁一致）、番号に 5678 を含む通話\n\n"
        "  tsuwaroku find --number =0312345678 --key FILE\n\n"
        "  tsuwaroku find --number 5678 --key FILE",
        "Find calls: by time, place, number, way, marks, length.\n\n"
        "Conditions add up: what is shown meets all of them. "
        "Times of day, numbers, directions and lengths need the key.\n\n"
        "The calls that 市民課 got on a morning, of 10 minutes and more:\n\n"
        "  tsuwaroku find --from 2026-11-23T09:00 --to 2026-11-23T12:00 --department 市民課 --direction inbound "
        "--longer 10:00 --key FILE\n\n"
        "Those with 0312345678, all of it; and with any number that has 5678 in it:\n\n"
        "  tsuwaroku find --number =0312345678 --key FILE\n\n"
        "  tsuwaroku find --number 5678 --key FILE",
    ),
    "opt.find_from": ("この日、または日時以降の通話だけ", "from this day, or time, on"),
    "opt.find_to": ("この日、または日時までの通話だけ", "up to this day, or minute, included"),
    "opt.extension": ("この内線だけ", "only calls of this extension"),
    "opt.department": ("この部署だけ（名称の一部も可）", "only of this department (or part of its name)"),
    "opt.marked": ("印のある通話だけ", "only marked calls"),
    "opt.unmarked": ("印のない通話だけ", "only calls without a mark"),
    "opt.find_number": (
        "相手の番号の一部（=0312345678 は全桁一致）",
        "a part of the other party's number (=0312345678: all of it)",
    ),
    "opt.whole": ("番号の全桁が一致する通話だけ", "--number is the whole number"),
    "opt.direction": ("着信・発信・内線・不明", "inbound, outbound, internal or unknown"),
    "opt.longer": ("この長さ以上（90 または 1:30）", "this long or longer: seconds, or m:ss"),
    "opt.shorter": ("この長さ以下（90 または 1:30）", "this long or shorter: seconds, or m:ss"),
    "opt.completion": (
        "bash・zsh・fish の補完スクリプトを出力",
        "Print the script for the tabulator key: bash, zsh, fish",
    ),
}
