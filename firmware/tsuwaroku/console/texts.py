"""Words in Japanese and English, by LC_ALL, LC_MESSAGES or LANG: Japanese where it starts with "ja".

Each text is a pair (Japanese, English) under one key, so that a missing translation cannot be written.
The long ones are in `phrases` (what the verbs say) and `helps` (what `--help` says), those of the two-sided proof in
`words_proof`, of the clock in `words_clock`; here are the words of the records.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import Final

from rich.cells import cell_len

from tsuwaroku.console.helps import HELPS
from tsuwaroku.console.phrases import PHRASES
from tsuwaroku.console.words_clock import CLOCK_HELPS, CLOCK_PHRASES
from tsuwaroku.console.words_finding import FINDING_HELPS, FINDING_PHRASES
from tsuwaroku.console.words_media import MEDIA_HELPS, MEDIA_PHRASES, MEDIA_WORDS
from tsuwaroku.console.words_papers import PAPERS_HELPS, PAPERS_PHRASES, PAPERS_WORDS
from tsuwaroku.console.words_playing import PLAYING_HELPS, PLAYING_PHRASES
from tsuwaroku.console.words_proof import PROOF_HELPS, PROOF_PHRASES, PROOF_WORDS
from tsuwaroku.console.words_requests import REQUEST_HELPS, REQUEST_PHRASES, REQUEST_WORDS
from tsuwaroku.console.words_staff import STAFF_HELPS, STAFF_PHRASES, STAFF_WORDS

Pair = tuple[str, str]

PARTS: Final[tuple[dict[str, Pair], ...]] = (
    PHRASES,
    FINDING_PHRASES,
    PLAYING_PHRASES,
    PROOF_PHRASES,
    CLOCK_PHRASES,
    STAFF_PHRASES,
    PAPERS_PHRASES,
    MEDIA_PHRASES,
    REQUEST_PHRASES,
)
HELP_PARTS: Final[tuple[dict[str, Pair], ...]] = (
    HELPS,
    FINDING_HELPS,
    PLAYING_HELPS,
    PROOF_HELPS,
    CLOCK_HELPS,
    STAFF_HELPS,
    PAPERS_HELPS,
    MEDIA_HELPS,
    REQUEST_HELPS,
)
TEXTS: Final[dict[str, Pair]] = {key: pair for part in PARTS for key, pair in part.items()}
HELP_TEXTS: Final[dict[str, Pair]] = {key: pair for part in HELP_PARTS for key, pair in part.items()}

WORDS: Final[dict[str, dict[str, Pair]]] = {
    "direction": {
        "inbound": ("着信", "in"),
        "outbound": ("発信", "out"),
        "internal": ("内線", "int"),
        "unknown": ("不明", "?"),
    },
    "outcome": {
        "answered": ("通話", "answered"),
        "missed": ("不在", "missed"),
        "abandoned": ("中止", "abandoned"),
        "no_answer": ("応答なし", "no answer"),
        "busy": ("話中", "busy"),
        "failed": ("不接続", "failed"),
        "not_recorded": ("録音不能", "unrecorded"),
    },
    "integrity": {
        "sealed": ("正常", "sealed"),
        "recovered": ("中断・復旧", "recovered"),
        "damaged": ("損傷", "damaged"),
    },
    "notice": {
        "announced": ("告知済", "announced"),
        "beeped": ("ビープ音", "beeped"),
        "exempt": ("省略", "exempt"),
        "failed": ("告知不可", "failed"),
        "playing": ("告知中", "playing"),
        "due": ("告知待ち", "due"),
    },
    "reason": {
        "emergency_number": ("緊急通報のため", "an emergency number"),
        "number_unknown": (
            "ダイヤル番号が不明のため（緊急通報の可能性）",
            "number unknown: it could be an emergency call",
        ),
        "capture_began_in_call": ("通話の途中から録音したため", "capture began in mid-call"),
        "call_ended_before": ("告知の前に通話が終了", "the call ended before it"),
        "call_ended_before_completion": ("告知の途中で通話が終了", "the call ended during it"),
        "interrupted": ("告知が途中で中断", "cut short"),
        "playback_failed": ("告知の再生に失敗", "it could not be played"),
        "inherited": ("前の部分で告知済", "told in the part before"),
    },
    "mark": {"unreasonable_demand": ("不当要求", "unreasonable demand")},
    "state": {
        "idle": ("待機", "idle"),
        "lifted": ("受話器上げ", "lifted"),
        "car": ("呼出中", "ringing"),
        "car_picked": ("番号受信中", "receiving a number"),
        "primary": ("番号受信中", "receiving a number"),
        "wait_ring": ("呼出待ち", "waiting for the ring"),
        "ringing": ("呼出中", "ringing"),
        "picked": ("応答", "picked up"),
        "dialling": ("発信中", "dialling"),
        "dialling_break": ("発信中", "dialling"),
        "dialling_flashed": ("発信中", "dialling"),
        "alerting": ("相手呼出中", "ringing there"),
        "alerting_break": ("相手呼出中", "ringing there"),
        "failed": ("話中", "busy"),
        "failed_break": ("話中", "busy"),
        "answered": ("通話中", "talking"),
        "answered_break": ("通話中", "talking"),
        "flashed": ("フッキング", "flash"),
        "by_sound": ("通話中（音声で検知）", "talking (by sound)"),
        "over": ("通話終了・受話器外れ", "over, off the hook"),
        "over_ringing": ("呼出中", "ringing"),
    },
    "mode": {
        "every_call": ("全通話", "every call"),
        "on_button": ("ボタン時のみ", "on button"),
        "off": ("録音しない", "off"),
    },
    "role": {
        "manager": ("管理責任者", "manager"),
        "handler": ("管理取扱者", "handler"),
        "recovery": ("復旧用", "recovery"),
        "demonstration": ("試用", "demonstration"),
    },
    "severity": {
        "critical": ("重大", "critical"),
        "error": ("誤り", "error"),
        "warning": ("注意", "warning"),
        "ok": ("正常", "ok"),
    },
    "clock": {
        "synchronised": ("同期済", "synchronised"),
        "holdover": ("保持中", "holdover"),
        "unsynchronised": ("未同期", "not synchronised"),
    },
    "ended_by": {
        "hook": ("受話器を置いた", "hung up"),
        "tone": ("話中音・発信音", "the exchange's tone"),
        "sound": ("音声の途絶（受話器の接点が異常）", "voices ceased (hook contact wrong)"),
        "part": ("4時間で分割", "split at 4 h"),
        "shutdown": ("装置の停止", "shutdown"),
        "power": ("電源断等による中断", "interrupted (power)"),
    },
    "absence": {
        "withheld": ("非通知", "withheld"),
        "payphone": ("公衆電話", "payphone"),
        "unavailable": ("表示圏外", "unavailable"),
        "service_conflict": ("サービス競合", "service conflict"),
        "not_offered": ("番号情報なし", "not offered"),
        "unreadable": ("読取不可", "unreadable"),
    },
    "by": {
        "near": ("こちら側", "this end"),
        "far": ("相手側", "the other end"),
    },
    "gap": {
        "overrun": ("取りこぼし", "overrun"),
        "unplugged": ("カード抜け", "unplugged"),
        "short_read": ("読み取り不足", "short read"),
        "backlog": ("書き込み待ち超過", "backlog"),
        "restart": ("再開", "restart"),
    },
    "error": {
        "ConfigError": ("設定の誤り", "Configuration"),
        "ScriptError": ("通話スクリプトの誤り", "Call script"),
        "BoardError": ("機器の異常", "Hardware"),
        "StoreError": ("保存領域の異常", "Store"),
        "ForeignStoreError": ("別の装置の保存領域", "Another box's store"),
        "RingError": ("録音領域の不足", "Ring"),
        "SecretError": ("鍵・パスフレーズの誤り", "Key or passphrase"),
        "DamageError": ("通話記録の損傷", "Damage"),
        "NotFoundError": ("該当なし", "Not found"),
        "ServiceError": ("サービスの異常", "Service"),
        "RefusedError": ("実行できません", "Refused"),
        "ForbiddenError": ("権限がありません", "No right"),
        "MediumError": ("媒体の異常", "Medium"),
    },
    **PROOF_WORDS,
    **STAFF_WORDS,
    **PAPERS_WORDS,
    **MEDIA_WORDS,
    **REQUEST_WORDS,
}


def japanese() -> bool:
    """Whether this run speaks Japanese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return value.startswith("ja")
    return False


def _pick(pair: Pair) -> str:
    return pair[0] if japanese() else pair[1]


def t(key: str, /, **values: object) -> str:
    """The text of `key` in the language of this run; `{names}` are filled from `values`. Unknown key: KeyError."""
    text = _pick(TEXTS[key])
    return text.format(**values) if values else text


def h(key: str) -> str:
    """The help text of `key`."""
    return _pick(HELP_TEXTS[key])


def word(kind: str, value: object) -> str:
    """The word for a value of the records; a value nobody named is shown as it is, an absent one as a dash."""
    if value is None or value == "":
        return "–"
    plain = str(value.value) if isinstance(value, Enum) else str(value)
    pair = WORDS[kind].get(plain)
    return _pick(pair) if pair else plain


def widest(kind: str) -> int:
    """Columns that the longest word of a kind takes on a terminal."""
    return max(cell_len(_pick(pair)) for pair in WORDS[kind].values())
