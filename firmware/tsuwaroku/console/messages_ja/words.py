"""What fills the gaps of the other texts: words of our own, and the commonest of foreign libraries."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, str]] = {
    "none": "なし",
    "recorder": "録音プロセス",
    "keeper": "管理プロセス",
    "the recorder": "録音プロセス",
    "{}.jsonl line {}": "{0}.jsonl の {1} 行目",
    "line {} ({})": "回線 {0}（{1}）",
    "the board {} itself": "基板 {0} 自身",
    "the system lamp": "システムランプ",
    "format": "形式",
    "channels": "チャンネル数",
    "rate": "標本化周波数",
    "{} Hz, {} bits, {} channel": "{0} Hz・{1}ビット・{2}チャンネル",
    "{} Hz, {} bits, {} channels": "{0} Hz・{1}ビット・{2}チャンネル",
    "a part of it is empty or made of dots": "空の部分、または「.」だけの部分があります",
    "it has a control character, or a sign that Windows does not allow": (
        "制御文字か、Windows のファイル名に使えない記号が含まれています"
    ),
    "a part of it begins with a space, or ends with a space or a dot": (
        "空白で始まる部分、または空白か「.」で終わる部分があります"
    ),
    "a part of it is longer than {} octets": "{0} バイトを超える部分があります",
    "Windows has a device of that name": "Windows の予約名です",
    "it ends too early": "途中で終わっています",
    "not UTF-8 text": "文字コードが UTF-8 ではありません",
    "; gpiochip{} cannot be opened ({}): let the service's user into the group gpio": (
        "。gpiochip{0} を使用できません（{1}）。サービスのユーザーを gpio グループに加えてください"
    ),
    "playback_failed": "再生に失敗しました",
    "overrun": "取りこぼし",
    "unplugged": "カード抜け",
    "short_read": "読み取り不足",
    "restart": "再開",
    "to whom it is disclosed (Article 10)": "提供先（要綱第10条）",
    "what for (Article 10)": "提供の目的（要綱第10条）",
    "by which article of which law (Article 10)": "根拠となる法令の条項（要綱第10条）",
    "the number of the letter that asks for it (Article 10)": "照会文書の番号（要綱第10条）",
    "what allows a copy: Article 8(3) names Article 9 alone": (
        "複製の根拠（要綱第8条第3項が認めるのは第9条の場合だけです）"
    ),
    "who decided it": "決裁者",
    "the number of the decision (決裁番号)": "決裁番号",
    "why it is refused": "承認しない理由",
    "who inspected it, or took the copy": "閲覧または受領した人",
    "on which medium the copy is": "複製を記録した媒体",
}
"""Of our own source, each filled into a placeholder of another text."""

FOREIGN: Final[dict[str, str]] = {
    "[Errno {}] {}: '{}'": "{1}（{2}、エラー番号 {0}）",
    "No such file or directory": "ファイルまたはディレクトリがありません",
    "Permission denied": "権限がありません",
    "Is a directory": "ディレクトリです",
    "Not a directory": "ディレクトリではありません",
    "File exists": "すでにあります",
    "No space left on device": "ディスクに空きがありません",
    "Read-only file system": "読み取り専用のファイルシステムです",
    "Input/output error": "入出力エラーです",
    "No such device": "機器がありません",
    "No such device or address": "機器がありません",
    "Invalid argument": "受け付けられない値です",
    "File name too long": "名前が長すぎます",
    "{} (at {})": "{0}（{1}）",
    "{} (at line {}, column {})": "{0}（{1}行目 {2}文字目）",
    "{} (at end of document)": "{0}（文書の終わり）",
    "Object contains unknown field `{}`": "`{0}` という項目はありません",
    "Object missing required field `{}`": "項目 `{0}` がありません",
    "Expected `{}`, got `{}`": "`{0}` でなければなりませんが、`{1}` が書かれています",
    "Expected `{}` >= {}": "`{0}` は {1} 以上でなければなりません",
    "Expected `{}` <= {}": "`{0}` は {1} 以下でなければなりません",
    "Expected `{}` > {}": "`{0}` は {1} より大きくなければなりません",
    "Expected `{}` < {}": "`{0}` は {1} より小さくなければなりません",
    "Invalid enum value {}": "{0} は選べない値です",
    # those that end with a value, and so would take the place after it for a part of it
    "Expected `{}` >= {} (at {})": "`{0}` は {1} 以上でなければなりません（{2}）",
    "Expected `{}` <= {} (at {})": "`{0}` は {1} 以下でなければなりません（{2}）",
    "Expected `{}` > {} (at {})": "`{0}` は {1} より大きくなければなりません（{2}）",
    "Expected `{}` < {} (at {})": "`{0}` は {1} より小さくなければなりません（{2}）",
    "Invalid enum value {} (at {})": "{0} は選べない値です（{1}）",
    "Invalid value": "値が正しくありません",
    "Cannot overwrite a value": "同じ項目が2回書かれています",
    "Invalid statement": "文として読み取れません",
    "Unterminated string": "文字列が閉じられていません",
    "Expected '=' after a key in a key/value pair": "項目名の後に「=」がありません",
    "Expected newline or end of document after a statement": "1行に2つ以上の文が書かれています",
}
"""Of the system, of tomllib and of msgspec, as a person meets them who mistypes a path or a configuration."""

PLACES: Final[dict[str, str]] = {
    "configuration": "設定",
    "virtual board": "模擬の基板",
    "the recorder": "録音プロセス",
    "board {}": "基板 {0}",
    "line {}": "回線 {0}",
}
"""The parts of an error's place that are no path and no key."""
