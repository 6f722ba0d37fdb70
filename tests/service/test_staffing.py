"""Appointing, dismissing, the change of the manager: whom calls and words are sealed to from then on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from tests.service.daysworld import DAY, Days
from tests.service.support import calls_in
from tests.service.test_lamp_truth import Box
from tsuwaroku.config import OfficeConfig
from tsuwaroku.console.rewrap import reseal_log, reseal_words, rewrap_calls
from tsuwaroku.console.staffclient import StaffClient
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, SecretError, StoreError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.appointments import Post, appointments
from tsuwaroku.records.roles import Role
from tsuwaroku.records.succession import successions
from tsuwaroku.service import rewrapping, staffing
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.ledgers import SEALED, of_audit
from tsuwaroku.service.rewrapping import Lacking, LogLacking, Rewrapped, WordsLacking
from tsuwaroku.service.staffing import AppointRequest, DismissRequest, RecoveryRequest, SucceedRequest
from tsuwaroku.store.acts import Resealed, act_entries, acts
from tsuwaroku.store.amendments import read_amendments
from tsuwaroku.store.audit import LONGEST_WHY, AuditLog
from tsuwaroku.store.catalogue import Catalogue
from tsuwaroku.store.keys import PrivateKey, Recipient, Recipients, key_id
from tsuwaroku.store.layout import Store
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.seal import CallKey, open_wrapped
from tsuwaroku.store.slot import MAX_WRAPS
from tsuwaroku.store.verify import verify_store

HANDLER, OTHER, DEPUTY = PrivateKey(b"h" * 32), PrivateKey(b"o" * 32), PrivateKey(b"d" * 32)
MANAGER, NEXT, RECOVERY = PrivateKey(b"m" * 32), PrivateKey(b"n" * 32), PrivateKey(b"r" * 32)
SHEET = PrivateKey(b"s" * 32)
BOSS = Asker(user="uid 61001", roles=frozenset({Role.MANAGER}))
AS_DEPUTY = Asker(user="uid 61002", roles=frozenset({Role.DEPUTY}))


def asked(body: object, by: Asker = BOSS) -> Asked:
    return Asked(by=by, path={}, query=None, body=body)


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path / "store", 24)


def appoint(days: Days, key: PrivateKey | None, user: str = "uid 61007", post: Post = Post.HANDLER, **more: Any) -> int:
    by = more.pop("by", BOSS)
    public = "" if key is None else key.public.hex()
    body = AppointRequest(user=user, name="青森 花子", public_key=public, **more)
    return staffing.appoint(days.keeper, asked(body, by), post).numbers[0]


def dismiss(days: Days, user: str = "uid 61007", by: Asker = BOSS, number: int | None = None) -> None:
    staffing.dismiss(days.keeper, asked(DismissRequest(user, "異動", number), by))


def opens(days: Days, key: PrivateKey) -> list[int]:
    """The calls, counted from 1, that a key opens: by the catalogue and the journals on the disk."""
    entries = {entry.call_id: entry for entry in Catalogue(days.store.catalogue_dir).entries()}
    amended = read_amendments(days.store)
    found = []
    for number, call in enumerate(days.calls, 1):
        if call.call_id not in entries:
            continue  # erased
        wraps = [*entries[call.call_id].wraps, *amended.wraps(call.call_id)]
        try:
            open_wrapped(wraps, key, call.call_id)
        except SecretError:
            continue
        found.append(number)
    return found


def entries(days: Days) -> list[tuple[str, str]]:
    return [(entry.actor, entry.verb) for entry in AuditLog(days.store.audit_dir).entries()]


def words(days: Days, key: PrivateKey) -> list[dict[str, Any] | None]:
    return [act.words for act in acts(act_entries(AuditLog(days.store.audit_dir)), key)]


def clean(days: Days, *keys: PrivateKey) -> None:
    for key in (None, *keys):
        assert verify_store(days.store, key).problems == []


def test_calls_from_the_appointment_to_the_dismissal_open_for_the_handler(days: Days) -> None:
    days.call()
    appoint(days, HANDLER)
    days.call()
    dismiss(days)
    days.call()
    assert (opens(days, HANDLER), opens(days, days.key)) == ([2], [1, 2, 3])
    clean(days, days.key)


def test_a_handler_of_some_lines_hears_those_and_reads_no_words(days: Days) -> None:
    days.settings = days.settings.__class__(line=(days.settings.line[0], _line("2")), store=days.settings.store)
    days.kill()
    days.start()
    appoint(days, HANDLER, lines=["2"])
    appoint(days, OTHER, user="uid 61008", lines=["1", "2"])
    days.call()  # on line 1
    assert (opens(days, HANDLER), opens(days, OTHER)) == ([], [1])
    dismiss(days, "uid 61008")
    assert words(days, HANDLER) == [None] * 3
    assert words(days, OTHER) == [None] * 3
    assert words(days, days.key)[0] == {"name": "青森 花子", "title": ""}
    assert [one.lines for one in days.keeper.recipients.list if one.role == "handler"] == [("2",)]
    clean(days, days.key)


def test_names_are_nowhere_in_the_clear(days: Days) -> None:
    appoint(days, HANDLER, title="主事")
    octets = b"".join(path.read_bytes() for path in days.path.rglob("*") if path.is_file() and "ring" not in path.parts)
    for name in ("青森", "花子", "主事"):
        assert name.encode() not in octets
        assert name.encode("unicode_escape") not in octets


def test_an_appointment_begins_and_ends_with_its_days(days: Days) -> None:
    first, last = days.today + timedelta(2), days.today + timedelta(4)
    appoint(days, HANDLER, begin=first.isoformat(), end=last.isoformat())
    heard: set[int] = set()
    for _ in range(7):
        days.call()
        heard |= {*opens(days, HANDLER)}
        days.run_to("08:00")
    assert heard == {3, 4, 5}
    assert entries(days).count(("keeper", "appointment ended")) == 1
    days.kill()
    days.start()
    assert entries(days).count(("keeper", "appointment ended")) == 1


def test_a_cut_between_the_act_and_the_list_is_made_up_for_at_the_start(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("cannot be written", remedy="")

    monkeypatch.setattr(Store, "set_recipients", full)
    appoint(days, HANDLER)
    days.call()
    assert [alarm.code for alarm in days.keeper.status().alarms] == ["records_failed"]
    days.kill()
    monkeypatch.undo()
    days.start()
    days.call()
    assert opens(days, HANDLER) == [2]
    assert days.store.recipients == Store.open(days.path).recipients


def test_a_deputy_hears_while_she_is_one_and_may_have_no_key(days: Days) -> None:
    appoint(days, DEPUTY, post=Post.DEPUTY)
    appoint(days, None, user="uid 61009", post=Post.DEPUTY)
    days.call()
    dismiss(days)
    days.call()
    assert opens(days, DEPUTY) == [1]


REFUSED: dict[str, tuple[type[Exception], Callable[[Days], object]]] = {
    "herself": (ForbiddenError, lambda days: appoint(days, HANDLER, user=BOSS.user)),
    "herself deputy": (ForbiddenError, lambda days: appoint(days, HANDLER, user=BOSS.user, post=Post.DEPUTY)),
    "no key": (RefusedError, lambda days: appoint(days, None)),
    "key of the manager": (RefusedError, lambda days: appoint(days, days.key)),
    "no such line": (RefusedError, lambda days: appoint(days, HANDLER, lines=["9"])),
    "no such account": (RefusedError, lambda days: appoint(days, HANDLER, user="nobody-of-this-name")),
    "account by its number": (RefusedError, lambda days: appoint(days, HANDLER, user="uid 1")),
    "account with a zero": (RefusedError, lambda days: appoint(days, HANDLER, user="a\0b")),
    "past": (RefusedError, lambda days: appoint(days, HANDLER, begin="2026-10-31")),
    "end before begin": (RefusedError, lambda days: appoint(days, HANDLER, begin="2026-11-05", end="2026-11-04")),
    "wrong era": (RefusedError, lambda days: appoint(days, HANDLER, end="平成40年4月1日")),
    "no day": (RefusedError, lambda days: appoint(days, HANDLER, end="2026-02-30")),
    "short key": (
        RefusedError,
        lambda days: staffing.appoint(days.keeper, asked(AppointRequest("uid 61007", "青森", "", "ab")), Post.HANDLER),
    ),
    "zero key": (
        RefusedError,
        lambda days: staffing.appoint(
            days.keeper, asked(AppointRequest("uid 61007", "青森", "", "00" * 32)), Post.HANDLER
        ),
    ),
    "low-order key": (
        RefusedError,
        lambda days: staffing.appoint(
            days.keeper, asked(AppointRequest("uid 61007", "青森", "", "01" + "00" * 31)), Post.HANDLER
        ),
    ),
    "low-order key of the manager": (
        RefusedError,
        lambda days: staffing.succeed(days.keeper, asked(SucceedRequest("01" + "00" * 31, "弘前", "発令 1"))),
    ),
    "no name": (
        RefusedError,
        lambda days: staffing.appoint(
            days.keeper, asked(AppointRequest("uid 61007", " ", "", HANDLER.public.hex())), Post.HANDLER
        ),
    ),
    "nobody to dismiss": (NotFoundError, lambda days: dismiss(days)),
    "no decree": (
        RefusedError,
        lambda days: staffing.succeed(days.keeper, asked(SucceedRequest(NEXT.public.hex(), "弘前", ""))),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_to_be_is_refused_audited_and_changes_nothing(days: Days, case: str) -> None:
    kind, act = REFUSED[case]
    before = days.store.recipients
    with pytest.raises(kind):
        act(days)
    assert days.store.recipients == before
    assert (days.keeper.ledger.acts, entries(days)[-1]) == ([], (BOSS.user, "refused"))


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_leaves_nothing_that_was_typed(days: Days, case: str) -> None:
    """A name in the wrong field, a recovery key where a public one belongs: the log says why in a word or two."""
    kind, act = REFUSED[case]
    with pytest.raises(kind):
        act(days)
    (noted,) = [one for one in days.keeper.audit_log.entries() if one.verb == "refused"]
    assert noted.detail["why"] in ("no right", "bad input")
    assert noted.subject in ("", BOSS.user, "uid 61007")


@pytest.mark.parametrize("field", ["user", "name", "title", "public_key", "lines", "begin", "end"])
def test_typed_text_is_nowhere_in_the_log(days: Days, field: str) -> None:
    typed = "弘前 太郎 JQRW-7KM2"
    fields: dict[str, object] = {"user": "uid 61007", "name": "青森", "public_key": HANDLER.public.hex(), "end": "x"}
    value = [typed] if field == "lines" else typed * (1 + 40 * (field in ("name", "title")))
    with pytest.raises(RefusedError):
        staffing.appoint(days.keeper, asked(AppointRequest(**(fields | {field: value}))), Post.HANDLER)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        staffing.succeed(days.keeper, asked(SucceedRequest(typed, typed, typed)))
    with pytest.raises(NotFoundError):
        staffing.dismiss(days.keeper, asked(DismissRequest(typed, typed)))
    text = b"".join(line for _, _, line in days.keeper.audit_log.lines()).decode()
    assert text.count('"verb":"refused"') == 3
    assert "弘前" not in text
    assert "7KM2" not in text


def test_a_key_belongs_to_one_account_and_days_do_not_overlap(days: Days) -> None:
    appoint(days, HANDLER, end="令和8年12月31日")
    with pytest.raises(RefusedError, match="somebody else"):
        appoint(days, HANDLER, user="uid 61008")
    with pytest.raises(RefusedError, match="already"):
        appoint(days, OTHER)
    appoint(days, OTHER, begin="2027-01-01")
    assert len(days.keeper.ledger.appointments) == 2


def test_more_keys_than_a_header_holds_are_refused_before_anything_is_done(days: Days) -> None:
    for number in range(MAX_WRAPS - 1):
        appoint(days, PrivateKey(bytes([150 + number]) * 32), user=f"uid {61100 + number}")
    with pytest.raises(RefusedError, match="keys at the most"):
        appoint(days, HANDLER)
    days.call()
    assert opens(days, PrivateKey(bytes([150]) * 32)) == [1]


def test_a_deputy_dismisses_handlers_but_no_deputy(days: Days) -> None:
    appoint(days, DEPUTY, user=AS_DEPUTY.user, post=Post.DEPUTY)
    appoint(days, HANDLER, by=AS_DEPUTY)
    with pytest.raises(ForbiddenError):
        dismiss(days, AS_DEPUTY.user, by=AS_DEPUTY)
    dismiss(days, by=AS_DEPUTY)
    assert [one.dismissed is None for one in days.keeper.ledger.appointments] == [True, False]


# -- the change of the manager


class Inside(StaffClient):
    """The client's questions, answered by a keeper in this process."""

    def __init__(self, days: Days, most: int = 10**6) -> None:
        self.days = days
        self.most = most

    def lacking(self, key: str, day: str = "", *, again: bool = False) -> Lacking:
        return rewrapping.lacking(self.days.keeper, rewrapping.LackingQuery(key, day, again))

    def rewrap(self, key: str, wraps: Any) -> int:
        if self.most <= 0:
            raise KeyboardInterrupt
        self.most -= 1
        return rewrapping.rewrap(self.days.keeper, asked(rewrapping.RewrapRequest(key, list(wraps)))).taken

    def words_lacking(self, key: str) -> WordsLacking:
        return rewrapping.words(self.days.keeper, rewrapping.WordsQuery(key))

    def log_words(self, key: str, day: str = "") -> LogLacking:
        return rewrapping.log_words(self.days.keeper, rewrapping.LogQuery(key, day))

    def reseal(self, key: str, words: Any, day: str = "") -> int:
        return rewrapping.reseal(self.days.keeper, asked(rewrapping.ResealRequest(key, list(words), day))).taken


def real(days: Days) -> None:
    """A manager's key and a recovery key beside the demonstration's."""
    made = [("manager", MANAGER), ("recovery", RECOVERY)]
    listed = [
        Recipient(id=key.id.hex(), role=role, name=role, public_key=key.public.hex())  # type: ignore[arg-type]
        for role, key in made
    ]
    days.store.set_recipients(Recipients([*days.store.recipients.list, *listed]))
    days.kill()
    days.start()


def succeed(days: Days) -> list[int]:
    body = SucceedRequest(NEXT.public.hex(), "弘前 一郎", "令和9年4月1日 管財第12号")
    return staffing.succeed(days.keeper, asked(body)).numbers


@pytest.mark.parametrize("by", [MANAGER, RECOVERY], ids=["the predecessor's key", "the recovery key alone"])
def test_april_old_calls_and_old_words_open_with_the_new_key_and_no_later_call_with_the_old(
    days: Days, by: PrivateKey
) -> None:
    real(days)
    appoint(days, HANDLER)
    days.call()
    days.run_to("08:00")
    days.call()
    days.hold(days.calls[0], days.today + timedelta(400))
    assert len(succeed(days)) == 1
    assert succeed(days) == []
    days.call()
    assert (opens(days, NEXT), opens(days, MANAGER)) == ([3], [1, 2])
    key, client = NEXT.id.hex(), Inside(days)
    calls, said = rewrap_calls(client, by, key), reseal_words(client, by, key)
    assert (calls.done, calls.left, said.done, said.left) == (2, 0, 2, 0)
    assert rewrap_calls(client, by, key).done == reseal_words(client, by, key).done == 0
    days.kill()
    days.start()
    days.call()
    assert (opens(days, NEXT), opens(days, MANAGER), opens(days, HANDLER)) == ([1, 2, 3, 4], [1, 2], [1, 2, 3, 4])
    assert opens(days, RECOVERY) == [1, 2, 3, 4]
    told = acts(act_entries(AuditLog(days.store.audit_dir)), NEXT)
    assert [one.name for one in appointments(told)] == ["青森 花子"]
    assert [(one.name, one.decree) for one in successions(told)] == [("弘前 一郎", "令和9年4月1日 管財第12号")]
    dismiss(days)
    assert (words(days, NEXT)[-1], words(days, MANAGER)[-1]) == ({"reason": "異動"}, None)
    clean(days, days.key, NEXT, MANAGER, RECOVERY)


def reasons(days: Days, key: PrivateKey) -> dict[str, str]:
    """Of the audit log's ledger, by subject."""
    found = list(days.keeper.audit_log.entries())
    rows = of_audit(found, key, OfficeConfig(), days.today, list(act_entries(days.keeper.audit_log))).rows
    return {row[4]: row[6] for row in rows if row[3] in ("play", "hold", "clock confirmed")}


@pytest.mark.parametrize("by", [MANAGER, RECOVERY], ids=["the predecessor's key", "the recovery key alone"])
def test_why_somebody_listened_or_held_a_call_opens_with_the_new_key(days: Days, by: PrivateKey) -> None:
    real(days)
    call = str(ULID.from_bytes(days.call().call_id))
    other = str(ULID.from_bytes(days.call().call_id))
    for held, reason in ((other, "旧"), (call, "訴訟")):
        days.keeper.hold(HoldRequest(calls=[held], until="2027-06-30", reason=reason), BOSS.user)
    days.keeper.hold(HoldRequest(calls=[other], until=None, reason="和解"), BOSS.user)
    days.keeper.hold(HoldRequest(calls=[other], until="2027-05-31", reason="再訴"), BOSS.user)
    days.keeper.audit("hana", "play", "A", "接遇の改善")
    days.run_to("12:00")
    days.keeper.audit("hana", "play", "B", "苦情の確認")
    succeed(days)
    days.keeper.audit("hana", "play", "C", "研修")
    assert set(reasons(days, NEXT).values()) == {SEALED, "研修"}
    client, key = Inside(days), NEXT.id.hex()
    wraps = rewrap_calls(client, by, key)
    assert (wraps.left, reseal_words(client, by, key).left) == (0, 0)
    said = reseal_log(client, by, key)
    assert (said.done, said.left) == (6, 0)
    assert reseal_log(client, by, key).done == 0
    read = reasons(days, NEXT)
    assert (read["A"], read["B"], read["C"], read[call], read[other]) == (
        "接遇の改善", "苦情の確認", "研修", "訴訟", "再訴",
    )  # fmt: skip
    shown = {one.id: one.retention.hold for one in list_calls(days.store, NEXT)}
    assert [(hold.reason, hold.until) for hold in (shown[call], shown[other]) if hold is not None] == [
        ("訴訟", "2027-06-30"), ("再訴", "2027-05-31"),
    ]  # fmt: skip
    third = PrivateKey(b"3" * 32)  # and on, from what was sealed again
    staffing.succeed(days.keeper, asked(SucceedRequest(third.public.hex(), "八戸 二郎", "第13号")))
    assert reseal_log(client, NEXT, third.id.hex()).left == 0
    assert reasons(days, third)["A"] == "接遇の改善"
    clean(days, days.key, NEXT, MANAGER, RECOVERY)


def test_reasons_are_taken_only_as_the_log_committed_to_them(days: Days) -> None:
    real(days)
    days.keeper.audit("hana", "play", "A", "接遇の改善")
    succeed(days)
    key, client = NEXT.id.hex(), Inside(days)
    (day,) = client.log_words(key).days
    (entry,) = client.log_words(key, day).entries
    opened = entry.opened(MANAGER)
    assert opened is not None
    with pytest.raises(RefusedError, match="not the words"):
        client.reseal(key, [Resealed(entry.number, opened[0], "別の理由")], day)
    with pytest.raises(NotFoundError):
        client.log_words(key, "../../etc/passwd")
    assert client.reseal(key, [Resealed(entry.number, *opened)], "2020-01-01") == 0  # not of that day
    assert client.reseal(key, [Resealed(entry.number, *opened)]) == 0  # no act
    assert client.reseal(key, [Resealed(entry.number, *opened)], day) == 1
    assert (reseal_log(client, OTHER, key).done, client.log_words(key, day).entries) == (0, [])


def test_long_words_are_sealed_again_in_as_many_entries_as_they_need(days: Days) -> None:
    """Each by itself is as long as an entry may be."""
    real(days)
    said = {subject: subject * (LONGEST_WHY - 1000) for subject in ("A", "B", "C")}
    for subject, why in said.items():
        days.keeper.audit("hana", "play", subject, why)
    succeed(days)
    client, key = Inside(days), NEXT.id.hex()
    assert reseal_log(client, MANAGER, key).left == 0
    again = [entry for entry in days.keeper.ledger.entries if entry.verb == ActVerb.WORDS_RESEALED]
    assert [len(entry.detail["of"]) for entry in again] == [1, 1, 1]
    assert {subject: reasons(days, NEXT)[subject] for subject in said} == said
    clean(days, days.key, NEXT, MANAGER, RECOVERY)


def replace_sheet(days: Days, key: PrivateKey = SHEET) -> list[int]:
    return staffing.replace_recovery(days.keeper, asked(RecoveryRequest(key.public.hex(), "紛失"))).numbers


@pytest.mark.parametrize("by", [MANAGER, RECOVERY], ids=["the manager's key", "the old sheet alone"])
def test_a_new_recovery_sheet_opens_what_was_before_and_the_old_one_nothing_later(days: Days, by: PrivateKey) -> None:
    real(days)
    appoint(days, HANDLER)
    days.call()
    assert len(replace_sheet(days)) == 1
    assert replace_sheet(days) == []
    days.call()
    assert (opens(days, SHEET), opens(days, RECOVERY), opens(days, MANAGER)) == ([2], [1], [1, 2])
    key, client = SHEET.id.hex(), Inside(days)
    calls, said = rewrap_calls(client, by, key), reseal_words(client, by, key)
    assert (calls.done, calls.left, said.done, said.left) == (1, 0, 2, 0)
    days.kill()
    days.start()
    days.call()
    assert (opens(days, SHEET), opens(days, RECOVERY)) == ([1, 2, 3], [1])
    assert [(one.role, one.id) for one in days.store.recipients.list if one.role == "recovery"] == [("recovery", key)]
    told = acts(act_entries(AuditLog(days.store.audit_dir)), SHEET)
    assert [one.name for one in appointments(told)] == ["青森 花子"]
    succeed(days)  # the sheet alone carries the office on, too
    rewrap_calls(client, SHEET, NEXT.id.hex())
    assert opens(days, NEXT) == [1, 2, 3]
    clean(days, days.key, NEXT, MANAGER, RECOVERY, SHEET)


def test_a_sheet_that_is_somebodys_key_or_was_withdrawn_is_none(days: Days) -> None:
    real(days)
    appoint(days, HANDLER)
    replace_sheet(days)
    before = len(days.keeper.ledger.acts)
    for key in (HANDLER, MANAGER, RECOVERY):
        with pytest.raises(RefusedError, match="already"):
            replace_sheet(days, key)
    with pytest.raises(RefusedError, match="left empty"):
        staffing.replace_recovery(days.keeper, asked(RecoveryRequest(OTHER.public.hex(), " ")))
    with pytest.raises(RefusedError, match="no public key"):
        staffing.replace_recovery(days.keeper, asked(RecoveryRequest("00" * 32, "紛失")))
    with pytest.raises(RefusedError, match="already"):
        staffing.succeed(days.keeper, asked(SucceedRequest(SHEET.public.hex(), "弘前", "第1号")))
    assert len(days.keeper.ledger.acts) == before


def test_a_second_change_carries_on_the_words_sealed_again_in_the_first(days: Days) -> None:
    real(days)
    appoint(days, HANDLER)
    succeed(days)
    reseal_words(Inside(days), MANAGER, NEXT.id.hex())
    third = PrivateKey(b"3" * 32)
    staffing.succeed(days.keeper, asked(SucceedRequest(third.public.hex(), "八戸 二郎", "第13号")))
    said = reseal_words(Inside(days), NEXT, third.id.hex())
    assert (said.done, said.left) == (3, 0)
    told = acts(act_entries(AuditLog(days.store.audit_dir)), third)
    assert [one.name for one in appointments(told)] == ["青森 花子"]
    assert [one.name for one in successions(told)] == ["弘前 一郎", "八戸 二郎"]


def test_wrapping_again_can_be_cut_off_and_goes_on(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsuwaroku.console.rewrap.MOST", 2)
    for _ in range(5):
        days.call()
    appoint(days, HANDLER)
    key = HANDLER.id.hex()
    with pytest.raises(KeyboardInterrupt):
        rewrap_calls(Inside(days, most=1), days.key, key)
    assert opens(days, HANDLER) == [1, 2]
    days.kill()
    days.start()
    assert rewrap_calls(Inside(days), days.key, key).done == 3
    assert opens(days, HANDLER) == [1, 2, 3, 4, 5]
    assert rewrap_calls(Inside(days), OTHER, key).done == 0
    assert [act.verb for act in days.keeper.ledger.acts].count(ActVerb.CALLS_REWRAPPED) == 3
    clean(days, days.key, HANDLER)


def test_a_key_that_opens_nothing_leaves_everything_and_says_so(days: Days) -> None:
    days.call()
    appoint(days, HANDLER)
    assert rewrap_calls(Inside(days), OTHER, HANDLER.id.hex()).left == 1
    said = reseal_words(Inside(days), OTHER, HANDLER.id.hex())
    assert (said.done, said.left) == (0, 1)
    assert opens(days, HANDLER) == []


def test_wraps_are_taken_for_recipients_of_calls_that_are_there_and_nothing_else(days: Days) -> None:
    kept = days.call()
    call, key = str(ULID.from_bytes(kept.call_id)), HANDLER.id.hex()
    before = entries(days)
    good = Rewrapped(call, b"s" * 96)
    with pytest.raises(NotFoundError):
        Inside(days).rewrap(key, [good])
    appoint(days, HANDLER)
    client = Inside(days)
    for sealed in (b"", b"s" * 95, b"s" * 97):
        with pytest.raises(RefusedError):
            client.rewrap(key, [Rewrapped(call, sealed)])
    with pytest.raises(RefusedError):
        client.rewrap(key, [good] * (rewrapping.MOST + 1))
    for other in ("", "none", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "\0", "é"):
        assert client.rewrap(key, [Rewrapped(other, b"s" * 96)]) == 0
    with pytest.raises(NotFoundError):
        client.lacking(key, "../../etc/passwd")
    assert entries(days)[len(before) :] == [(BOSS.user, "appointed")]


def odd_wrap(odd: str, key: PrivateKey, call_id: bytes) -> bytes:
    """What somebody sends who wants a new key locked out."""
    if odd == "garbage":
        return b"s" * 96
    recipient = Recipient(id=key.id.hex(), role="handler", name="", public_key=key.public.hex())
    return CallKey.random().wrap(recipient, call_id if odd == "key of no call" else b"o" * 16).sealed


@pytest.mark.parametrize("odd", ["garbage", "key of no call", "wrap of another call"])
def test_wraps_that_do_not_open_lock_nobody_out(days: Days, odd: str) -> None:
    kept = days.call()
    call, key = str(ULID.from_bytes(kept.call_id)), HANDLER.id.hex()
    appoint(days, HANDLER)
    client = Inside(days)
    bad = [Rewrapped(call, odd_wrap(odd, HANDLER, kept.call_id))]
    assert (client.rewrap(key, bad), client.rewrap(key, bad)) == (1, 0)
    assert opens(days, HANDLER) == [1] * (odd == "key of no call")  # until something of the call is opened with it
    day = client.lacking(key).days[0]
    assert (client.lacking(key, day).calls, client.lacking(key, day).sent) == ([], 1)
    assert [one.id for one in client.lacking(key, day, again=True).calls] == [call]
    assert (rewrap_calls(client, days.key, key).done, rewrap_calls(client, days.key, key).sent) == (0, 1)
    assert rewrap_calls(client, days.key, key, again=True).done == 1
    assert opens(days, HANDLER) == [1]
    assert client.rewrap(key, [Rewrapped(call, odd_wrap(odd, HANDLER, b"l" * 16))]) == (odd != "garbage")
    assert opens(days, HANDLER) == [1]
    assert list_calls(days.store, HANDLER) == list_calls(days.store, days.key)
    (stored,) = scan_slots(days.store)
    heard = [list(CallReader(stored, days.store, one).pcm()) for one in (HANDLER, days.key)]
    assert heard[0] == heard[1] != []
    clean(days, days.key, HANDLER)


def test_nothing_is_taken_for_whom_the_recorder_wrapped_the_call_itself(days: Days) -> None:
    appoint(days, HANDLER)
    kept = days.call()
    call, key = str(ULID.from_bytes(kept.call_id)), HANDLER.id.hex()
    client = Inside(days)
    assert client.rewrap(key, [Rewrapped(call, b"s" * 96)]) == 0
    assert client.lacking(key, client.lacking(key).days[0], again=True).calls == []
    assert opens(days, HANDLER) == [1]


def test_other_words_than_the_chain_knows_are_refused_and_audited(days: Days) -> None:
    number = appoint(days, None, post=Post.DEPUTY)
    appoint(days, HANDLER, user="uid 61008")
    for salt, why in (("00" * 16, '{"name":"somebody else"}'), ("not hex", "")):
        with pytest.raises(RefusedError, match="not the words"):
            Inside(days).reseal(HANDLER.id.hex(), [Resealed(number, salt, why)])
        assert entries(days)[-1] == (BOSS.user, "refused")
    assert words(days, HANDLER)[0] is None


def test_the_client_does_not_believe_whose_key_it_is(days: Days) -> None:
    days.call()
    appoint(days, HANDLER)

    class Lying(Inside):
        def lacking(self, key: str, day: str = "", *, again: bool = False) -> Lacking:
            true = super().lacking(key, day, again=again)
            forged = Recipient(id=key, role="handler", name="", public_key=OTHER.public.hex())
            return Lacking(forged, true.days, true.calls)

    with pytest.raises(SecretError):
        rewrap_calls(Lying(days), days.key, HANDLER.id.hex())


def test_what_was_erased_is_wrapped_for_nobody(days: Days) -> None:
    days.call()
    appoint(days, HANDLER)
    days.true_ns += 40 * DAY
    days.keeper.poll()
    days.keeper.poll()
    assert days.present() == []
    assert rewrap_calls(Inside(days), days.key, HANDLER.id.hex()).done == 0


# -- the list of recipients on the disk


def test_a_list_without_lines_is_written_as_ever_and_one_with_lines_says_so(days: Days) -> None:
    path = days.path / "keys" / "recipients.json"
    assert b'"lines"' not in path.read_bytes()
    assert b'"version": 1' in path.read_bytes()
    appoint(days, HANDLER, lines=["1"])
    octets = path.read_bytes()
    assert b'"version": 2' in octets
    for changed in (octets.replace(b'"version": 2', b'"version": 1'), octets.replace(b'"1"', b'"2"')):
        path.write_bytes(changed)
        with pytest.raises(StoreError):
            days.store.reload_recipients()
    path.write_bytes(octets)
    days.store.reload_recipients()
    assert [one.id for one in days.store.recipients.to_wrap("1")][-1] == key_id(HANDLER.public).hex()
    assert date.fromisoformat(days.store.recipients.list[-1].added) == days.today


def test_a_list_that_cannot_be_read_stops_no_recording_and_is_tried_again(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.until(4.0)
    path = box.path / "keys" / "recipients.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    box.parts.recorder._storage.reload_lease()
    box.until(8.0)
    assert "list of recipients cannot be read" in " ".join(alarm.detail for alarm in box.recorder.alarms.all())
    path.write_bytes(whole)
    box.until(25.0)
    box.end()
    assert [call.audio.gaps for call in calls_in(box.path)] == [[]]


def _line(number: str) -> Any:
    from tsuwaroku.config import LineConfig

    return LineConfig(id=number)
