"""An audit log with acts that no fold can read: the keeper starts, polls, answers, and names the entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.records.test_readable import GOOD
from tests.service.daysworld import Days
from tests.service.test_papers import OFFICE
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.service import custody, disclosing, requesting, rewrapping, staffing
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.figures import tallies, yearly
from tsuwaroku.service.ledgers import Book, of_acts, of_erasures
from tsuwaroku.service.publishing import seen
from tsuwaroku.store.acts import act_entries, acts
from tsuwaroku.store.verify import verify_store


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    world = Days(tmp_path / "store", 8)
    yield world
    world.kill()


def told(days: Days) -> list[str]:
    return [alarm.detail for alarm in days.keeper.status().alarms if alarm.code == "acts_unreadable"]


def write_odd(days: Days) -> list[int]:
    """Of each verb three: nothing said, something else, and another type in a field; the chain is sound."""
    numbers = []
    for verb in ActVerb:
        subject, detail = GOOD[verb]
        first = next(iter(detail))
        for odd in ({}, {"newer": 1}, detail | {first: [{"x": 1}]}):
            numbers.append(days.keeper.ledger.add("kanri", verb, subject, detail=odd, words={"form": 5}).number)
    return numbers


def test_the_keeper_lives_with_them_and_names_them(days: Days) -> None:
    assert told(days) == []
    write_odd(days)
    days.poll()
    alarms = {alarm.code for alarm in days.keeper.status().alarms}
    assert "acts_unreadable" in alarms
    assert "records_failed" not in alarms
    (before,) = told(days)
    days.kill()
    days.start()
    days.poll()
    assert told(days) == [before]
    assert "records_failed" not in {alarm.code for alarm in days.keeper.status().alarms}
    days.call()
    assert days.present() == [1]
    assert verify_store(days.store, None).problems == []


def test_every_answer_and_ledger_is_made_without_them(days: Days) -> None:
    write_odd(days)
    days.poll()
    keeper = days.keeper
    boss = Asker(user="kanri", roles=frozenset())
    asked = Asked(by=boss, path={}, query=None, body=None)
    key = days.store.recipients.list[0].id
    disclosing.listed(keeper)
    requesting.listed(keeper, asked)
    custody.seen(keeper, asked)
    custody.identities(keeper, asked)
    staffing.staff(keeper)
    rewrapping.words(keeper, rewrapping.WordsQuery(key=key))
    assert seen(keeper).last is None
    for private in (None, days.key):
        found = acts(act_entries(keeper.audit_log), private)
        for book in (Book.HANDLERS, Book.REQUESTS, Book.MEDIA, Book.DISCLOSURES):
            assert "読み取れない" in of_acts(book, found, OFFICE, days.today).note


def test_the_entry_is_named_by_its_number(days: Days) -> None:
    days.keeper.ledger.add("kanri", ActVerb.MEDIUM_WIPED, "M1", detail={"clean": "yes"}, words={})
    odd = days.keeper.ledger.add("kanri", ActVerb.REQUEST_SUBMITTED, "x", detail={}, words={}).number
    days.keeper.ledger.add("kanri", ActVerb.QUEUE_PASSED, "A", detail={"marks": 1}, words={})
    days.poll()
    assert told(days) == [f"{odd - 1}, {odd}"]


def test_figures_and_the_ledger_of_erasures_pass_over_what_says_nothing(days: Days) -> None:
    days.call()
    for _ in range(7):
        days.run_to("12:00")
    log = days.keeper.audit_log

    def told() -> tuple[object, object]:
        parts = list(tallies(log, days.keeper.listing.catalogue, days.keeper.journals))
        return yearly(parts, days.keeper.ledger.acts, days.today), of_erasures(log.entries(), OFFICE, days.today)

    before = told()
    for calls in (None, 5, {"x": ["2026-11-01", "2026-11-06", "expired"]}, {"7": ["2026-11-01"]}, {"8": [1, 2, 3]}):
        log.append(days.now(), "keeper", "calls erased", detail={"calls": calls})
        log.append(days.now(), "keeper", "calls closed", detail={"calls": calls, "marked": calls})
    log.append(days.now(), "kanri", "calls erased", detail={"calls": {"9": ["2026-11-01", "2026-11-06", "expired"]}})
    assert told() == before
