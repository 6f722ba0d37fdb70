"""What is put together for a medium, and its passphrase."""

from __future__ import annotations

from typing import Final

PACKAGE: Final[dict[str, str]] = {
    "there is no call to copy, or no request for it (Article 9(1))": (
        "複製する通話、またはその提供請求書がありません（第9条第1項）"
    ),
    "name the approved request and its calls": "承認された提供請求と、その通話を指定してください",
    "the sound is not what its record says": "音声が、記録の内容と一致しません",
    "the sound changed while it was being copied": "複製している間に音声が変わりました",
    "the sound has half a sample": "音声に半端なデータがあります",
    "the sound is not in order": "音声の順序が正しくありません",
    "the passphrase has a character that cannot be typed": "パスフレーズに入力できない文字があります",
    "the passphrase has only digits, as a telephone number or a date has": (
        "パスフレーズが数字だけです（電話番号や日付は推測されます）"
    ),
    "the passphrase repeats a few characters, or counts them up": (
        "パスフレーズが、同じ文字の繰り返しや順に並んだ文字です"
    ),
    "take the one that is proposed, or at least 12 characters of several words": (
        "提案されたパスフレーズを使うか、いくつかの言葉を組み合わせた12文字以上にしてください"
    ),
}
