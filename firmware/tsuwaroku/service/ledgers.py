"""The ledgers, each a fold of the audit log: 録音装置設置台帳, 取扱者指名簿, 提供請求受付簿, 媒体管理簿, 外部提供台帳,
消去記録, 監査記録.

The same functions serve the running keeper's stream and the log read from the disk, with a private key and without:
what is sealed to somebody else is then 「（封印）」.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from tsuwaroku.config import Config, LineConfig, OfficeConfig
from tsuwaroku.disclosure.sheets import Ledger
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.appointments import Post, appointments
from tsuwaroku.records.disclosures import Case, Stage, Way, disclosures
from tsuwaroku.records.era import parse_number, wareki
from tsuwaroku.records.media import How
from tsuwaroku.records.readable import readable, unreadable
from tsuwaroku.records.requests import CopyFor, Status, requests
from tsuwaroku.store.acts import acts, sealed_again
from tsuwaroku.store.audit import AuditEntry, erased_in
from tsuwaroku.store.keys import PrivateKey

SEALED = "（封印）"
ERASED_WORDS = "（保存年限経過により消去）"
ERASED = "calls erased"


class Book(enum.StrEnum):
    """What a ledger is called on the command line."""

    DEVICES = "devices"
    HANDLERS = "handlers"
    REQUESTS = "requests"
    MEDIA = "media"
    DISCLOSURES = "disclosures"
    ERASURES = "erasures"
    AUDIT = "audit"


TITLES = {
    Book.DEVICES: "録音装置設置台帳",
    Book.HANDLERS: "取扱者指名簿",
    Book.REQUESTS: "提供請求受付簿",
    Book.MEDIA: "媒体管理簿",
    Book.DISCLOSURES: "外部提供台帳",
    Book.ERASURES: "消去記録",
    Book.AUDIT: "監査記録",
}
_POSTS = {Post.HANDLER: "管理取扱者", Post.DEPUTY: "管理責任者の代理"}
_STATUS = {
    Status.SUBMITTED: "受付",
    Status.APPROVED: "承認",
    Status.REFUSED: "不承認",
    Status.WITHDRAWN: "取下げ",
}
_FOR = {CopyFor.HEAD: "所属長", CopyFor.PERSONNEL: "人事課長"}
_CASES = {
    Case.LAW: "第10条第1号（法令等）",
    Case.EMERGENCY: "第10条第2号（緊急）",
    Case.INVESTIGATION: "第10条第3号（捜査機関）",
    Case.OWN_DATA: "本人の開示請求",
}
_WAYS = {Way.INSPECTION: "閲覧（聴取）", Way.COPY: "複製"}
_STAGES = {Stage.OPENED: "未決定", Stage.APPROVED: "承認", Stage.REFUSED: "不承認"}
_MEDIA = {
    ActVerb.MEDIUM_REGISTERED: "登録",
    ActVerb.COPY_BEGUN: "複製開始",
    ActVerb.COPY_MADE: "複製",
    ActVerb.COPY_FAILED: "複製失敗",
    ActVerb.MEDIUM_HANDED_OVER: "交付",
    ActVerb.MEDIUM_RETURNED: "返却",
    ActVerb.MEDIUM_WIPED: "消去",
    ActVerb.MEDIUM_DESTROYED: "廃棄",
    ActVerb.MEDIUM_LOST: "紛失",
}
_COPYING = {ActVerb.COPY_BEGUN, ActVerb.COPY_MADE, ActVerb.COPY_FAILED}
_WHY = {"expired": "保存期間の満了", "hold lapsed": "保存延長の満了", "age": "経過日数（時計の状態によらない）"}
_MODES = {"every_call": "全通話", "on_button": "ボタン時のみ", "off": "録音しない"}
_NOTICES = {"announcement": "音声", "beep": "信号音", "both": "音声及び信号音", "exempt": "省略"}
_WORDS_JA = {
    "reason": "理由",
    "name": "氏名",
    "to": "相手",
    "serial": "製造番号",
    "label": "名称",
    "capacity": "容量",
    "how": "方法",
    "by": "実施者",
    "witness": "立会人",
    "what": "事故の内容",
    "note": "消去できない理由",
}
_WORDS_OF = {
    ActVerb.MEDIUM_HANDED_OVER: {"name": "交付者", "to": "受領者"},
    ActVerb.MEDIUM_RETURNED: {"by": "返却者", "name": "受取者"},
}
_HOW = {How.CRUSHED: "破砕", How.CUT: "裁断"}
Rows = list[tuple[str, ...]]


def of_config(config: Config, as_of: date) -> Ledger:
    """録音装置設置台帳 (Article 3): a row for each line of the configuration."""
    columns = ("回線", "内線番号", "所属", "設置場所", "録音", "時間帯による録音", "告知（着信）", "告知（発信）")
    rows = [_device(config.station, line) for line in config.line]
    return _ledger(Book.DEVICES, columns, rows, config.office, as_of)


def of_acts(book: Book, found: Sequence[Act], office: OfficeConfig, as_of: date) -> Ledger:
    """One of the ledgers that acts make: handlers, requests, media, disclosures."""
    columns, rows = _FOLDS[book]
    odd = unreadable(found)
    kept = [act for act in found if readable(act)]
    return _ledger(book, columns, rows(kept), office, as_of, sealed=any(_hidden(act) for act in found), odd=odd)


def of_erasures(entries: Iterable[AuditEntry], office: OfficeConfig, as_of: date) -> Ledger:
    """消去記録 (Article 8(1)): every call that was overwritten and read back, from the keeper's own entries."""
    rows: dict[int, tuple[str, ...]] = {}
    for entry in entries:
        how = "読み戻して確認" if entry.detail.get("read_back") == "direct" else "キャッシュを除いて確認"
        for number, (ended_on, expires_on, why) in erased_in(entry).items():
            told = (str(ended_on), str(expires_on), entry.at[:10], _WHY.get(why, why), how, str(entry.number))
            rows.setdefault(number, (f"#{number}", *told))
    columns = ("通話", "録音日", "保存期限", "消去日", "消去の根拠", "確認方法", "監査記録")
    return _ledger(Book.ERASURES, columns, [rows[number] for number in sorted(rows)], office, as_of)


def of_audit(
    entries: Sequence[AuditEntry],
    private: PrivateKey | None,
    office: OfficeConfig,
    as_of: date,
    acts_there: Iterable[AuditEntry] = (),
) -> Ledger:
    """監査記録: every entry of a range as it stands. `acts_there`: all acts, for words that were sealed again in one of
    them. Raises SecretError."""
    again = {} if private is None else sealed_again(acts_there, private)
    columns = ("番号", "日時", "行為者", "行為", "対象", "内容", "理由・詳細")
    rows: Rows = []
    hidden = False
    for entry in entries:
        words = None if private is None else entry.why(private)
        sealed = again.get(entry.number)
        if words is None and sealed is not None and entry.committed(sealed.salt, sealed.why):
            words = None if entry.words_gone else sealed.why
        hidden |= entry.sealed is not None and words is None
        detail = "" if not entry.detail else msgspec.json.encode(entry.detail).decode()
        said = words or (_hidden_as(entry.words_gone) if entry.why_commitment is not None else "")
        rows.append((str(entry.number), _moment(entry.at), entry.actor, entry.verb, entry.subject, detail, said))
    return _ledger(Book.AUDIT, columns, rows, office, as_of, sealed=hidden)


def acts_with(entries: Iterable[AuditEntry], private: PrivateKey | None) -> list[Act]:
    """The acts, with the words this key opens. Raises SecretError."""
    return acts(entries, private)


def _ledger(
    book: Book,
    columns: tuple[str, ...],
    rows: Rows,
    office: OfficeConfig,
    as_of: date,
    *,
    sealed: bool = False,
    odd: Sequence[int] = (),
) -> Ledger:
    """`odd`: entries that cannot be read, and are in no row."""
    note = f"{SEALED}の欄は、閲覧の権限のある鍵で作成したときに表示されます。" if sealed else ""
    if odd:
        numbers = "、".join(str(number) for number in odd)
        note += f"監査記録の番号 {numbers} は読み取れないため、この台帳に含まれていません。"
    owner = " ".join(part for part in (office.city, office.manager) if part)
    return Ledger(title=TITLES[book], columns=columns, rows=tuple(rows), as_of=as_of, office=owner, note=note)


def _device(station: str, line: LineConfig) -> tuple[str, ...]:
    times = "、".join(f"{one.days} {one.start}～{one.end} {_MODES[one.mode.value]}" for one in line.timetable)
    inbound, outbound = (_NOTICES[getattr(line.notice, way).kind.value] for way in ("inbound", "outbound"))
    return (line.id, line.extension, line.department, station, _MODES[line.mode.value], times, inbound, outbound)


def _handlers(found: Sequence[Act]) -> Rows:
    rows = [
        (
            one.number,
            (
                _POSTS[one.post],
                _hidden_as(one.erased) if one.name is None else " ".join(filter(None, (one.title, one.name))),
                one.user,
                "、".join(one.lines) or "全回線",
                wareki(one.begin),
                "" if one.end is None else wareki(one.end),
                "" if one.dismissed is None else wareki(one.dismissed),
            ),
        )
        for one in appointments(found)
    ]
    rows += [
        (act.number, ("管理責任者の交代", _word(act, "name"), act.subject, "全回線", _day(act.at[:10]), "", ""))
        for act in found
        if act.verb is ActVerb.MANAGER_SUCCEEDED
    ]
    rows += [
        (act.number, ("復旧用の鍵の交換", "", act.subject, "全回線", _day(act.at[:10]), "", ""))
        for act in found
        if act.verb is ActVerb.RECOVERY_REPLACED
    ]
    return [row for _, row in sorted(rows)]


def _requests(found: Sequence[Act]) -> Rows:
    rows: Rows = []
    for one in requests(found):
        form = one.form
        rows.append(
            (
                _number(one.slug),
                wareki(one.on),
                _hidden_as(one.erased) if form is None else _asked_by(form),
                one.by,
                f"{len(one.calls)}件",
                _STATUS[one.status],
                "" if not one.decided_at else _day(one.decided_at[:10]),
                one.decided_by,
                "" if one.status is Status.SUBMITTED else _hidden_as(one.erased) if one.reason is None else one.reason,
                "" if one.return_by is None else wareki(one.return_by),
                "、".join(f"{_FOR[who]}：{medium}" for who, medium in one.made),
            )
        )
    return rows


def _media(found: Sequence[Act]) -> Rows:
    """A row for each thing that was done with a medium, medium by medium. From the first attempt at a copy on each says
    whose copy it is."""
    rows = []
    copies: dict[str, tuple[str, str]] = {}  # medium -> slug, recipient
    for act in found:
        if act.verb not in _MEDIA:
            continue
        copying = act.verb in _COPYING
        name = str(act.detail.get("medium", "")) if copying else act.subject
        if copying:
            copies[name] = act.subject, str(act.detail.get("recipient", ""))
        slug, who = copies.get(name, ("", ""))
        due = act.detail.get("due_on")
        row = (
            name,
            _day(str(act.detail.get("on", act.at[:10]))),
            "消去不能" if act.verb is ActVerb.MEDIUM_WIPED and not act.detail.get("clean", True) else _MEDIA[act.verb],
            _number(slug) if slug else "",
            _FOR[CopyFor(who)] if who in {one.value for one in CopyFor} else who,
            _day(str(due)) if due else "",
            act.actor,
            "、".join(filter(None, (_hardware(act), _way(act), _said(act)))),
        )
        rows.append((name, act.number, row))
    return [row for _, _, row in sorted(rows)]


def _hardware(act: Act) -> str:
    """Of a registration: which piece of hardware it is."""
    identity = act.detail.get("identity") if act.verb is ActVerb.MEDIUM_REGISTERED else None
    if not isinstance(identity, Mapping):
        return ""
    serial, octets = identity.get("serial"), identity.get("capacity_octets")
    told = (f"製造番号：{serial}" if serial else "", f"容量：{octets:,} バイト" if isinstance(octets, int) else "")
    return "、".join(filter(None, told))


def _way(act: Act) -> str:
    """Of a destruction: one of the ways that Article 9(5) names; any other is in its words."""
    how = act.detail.get("how") if act.verb is ActVerb.MEDIUM_DESTROYED else None
    return f"方法：{_HOW[How(how)]}" if how in {one.value for one in _HOW} else ""


def _disclosures(found: Sequence[Act]) -> Rows:
    rows: Rows = []
    for one in disclosures(found):
        opened, sealed = one.words, _hidden_as(one.erased)

        def word(name: str, *, opened: Mapping[str, str] | None = opened, sealed: str = sealed) -> str:
            return sealed if opened is None else opened.get(name, "")

        decided, done = one.stage is not Stage.OPENED, one.done_on is not None
        rows.append(
            (
                one.slug,
                wareki(one.on),
                _CASES[one.case],
                sealed if opened is None else _both(opened, "basis", "reference"),
                word("recipient"),
                word("purpose"),
                f"{len(one.calls)}件",
                _WAYS[one.way] + (f"（{word('copy_basis')}）" if one.way is Way.COPY else ""),
                _STAGES[one.stage]
                + ("（事後）" if decided and _afterwards(one.done_on, one.decided_on) else "")
                + ("" if one.decided_on is None else f"\n{wareki(one.decided_on)}"),
                "" if not decided else sealed if opened is None else _both(opened, "decided_by", "decision"),
                "" if one.done_on is None else wareki(one.done_on),
                "" if not done else sealed if opened is None else _both(opened, "to", "medium"),
            )
        )
    return rows


_FOLDS: dict[Book, tuple[tuple[str, ...], Callable[[Sequence[Act]], Rows]]] = {
    Book.HANDLERS: (("区分", "職・氏名", "アカウント", "回線", "指名日", "任期の終わり", "解任日"), _handlers),
    Book.REQUESTS: (
        (
            "番号",
            "受付日",
            "請求した所属長",
            "受付者",
            "通話",
            "処理",
            "処理日",
            "処理者",
            "理由",
            "返却期限",
            "複製した媒体",
        ),
        _requests,
    ),
    Book.MEDIA: (("媒体", "年月日", "区分", "請求番号", "提供先", "返却期限", "取扱者", "内容"), _media),
    Book.DISCLOSURES: (
        (
            "番号",
            "受付日",
            "区分",
            "根拠法令・文書番号",
            "提供先",
            "目的",
            "通話",
            "方法",
            "決定・決定日",
            "決裁者・決裁番号",
            "実施日",
            "閲覧者・媒体",
        ),
        _disclosures,
    ),
}


def _both(words: Mapping[str, str], *names: str) -> str:
    return "\n".join(text for name in names if (text := words.get(name, "")))


def _afterwards(done: date | None, decided: date | None) -> bool:
    return done is not None and decided is not None and done < decided


def _asked_by(form: Mapping[str, object]) -> str:
    return f"{form.get('department', '')} {form.get('head', '')}".strip()


def _hidden(act: Act) -> bool:
    return act.words is None and not act.erased


def _hidden_as(erased: bool) -> str:
    """What stands for words that nobody can read any more, or not with this key."""
    return ERASED_WORDS if erased else SEALED


def _word(act: Act, name: str) -> str:
    return _hidden_as(act.erased) if act.words is None else str(act.words.get(name, ""))


def _said(act: Act) -> str:
    if act.words is None:
        return _hidden_as(act.erased)
    labels = _WORDS_JA | _WORDS_OF.get(act.verb, {})
    return "、".join(f"{labels.get(name, name)}：{said}" for name, said in sorted(act.words.items()) if said)


def _number(slug: str) -> str:
    return str(parse_number(slug))


def _day(text: str) -> str:
    return wareki(date.fromisoformat(text))


def _moment(at: str) -> str:
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S")
