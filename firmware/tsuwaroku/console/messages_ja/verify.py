"""What `verify` and the listing find wrong, or worth knowing."""

from __future__ import annotations

from typing import Final

VERIFY: Final[dict[str, str]] = {
    "audit {} line {}: {}": "監査記録 {0} の {1} 行目: {2}",
    "entry {} was changed": "項目 {0} が書き換えられています",
    "the sealed words of entry {} were changed": "項目 {0} の封印された内容が書き換えられています",
    "not as it was written": "書き込まれたときの内容と異なります",
    "entry {} does not follow entry {}": "項目 {0} が項目 {1} に続いていません",
    "entries {} to {} are missing before it": "この前の項目 {0}～{1} がありません",
    "an entry of {} has no place in this file": "{0} の項目は、この日付のファイルには入りません",
    "longer than any entry; it is passed over, and so is the rest of the file if it does not end": (
        "記録の最大長を超えています。この行は読み飛ばしました（行の終わりがなければ、ファイルの残りも読み飛ばします）"
    ),
    "audit {}: is no file of the log": "監査記録 {0}: 監査記録のファイルではありません",
    "audit: the entry that was noted outside the box is gone from the log": (
        "監査記録: 装置の外に控えてあった項目がなくなっています"
    ),
    "audit: the sealed words of entry {} are gone, and no entry says why": (
        "監査記録: 番号 {0} の封印された内容がなくなっていますが、その記録がありません"
    ),
    "audit: {} more problems": "監査記録: ほかに {0} 件の問題があります",
    "the signature of entry {} is wrong": "項目 {0} の署名が正しくありません",
    "not an entry (torn or damaged)": "項目として読み取れません（中断または損傷）",
    "audit: {} entries that ring or journal name are gone from the log": (
        "監査記録: 録音領域や変更記録が参照する {0} 項目がなくなっています"
    ),
    "catalogue {}: not as it was written": "一覧 {0}: 書き込まれたときの内容と異なります",
    "catalogue {}: cannot be read ({})": "一覧 {0}: 読み込めません（{1}）",
    "not a journal record": "変更記録の項目ではありません",
    "journal record out of range": "変更記録の項目の値が範囲外です",
    "padding of a journal record is not zero": "変更記録の余白に余分なデータがあります",
    "journal record is not readable: {}": "変更記録の項目を読み取れません: {0}",
    "keeper journal: records {} to {} are gone from its end": "keeperの変更記録: 末尾の項目 {0}～{1} が失われています",
    "{} journal: torn or damaged after record {}": "{0}の変更記録: 項目 {1} の後に中断または損傷があります",
    "{} journal: records {} to {} are missing": "{0}の変更記録: 項目 {1}～{2} がありません",
    "{} journal: {} is missing": "{0}の変更記録: {1} がありません",
    "{} journal: record {} does not follow the one before": "{0}の変更記録: 項目 {1} が前の項目に続いていません",
    "{} journal: {} is not {} octets long": "{0}の変更記録: {1} の大きさが {2} バイトではありません",
    "{} journal: the sealed part of record {} is gone without a tombstone": (
        "{0}の変更記録: 項目 {1} の暗号化部分が、消去の記録なしに失われています"
    ),
    "{} journal: the sealed part of record {} is damaged": "{0}の変更記録: 項目 {1} の暗号化部分が損傷しています",
    "keeper journal: the tombstone in record {} is not readable": (
        "管理プロセスの変更記録: 項目 {0} の消去の記録が読み取れません"
    ),
    "{} journal: unknown octets before record {}": "{0}の変更記録: 項目 {1} の前に不明なデータがあります",
    "run chunk is cut short": "音声区間のデータが途中で切れています",
    "chunk is cut short": "データの断片が途中で切れています",
    "{} does not decode": "{0} を復号できません",
    "FLAC does not decode": "FLAC の音声を復号できません",
    "audio.{} is not what was sealed": "音声の {0} が封印されたときの内容と異なります",
    "sample {}: {} samples decode, {} were sealed": (
        "サンプル {0}: 復号できたのは {1} サンプルです（封印されたのは {2} サンプル）"
    ),
    "manifest, card or public record cannot be read": "明細、記録票または公開部分を読み取れません",
    "the card differs from the manifest": "記録票が明細と異なります",
    "the public record differs from the manifest": "公開部分が明細と異なります",
    "sample {}: {}": "サンプル {0}: {1}",
    "slot {}: {}": "区画 {0}: {1}",
    "call {}: {}": "通話 #{0}: {1}",
    "belongs to another store": "別の保存領域のものです",
    "says it is slot {}": "区画番号が {0} になっています",
    "the signature of its header is wrong": "ヘッダーの署名が正しくありません",
    "a free slot whose header is not a free slot's": "空き区画ですが、ヘッダーが空き区画のものではありません",
    "part {} is missing": "部分 {0} がありません",
    "slot {} has sequence number {}": "区画 {0} の通番が {1} になっています",
    "no extent": "記録単位がありません",
    "extent of another place": "別の場所の記録単位です",
    "extent does not match its digest": "記録単位の内容がダイジェストと一致しません",
    "the signature of the extent is wrong": "記録単位の署名が正しくありません",
    "slot {}, octet {}: padding is not zero": "区画 {0}、{1} バイト目: 余白に余分なデータがあります",
    "slot {}, octet {}: {}": "区画 {0}、{1} バイト目: {2}",
    "the public record is another call's": "公開部分が別の通話のものです",
    "slot {}, octet {}: cannot be read from the disk": "区画 {0}、{1} バイト目: ディスクから読み込めません",
    "slots set aside because they could not be written: {}": "書き込めないため使用から外した区画: {0}",
    "slots {} and {} both claim part {}": "区画 {0} と {1} が同じ部分 {2} になっています",
    "slot {} does not continue the one before": "区画 {0} が前の区画に続いていません",
    "the last extent is not as it should be ({})": "最後の記録単位が正しくありません（{0}）",
    "slot {}: goes on after the end of the call": "区画 {0}: 通話の終わりの後にデータが続いています",
    "call key has a wrong length": "通話鍵の長さが正しくありません",
    "sealed chunk is cut short": "封印されたデータが途中で切れています",
    "card does not open": "記録票を開けません",
    "the wrapped key belongs to another call": "別の通話の鍵が付いています",
    "sealed chunk does not open": "封印されたデータを開けません",
    "slot header is cut short": "区画のヘッダーが途中で切れています",
    "not a slot header": "区画のヘッダーではありません",
    "slot of version {}": "区画の版が {0} です",
    "slot header out of range": "区画のヘッダーの値が範囲外です",
    "extent of version {}": "記録単位の版が {0} です",
    "extent header out of range": "記録単位のヘッダーの値が範囲外です",
    "line id is not UTF-8": "回線の id の文字コードが UTF-8 ではありません",
    "item header is cut short": "要素のヘッダーが途中で切れています",
    "item is cut short": "要素が途中で切れています",
    "call {} is in the catalogue, but not in the ring": "通話 #{0} が一覧にありますが、録音領域にありません",
    "call {} was interrupted; the keeper has not settled it yet": (
        "通話 #{0} は中断されました。管理プロセスによる復旧がまだ済んでいません"
    ),
    "store.json is not as this box signed it": "store.json がこの装置の署名した内容と一致しません",
    "store.json names {} device keys, and the box has had only one": (
        "store.json に装置の公開鍵が {0} 個ありますが、この装置の鍵は1つだけです"
    ),
    "the store is another box's: its fingerprint is not the one given": (
        "別の装置の保存領域です（指定された公開鍵と一致しません）"
    ),
    "no such call": "この通話はありません",
    "call {} was discarded; its slots await overwriting": (
        "通話 #{0} は破棄されました。区画は上書きされるのを待っています"
    ),
    "call {} is being erased and not read any more; its erasure is unfinished": (
        "通話 #{0} は消去の途中です（消去が終わっていません）。すでに読み出すことはできません"
    ),
    "call {} was erased, and is in the ring again: slot {}": (
        "通話 #{0} は消去済みですが、録音領域に再び現れました（区画 {1}）"
    ),
    "slot {}: says that it is being erased, and no tombstone does": (
        "区画 {0}: 消去中とありますが、消去の記録がありません"
    ),
    "call {} was erased on {}, and was to be kept until {}": (
        "通話 #{0} は {1} に消去されましたが、{2} まで保存すべきものでした"
    ),
    "call {} was erased on {}, and was not what it was when it was closed": (
        "{1} に消去された通話 #{0} は、終了時の内容と一致しません"
    ),
    "call {} was erased on {}, while a hold stood": "通話 #{0} は保存期間の延長中に消去されました（{1}）",
    "call {} was never committed": "通話 #{0} は記録が確定する前に終わっています",
    "ends in a torn or damaged extent, and nobody has signed how far it goes": (
        "終わりの部分が中断または損傷しており、どこまでが有効かの署名がありません"
    ),
    "call {} began with the last commit before an interruption and was lost": (
        "通話 #{0} は中断の直前に始まったため、失われました"
    ),
    "two calls have the sequence number {}": "通番 {0} の通話が2つあります",
    "is not what it was when it was closed": "終了したときの内容と異なります",
    "is not what was signed when it was recovered": "復旧したときに署名された内容と異なります",
    "call {} is not in the catalogue yet": "通話 #{0} はまだ一覧にありません",
    "ring and catalogue say different things of it": "録音領域と一覧の内容が異なります",
    "call {} was not decoded: {}": "通話 #{0} は復号できませんでした: {1}",
    "call {} is missing": "通話 #{0} がありません",
}
