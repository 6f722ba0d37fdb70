"""Who is appointed on which day: the first and the last day count, the day of a dismissal no more."""

from __future__ import annotations

from datetime import date

from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.appointments import Post, appointments, holding_post
from tsuwaroku.records.keyid import key_id


def act(number: int, verb: ActVerb, subject: str = "", **detail: object) -> Act:
    return Act(
        number=number, at="2026-11-23T09:00:00.000+09:00", actor="kacho", verb=verb, subject=subject, detail=detail
    )


APPOINTED = act(
    1,
    ActVerb.APPOINTED,
    "aomori",
    post="handler",
    key=key_id(bytes.fromhex("cd" * 32)).hex(),
    public_key="cd" * 32,
    lines=["1"],
    begin="2026-12-01",
    end="2027-03-31",
)
DISMISSED = act(2, ActVerb.DISMISSED, "aomori", of=1, on="2027-02-01")


def days(*acts: Act) -> list[bool]:
    (one,) = appointments(acts)
    asked = ("2026-11-30", "2026-12-01", "2027-01-31", "2027-02-01", "2027-03-31", "2027-04-01")
    return [one.active(date.fromisoformat(day)) for day in asked]


def test_an_appointment_holds_from_its_first_to_its_last_day() -> None:
    assert days(APPOINTED) == [False, True, True, True, True, False]


def test_a_dismissal_ends_it_on_its_day_and_only_the_first_counts() -> None:
    assert days(APPOINTED, DISMISSED) == [False, True, True, False, False, False]
    later = act(3, ActVerb.DISMISSED, "aomori", of=1, on="2027-03-01")
    assert days(APPOINTED, DISMISSED, later) == days(APPOINTED, DISMISSED)


def test_a_dismissal_of_nobody_changes_nothing() -> None:
    assert days(APPOINTED, act(2, ActVerb.DISMISSED, "aomori", of=9, on="2026-12-01")) == days(APPOINTED)
    assert days(APPOINTED, act(2, ActVerb.DISMISSED, "aomori", of="1", on="2026-12-01")) == days(APPOINTED)


def test_a_post_is_of_one_account_and_kind() -> None:
    found = appointments([APPOINTED])
    day = date(2026, 12, 1)
    assert [one.number for one in holding_post(found, "aomori", Post.HANDLER, day)] == [1]
    assert holding_post(found, "aomori", Post.DEPUTY, day) == []
    assert holding_post(found, "iwate", Post.HANDLER, day) == []


def test_a_name_is_known_only_with_its_words() -> None:
    (sealed,) = appointments([APPOINTED])
    named = Act(**{name: getattr(APPOINTED, name) for name in Act.__struct_fields__} | {"words": {"name": "青森 花子"}})
    (opened,) = appointments([named])
    assert (sealed.name, opened.name, opened.lines) == (None, "青森 花子", ("1",))
