"""The life of a medium as a fold of acts, and what its rules forbid."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.media import (
    How,
    Medium,
    MediumState,
    media,
    medium_called,
    overdue,
    refuse_copy,
    refuse_day,
    refuse_destroy,
    refuse_hand_over,
    refuse_loss,
    refuse_name,
    refuse_return,
    refuse_wipe,
)
from tsuwaroku.records.requests import CopyFor

SLUG = "2026-001"
HEAD = CopyFor.HEAD


def identity(name: str) -> dict[str, object]:
    texts = dict.fromkeys(("usb_id", "vendor", "model", "wwid", "nonce"), "")
    return {**texts, "name": name, "serial": name, "capacity_octets": 1000}


class Book:
    """An audit log's acts, a day after the other."""

    def __init__(self) -> None:
        self.acts: list[Act] = []

    def __call__(self, verb: ActVerb, subject: str = "M-1", words: dict[str, Any] | None = None, **detail: Any) -> int:
        number = len(self.acts) + 1
        at = f"2026-11-{number:02}T10:00:00.000+09:00"
        self.acts.append(
            Act(number=number, at=at, actor="kanri", verb=verb, subject=subject, detail=detail, words=words)
        )
        return number

    def register(self, name: str = "M-1", owner: str = "管財課長") -> None:
        self(ActVerb.MEDIUM_REGISTERED, name, identity=identity(name), owner=owner, on="2026-11-01")

    def begin(self, name: str = "M-1", slug: str = SLUG, recipient: str = "head") -> int:
        return self(ActVerb.COPY_BEGUN, slug, recipient=recipient, medium=name)

    def made(self, of: int, name: str = "M-1", slug: str = SLUG, recipient: str = "head") -> None:
        self(ActVerb.COPY_MADE, slug, recipient=recipient, medium=name, of=of, octets=10, payload={})

    def one(self, name: str = "M-1") -> Medium:
        return medium_called(media(self.acts), name)


def day(number: int) -> str:
    return f"2026-11-{number:02}"


@pytest.fixture
def book() -> Book:
    book = Book()
    book.register()
    return book


def test_a_whole_life(book: Book) -> None:
    assert (book.one().state, book.one().since()) == (MediumState.REGISTERED, date(2026, 11, 1))
    of = book.begin()
    assert (book.one().state, book.one().begun) == (MediumState.UNCOUNTED, of)
    book.made(of)
    one = book.one()
    assert (one.state, one.request, one.recipient, one.octets, one.begun) == ("copied", SLUG, HEAD, 10, 0)
    assert one.made_on == date(2026, 11, 3)
    book(ActVerb.MEDIUM_HANDED_OVER, on=day(4), due_on=day(10), words={"to": "青森 花子", "name": "弘前 太郎"})
    one = book.one()
    assert (one.state, one.to, one.handed_by) == ("out", "青森 花子", "弘前 太郎")
    assert [one.overdue(date(2026, 11, number)) for number in (4, 10, 11)] == [False, False, True]
    assert overdue(media(book.acts), date(2026, 11, 11)) == [one]
    book(ActVerb.MEDIUM_RETURNED, on=day(12), words={"by": "青森 花子", "name": "弘前 太郎"})
    assert book.one().overdue(date(2027, 1, 1)) is False
    book(ActVerb.MEDIUM_WIPED, on=day(12), clean=True, octets=10, zero_octets=10, passes=2)
    assert (book.one().state, book.one().wiped_clean) == ("wiped", True)
    book(ActVerb.MEDIUM_DESTROYED, on=day(13), how="cut", words={"by": "甲", "witness": "乙", "how": ""})
    one = book.one()
    assert (one.state, one.how, one.destroyed_by, one.witness) == ("destroyed", How.CUT, "甲", "乙")
    assert one.since() == date(2026, 11, 13)


def test_without_words_a_life_is_the_same(book: Book) -> None:
    book.made(book.begin())
    book(ActVerb.MEDIUM_HANDED_OVER, on=day(4), due_on=None)
    one = book.one()
    assert (one.state, one.to, one.due_on, one.overdue(date(2030, 1, 1))) == ("out", None, None, False)


@pytest.mark.parametrize(
    ("verb", "detail"),
    [
        (ActVerb.MEDIUM_HANDED_OVER, {"on": day(4), "due_on": None}),
        (ActVerb.MEDIUM_RETURNED, {"on": day(4)}),
        (ActVerb.MEDIUM_WIPED, {"on": day(4), "clean": True}),
    ],
)
def test_what_its_rule_would_refuse_changes_nothing(book: Book, verb: ActVerb, detail: dict[str, Any]) -> None:
    """None of them comes to a medium without a copy; nor anything to one that is destroyed."""
    before = book.one()
    book(verb, **detail)
    assert book.one() == before
    book(ActVerb.MEDIUM_DESTROYED, on=day(5), how="crushed")
    after = book.one()
    assert after.state == "destroyed"
    book(verb, **detail)
    book(ActVerb.MEDIUM_LOST, on=day(6))
    assert book.one() == after


def test_only_the_newest_attempt_counts(book: Book) -> None:
    book.register("M-2")
    first = book.begin("M-1")
    second = book.begin("M-2")
    assert (book.one("M-1").begun, book.one("M-1").state) == (0, "uncounted")
    book.made(first, "M-1")
    assert book.one("M-1").state == "uncounted"
    other = book.begin("M-1", recipient="personnel")  # of another recipient: no attempt at the same copy
    assert (book.one("M-2").begun, book.one("M-1").begun) == (second, other)
    book.made(second, "M-2")
    assert book.one("M-2").state == "copied"


def test_a_failed_attempt_leaves_the_medium_for_the_same_copy_alone(book: Book) -> None:
    of = book.begin()
    book(ActVerb.COPY_FAILED, SLUG, recipient="head", medium="M-1", of=of)
    book.made(of)  # too late
    assert (book.one().state, book.one().begun, book.one().made_on) == ("uncounted", 0, None)
    assert refuse_copy(media(book.acts), "M-1", SLUG, HEAD).name == "M-1"
    for slug, who in (("2026-002", HEAD), (SLUG, CopyFor.PERSONNEL)):
        with pytest.raises(RefusedError, match="another purpose"):
            refuse_copy(media(book.acts), "M-1", slug, who)


def test_acts_that_a_rule_forbids_change_nothing(book: Book) -> None:
    book.register()  # twice
    book(ActVerb.MEDIUM_LOST, "M-7", on=day(2))
    book.begin("M-7")
    assert [one.name for one in media(book.acts)] == ["M-1"]
    book.made(book.begin())
    before = book.one()
    book.begin()
    assert book.one() == before
    with pytest.raises(NotFoundError):
        book.one("M-7")


def in_state(state: MediumState) -> Medium:
    lived = state not in (MediumState.REGISTERED, MediumState.UNCOUNTED, MediumState.COPIED)
    return Medium(
        name="M-1",
        identity={},
        owner="管財課長",
        registered_on=date(2026, 11, 1),
        state=state,
        handed_on=date(2026, 11, 4) if lived else None,
        request="" if state is MediumState.REGISTERED else SLUG,
        recipient=None if state is MediumState.REGISTERED else HEAD,
    )


ALLOWED = {
    refuse_hand_over: {"copied"},
    refuse_return: {"out", "lost"},
    refuse_wipe: {"uncounted", "copied", "returned", "unwipable"},
    refuse_destroy: {"registered", "wiped", "unwipable"},
    refuse_loss: {"registered", "uncounted", "copied", "out", "returned", "wiped", "unwipable"},
}


@pytest.mark.parametrize("state", MediumState)
def test_each_step_from_each_state(state: MediumState) -> None:
    one = in_state(state)
    for refuse, allowed in ALLOWED.items():
        if state.value in allowed:
            refuse(one)
        else:
            with pytest.raises(RefusedError) as told:
                refuse(one)
            assert told.value.remedy
    if state.value in ("registered", "uncounted"):
        assert refuse_copy([one], "M-1", SLUG, HEAD) == one
    else:
        with pytest.raises(RefusedError, match=r"Article 9\(5\)"):
            refuse_copy([one], "M-1", SLUG, HEAD)


def test_a_medium_that_was_lost_before_it_went_out_comes_back_when_it_is_found() -> None:
    """Else nothing led on from there: neither returned nor wiped nor destroyed."""
    import msgspec

    refuse_return(msgspec.structs.replace(in_state(MediumState.LOST), handed_on=None))
    with pytest.raises(RefusedError, match=r"9\(4\)"):
        refuse_return(msgspec.structs.replace(in_state(MediumState.OUT), handed_on=None))
    with pytest.raises(RefusedError, match="destroyed already"):
        refuse_destroy(in_state(MediumState.DESTROYED))


def test_a_medium_of_nobody_takes_no_copy(book: Book) -> None:
    book.register("M-2", owner="")
    for name in ("M-2", "M-3", ""):
        with pytest.raises(RefusedError, match=r"registered to nobody.*Article 9\(2\)"):
            refuse_copy(media(book.acts), name, SLUG, HEAD)
    with pytest.raises(RefusedError, match="been a medium M-1 already"):
        refuse_name(media(book.acts), "M-1")


def test_days_go_forward(book: Book) -> None:
    today = date(2026, 11, 20)
    book.made(book.begin())
    refuse_day(book.one(), date(2026, 11, 3), today)
    for wrong in (date(2026, 11, 2), date(2026, 11, 21)):
        with pytest.raises(RefusedError):
            refuse_day(book.one(), wrong, today)


@given(st.lists(st.tuples(st.sampled_from(list(ActVerb)), st.sampled_from(["M-1", "M-2", SLUG])), max_size=20))
def test_used_is_used_whatever_comes(steps: list[tuple[ActVerb, str]]) -> None:
    """No row of acts leads a medium with a copy on it back to where it takes another."""
    book = Book()
    book.register()
    book.register("M-2")
    book.made(book.begin())
    detail: dict[str, Any] = {
        "on": "2026-11-20",
        "clean": True,
        "how": "cut",
        "recipient": "head",
        "medium": "M-1",
        "of": 3,
        "octets": 1,
        "identity": {},
        "owner": "x",
    }
    for verb, subject in steps:
        book(verb, subject, **detail)
        with pytest.raises(RefusedError):
            refuse_copy(media(book.acts), "M-1", SLUG, HEAD)
