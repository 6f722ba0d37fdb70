"""Alarms are states that resolve: code, severity, what it means, what to do. One owner each: recorder or keeper."""

from __future__ import annotations

import msgspec

from tsuwaroku.clock import Instant
from tsuwaroku.service.status import Alarm


class AlarmText(msgspec.Struct, frozen=True):
    """Severity (`critical`: calls are or may be lost; `warning`) and the words for staff."""

    severity: str
    ja: str
    remedy_ja: str
    en: str
    remedy_en: str


ALARMS: dict[str, AlarmText] = {
    "not_recorded": AlarmText(
        "critical",
        "通話が録音されていません",
        "「tsuwaroku status」で原因を確かめ、管理責任者に連絡してください。",
        "a call is not being recorded",
        "see the other alarms of `tsuwaroku status` for the cause, and tell the records manager",
    ),
    "storage_stalled": AlarmText(
        "critical",
        "ディスクへの書き込みが2秒以上止まっています",
        "SSDの接続と「dmesg」を確かめてください。録音は一時的にメモリに保持されています。",
        "nothing has reached the disk for more than 2 s",
        "check the SSD's connection and `dmesg`; audio is being kept in memory meanwhile",
    ),
    "storage_failed": AlarmText(
        "critical",
        "ディスクへの書き込みに失敗しました",
        "SSDの状態を確かめ、必要なら交換してください。",
        "writing to the disk failed",
        "check the SSD and replace it if need be",
    ),
    "slots_set_aside": AlarmText(
        "warning",
        "SSDに書き込めない箇所があるため、使用から外しました",
        "録音は別の領域で続いています。SSDが劣化しています。早めに交換してください。",
        "parts of the SSD cannot be written and were taken out of use",
        "recording goes on elsewhere on it; the SSD is wearing out: replace it soon",
    ),
    "backlog": AlarmText(
        "critical",
        "書き込み待ちが上限に達し、音声の一部が失われました",
        "ディスクの遅延を調べてください。欠落の位置は通話記録に残ります。",
        "the queue to the disk was full and audio was lost",
        "find what slows the disk; the call's record names the gap",
    ),
    "ring_full": AlarmText(
        "critical",
        "録音領域に空きがありません",
        "管理責任者に連絡し、「tsuwaroku plan」で必要な容量を確かめてください。",
        "the ring has no free slot",
        "tell the records manager; `tsuwaroku plan` says what size is needed",
    ),
    "ring_full_soon": AlarmText(
        "critical",
        "録音領域が3日以内に一杯になる見込みです",
        "録音領域についてのもう一つの警報にある対処を、至急行ってください。一杯になると新しい通話は録音されません。",
        "the ring will be full within three days",
        "do at once what the other alarm about the ring says: in a full ring new calls are not recorded",
    ),
    "ring_short_erasure": AlarmText(
        "warning",
        "消去が止まっているため、録音領域が一杯になる見込みです",
        "時計または消去の警報の対処をしてください。消去が再開すると解消します。",
        "the ring will run full, because nothing is erased",
        "do what the alarm about the clock or the erasure says; the forecast is right again once erasure goes on",
    ),
    "ring_short_holds": AlarmText(
        "warning",
        "保存延長のため、録音領域が一杯になる見込みです",
        "管理責任者に連絡してください。不要な延長を「tsuwaroku release-hold」で解除するか、SSDを大きくします。",
        "the ring will run full because of the calls on hold",
        "tell the records manager: release holds that are not needed (`tsuwaroku release-hold`), or fit a larger SSD",
    ),
    "ring_short_size": AlarmText(
        "warning",
        "録音領域が保存期間に足りず、一杯になる見込みです",
        "「tsuwaroku plan」で必要な容量を確かめ、SSDを大きくしてください。",
        "the ring is too small for the days of keeping, and will run full",
        "see `tsuwaroku plan` for the size that is needed, and fit a larger SSD",
    ),
    "ring_short_rate": AlarmText(
        "warning",
        "通話が想定より多く、録音領域が一杯になる見込みです",
        "「tsuwaroku plan」で実績と必要な容量を確かめ、SSDを大きくしてください。",
        "more is recorded than the ring was made for, and it will run full",
        "see `tsuwaroku plan` for what this site measured and needs, and fit a larger SSD",
    ),
    "store_changed": AlarmText(
        "warning",
        "保存領域の情報（store.json）が、装置が署名した内容と異なります",
        "録音は続いています。誰かが書き換えたおそれがあります。管理責任者に連絡し、「tsuwaroku verify」で確かめて、"
        "store.jsonを控えから戻してください。",
        "store.json is not as this box signed it",
        "recording goes on; somebody may have changed it: tell the records manager, run `tsuwaroku verify`, and restore"
        " store.json from a backup",
    ),
    "key_unusable": AlarmText(
        "critical",
        "通話の鍵を封じる相手の公開鍵に、使えないものがあります（詳細欄）",
        "その鍵では新しい通話を開けません。管理責任者の鍵なら「tsuwaroku keys succeed」、復旧用の鍵なら"
        "「tsuwaroku keys recovery」で新しい鍵に替えてください。",
        "nothing can be sealed to one of the public keys calls are sealed to (beside this)",
        "new calls do not open with that key: replace the manager's with `tsuwaroku keys succeed`, a recovery key with"
        " `tsuwaroku keys recovery`",
    ),
    "acts_unreadable": AlarmText(
        "warning",
        "監査記録に、読み取れない行為の記録があります（番号は詳細欄）",
        "その記録は台帳や期限の判断に含まれません。「tsuwaroku verify」で改ざんの有無を確かめ、"
        "「tsuwaroku ledger audit」で該当する番号の記録を確かめてください。",
        "the audit log has acts that this program cannot read (their numbers are beside this)",
        "no ledger and no deadline goes by them: run `tsuwaroku verify`, and look at these entries with"
        " `tsuwaroku ledger audit`",
    ),
    "media_overdue": AlarmText(
        "warning",
        "返却期限を過ぎた複製の媒体があります",
        "「tsuwaroku media」で確かめ、返却を求めてください（第9条第4項）。",
        "media with copies are overdue",
        "see `tsuwaroku media`, and ask for them (Article 9(4))",
    ),
    "cannot_record": AlarmText(
        "critical",
        "録音できる状態ではありません",
        "表示された原因を取り除いてください。",
        "the box cannot record",
        "put right what the detail names",
    ),
    "capture_stalled": AlarmText(
        "critical",
        "録音が進んでいません。装置は自動的に再起動します",
        "再起動後も続くときは、表示された原因を取り除いてください。",
        "capture makes no progress; the machine is about to restart",
        "if it goes on after the restart, put right what the detail names",
    ),
    "watchdog_failed": AlarmText(
        "warning",
        "ウォッチドッグが設定どおりに働いていません",
        "表示された原因を取り除いてください。録音は続いています。",
        "the watchdog does not work as configured",
        "put right what the detail names; recording goes on",
    ),
    "card_failed": AlarmText(
        "critical",
        "録音用サウンドカードが応答しません",
        "カードの接続を確かめてください。戻れば自動で再開します。",
        "the sound card does not answer",
        "check its connection; capture resumes by itself when it is back",
    ),
    "announcement_failed": AlarmText(
        "warning",
        "告知を流す装置が使えません",
        "告知用のサウンドカードと設定を確かめてください。録音は続いています。",
        "announcements cannot be played",
        "check the playback card and board.playback; recording goes on",
    ),
    "board_failed": AlarmText(
        "warning",
        "ランプを制御できません",
        "回線インターフェースの配線を確かめてください。録音は続いています。",
        "a lamp cannot be set",
        "check the line interface and its wiring; recording goes on",
    ),
    "internal_fault": AlarmText(
        "critical",
        "プログラムに不具合が起きました",
        "「journalctl -u tsuwaroku」の内容を添えて保守担当に連絡してください。",
        "the program met a defect of its own",
        "report it with what `journalctl -u tsuwaroku` shows; capture goes on where it can",
    ),
    "audio_lost": AlarmText(
        "warning",
        "音声の一部が失われました",
        "CPUの負荷を調べてください。欠落の位置は通話記録に残ります。",
        "some audio was lost",
        "look for what loads the machine; the call's record names the gap",
    ),
    "notice_failed": AlarmText(
        "warning",
        "録音の告知ができませんでした",
        "通話記録の「告知」欄に理由があります。機器と設定を確かめてください。",
        "the notice could not be given",
        "the call's record names the reason; check device and configuration",
    ),
    "notice_not_heard": AlarmText(
        "warning",
        "告知を流しましたが、回線上で確認できませんでした",
        "告知用の出力配線と音量を確かめてください。",
        "a notice was played and not heard on the line",
        "check the announcement path's wiring and level",
    ),
    "hook_sensor_suspect": AlarmText(
        "warning",
        "受話器の状態を検出する接点が異常です",
        "回線インターフェースの配線と接点を確かめてください。受話器が置かれた状態で話し声が聞こえる間は、声を頼りに録音します。",
        "the hook sensor of the line behaves strangely",
        "check the line interface's wiring and contact; where somebody speaks on-hook, the voice starts the recording",
    ),
    "channel_dead": AlarmText(
        "critical",
        "回線の音声がまったく入ってきません",
        "回線インターフェースとサウンドカードの配線を確かめてください。音が入ると自動で解消します。",
        "nothing at all comes in on the line's channel",
        "check the wiring of line interface and sound card; it resolves by itself once there is sound",
    ),
    "line_dead": AlarmText(
        "critical",
        "回線に電圧がありません",
        "回線の断線、録音装置への接続、交換機を確かめてください。この間の通話は録音されません。電圧が戻ると自動で解消します。",
        "there is no voltage on the line",
        "look for a cut wire, at the recorder's own connection and at the exchange; calls are not recorded meanwhile. "
        "It resolves by itself once there is a voltage",
    ),
    "meter_failed": AlarmText(
        "warning",
        "回線の電圧を測定できません",
        "回線インターフェースの測定用ICと、基板のオーバーレイを確かめてください。録音は続いています（受話器の状態は接点だけで判断します）。",
        "the lines' voltages cannot be measured",
        "check the ADC of the line interface and the board's overlay; recording goes on, by the contacts alone",
    ),
    "line_silent": AlarmText(
        "warning",
        "受話器が上がっているのに、1分以上音がまったくありません",
        "受話器が外れたままでないか、回線の配線と接点を確かめてください。録音は続いています。",
        "the line is off-hook and has been dead silent for a minute",
        "see whether a handset was left off, and check the line's wiring and contact; recording goes on",
    ),
    "hum": AlarmText(
        "warning",
        "回線に商用電源の雑音（ハム）が入っています",
        "回線と電源線の近接や接地を確かめてください。録音は続いています。",
        "the line hums with the mains",
        "look for power cables beside the line and for a missing earth; recording goes on",
    ),
    "clipping": AlarmText(
        "warning",
        "音声が大きすぎて、波形の頭がつぶれています",
        "録音レベルを下げてください。正常な通話が1分続くと解消します。",
        "the line's sound is too loud and is cut off",
        "lower the capture level; it resolves after a minute of calls without it",
    ),
    "party_low": AlarmText(
        "warning",
        "通話の一方の声が極端に小さく録音されています",
        "回線インターフェースと電話機を確かめてください。次の通話の音量が正常なら解消します。",
        "one party of the calls is far too low",
        "check line interface and telephone; it resolves when the levels of a later call are as they should be",
    ),
    "records_failed": AlarmText(
        "critical",
        "一覧または監査記録を書き込めません",
        "ディスクの空き容量と権限を確かめてください。録音は続いていますが、貸し出した領域を使い切ると止まります。",
        "catalogue, audit log or lease cannot be written",
        "see the disk's free space and permissions; recording goes on until the slots lent to it are used up",
    ),
    "call_damaged": AlarmText(
        "critical",
        "記録した通話の検証に失敗しました",
        "「tsuwaroku verify」で該当する通話を確かめ、SSDを点検してください。",
        "a recorded call did not verify at its end",
        "run `tsuwaroku verify` for the call, and check the SSD",
    ),
    "keeper_away": AlarmText(
        "warning",
        "管理プロセスが動いていません",
        "録音は続いています。「journalctl -u tsuwaroku」で原因を確かめてください。",
        "the keeper process is not running",
        "recording goes on; see `journalctl -u tsuwaroku`",
    ),
    "recorder_away": AlarmText(
        "critical",
        "録音プロセスが動いていません",
        "「journalctl -u tsuwaroku」で原因を確かめてください。",
        "the recorder process is not running",
        "see `journalctl -u tsuwaroku`",
    ),
    "erasure_failed": AlarmText(
        "warning",
        "保存期間を過ぎた通話を消去できません",
        "SSDの状態を確かめてください。該当する通話は再生できず、消去は自動で再試行されます。",
        "expired calls could not be erased",
        "check the SSD; such calls can no longer be played, and erasure is tried again by itself",
    ),
    "holds_unknown": AlarmText(
        "critical",
        "保存延長の記録が壊れているため、消去を停止しています",
        "「tsuwaroku verify」で損傷を確かめ、管理責任者に連絡してください。",
        "the journal with the holds is damaged, so nothing is erased",
        "see `tsuwaroku verify` for the damage, and tell the records manager",
    ),
    "mark_lapses": AlarmText(
        "warning",
        "不当要求の印が付いた通話が、確認されないまま7日以内に消去されます",
        "管理責任者・職務代理者は「tsuwaroku queue」で確かめ、保存延長（hold）か請求をするか、"
        "「queue pass」で消去を認めてください。",
        "a call marked as an unreasonable demand lapses within 7 days, and nobody has looked at it",
        "manager or deputy: see `tsuwaroku queue`; hold it, open a request for it, or let it lapse with `queue pass`",
    ),
    "request_lapses": AlarmText(
        "warning",
        "手続き中の提供請求の通話が、7日以内に消去されます",
        "管理責任者・職務代理者は「tsuwaroku request show」で確かめ、"
        "期限までに決定・提供するか、保存延長（hold）してください。",
        "a call of an open request lapses within 7 days",
        "manager or deputy: see `tsuwaroku request show`; decide and export in time, or hold the call",
    ),
    "disclosure_overdue": AlarmText(
        "warning",
        "緊急の外部提供が、期限を過ぎても承認されていません",
        "管理責任者または代理が「tsuwaroku disclose decide」で決定を記録してください（要綱第10条第2号）。",
        "an emergency's disclosure should have been approved by now",
        "have the manager or her deputy decide it: `tsuwaroku disclose decide` (Article 10(2))",
    ),
    "notice_outdated": AlarmText(
        "warning",
        "公表した内容が、現在の設定と一致していません",
        "「tsuwaroku publish」でページを作り直し、掲載してから記録してください（要綱第5条）。",
        "the published notice no longer says what is configured",
        "draft it anew with `tsuwaroku publish`, post it and record that (Article 5)",
    ),
    "clock_never_set": AlarmText(
        "warning",
        "日付が一度も確定していないため、消去を停止しています",
        "NTPの設定を確かめるか、管理責任者が「tsuwaroku clock confirm」で時刻を確認してください。",
        "no date was ever known, so nothing is erased by its date",
        "check NTP, or have the manager confirm the time with `tsuwaroku clock confirm`",
    ),
    "clock_ahead": AlarmText(
        "warning",
        "時計が大きく進んでいるため、消去を停止しています",
        "時刻を確かめてください。正しければ、管理責任者が「tsuwaroku clock confirm」で確認すると消去が再開します。",
        "the clock is ahead of what can be believed, so nothing is erased by its date",
        "check the time; if it is right, erasure goes on once the manager says `tsuwaroku clock confirm`",
    ),
    "clock_behind": AlarmText(
        "warning",
        "時計が大きく遅れているため、消去を停止しています",
        "時刻を確かめてください。正しければ、管理責任者が「tsuwaroku clock confirm」で確認すると消去が再開します。",
        "the clock is behind what is known, so nothing is erased by its date",
        "check the time; if it is right, erasure goes on once the manager says `tsuwaroku clock confirm`",
    ),
    "clock_unsynchronised": AlarmText(
        "warning",
        "時計が合っていません",
        "NTPの設定を確かめてください。録音は続き、時計の状態は記録に残ります。",
        "the clock is not synchronised",
        "check NTP; recording goes on and each record says how good its time is",
    ),
}


class AlarmBoard(msgspec.Struct):
    """The alarms that stand now, by (code, line)."""

    standing: dict[tuple[str, str], Alarm] = msgspec.field(default_factory=dict)

    def set(self, code: str, active: bool, now: Instant, line: str = "", detail: str = "") -> bool:
        """Raise or resolve; True when that changed something."""
        key = (code, line)
        if not active:
            return self.standing.pop(key, None) is not None
        if key in self.standing:
            self.standing[key].detail = detail or self.standing[key].detail
            return False
        severity = ALARMS[code].severity
        self.standing[key] = Alarm(code=code, severity=severity, line=line, since=now.isoformat(), detail=detail)
        return True

    def all(self) -> list[Alarm]:
        """Critical ones first, then by age."""
        return sorted(self.standing.values(), key=lambda alarm: (alarm.severity != "critical", alarm.since))
