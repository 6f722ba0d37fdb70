"""What the verbs of media and copies say, as pairs (Japanese, English)."""

from __future__ import annotations

from typing import Final

MEDIA_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "demo_stick.plugged": ("仮想の媒体 {name} を差し込みました（{image}）。", "{name} is plugged in ({image})."),
    "demo_stick.pulled": ("仮想の媒体 {name} を抜きました。", "{name} was pulled out."),
    "progress.probe": ("媒体を検査しています", "Trying the medium"),
    "progress.wipe": ("媒体を消去し、読み戻しています", "Wiping the medium and reading it back"),
    "progress.package": ("複製を準備しています", "Preparing the copy"),
    "progress.export": ("媒体に書き込み、読み戻しています", "Writing onto the medium and reading it back"),
    "media.options_behind": (
        "オプションは「media {verb}」の後ろに書いてください。",
        "put the options behind `media {verb}`",
    ),
    "media.found": (
        "媒体 {device}（{maker}、製造番号 {serial}）を登録します。",
        "The medium {device} ({maker}, serial number {serial}) will be registered.",
    ),
    "media.register_ask": (
        "この媒体の内容はすべて失われます。初期化して登録しますか？",
        "All that is on it will be lost. Format it and register it?",
    ),
    "media.registered": (
        "媒体 {name}（{size}）を登録しました。名称を書いたラベルを媒体に貼ってください。",
        "The medium {name} ({size}) is registered. Put a label with its name on it.",
    ),
    "media.handed_over": (
        "媒体 {name} の引渡しを記録しました。返却期限は {due} です。受領所属長は、管理責任者の承認なく複製できません"
        "（第9条第3項）。",
        "The handing over of {name} is recorded; it is due back on {due}. Without the manager's approval it may not be"
        " copied (Article 9(3)).",
    ),
    "media.returned": (
        "媒体 {name} の返却を記録しました。速やかに「tsuwaroku media wipe {name}」で消去し、廃棄してください"
        "（第9条第5項）。",
        "The return of {name} is recorded. Wipe it promptly with `tsuwaroku media wipe {name}`, then destroy it"
        " (Article 9(5)).",
    ),
    "media.wipe_ask": (
        "媒体 {name}（{device}）のすべての領域を上書きします。元に戻せません。実行しますか？",
        "All of the medium {name} ({device}) will be overwritten, and nothing brings it back. Go on?",
    ),
    "media.not_wiped_note": ("{places} か所が上書きできない", "{places} places cannot be overwritten"),
    "media.wiped": (
        "媒体 {name} の全領域（{size}）を消去し、読み戻して確かめました。破砕・裁断などで廃棄し、"
        "「tsuwaroku media destroy {name}」で記録してください（第9条第5項）。",
        "All of the medium {name} ({size}) was wiped and read back. Now crush or cut it, and record that with"
        " `tsuwaroku media destroy {name}` (Article 9(5)).",
    ),
    "media.unwipable": (
        "媒体 {name} が消去できないことを記録しました。直ちに破砕・裁断などで廃棄してください（第9条第5項）。",
        "It is recorded that the medium {name} cannot be wiped. Crush or cut it at once (Article 9(5)).",
    ),
    "media.destroyed": ("媒体 {name} の廃棄を記録しました。", "The destruction of the medium {name} is recorded."),
    "media.lost": (
        "媒体 {name} の亡失を事故として記録しました。個人情報の漏えい等のおそれがあります。個人情報保護の担当課に"
        "直ちに報告してください。見つかったら「tsuwaroku media return {name}」で記録します。",
        "The loss of the medium {name} is recorded as an incident. Personal data may have leaked: report it at once to"
        " who is responsible for its protection. If it is found, record that with `tsuwaroku media return {name}`.",
    ),
    "media.paper": ("媒体管理票を {file} に作成しました。", "The custody sheet is in {file}."),
    "media.overdue": ("（期限超過）", " (overdue)"),
    "media.late": (
        "返却期限を過ぎた媒体が {n} 個あります。返却を求めてください（第9条第4項）。",
        "{n} media are overdue: ask for them (Article 9(4)).",
    ),
    "media.incidents": ("亡失した媒体が {n} 個あります（事故）。", "{n} media are lost (incidents)."),
    "col.state": ("状態", "state"),
    "col.medium": ("媒体", "medium"),
    "col.request": ("請求", "request"),
    "col.recipient": ("提供先", "for"),
    "col.since": ("その状態になった日", "since"),
    "col.due": ("返却期限", "due"),
    "col.to": ("受領者", "received by"),
    "export.nothing_counts": (
        "{request} の複製はできませんでした。提供したことにはならず、承認も使われていません。媒体 {name} には書きかけが"
        "残っていることがあるので、施錠して保管してください。下の対処の後に、もう一度実行できます。",
        "The copy of {request} was not made: nothing counts as handed over, and the approval is not used up. Something"
        " of it may be on the medium {name}: keep it locked away. After the remedy below, export again.",
    ),
    "export.done": (
        "{request} の複製を媒体 {name} に作成し、読み戻して確かめました（提供先: {recipient}、返却期限 {due}）。",
        "The copy of {request} is on the medium {name}, read back (for: {recipient}; due back on {due}).",
    ),
    "export.then": (
        "媒体を抜いて構いません。パスフレーズは媒体とは別の方法（電話など）で本人に伝え、メモは廃棄してください。"
        "媒体を渡したら「tsuwaroku media hand-over {name} --to 氏名」で記録します。",
        "It may be pulled out. Tell the recipient the passphrase another way than with the medium (by telephone), and"
        " destroy your note. Record the handing over with `tsuwaroku media hand-over {name} --to NAME`.",
    ),
    "export.passphrase": ("媒体 {name} のパスフレーズ", "Passphrase of the medium {name}"),
    "export.passphrase_note": (
        "この画面でしか表示しません。装置には残らず、忘れると複製は開けません。書き留めてください。",
        "It is shown on this screen alone and kept nowhere; without it nobody opens the copy. Note it down.",
    ),
    "export.noted": (
        "書き留めたら Enter（別のパスフレーズにするなら、ここに入力）",
        "Enter when it is noted (or type another passphrase)",
    ),
    "export.recopy": (
        "{request} の複製をもう一部作成することを承認しました（提供先: {recipient}、第9条第3項）。",
        "One copy more of {request} is approved (for: {recipient}; Article 9(3)).",
    ),
}

MEDIA_WORDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "medium": {
        "registered": ("登録済・未使用", "registered, unused"),
        "uncounted": ("書きかけ（提供に数えない）", "attempt that does not count"),
        "copied": ("複製済・未提供", "copied, not handed over"),
        "out": ("提供中", "out"),
        "returned": ("返却済・未消去", "returned, not wiped"),
        "wiped": ("消去済・未廃棄", "wiped, not destroyed"),
        "unwipable": ("消去不能・未廃棄", "cannot be wiped, not destroyed"),
        "destroyed": ("廃棄済", "destroyed"),
        "lost": ("亡失（事故）", "lost (incident)"),
    },
    "recipient": {
        "head": ("所属長", "head of department"),
        "personnel": ("人事課長", "head of personnel"),
    },
}

MEDIA_HELPS: Final[dict[str, tuple[str, str]]] = {
    "media": (
        "複製の媒体の登録・引渡し・返却・消去・廃棄（第9条）。\n\n副コマンドなしでは一覧を表示します。",
        "Media for copies: registered, handed over, returned, wiped, destroyed (Article 9).\n\n"
        "Without a sub-verb, the list.",
    ),
    "media.list": (
        "どの媒体がどこに、いつからあるか、期限を過ぎていないかを表示します。",
        "Show where each medium is, since when, and what is overdue.",
    ),
    "media.register": (
        "新しい媒体を検査・初期化し、登録します。\n\n一度使った媒体は二度と登録できません（第9条第5項）。",
        "Try, format and register a new medium.\n\nA used one is never registered again (Article 9(5)).",
    ),
    "media.hand-over": ("媒体を渡したことを記録します。", "Record that a medium was handed over."),
    "media.return": ("媒体の返却を記録します。", "Record that a medium came back."),
    "media.wipe": (
        "媒体の全領域を上書きし、読み戻します。\n\n返却された媒体は、消去した上で廃棄します（第9条第5項）。",
        "Overwrite all of a medium and read it back.\n\nWhat came back is wiped and destroyed (Article 9(5)).",
    ),
    "media.demo-stick": (
        "試用のための仮想の媒体を作り、差し込みます（機器は不要、試用の保存領域だけ）。\n\n"
        "差し込み口は1つです。別の媒体を差し込むと、前の媒体は抜けます。同じ名前でもう一度指定すると、抜いた媒体を差し直します。\n\n"
        "例: tsuwaroku media demo-stick stick-1 --store DIR、続けて tsuwaroku media register --label M-1 --store DIR",
        "Make a virtual medium and plug it in: for a demonstration, without hardware.\n\n"
        "There is one port: plugging another one in pulls it out. The same name again plugs it in once more.\n\n"
        "Example: tsuwaroku media demo-stick stick-1 --store DIR, "
        "then tsuwaroku media register --label M-1 --store DIR",
    ),
    "arg.stick": ("仮想の媒体の名前", "Name of the virtual medium"),
    "opt.pull": ("抜く", "Pull it out"),
    "media.destroy": (
        "媒体の廃棄（方法・実施者・立会人）を記録します。",
        "Record how it was destroyed, and by whom.",
    ),
    "media.lost": ("媒体の亡失を事故として記録します。", "Record the loss of a medium: an incident."),
    "media.paper": ("媒体管理票（PDF）を作成します。", "Make the custody sheet of a medium (PDF)."),
    "export": (
        "承認された請求の通話を媒体に複製します。\n\n"
        "登録済の媒体にだけ複製できます（第9条第2項）。必ず暗号化し、書き込んだ後に読み戻して確かめます。途中で失敗した複製は提供に数えず、承認も使われません。",
        "Copy the calls of an approved request.\n\n"
        "Onto a registered medium (Article 9(2)), always encrypted, and read back. "
        "A copy that fails counts as none, and the approval is not used up.",
    ),
    "request.recopy": (
        "複製をもう一部作成することを承認します（第9条第3項）。",
        "Approve one copy more (Article 9(3)).",
    ),
    "arg.medium": ("媒体の名称（登録時のラベル）", "Name of the medium, as on its label"),
    "opt.device": ("媒体のデバイス名（複数ある場合）", "The medium's device, where several are plugged in"),
    "opt.on": ("行った日（既定: 今日。令和8年5月1日 なども可）", "The day it was done (default: today)"),
    "opt.label": ("媒体に付ける名称（ラベルの番号）", "What the medium is called from now on, as on its label"),
    "opt.filesystem": (
        "形式: exfat（既定）または fat32（exFAT を読めない古い機器で使う媒体）",
        "How it is formatted: exfat (default), or fat32 for old equipment that cannot read exFAT",
    ),
    "opt.to_person": ("受領者の氏名", "Who received it"),
    "opt.handed_by": ("渡した者の氏名", "Who handed it over"),
    "opt.returned_by": ("返却した者の氏名", "Who brought it back"),
    "opt.taken_by": ("受け取った者の氏名", "Who took it"),
    "opt.broken": (
        "媒体が壊れていて消去できない場合、その状況",
        "It is broken and cannot be wiped: say in what way",
    ),
    "opt.how": ("廃棄の方法（破砕、裁断、またはその他の方法）", "How: crushed, cut, or another way in words"),
    "opt.destroyed_by": ("廃棄した者の氏名", "Who destroyed it"),
    "opt.witness": ("立会人の氏名", "Who saw it"),
    "opt.what": ("亡失の状況", "What happened"),
    "opt.pdf": ("作成するPDFファイル", "The PDF to make"),
    "opt.for": ("提供先: head（所属長）、 personnel（人事課長）", "Whom it is for: head, or personnel"),
    "opt.wav": ("WAVも入れる（FLACは常に入る）", "WAV besides FLAC"),
    "opt.medium": ("使う媒体の名称（複数ある場合）", "Which medium, where several are plugged in"),
    "opt.medium_passphrase": (
        "媒体のパスフレーズのファイル（1行目。既定: 新しく作って一度だけ表示）",
        "File whose first line is the medium's passphrase (default: a new one, shown once)",
    ),
    "opt.recopy_reason": ("承認の理由", "Why it is approved"),
    "opt.approved_by": ("承認した者の氏名", "Who approved it"),
}
