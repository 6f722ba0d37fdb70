"""The service, its control, and the alarms' details."""

from __future__ import annotations

from typing import Final

SERVICE: Final[dict[str, str]] = {
    "access is denied": "アクセスが許可されていません",
    "run it as the service's user or as a member of its group": (
        "サービスのユーザー、またはそのグループに属するユーザーで実行してください"
    ),
    "the service did not answer within {} s": "サービスが {0} 秒以内に応答しませんでした",
    "see `journalctl -u tsuwaroku`; recording does not depend on this answer. "
    "From a PC: see whether the line to the box stands, then connect with ssh again": (
        "`journalctl -u tsuwaroku` で原因を確かめてください。録音には影響ありません。"
        "パソコンからの場合は、録音装置までの通信を確かめて、ssh で接続し直してください"
    ),
    "the service does not answer": "サービスが応答しません",
    "start it with `systemctl start tsuwaroku` (or `tsuwaroku run`), or name its store with --store DIR. "
    "From a PC: connect with ssh again, as a member of the group that may connect": (
        "`systemctl start tsuwaroku`（または `tsuwaroku run`）で開始するか、--store DIR で保存領域を指定してください。"
        "パソコンからの場合は、接続を許されたグループのアカウントで、ssh で接続し直してください"
    ),
    "the service answered {} without saying why": "サービスが {0} を返しましたが、理由がありません",
    "this account has {} connections to the service already": (
        "このアカウントからサービスへの接続が、すでに上限の {0} 本あります"
    ),
    "end programs that are connected and not used, then try again": (
        "使っていない接続中のプログラムを終了してから、もう一度実行してください"
    ),
    "the service has {} connections already, and takes no more": (
        "サービスへの接続が上限の {0} 本に達しているため、受け付けられません"
    ),
    "this account is being answered {} long questions already": (
        "このアカウントからの時間のかかる照会が、すでに {0} 件進行中です"
    ),
    "try again when they are answered": "それらが終わってから、もう一度実行してください",
    "somebody else is asking for this just now, and it takes some seconds": (
        "ほかの人が同じ照会をしています。数秒かかります"
    ),
    "the request did not come to its end": "要求が最後まで届きませんでした",
    "the service met a defect of its own, and does not know the answer": (
        "サービスのプログラムに不具合があり、応答できません"
    ),
    "report it with what `journalctl -u tsuwaroku` shows; recording does not depend on this answer": (
        "`journalctl -u tsuwaroku` の内容を添えて保守担当に連絡してください。録音には影響ありません"
    ),
    "see `journalctl -u tsuwaroku`": "`journalctl -u tsuwaroku` で原因を確かめてください",
    "the service's answer is not understood ({})": "サービスの応答を読み取れません（{0}）",
    "restart the service after an update, so that both are of one version": (
        "更新後は、版が揃うようにサービスを再起動してください"
    ),
    "the service is running but does not answer": "サービスは動いていますが、応答がありません",
    "see `journalctl -u tsuwaroku`, then try again": (
        "`journalctl -u tsuwaroku` で原因を確かめてから、もう一度実行してください"
    ),
    "the lines are {}, those of the script {}": "設定の回線は {0}、通話スクリプトの回線は {1} です",
    "make them the same": "両方を同じにしてください",
    "is not a watchdog": "ウォッチドッグではありません",
    'name the device, mostly "/dev/watchdog0", or none': (
        "デバイス名（通常は /dev/watchdog0）を指定するか、空欄にしてください"
    ),
    "the watchdog keeps a time-out of {} s, not {} s": "ウォッチドッグの時限は {1} 秒にできず、{0} 秒です",
    "set service.watchdog_timeout_s = {}": "service.watchdog_timeout_s = {0} と設定してください",
    "the watchdog device failed ({})": "ウォッチドッグが応答しません（{0}）",
    "see `dmesg`": "`dmesg` で原因を確かめてください",
    "the watchdog cannot be disarmed (nowayout): without a recorder the machine restarts in {} s": (
        "ウォッチドッグを止められません（nowayout）。録音プロセスがなければ、装置は {0} 秒後に再起動します"
    ),
    "start the recorder again, or load the watchdog's driver without nowayout": (
        "録音プロセスを再び開始するか、nowayout なしでウォッチドッグのドライバーを読み込んでください"
    ),
    "the watchdog is in use by another program": "ウォッチドッグは別のプログラムが使用しています",
    "systemd holds it where RuntimeWatchdogSec is set: set that or service.watchdog, not both": (
        "RuntimeWatchdogSec を設定すると systemd が使用します。それと service.watchdog のどちらか一方にしてください"
    ),
    "there is no such watchdog": "そのウォッチドッグはありません",
    "load its driver (on a Raspberry Pi: dtparam=watchdog=on), or correct service.watchdog": (
        "ドライバーを読み込む（Raspberry Pi は dtparam=watchdog=on）か、service.watchdog を直してください"
    ),
    "the watchdog may not be opened by this user": "このユーザーはウォッチドッグを開けません",
    "let the service's user write to the device (a udev rule)": (
        "サービスのユーザーに、デバイスへの書込みを許可してください（udev の規則）"
    ),
    "the watchdog cannot be opened ({})": "ウォッチドッグを開けません（{0}）",
    "the recorder's loop stands still": "録音プロセスの処理が止まっています",
    "no line has given a sound for some time": "どの回線からも音声が届いていません",
    "the disk has not answered for minutes": "ディスクが数分間応答していません",
    "the watchdog restarts the machine within {} s; stopping the service prevents that": (
        "{0} 秒以内にウォッチドッグが装置を再起動します。サービスを停止すれば再起動しません"
    ),
    "more than {} entries of one account in a minute": "1分間に書ける件数（1アカウント {0} 件）を超えました",
    "the request is not understood: {}": "要求を読み取れません: {0}",
    "use the tsuwaroku command": "`tsuwaroku` コマンドから操作してください",
    "cannot listen ({})": "要求を受け付けられません（{0}）",
    "choose a shorter or writable path": "短いパスか、書き込めるパスを指定してください",
    "no call {}": "通話 {0} はありません",
    "`tsuwaroku calls` lists them": "通話の一覧は `tsuwaroku calls` で表示できます",
    "{} is no kind of mark": "{0} という種類の印はありません",
    "use {}": "{0} を指定してください",
    "this call has no mark {}": "この通話に印 {0} はありません",
    "`tsuwaroku show` numbers the marks": "印の番号は `tsuwaroku show` で確かめられます",
    "a ring of {} MiB keeps {} days at {} off-hook hours a day on {} lines; {} days need {} MiB": (
        "{0} MiB の録音領域では、{3} 回線で1日 {2} 時間通話すると {1} 日分しか保存できません。"
        "{4} 日分には {5} MiB が必要です"
    ),
    "make the ring larger, set off_hook_hours_a_day to what was measured on this site, "
    "or write accept_shorter = true": (
        "録音領域を大きくするか、off_hook_hours_a_day に実測した通話時間を設定するか、"
        "accept_shorter = true と書いてください"
    ),
    "check the disk: its space, its permissions, and whether it became read-only (`dmesg`)": (
        "ディスクの空き容量と権限、読み取り専用になっていないか（`dmesg`）を確かめてください"
    ),
    "the disk does not answer": "ディスクが応答しません",
    "check the SSD and `dmesg`": "SSDの状態と `dmesg` を確かめてください",
    "the program met a defect of its own ({})": "プログラムに不具合が起きました（{0}）",
    "the service is running on this store, and keeps its catalogue": (
        "サービスが動いていて、この保存領域の一覧を管理しています"
    ),
    "stop it with `systemctl stop tsuwaroku`, rebuild, and start it again at once: nothing is recorded meanwhile": (
        "`systemctl stop tsuwaroku` で停止してから作り直し、終わったらすぐに開始してください（停止中は録音されません）"
    ),
    "this call is kept until {} anyway": "この通話は、延長しなくても {0} まで保存されます",
    "name a later day with --until; to end a hold sooner, use `tsuwaroku release-hold`": (
        "--until でそれより後の日を指定してください。延長を早く終えるには `tsuwaroku release-hold` を使います"
    ),
    "a hold until {} is longer than {} years": "{0} までの延長は {1} 年を超えています",
    "name an earlier day; a hold that stands can be made longer at any time": (
        "もっと早い日を指定してください。延長の期間は、後からいつでも伸ばせます"
    ),
    "no call is named": "通話が指定されていません",
    "this call is not on hold": "この通話は保存延長されていません",
    "`tsuwaroku show` shows a hold": "保存延長は `tsuwaroku show` で確かめられます",
    "a reason is needed, of at most {} letters": "理由を {0} 文字以内で入力してください",
    "say why in a sentence": "延長や解除の理由を一文で書いてください",
    "{} is not a date": "{0} は日付ではありません",
    "write it like 2027-03-31": "2027-03-31 のように書いてください",
    "this call was kept until {} (Article 8(1)) and can no longer be held": (
        "この通話の保存期限（{0}、要綱第8条第1項）は過ぎているため、保存延長できません"
    ),
    "nothing can be done: a hold has to be put on a call before its time is over": (
        "対処はありません。保存延長は保存期限までに行う必要があります"
    ),
    "this call was erased": "この通話は消去されました",
    "`tsuwaroku erase-log` says when and by what rule": "消去した日と理由は `tsuwaroku erase-log` で確かめられます",
    "it has to be confirmed, and there is no terminal to ask on": "確認が必要ですが、入力できる端末がありません",
    "read what it does, then add --yes": "影響を確かめたうえで --yes を付けて実行してください",
    "it was not confirmed, and nothing was changed": "確認されなかったため、何も変更していません",
    "run it again when it is decided": "決定してから、もう一度実行してください",
    "a statement is signed with the device key": "証明書には装置の鍵による署名が必要です",
    "make it on the box itself": "録音装置の上で実行してください",
    "{} is still to come": "{0} はまだ先の日付です",
    "name today or an earlier day": "今日以前の日を指定してください",
    "cannot be removed ({})": "削除できません（{0}）",
    "report it": "システム担当者に知らせてください",
    "the queue to the disk is full": "ディスクへの書き込み待ちが上限に達しました",
    "{} samples: {}": "{0} サンプル: {1}",
    "lamp: {}": "ランプ: {0}",
    "a real store takes no simulated calls": "実際の保存領域に模擬の通話は記録できません",
    "name a new directory with --store DIR": "--store DIR で新しいディレクトリを指定してください",
    "has no line {}, which the script uses": "通話スクリプトで使う回線 {0} がありません",
    "add a [[line]] with that id, or change the script {}": (
        "その id の [[line]] を追加するか、通話スクリプト {0} を直してください"
    ),
    "has {} free slots of 256 KiB, the script may need {}": (
        "空きが {0} 区画（1区画 256 KiB）です。この通話スクリプトには {1} 区画が必要になることがあります"
    ),
    "play it into a new store (another --store DIR)": "--store DIR で新しい保存領域を指定してください",
    "is not a store yet": "まだ保存領域ではありません",
    "a {} already runs on this store": "この保存領域ではすでに{0}が動いています",
    "`tsuwaroku status` shows what it does; stop it before starting another": (
        "状況は `tsuwaroku status` で確かめられます。停止してから開始してください"
    ),
    "already runs on this store": "この保存領域ではすでに動いています",
    "stop the other one first, or use it": "動いているものを先に停止するか、そのまま使ってください",
    "the clock says {}, which is wrong for certain": "時計が {0} を示しています。正しい日付ではありません",
    "set the clock first (NTP, or `timedatectl set-time`), then try again": (
        "先に時刻を合わせてから（NTP、または `timedatectl set-time`）、もう一度実行してください"
    ),
    "the clock says what the box knows: there is nothing to confirm": (
        "時計と装置の日時は一致しています。確認の必要はありません"
    ),
    "nothing has to be done; `tsuwaroku clock` shows both": (
        "対処は不要です。両方の日時は `tsuwaroku clock` で確かめられます"
    ),
    "the clock, the day or a hold has changed since this was shown, and nothing was confirmed": (
        "表示の後に時計・日付・保存延長のいずれかが変わったため、確認しませんでした"
    ),
    "run it again, and read anew which calls would go": (
        "もう一度実行し、消去の対象になる通話を改めて確かめてください"
    ),
    "the clock no longer says what was proposed": "時計が、確認を求められたときの時刻と合わなくなっています",
    "have the technician propose the clock again": "保守担当者にもう一度時刻の確認を申請させてください",
    "{} is not for {}": "この操作（{0}）は {1} には許可されていません",
    "ask the records manager; who may do what is listed by `tsuwaroku staff rights`": (
        "管理責任者に相談してください。役割ごとの権限は `tsuwaroku staff rights` で確かめられます"
    ),
    "the connection is gone": "接続が切れました",
    "try again": "もう一度実行してください",
}
