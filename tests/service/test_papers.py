"""Disclosure, the public notice and the ledgers on a running keeper, over days on which calls come and go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from ulid import ULID

from tests.disclosure.papers import FORM
from tests.records.test_media import identity
from tests.service.daysworld import DAY, Days
from tests.service.marker import marker
from tsuwaroku.config import LineConfig, LineNotice, Mode, ModePeriod, NoticeDecision, NoticeKind, OfficeConfig
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.disclosures import Stage
from tsuwaroku.records.roles import Role
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.bookkeeping import Range, days_of, entries_of, erasures_of
from tsuwaroku.service.disclosing import DecideRequest, DoneRequest, OpenRequest, carry_out, decide, listed, open_one
from tsuwaroku.service.eraselog import erase_log
from tsuwaroku.service.figures import tallies, yearly
from tsuwaroku.service.ledgers import SEALED, Book, acts_with, of_acts, of_audit, of_config, of_erasures
from tsuwaroku.service.notices import published_facts
from tsuwaroku.service.publishing import PublishRequest, publish, seen
from tsuwaroku.store.acts import act_entries
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.keys import PrivateKey

KANRI = Asker(user="kanri", roles=frozenset({Role.MANAGER}))
DEPUTY = Asker(user="deputy", roles=frozenset({Role.DEPUTY}))
HANA = Asker(user="hana", roles=frozenset({Role.HANDLER}))
OFFICE = OfficeConfig(city="青葉市", ordinance="要綱", contact="管財課 0312345678")
PAGE = "https://www.city.example.jp/tsuwa"


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    world = Days(tmp_path / "store", 16)
    yield world
    world.kill()


def name_of(days: Days, number: int) -> str:
    return str(ULID.from_bytes(days.calls[number].call_id))


def asked(days: Days, **fields: object) -> OpenRequest:
    said = {
        "case": "investigation",
        "calls": (name_of(days, 0),),
        "recipient": "北警察署",
        "purpose": "捜査のため",
        "basis": "刑事訴訟法第197条第2項",
        "reference": "北第45号",
    }
    return msgspec.convert(said | fields, OpenRequest)


def codes(days: Days) -> set[str]:
    days.poll()
    return {alarm.code for alarm in days.keeper._alarms.all()}


def refusals(days: Days) -> list[tuple[str, str, object, object]]:
    found = [one for one in AuditLog.open(days.store).entries() if one.verb == "refused"]
    return [(one.actor, one.subject, one.detail["verb"], one.detail["why"]) for one in found]


def test_a_disclosure_from_end_to_end_names_nobody_in_the_clear(days: Days) -> None:
    days.call()
    opened = open_one(days.keeper, HANA, asked(days, name="弘前 太郎"))
    assert (opened.disclosure.slug, opened.kept_to) == ("D2026-001", "2026-11-06")
    with pytest.raises(RefusedError, match="not decided yet"):
        carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="担当者"))
    said = DecideRequest(approved=True, decided_by="青葉市長", decision="管財第12号")
    decide(days.keeper, KANRI, "D2026-001", said)
    carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="北署 担当者", name="弘前 太郎"))
    (found,) = listed(days.keeper).disclosures
    assert (found.disclosure.stage, found.disclosure.done_on, found.kept_to) == (
        Stage.APPROVED, date(2026, 11, 1), None,
    )  # fmt: skip
    text = b"".join(line for _, _, line in AuditLog.open(days.store).lines()).decode()
    assert not any(word in text for word in ("警察", "捜査", "市長", "管財第12号", "弘前", "担当者", "刑事"))
    assert refusals(days) == [("hana", "D2026-001", "disclose", "bad input")]
    with_key = acts_with(act_entries(AuditLog.open(days.store)), days.key)
    (row,) = of_acts(Book.DISCLOSURES, with_key, OFFICE, days.today).rows
    assert row[2:7] == (
        "第10条第3号（捜査機関）", "刑事訴訟法第197条第2項\n北第45号", "北警察署", "捜査のため", "1件",
    )  # fmt: skip
    assert row[7:] == (
        "閲覧（聴取）", "承認\n令和8年11月1日", "青葉市長\n管財第12号", "令和8年11月1日", "北署 担当者",
    )  # fmt: skip


def test_bad_input_changes_nothing_and_is_audited_without_what_was_written(days: Days) -> None:
    days.call()
    before = len(days.keeper.ledger.acts)
    for fields in (
        {"case": "press"},
        {"basis": ""},
        {"calls": ()},
        {"calls": ("01KSR496151AXPZWJ96Z1ZGX6X",)},
        {"calls": ("../../etc/passwd",)},
        {"way": "copy"},
        {"case": "emergency", "approve_by": "平成40年1月1日"},
        {"case": "emergency", "approve_by": "2026-02-30"},
    ):
        with pytest.raises((RefusedError, NotFoundError)):
            open_one(days.keeper, HANA, asked(days, **fields))
    for slug, on in (("D2026-009", ""), ("", ""), ("x" * 5000, "")):
        with pytest.raises(NotFoundError):
            decide(days.keeper, KANRI, slug, DecideRequest(approved=True, decided_by="市長", decision="1", on=on))
    assert len(days.keeper.ledger.acts) == before
    told = refusals(days)
    assert len(told) == 11
    assert {(actor, why) for actor, _, _, why in told} == {("hana", "bad input"), ("kanri", "bad input")}


def test_a_call_of_another_line_is_not_the_handlers_to_disclose(days: Days) -> None:
    days.call()
    other = msgspec.structs.replace(HANA, lines=frozenset({"2"}))
    with pytest.raises(ForbiddenError):
        open_one(days.keeper, other, asked(days))
    assert refusals(days) == [("hana", "", "disclose", "no right")]


def test_an_erased_call_is_refused_with_the_day_and_the_rule(days: Days) -> None:
    days.call()
    for _ in range(7):
        days.run_to("12:00")
    with pytest.raises(RefusedError, match=r"erased on 2026-11-07: its days ended on 2026-11-06 \(Article 8\(1\)\)"):
        open_one(days.keeper, HANA, asked(days))


def gone_unerased(days: Days, opened: int) -> None:
    """A call, disclosures opened for it, and then its days are over before the keeper has had its turn to erase it."""
    days.call()
    for _ in range(opened):
        open_one(days.keeper, HANA, asked(days))
    days.true_ns += 10 * DAY
    assert days.present() == [1]


def test_a_call_whose_days_are_over_is_refused_before_it_is_erased(days: Days) -> None:
    """Whatever is opened: what cannot be read cannot be disclosed."""
    gone_unerased(days, 0)
    for fields in ({}, {"case": "emergency", "approve_by": days.keeper.today.isoformat()}):
        with pytest.raises(RefusedError, match=r"kept until 2026-11-06 \(Article 8\(1\)\)"):
            open_one(days.keeper, HANA, asked(days, **fields))
    assert listed(days.keeper).disclosures == []
    assert {why for _, _, _, why in refusals(days)} == {"bad input"}


def test_nothing_is_approved_or_carried_out_for_a_day_on_which_it_was_gone(days: Days) -> None:
    """What was opened in time, too: but a refusal, and what was done before that day, is written down."""
    gone_unerased(days, 3)
    said = DecideRequest(approved=True, decided_by="市長", decision="第1号")
    with pytest.raises(RefusedError, match="nothing could be disclosed on 2026-11-11"):
        decide(days.keeper, KANRI, "D2026-001", said)
    decide(days.keeper, KANRI, "D2026-002", DecideRequest(approved=False, decided_by="市長", reason="満了"))
    decide(days.keeper, KANRI, "D2026-003", msgspec.structs.replace(said, on="2026-11-06"))
    for on in ("", "2026-11-07"):
        with pytest.raises(RefusedError, match="nothing could be disclosed on"):
            carry_out(days.keeper, HANA, "D2026-003", DoneRequest(to="担当者", on=on))
    carry_out(days.keeper, HANA, "D2026-003", DoneRequest(to="担当者", on="2026-11-06"))
    found = [(one.disclosure.stage, one.disclosure.done_on, one.kept_to) for one in listed(days.keeper).disclosures]
    assert found == [
        (Stage.OPENED, None, None),
        (Stage.REFUSED, None, None),
        (Stage.APPROVED, date(2026, 11, 6), None),
    ]


def test_a_disclosure_of_which_one_call_is_left_goes_on(days: Days) -> None:
    days.call(until=date(2026, 12, 1))
    days.call()
    open_one(days.keeper, HANA, asked(days, calls=(name_of(days, 0), name_of(days, 1))))
    for _ in range(7):
        days.run_to("12:00")
    decide(days.keeper, KANRI, "D2026-001", DecideRequest(approved=True, decided_by="市長", decision="第1号"))
    assert [one.kept_to for one in listed(days.keeper).disclosures] == ["2026-12-01"]
    carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="担当者"))


def test_an_emergency_of_a_call_erased_since_is_written_down_and_judged(days: Days) -> None:
    """Article 10(2) asks whether it could not wait; that the call has gone meanwhile is no answer."""
    days.call()
    emergency = asked(days, case="emergency", basis="", reference="", approve_by="2026-11-14")
    open_one(days.keeper, HANA, emergency)
    for _ in range(7):
        days.run_to("12:00")
    assert days.present() == []
    said = DecideRequest(approved=True, decided_by="市長", decision="第1号")
    with pytest.raises(RefusedError, match=r"kept until 2026-11-06 .*on 2026-11-07"):
        decide(days.keeper, KANRI, "D2026-001", said)
    with pytest.raises(RefusedError, match="nothing could be disclosed on 2026-11-07"):
        carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="消防本部"))
    carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="消防本部", on="2026-11-05"))
    with pytest.raises(RefusedError, match="does not decide it"):
        decide(days.keeper, HANA, "D2026-001", said)
    decide(days.keeper, KANRI, "D2026-001", said)
    (found,) = listed(days.keeper).disclosures
    assert (found.disclosure.stage, found.disclosure.done_on) == (Stage.APPROVED, date(2026, 11, 5))


def test_an_emergency_nobody_had_opened_is_opened_afterwards_with_its_day(days: Days) -> None:
    days.call()
    for _ in range(7):
        days.run_to("12:00")
    emergency = {"case": "emergency", "basis": "", "reference": ""}
    late = emergency | {"on": "2026-11-06", "approve_by": "2026-11-20"}
    for fields, said in (
        (late | {"on": "2026-11-07"}, "erased on"),  # gone by then
        (late | {"on": "2026-11-09"}, "before today"),  # ahead
        (late | {"approve_by": ""}, "before today"),
        (late | {"approve_by": "2026-11-21"}, "within 14 days"),  # from the day of it, not from today
        (late | {"on": "2026-10-24"}, "within 14 days"),
        ({"on": "2026-11-06"}, "before today"),
        ({"on": "2026-11-06", "approve_by": "2026-11-20"}, "only an emergency"),
    ):
        with pytest.raises(RefusedError, match=said):
            open_one(days.keeper, KANRI, asked(days, **fields))
    some = msgspec.structs.replace(HANA, lines=frozenset({"1"}))
    with pytest.raises(ForbiddenError):  # whose line it was nobody knows any more
        open_one(days.keeper, some, asked(days, **late))
    assert listed(days.keeper).disclosures == []
    opened = open_one(days.keeper, KANRI, asked(days, **late))
    assert opened.disclosure.on == date(2026, 11, 6)
    carry_out(days.keeper, KANRI, "D2026-001", DoneRequest(to="消防本部", on="2026-11-06"))
    decide(days.keeper, DEPUTY, "D2026-001", DecideRequest(approved=True, decided_by="市長", decision="第1号"))


def test_an_emergency_is_done_first_and_alarms_until_somebody_else_decides(days: Days) -> None:
    days.call()
    emergency = asked(days, case="emergency", basis="", reference="", approve_by="令和8年11月3日")
    open_one(days.keeper, KANRI, emergency)
    carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="消防本部"))
    for _ in range(3):
        days.run_to("12:00")
    assert "disclosure_overdue" not in codes(days)
    days.run_to("12:00")
    assert "disclosure_overdue" in codes(days)
    said = DecideRequest(approved=True, decided_by="市長", decision="第1号")
    for asker in (KANRI, msgspec.structs.replace(HANA, roles=frozenset({Role.DEPUTY}))):
        with pytest.raises(RefusedError, match="does not decide it"):
            decide(days.keeper, asker, "D2026-001", said)
    assert "disclosure_overdue" in codes(days)
    decide(days.keeper, DEPUTY, "D2026-001", said)
    assert "disclosure_overdue" not in codes(days)
    (row,) = of_acts(Book.DISCLOSURES, days.keeper.ledger.acts, OFFICE, days.today).rows
    assert row[8].startswith("承認（事後）")
    assert (row[3], row[4]) == (SEALED, SEALED)


def with_lines(days: Days, *lines: LineConfig, office: OfficeConfig = OFFICE) -> None:
    days.kill()
    days.settings = msgspec.structs.replace(days.settings, line=lines, station="本庁舎", office=office)
    days.start()


def test_the_notice_is_outdated_when_the_configuration_moves_on_and_not_before(days: Days) -> None:
    first, second = LineConfig(id="1", department="市民課"), LineConfig(id="2", department="税務課")
    with_lines(days, first)
    assert "notice_outdated" not in codes(days)  # nothing is known to have been published
    body = PublishRequest(digest=seen(days.keeper).digest, posted_on="2026-11-01", url=PAGE, name="青森 花子")
    publish(days.keeper, KANRI, body)
    with_lines(days, msgspec.structs.replace(first, extension="201"))  # no part of the page
    assert "notice_outdated" not in codes(days)
    with_lines(days, first, second)
    assert "notice_outdated" in codes(days)
    with pytest.raises(RefusedError, match="moved on"):
        publish(days.keeper, KANRI, body)
    assert "notice_outdated" in codes(days)
    publish(days.keeper, DEPUTY, msgspec.structs.replace(body, digest=seen(days.keeper).digest))
    assert "notice_outdated" not in codes(days)
    last = seen(days.keeper).last
    assert last is not None
    assert (last.by, last.posted_on) == ("deputy", date(2026, 11, 1))
    with_lines(days, first, second, office=msgspec.structs.replace(OFFICE, contact="総務課"))
    assert "notice_outdated" in codes(days)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("posted_on", ""),
        ("posted_on", "2026-11-02"),
        ("posted_on", "昭和101年11月1日"),
        ("url", ""),
        ("url", "javascript:alert(1)"),
        ("url", "https://a b"),
        ("url", "https://x/" + "a" * 600),
        ("digest", "00"),
    ],
)
def test_a_publication_that_cannot_be_is_not_recorded(days: Days, field: str, value: str) -> None:
    body = PublishRequest(digest=seen(days.keeper).digest, posted_on="2026-11-01", url=PAGE)
    with pytest.raises(RefusedError):
        publish(days.keeper, KANRI, msgspec.structs.replace(body, **{field: value}))
    assert seen(days.keeper).last is None
    assert refusals(days) == [("kanri", "", "publish", "bad input")]


def test_lines_that_never_record_are_not_on_the_page(days: Days) -> None:
    night = ModePeriod(days="daily", start="17:15", end="08:30", mode=Mode.EVERY_CALL)
    exempt = NoticeDecision(kind=NoticeKind.EXEMPT, exempt_item=5)
    lines = (
        LineConfig(id="1", department="市民課"),
        LineConfig(id="2", department="市民課"),
        LineConfig(id="3", department="相談室", mode=Mode.OFF, notice=LineNotice(inbound=exempt)),
        LineConfig(id="4", department="宿直室", mode=Mode.OFF, timetable=(night,)),
    )
    facts = published_facts(msgspec.structs.replace(days.settings, line=lines, station="本庁舎"))
    assert [(place.where, place.devices) for place in facts.places] == [("本庁舎 市民課", 2), ("本庁舎 宿直室", 1)]
    assert NoticeKind.EXEMPT not in facts.notices
    assert "相談" not in repr(facts.notice(days.today))


def test_the_figures_of_a_year_outlive_its_calls(days: Days) -> None:
    for _ in range(3):
        days.call()
        days.run_to("12:00")
    days.keeper.mark(name_of(days, 2), "unreasonable_demand", marker("hana"), None)
    days.keeper.mark(name_of(days, 2), "unreasonable_demand", marker("hana"), None)
    open_one(days.keeper, HANA, asked(days))
    decide(days.keeper, KANRI, "D2026-001", DecideRequest(approved=True, decided_by="市長", decision="1"))
    carry_out(days.keeper, HANA, "D2026-001", DoneRequest(to="担当者"))

    def figures() -> list[tuple[int, int, int, int]]:
        parts = tallies(days.keeper.audit_log, days.keeper.listing.catalogue, days.keeper.journals)
        years = yearly(parts, days.keeper.ledger.acts, days.today)
        return [(one.year, one.calls, one.marks, one.erasures) for one in years]

    assert figures() == [(2026, 3, 1, 0)]
    for _ in range(8):
        days.run_to("12:00")
    assert days.keeper.listing.catalogue.days() == []
    assert figures() == [(2026, 3, 1, 3)]
    parts = list(tallies(days.keeper.audit_log, days.keeper.listing.catalogue, days.keeper.journals))
    last = yearly(parts, days.keeper.ledger.acts, days.today)[-1]
    assert last.disclosures == (("捜査機関からの要請によるもの（第10条第3号）", 1),)
    assert last.until == days.today
    assert [one.year for one in yearly([], [], date(2026, 3, 31))] == [2025]


def act(days: Days, verb: ActVerb, subject: str, words: dict[str, object] | None = None, **detail: object) -> None:
    days.keeper.ledger.add("kanri", verb, subject, detail=detail, words=words or {})


def office_year(days: Days) -> None:
    """A bit of everything that ledgers are made of."""
    days.call()
    words: dict[str, object] = {"name": "弘前 太郎", "title": "主査"}
    act(days, ActVerb.APPOINTED, "hana", words, post="handler", begin="2026-11-01", lines=["1"])
    act(days, ActVerb.DISMISSED, "hana", of=days.keeper.ledger.acts[-1].number, on="2026-11-05")
    form: dict[str, object] = {"form": msgspec.to_builtins(FORM)}
    act(days, ActVerb.REQUEST_SUBMITTED, "2026-001", form, calls=[name_of(days, 0)], on="2026-11-01")
    decided: dict[str, object] = {"calls": [name_of(days, 0)], "return_by": "2026-12-01", "as": "manager"}
    act(days, ActVerb.REQUEST_APPROVED, "2026-001", {"reason": "特定済み"}, **decided)
    act(
        days,
        ActVerb.MEDIUM_REGISTERED,
        "M1",
        {"serial": "4C5300"},
        identity=identity("M1"),
        owner="kacho",
        on="2026-11-23",
    )
    act(days, ActVerb.COPY_MADE, "2026-001", recipient="head", medium="M1", octets=5, payload="00")
    act(days, ActVerb.MEDIUM_HANDED_OVER, "M1", {"to": "青森 花子"}, on="2026-11-23", due_on="2026-12-01")
    act(days, ActVerb.MEDIUM_RETURNED, "M1", on="2026-11-23")
    act(days, ActVerb.MEDIUM_DESTROYED, "M1", {"by": "弘前 太郎", "witness": "黒石 次郎"}, how="crushed")
    open_one(days.keeper, HANA, asked(days))
    for _ in range(7):
        days.run_to("12:00")


def every_book(log: AuditLog, days: Days, key: PrivateKey | None) -> list[object]:
    acts = acts_with(act_entries(log), key)
    books = [of_acts(book, acts, OFFICE, days.today) for book in (Book.HANDLERS, Book.REQUESTS, Book.MEDIA)]
    books.append(of_acts(Book.DISCLOSURES, acts, OFFICE, days.today))
    books.append(of_erasures(erasures_of(log), OFFICE, days.today))
    return [*books, of_audit(list(entries_of(log)), key, OFFICE, days.today)]


def test_ledgers_rebuilt_from_the_log_equal_those_of_the_running_keeper(days: Days) -> None:
    office_year(days)
    running = every_book(days.keeper.audit_log, days, days.key)
    assert every_book(AuditLog.open(days.store), days, days.key) == running
    # What the keeper holds in memory is the same but for the words.
    for book in (Book.HANDLERS, Book.REQUESTS, Book.MEDIA, Book.DISCLOSURES):
        sealed = of_acts(book, acts_with(act_entries(days.keeper.audit_log), None), OFFICE, days.today)
        assert of_acts(book, days.keeper.ledger.acts, OFFICE, days.today) == sealed
        assert len(sealed.rows) >= 1


def test_without_the_key_nothing_personal_stands_in_a_ledger(days: Days) -> None:
    office_year(days)
    text = repr(every_book(days.keeper.audit_log, days, None))
    assert SEALED in text
    known = ("青森", "弘前", "黒石", "主査", "北警察署", "捜査のため", "特定済み", "4C5300")
    assert [word for word in known if word in text] == []
    with_key = repr(every_book(days.keeper.audit_log, days, days.key))
    assert [word for word in known if word not in with_key] == []
    assert all(isinstance(one, str) for one in with_key)


def test_what_the_rows_say(days: Days) -> None:
    office_year(days)
    acts = acts_with(act_entries(days.keeper.audit_log), days.key)

    def rows(book: Book) -> tuple[tuple[str, ...], ...]:
        return of_acts(book, acts, OFFICE, days.today).rows

    assert rows(Book.HANDLERS) == (
        ("管理取扱者", "主査 弘前 太郎", "hana", "1", "令和8年11月1日", "", "令和8年11月5日"),
    )
    (request,) = rows(Book.REQUESTS)
    assert request[:4] == ("令和8年度 第1号", "令和8年11月1日", "市民課 青森 花子", "kanri")
    assert request[5] == "承認"
    assert request[8:] == ("特定済み", "令和8年12月1日", "所属長：M1")
    media = rows(Book.MEDIA)
    assert [row[2] for row in media] == ["登録", "複製", "交付", "返却", "廃棄"]
    assert media[1][3:5] == ("令和8年度 第1号", "所属長")
    assert media[2][3:] == ("令和8年度 第1号", "所属長", "令和8年12月1日", "kanri", "受領者：青森 花子")
    assert media[4][7] == "方法：破砕、実施者：弘前 太郎、立会人：黒石 次郎"
    assert [row[7] for row in media[:2]] == ["製造番号：M1、容量：1,000 バイト、製造番号：4C5300", ""]


def test_the_ledger_of_media_tells_a_wipe_from_one_that_failed_and_how_a_medium_was_destroyed(days: Days) -> None:
    act(days, ActVerb.MEDIUM_REGISTERED, "M1", identity=identity("M1"), owner="管財課長", on="2026-11-23")
    for clean, note in ((False, "読めない"), (True, "")):
        words: dict[str, object] = {"note": note} if note else {}
        act(days, ActVerb.MEDIUM_WIPED, "M1", words, clean=clean, on="2026-11-24")
    act(
        days, ActVerb.MEDIUM_DESTROYED, "M1", {"how": "溶解", "by": "甲", "witness": "乙"}, how="other", on="2026-11-24"
    )
    act(days, ActVerb.MEDIUM_LOST, "M1", {"what": "所在不明"}, on="2026-11-24")
    acts = acts_with(act_entries(days.keeper.audit_log), days.key)
    ledger = of_acts(Book.MEDIA, acts, OFFICE, days.today)
    assert [(row[2], row[7]) for row in ledger.rows[1:]] == [
        ("消去不能", "消去できない理由：読めない"),
        ("消去", ""),
        ("廃棄", "実施者：甲、方法：溶解、立会人：乙"),
        ("紛失", "事故の内容：所在不明"),
    ]
    assert SEALED not in str(ledger)  # where nothing was sealed nothing is hidden
    without = of_acts(Book.MEDIA, days.keeper.ledger.acts, OFFICE, days.today)
    assert [row[7] for row in without.rows[1:]] == [SEALED, "", SEALED, SEALED]


def test_the_erasure_ledger_says_what_the_signed_journal_says(days: Days) -> None:
    office_year(days)
    rows = of_erasures(erasures_of(days.keeper.audit_log), OFFICE, days.today).rows
    said = [(f"#{one.sequence}", one.ended_on, one.expires_on, one.erased_on) for one in erase_log(days.store).calls]
    assert [row[:4] for row in rows] == said == [("#1", "2026-11-01", "2026-11-06", "2026-11-07")]
    assert list(erasures_of(days.keeper.audit_log, date(2026, 11, 8))) == []
    assert len(list(erasures_of(days.keeper.audit_log, date(2026, 11, 7), date(2026, 11, 7)))) == 1


def test_a_range_of_the_audit_log_has_both_its_days(days: Days) -> None:
    office_year(days)
    log = days.keeper.audit_log
    every = list(entries_of(log))
    first, last = every[0].at[:10], every[-1].at[:10]
    assert list(entries_of(log, date.fromisoformat(first), date.fromisoformat(last))) == every
    assert list(entries_of(log, date.fromisoformat(last), None)) == [one for one in every if one.at[:10] == last]
    assert days_of(Range()) == (None, None)
    for bad in (Range(first="2026-11-02", last="2026-11-01"), Range(first="yesterday"), Range(last="平成40年1月1日")):
        with pytest.raises(RefusedError):
            days_of(bad)


def test_the_ledger_of_devices_has_every_line_even_those_off(days: Days) -> None:
    lines = (LineConfig(id="1", extension="201", department="市民課"), LineConfig(id="2", mode=Mode.OFF))
    settings = msgspec.structs.replace(days.settings, line=lines, station="本庁舎", office=OFFICE)
    found = of_config(settings, days.today)
    assert [row[0] for row in found.rows] == ["1", "2"]
    assert found.rows[0][1:5] == ("201", "市民課", "本庁舎", "全通話")
    assert found.rows[1][4] == "録音しない"
    assert (found.title, found.office, found.note) == ("録音装置設置台帳", "青葉市 管財課長", "")
