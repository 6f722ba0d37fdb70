"""保存年限: what is closed when, and that nothing open, out or lost ever is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.test_readable import GOOD, act
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.keeping import LEDGERS, Kept, Matter, closed, last_day, matter_of
from tsuwaroku.records.media import MediumState, media
from tsuwaroku.records.requests import Status, requests

R = Matter(Kept.REQUESTS, "2026-001")
SLUG = "2026-001"


def log(*steps: tuple[ActVerb, str, dict[str, object]]) -> list[Act]:
    return [act(number, *step) for number, step in enumerate(steps, 1)]


def good(verb: ActVerb, subject: str = "", **change: object) -> tuple[ActVerb, str, dict[str, object]]:
    return verb, subject or GOOD[verb][0], GOOD[verb][1] | change


def copied(name: str, recipient: str, of: int) -> list[tuple[ActVerb, str, dict[str, object]]]:
    """Registered, begun as entry `of`, made."""
    return [
        good(ActVerb.MEDIUM_REGISTERED, name, identity=GOOD[ActVerb.MEDIUM_REGISTERED][1]["identity"] | {"name": name}),
        good(ActVerb.COPY_BEGUN, medium=name, recipient=recipient),
        good(ActVerb.COPY_MADE, medium=name, recipient=recipient, of=of),
    ]


WHOLE = [
    good(ActVerb.REQUEST_SUBMITTED),
    good(ActVerb.REQUEST_APPROVED),
    *copied("M1", "head", 4),
    *copied("M2", "personnel", 7),
    *(good(verb, name) for name in ("M1", "M2") for verb in (ActVerb.MEDIUM_HANDED_OVER, ActVerb.MEDIUM_RETURNED)),
    *(good(verb, name) for name in ("M1", "M2") for verb in (ActVerb.MEDIUM_WIPED, ActVerb.MEDIUM_DESTROYED)),
]


def test_every_act_of_people_belongs_to_a_matter() -> None:
    for number, (verb, (subject, detail)) in enumerate(GOOD.items(), 1):
        matter = matter_of(act(number, verb, subject, detail))
        assert matter is not None
        assert matter.ledger == LEDGERS.get(verb, Kept.AUDIT)


def test_a_request_is_closed_with_the_last_of_its_media_and_not_an_act_before() -> None:
    acts = log(*WHOLE)
    for until in range(len(acts)):
        assert R not in closed(acts[:until])
    assert closed(acts) == {R: 16, Matter(Kept.MEDIA, "M1"): 14, Matter(Kept.MEDIA, "M2"): 16}


@pytest.mark.parametrize("verb", [ActVerb.REQUEST_REFUSED, ActVerb.REQUEST_WITHDRAWN])
def test_one_that_came_to_nothing_is_closed_by_that(verb: ActVerb) -> None:
    assert closed(log(good(ActVerb.REQUEST_SUBMITTED), good(verb))) == {R: 2}


def test_another_copy_opens_it_again_until_its_medium_is_destroyed() -> None:
    more = [*WHOLE, good(ActVerb.RECOPY_APPROVED)]
    assert R not in closed(log(*more))
    more += copied("M3", "head", 19)
    more += [good(verb, "M3") for verb in (ActVerb.MEDIUM_HANDED_OVER, ActVerb.MEDIUM_RETURNED, ActVerb.MEDIUM_WIPED)]
    assert R not in closed(log(*more))
    more.append(good(ActVerb.MEDIUM_DESTROYED, "M3"))
    assert closed(log(*more))[R] == 24


def test_a_lost_medium_keeps_its_request_open() -> None:
    acts = log(*WHOLE[:-1], good(ActVerb.MEDIUM_LOST, "M2"))
    assert R not in closed(acts)
    assert Matter(Kept.MEDIA, "M2") not in closed(acts)


def test_what_was_begun_on_another_medium_keeps_it_open_too() -> None:
    """A stick with half a copy on it lies about."""
    stick = copied("M9", "head", 0)[:2]
    acts = log(*WHOLE[:2], *stick, good(ActVerb.COPY_FAILED, medium="M9", of=4), *WHOLE[2:])
    assert R not in closed(acts)


def test_disclosures_and_appointments() -> None:
    of = Matter(Kept.DISCLOSURES, "D2026-001")
    opened, decided = good(ActVerb.DISCLOSURE_OPENED), good(ActVerb.DISCLOSURE_DECIDED)
    done = good(ActVerb.DISCLOSURE_CARRIED_OUT)
    for steps, number in (
        ([opened], None),
        ([opened, decided], None),
        ([opened, done], None),
        ([opened, decided, done], 3),
        ([opened, good(ActVerb.DISCLOSURE_DECIDED, approved=False)], 2),
        ([opened, done, decided], 3),
    ):
        assert closed(log(*steps)).get(of) == number
    post = Matter(Kept.HANDLERS, "1")
    assert closed(log(good(ActVerb.APPOINTED))) == {}
    for verb in (ActVerb.DISMISSED, ActVerb.APPOINTMENT_ENDED):
        assert closed(log(good(ActVerb.APPOINTED), good(verb))) == {post: 2}
    change = good(ActVerb.MANAGER_SUCCEEDED)
    assert closed(log(change)) == {}  # she is the manager
    sheet = good(ActVerb.RECOVERY_REPLACED)
    assert closed(log(change, sheet)) == {}  # the one is no end of the other
    assert closed(log(change, sheet, change, sheet)) == {post: 3, Matter(Kept.HANDLERS, "2"): 4}


def test_a_matter_of_which_an_act_cannot_be_read_is_never_closed() -> None:
    odd: tuple[ActVerb, str, dict[str, object]] = (ActVerb.COPY_MADE, SLUG, {"newer": 1})
    assert R not in closed(log(*WHOLE, odd))
    assert Matter(Kept.MEDIA, "M1") not in closed(log(*WHOLE, (ActVerb.MEDIUM_DESTROYED, "M1", {"newer": 1})))


@pytest.mark.parametrize(
    ("on", "years", "last"),
    [
        (date(2026, 4, 1), 1, date(2028, 3, 31)),
        (date(2026, 11, 28), 5, date(2032, 3, 31)),
        (date(2027, 3, 31), 5, date(2032, 3, 31)),
        (date(2027, 4, 1), 5, date(2033, 3, 31)),
        (date(2028, 2, 29), 3, date(2031, 3, 31)),
    ],
)
def test_years_are_counted_from_the_end_of_the_fiscal_year(on: date, years: int, last: date) -> None:
    assert last_day(on, years) == last


@given(st.lists(st.sampled_from(range(len(WHOLE))), max_size=24))
def test_nothing_open_is_ever_closed(order: list[int]) -> None:
    """Acts in any order, left out and doubled."""
    acts = log(*(WHOLE[at] for at in order))
    found = closed(acts)
    for request in requests(acts):
        if Matter(Kept.REQUESTS, request.slug) in found:
            assert request.status is not Status.SUBMITTED
            assert all(one.state is MediumState.DESTROYED for one in media(acts) if one.request == request.slug)
    for one in media(acts):
        assert (Matter(Kept.MEDIA, one.name) in found) == (one.state is MediumState.DESTROYED)
