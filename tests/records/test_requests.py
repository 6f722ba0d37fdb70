"""A request's way through its acts: what is decided stays decided, and each approval gives one copy to each."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.requests import CopyFor, Request, Status, requests

NUMBER = "2026-001"


def act(verb: ActVerb, subject: str = NUMBER, **detail: object) -> Act:
    return Act(number=1, at="2026-11-23T09:00:00.000+09:00", actor="aomori", verb=verb, subject=subject, detail=detail)


SUBMITTED = act(ActVerb.REQUEST_SUBMITTED, calls=["A", "B"], on="2026-11-23", unknown_numbers=1)
APPROVED = act(ActVerb.REQUEST_APPROVED, calls=["A"], return_by="2026-12-31", **{"as": "manager"})


def only(*acts: Act) -> Request:
    (one,) = requests(acts)
    return one


def test_submitted_it_waits_and_gives_nothing() -> None:
    one = only(SUBMITTED)
    assert (one.status, one.calls, one.on, one.by) == (Status.SUBMITTED, ("A", "B"), date(2026, 11, 23), "aomori")
    assert [one.left(who) for who in CopyFor] == [0, 0]


def test_approved_it_is_for_the_calls_named_then_and_one_copy_each() -> None:
    one = only(SUBMITTED, APPROVED)
    assert (one.status, one.calls, one.return_by) == (Status.APPROVED, ("A",), date(2026, 12, 31))
    assert [one.left(who) for who in CopyFor] == [1, 1]


def test_what_was_decided_is_not_decided_again() -> None:
    refused = act(ActVerb.REQUEST_REFUSED, **{"as": "manager"})
    assert only(SUBMITTED, APPROVED, refused).status is Status.APPROVED
    assert only(SUBMITTED, refused, APPROVED).status is Status.REFUSED
    assert only(SUBMITTED, act(ActVerb.REQUEST_WITHDRAWN, **{"as": "handler"}), APPROVED).left(CopyFor.HEAD) == 0


@pytest.mark.parametrize("verb", [ActVerb.REQUEST_APPROVED, ActVerb.REQUEST_REFUSED, ActVerb.REQUEST_WITHDRAWN])
def test_what_says_nothing_decides_nothing(verb: ActVerb) -> None:
    """As whoever may write an entry without a detail would forge it."""
    assert only(SUBMITTED, act(verb)) == only(SUBMITTED)


def test_a_copy_counts_once_it_was_made_and_a_recopy_by_its_own_approval() -> None:
    begun = act(ActVerb.COPY_BEGUN, recipient="head", medium="M-1")
    failed = act(ActVerb.COPY_FAILED, recipient="head", medium="M-1")
    made = act(ActVerb.COPY_MADE, recipient="head", medium="M-1")
    assert only(SUBMITTED, APPROVED, begun, failed, begun).left(CopyFor.HEAD) == 1
    one = only(SUBMITTED, APPROVED, begun, made)
    assert [one.left(who) for who in CopyFor] == [0, 1]
    assert one.made == ((CopyFor.HEAD, "M-1"),)
    again = only(SUBMITTED, APPROVED, begun, made, act(ActVerb.RECOPY_APPROVED, recipient="head"))
    assert [again.left(who) for who in CopyFor] == [1, 1]


def test_acts_about_a_request_that_is_not_there_change_nothing() -> None:
    assert requests([msgspec.structs.replace(APPROVED, subject="2026-999")]) == []
    assert only(SUBMITTED, msgspec.structs.replace(APPROVED, subject="2026-002")).status is Status.SUBMITTED
    twice = act(ActVerb.REQUEST_SUBMITTED, calls=["C"], on="2026-11-24")
    assert only(SUBMITTED, twice).calls == ("A", "B")
