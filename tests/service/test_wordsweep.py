"""Words of people whose years are over go, all of them and nothing else; what a cut leaves, a later poll ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.records.test_keeping import WHOLE
from tests.service.daysworld import DAY, Days, Killed
from tests.service.test_papers import DEPUTY, HANA, KANRI, OFFICE, asked, codes
from tsuwaroku.clock import NS, ClockQuality, from_iso
from tsuwaroku.config import LedgerYears
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.service.disclosing import DecideRequest, DoneRequest, carry_out, decide, open_one
from tsuwaroku.service.ledgers import ERASED_WORDS, SEALED, Book, of_acts, of_audit
from tsuwaroku.service.rewrapping import LogQuery, ResealRequest, log_words, reseal
from tsuwaroku.store.acts import act_entries, acts, opened_words
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.auditcheck import check_log
from tsuwaroku.store.keys import PrivateKey, Recipient, key_id
from tsuwaroku.store.words import WordsScan

YEARS = LedgerYears(handlers=5, requests=1, media=3, disclosures=2, audit=1)
NEXT = PrivateKey(b"n" * 32)


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    world = Days(tmp_path / "store", 8)
    world.kill()
    with_years(world)
    yield world
    world.kill()


def with_years(days: Days, years: LedgerYears = YEARS) -> None:
    days.settings = msgspec.structs.replace(days.settings, ledger_years=years)
    days.start()


def to(days: Days, day: str) -> None:
    """To noon of a day."""
    days.true_ns = from_iso(f"{day}T12:00:00+09:00")


def swept(days: Days, polls: int = 40) -> None:
    days.poll(polls)


def entries(days: Days) -> list[AuditEntry]:
    return list(AuditLog.open(days.store).entries())


def worded(days: Days) -> list[tuple[str, str]]:
    """Verb and subject of the entries that have words."""
    return [(one.verb, one.subject) for one in entries(days) if one.sealed is not None]


def whole(days: Days) -> None:
    assert check_log(AuditLog.open(days.store)).problems == []
    assert [path.name for path in days.store.audit_dir.iterdir() if path.name.startswith(".")] == []


def ledger(days: Days, book: Book) -> str:
    return repr(of_acts(book, acts(act_entries(AuditLog.open(days.store)), days.key), OFFICE, days.today).rows)


def request(days: Days, steps: int = 99) -> None:
    """A request from its beginning to the last medium's end, all on one day; numbers of entries are the box's."""
    begun: dict[object, int] = {}
    for verb, subject, detail in WHOLE[:steps]:
        said = dict(detail)
        if verb is ActVerb.COPY_MADE:
            said["of"] = begun[said["medium"]]
        words = {"form": {"head": "青森 花子"}} if verb is ActVerb.REQUEST_SUBMITTED else {"reason": "弘前 太郎"}
        made = days.keeper.ledger.add("kanri", verb, subject, detail=said, words=words)
        if verb is ActVerb.COPY_BEGUN:
            begun[said["medium"]] = made.number


def disclosed(days: Days) -> None:
    days.call()
    open_one(days.keeper, HANA, asked(days))
    decide(days.keeper, KANRI, "D2026-001", DecideRequest(approved=True, decided_by="市長", decision="第1号"))
    carry_out(days.keeper, DEPUTY, "D2026-001", DoneRequest(to="担当者"))


def told(days: Days) -> list[dict[str, Any]]:
    return [one.detail for one in entries(days) if one.verb == "words expired"]


def test_each_ledgers_words_go_on_the_day_after_its_years_and_not_before(days: Days) -> None:
    request(days)
    disclosed(days)
    days.keeper.audit("hana", "play", "A", "接遇の改善")
    before = worded(days)
    for day, left in (
        ("2028-03-31", {"requests", "media", "disclosures", "audit"}),
        ("2028-04-01", {"media", "disclosures"}),
        ("2029-04-01", {"media"}),
        ("2030-04-01", set()),
    ):
        to(days, day)
        swept(days)
        kinds = {"request": "requests", "medium": "media", "disclosure": "disclosures", "play": "audit"}
        assert {kind for word, kind in kinds.items() for verb, _ in worded(days) if verb.startswith(word)} == left
        whole(days)
    assert len(before) == len(WHOLE) + 3 + 1
    assert ledger(days, Book.REQUESTS).count(ERASED_WORDS) == 2
    assert SEALED not in ledger(days, Book.MEDIA) + ledger(days, Book.DISCLOSURES)
    sheet = of_audit(entries(days), days.key, OFFICE, days.today)
    assert ERASED_WORDS in repr(sheet.rows)
    assert sheet.note == ""


def test_the_rows_stay_and_only_the_words_of_them_go(days: Days) -> None:
    request(days)
    to(days, "2028-04-01")
    swept(days)
    (row,) = of_acts(Book.REQUESTS, days.keeper.ledger.acts, OFFICE, days.today).rows
    assert (row[0], row[2], row[5], row[8]) == ("令和8年度 第1号", ERASED_WORDS, "承認", ERASED_WORDS)
    assert "M1" in row[-1]
    text = b"".join(path.read_bytes() for path in sorted(days.store.audit_dir.iterdir())).decode()
    detail = told(days)[0]
    assert (detail["year"], detail["ledgers"]["requests"]) == (2028, 1)
    assert "青森" not in text + repr(told(days))
    assert [one.detail["count"] for one in entries(days) if one.verb == "words erased"] == [
        sum(len(numbers) for numbers in detail["files"].values())
    ]


def test_what_is_open_or_out_is_never_touched(days: Days) -> None:
    request(days, len(WHOLE) - 1)  # the last medium waits to be destroyed
    days.call()
    open_one(days.keeper, HANA, asked(days))
    before = worded(days)
    to(days, "2040-04-01")
    swept(days)
    gone = set(before) - set(worded(days))
    assert gone == {(verb, "M1") for verb, subject in before if subject == "M1"}
    assert ERASED_WORDS not in ledger(days, Book.REQUESTS)


def test_why_a_call_is_held_is_kept_for_as_long_as_it_is(days: Days) -> None:
    log = days.keeper.audit_log
    log.append(days.now(), "kanri", "hold", "A", why="訴訟", detail={"until": "2031-03-31"})
    log.append(days.now(), "kanri", "hold released", "B", why="和解")
    for day in ("2028-04-01", "2032-03-31"):
        to(days, day)
        swept(days)
        assert worded(days) == [("hold", "A")]
    to(days, "2032-04-01")
    swept(days)
    assert worded(days) == []


def test_by_default_everything_is_kept(days: Days) -> None:
    days.kill()
    with_years(days, LedgerYears())
    request(days)
    before = worded(days)
    to(days, "2080-04-01")
    swept(days)
    assert (worded(days), told(days)) == (before, [])


def test_on_a_clock_that_is_not_believed_nothing_goes(days: Days) -> None:
    request(days)
    before = worded(days)
    days.error_ns = 900 * DAY
    swept(days)
    assert (worded(days), told(days)) == (before, [])
    days.error_ns = 0
    to(days, "2028-04-02")
    swept(days)
    assert worded(days) != before


@pytest.mark.parametrize("wrong", ["1970-01-01", "2017-06-01"])
def test_an_entry_of_a_wrong_clock_is_as_old_as_the_next_good_one(days: Days, wrong: str) -> None:
    days.keeper.audit("hana", "play", "early", "接遇の改善")
    days.error_ns, days.quality = from_iso(f"{wrong}T12:00:00+09:00") - days.true_ns, ClockQuality.UNSYNCHRONISED
    days.keeper.audit("hana", "play", "wrong", "接遇の改善")
    days.error_ns, days.quality = 0, ClockQuality.SYNCHRONISED
    to(days, "2027-05-01")
    days.poll()
    days.keeper.audit("hana", "play", "next", "接遇の改善")
    to(days, "2028-04-01")
    swept(days)
    assert [subject for _, subject in worded(days)] == ["wrong", "next"]
    to(days, "2029-04-01")
    swept(days)
    assert worded(days) == []


def test_a_confirmation_that_somebody_wrote_by_hand_dates_nothing(days: Days) -> None:
    """By a clock of 2017 her words would have gone years before their time."""
    days.keeper.audit("hana", "play", "early", "接遇の改善")
    days.error_ns, days.quality = from_iso("2017-06-01T12:00:00+09:00") - days.true_ns, ClockQuality.UNSYNCHRONISED
    days.keeper.audit("hana", "play", "wrong", "接遇の改善")
    days.keeper.audit("hana", "clock confirmed", "", "forged")
    days.error_ns, days.quality = 0, ClockQuality.SYNCHRONISED
    scan = WordsScan(days.keeper.audit_log, days.today)
    while scan.step():
        pass
    entries = {entry.verb + entry.subject: entry.number for entry in days.keeper.audit_log.entries()}
    assert entries["playearly"] in scan.days
    assert {entries["playwrong"], entries["clock confirmed"]}.isdisjoint(scan.days)


def test_an_entry_from_the_future_hinders_no_other(days: Days) -> None:
    days.error_ns = 20_000 * DAY
    days.keeper.audit("hana", "play", "ahead", "接遇の改善")
    days.error_ns = 0
    days.keeper.audit("hana", "play", "after", "接遇の改善")
    to(days, "2028-04-01")
    swept(days)
    assert worded(days) == []
    whole(days)


def test_words_sealed_again_go_with_those_they_are_of_and_each_matter_alone(days: Days) -> None:
    request(days)
    disclosed(days)
    days.keeper.audit("hana", "play", "A", "接遇の改善")
    days.store.recipients.list.append(
        Recipient(
            id=key_id(NEXT.public).hex(), role="manager", name="次", public_key=NEXT.public.hex(), added="2026-11-01"
        )
    )
    days.keeper.audit_log.seal_to(days.store.recipients.to_wrap())
    day = days.today.isoformat()
    (play,) = log_words(days.keeper, LogQuery(NEXT.id.hex(), day)).entries
    listened = opened_words([play], days.key, {})
    assert reseal(days.keeper, days_asked(ResealRequest(NEXT.id.hex(), listened, day))).taken == 1
    opened = opened_words(days.keeper.ledger.entries, days.key)
    for at in range(0, len(opened), 100):
        body = ResealRequest(NEXT.id.hex(), opened[at : at + 100])
        assert reseal(days.keeper, days_asked(body)).taken == len(opened)
    again = [one.detail["of"] for one in entries(days) if one.verb == "words sealed again"][1:]
    assert sorted(number for numbers in again for number in numbers) == [one.number for one in opened]
    assert len(again) == 4  # the request, two media, the disclosure
    to(days, "2029-04-01")
    swept(days)
    left = [one for one in entries(days) if one.verb == "words sealed again" and one.sealed is not None]
    assert len(left) == 2
    assert [act.words for act in acts(act_entries(AuditLog.open(days.store)), NEXT) if "request" in act.verb] == [
        None
    ] * 2
    to(days, "2030-04-01")
    swept(days)
    assert [verb for verb, _ in worded(days)] == []
    whole(days)


def days_asked(body: object) -> Any:
    from tsuwaroku.service.api import Asked

    return Asked(by=KANRI, path={}, query=None, body=body)


def test_a_line_that_is_not_as_written_is_left_for_verify(days: Days) -> None:
    request(days, 2)
    days.keeper.ledger.add(
        "kanri", ActVerb.REQUEST_REFUSED, "2026-002", detail={"as": "manager"}, words={"reason": "x"}
    )
    days.keeper.audit("hana", "play", "A", "接遇の改善")
    days.kill()
    path = next(iter(sorted(days.store.audit_dir.glob("*.jsonl"))))
    path.write_bytes(path.read_bytes().replace(b'"verb":"play"', b'"verb": "play"'))
    days.start()
    to(days, "2028-04-01")
    swept(days)
    assert ("play", "A") in worded(days)
    assert "records_failed" not in codes(days)
    assert any("not as it was written" in problem for problem in check_log(AuditLog.open(days.store)).problems)


def test_while_it_is_pending_nobody_is_given_the_words(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    request(days)
    to(days, "2028-04-01")

    def full(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tsuwaroku.store.audit.scrub.replace", full)
    swept(days)
    assert "records_failed" in codes(days)
    assert len(told(days)) == 1
    for _ in range(2):
        sealed = [entry for entry in days.keeper.ledger.entries if entry.sealed and entry.subject == "2026-001"]
        assert sealed == []
        days.kill()
        days.start()
    monkeypatch.undo()
    days.true_ns += 600 * NS
    swept(days)
    assert "records_failed" not in codes(days)
    assert ("request submitted", "2026-001") not in worded(days)
    whole(days)


def cut_at(step: int, calls: dict[str, Callable[..., Any]], patch: pytest.MonkeyPatch) -> list[int]:
    """From now on the process ends at the nth thing it does to the disk."""
    count = [0]

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **more: Any) -> Any:
            count[0] += 1
            if count[0] == step:
                raise Killed
            return real(*args, **more)

        return act

    for name, real in calls.items():
        patch.setattr(name, wrapped(real))
    return count


def test_a_cut_at_any_step_leaves_a_sound_chain_and_a_later_poll_ends_it(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.kill()
    with_years(days, LedgerYears(requests=1))
    request(days)
    days.keeper.audit("hana", "play", "kept", "接遇の改善")
    to(days, "2028-04-01")
    days.kill()
    base, path = days.path.with_name("base"), days.path
    shutil.copytree(path, base)
    calls: dict[str, Callable[..., Any]] = {
        f"os.{name}": getattr(os, name)
        for name in ("write", "pwrite", "fsync", "fdatasync", "rename", "replace", "link", "unlink")
    }
    step, ended = 0, False
    while not ended:
        step += 1
        shutil.rmtree(path)
        shutil.copytree(base, path)
        days.start()
        with monkeypatch.context() as patch:
            cut_at(step, calls, patch)
            try:
                swept(days, 8)
                ended = True
            except Killed:
                pass
        days.kill()
        log = AuditLog.open(days.store)
        assert [one for one in check_log(log).problems if "torn" not in one] == [], step
        days.start()
        swept(days, 8)
        assert ("request submitted", "2026-001") not in worded(days), step
        assert ("play", "kept") in worded(days), step
        assert [one.verb for one in entries(days)].count("words erased") == 1, step
        whole(days)
        days.kill()
    assert step > 15
    days.start()
