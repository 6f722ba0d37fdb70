"""Copies on media."""

from __future__ import annotations

from typing import Final

MEDIUM: Final[dict[str, str]] = {
    "the medium is full": "媒体に空きがありません",
    "the medium has {} octets free, the copy needs {}": "媒体の空きは {0} バイトですが、複写には {1} バイト必要です",
    "use an empty or a larger medium, and begin anew": (
        "空の媒体か、より容量の大きい媒体で、はじめからやり直してください"
    ),
    "the medium cannot be written to ({})": "媒体に書き込めません（{0}）",
    "release its write protection; if it has none, take it out, put it in again and begin anew": (
        "書き込み禁止を解除してください。解除しても書き込めないときは、媒体を抜いて差し直し、はじめからやり直してください"
    ),
    "the medium does not answer any more ({})": "媒体が応答しなくなりました（{0}）",
    "put it in again and begin anew; if that fails too, use another medium": (
        "媒体を差し直し、はじめからやり直してください。それでもできないときは、別の媒体を使ってください"
    ),
    "the medium fails ({})": "媒体の異常です（{0}）",
    "use another medium, and begin anew": "別の媒体で、はじめからやり直してください",
    "the medium cannot hold a file of this name ({})": "この名前のファイルは媒体に保存できません（{0}）",
    "format the medium as exFAT or FAT32 with long names, or give the file another name": (
        "媒体を exFAT か FAT32 でフォーマットし直すか、ファイルの名前を変えてください"
    ),
    "is larger than 4 GiB, the most a file can have on a FAT medium": (
        "4 GiB を超えるため、FAT の媒体には保存できません"
    ),
    "use a medium formatted as exFAT or ext4": "exFAT か ext4 でフォーマットした媒体を使ってください",
    "{} is no name for a file on a medium: {}": "{0} は媒体のファイル名に使えません: {1}",
    "give the file another name": "ファイルの名前を変えてください",
    "{} and {} would be one name on a medium": "{0} と {1} は、媒体では同じ名前になります",
    "give one of the two another name": "どちらかの名前を変えてください",
    "holds a finished copy, which is never written over": "完了した複写があります。完了した複写には上書きできません",
    "holds something else than a copy that was cut off ({})": "途中で終わった複写のほかに、別のもの（{0}）があります",
    "copy into a new folder": "新しいフォルダに複写してください",
    "was read back from the medium, and {}": "媒体に書き込んだ後で読み直したところ、正しくありません: {0}",
    "use another medium: this one does not keep what is written to it": (
        "この媒体は書き込んだ内容を保持できません。別の媒体を使ってください"
    ),
    "the copying did not come to its end": "複写が最後まで終わっていません",
    "is missing": "ありません",
    "has {} octets instead of {}": "大きさが {0} バイトです（正しくは {1} バイト）",
    "is not what was copied": "複写したときの内容と異なります",
}
