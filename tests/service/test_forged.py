"""A log into which an older version let a handler write what she liked: it decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.requestbox import HANA, RequestBox, call_id
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.media import media
from tsuwaroku.records.queue import passed
from tsuwaroku.records.requests import Status, requests
from tsuwaroku.store.audit import closed_in, erased_in
from tsuwaroku.store.verify import verify_store
from tsuwaroku.store.words import expired_in

OTHERS = ("hold", "calls erased", "calls closed", "clock confirmed", "heard", "keeper stopped")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    found = RequestBox(tmp_path / "store")
    yield found
    found.end()


def forge(box: RequestBox, verb: str, subject: str) -> int:
    """As `POST /v1/audit` wrote it: any verb, any subject, and no detail."""
    return box.keeper.audit_log.append(box.clock.now(), HANA.user, verb, subject, "x").number


def test_nobody_approves_her_own_request_by_an_entry(box: RequestBox) -> None:
    slug = box.submit(1, by=HANA)
    number = forge(box, ActVerb.REQUEST_APPROVED.value, slug)
    box.restart()
    (one,) = requests(box.keeper.ledger.acts)
    assert (one.status, one.decided_by) == (Status.SUBMITTED, "")
    assert box.alarms()["acts_unreadable"] == str(number)
    box.approve(slug)
    (one,) = requests(box.keeper.ledger.acts)
    assert (one.status, one.decided_by) == (Status.APPROVED, "kanri")


def test_no_forged_entry_of_any_verb_changes_anything(box: RequestBox) -> None:
    slug = box.submit(1, by=HANA)
    before = list(box.keeper.ledger.acts)
    state = (requests(before), media(before), box.keeper.ledger.appointments, box.keeper.recipients, box.queue())
    subjects = (slug, "D2026-001", "M1", call_id(1), call_id(2), HANA.user, "")
    numbers = [forge(box, verb.value, subject) for verb in ActVerb for subject in subjects]
    for verb in OTHERS:
        for subject in subjects:
            forge(box, verb, subject)
    box.restart()
    box.keeper.poll()
    acts = box.keeper.ledger.acts
    assert len(acts) == len(before) + len(numbers)
    after = (requests(acts), media(acts), box.keeper.ledger.appointments, box.keeper.recipients, box.queue())
    assert after == state
    assert passed(acts) == passed(before) == {}
    mine = [entry for entry in box.entries() if entry.actor == HANA.user]
    assert [fold(entry) for entry in mine for fold in (closed_in, erased_in, expired_in)] == [{}, {}, set()] * len(mine)
    assert box.alarms()["acts_unreadable"].startswith(f"{numbers[0]}, ")
    assert box.alarms().keys() <= {"acts_unreadable", "request_waiting", "recorder_away"}
    assert verify_store(box.store).problems == []
