"""Acts of another version, or made by hand: no fold raises, none goes by them, and each is told by its number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.test_media import identity
from tsuwaroku.disclosure.identity import Registered
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.appointments import appointments, noted_ended
from tsuwaroku.records.disclosures import disclosures, next_slug
from tsuwaroku.records.keyid import key_id
from tsuwaroku.records.media import Identity, media, overdue
from tsuwaroku.records.queue import passed, queue, urgent
from tsuwaroku.records.readable import DETAILS, readable, unreadable
from tsuwaroku.records.requests import requests
from tsuwaroku.records.succession import successions

TODAY = date(2026, 11, 28)
AT = "2026-11-28T09:00:00.000+09:00"
PUBLIC = "cd" * 32
KEY = key_id(bytes.fromhex(PUBLIC)).hex()
COPY = {"recipient": "head", "medium": "M1", "of": 1, "octets": 5}
GOOD: dict[ActVerb, tuple[str, dict[str, Any]]] = {
    ActVerb.APPOINTED: (
        "hana",
        {"post": "handler", "key": KEY, "public_key": PUBLIC, "lines": ["1"], "begin": "2026-11-01", "end": None},
    ),
    ActVerb.DISMISSED: ("hana", {"of": 1, "on": "2026-11-20"}),
    ActVerb.APPOINTMENT_ENDED: ("hana", {"of": 1, "on": "2026-11-20"}),
    ActVerb.MANAGER_SUCCEEDED: (KEY, {"public_key": PUBLIC, "removed": ["00" * 16]}),
    ActVerb.RECOVERY_REPLACED: (KEY, {"public_key": PUBLIC, "removed": []}),
    ActVerb.WORDS_RESEALED: (KEY, {"of": [1, 2]}),
    ActVerb.CALLS_REWRAPPED: (KEY, {"calls": ["A"]}),
    ActVerb.REQUEST_SUBMITTED: ("2026-001", {"calls": ["A"], "unknown_numbers": 1, "on": "2026-11-20"}),
    ActVerb.REQUEST_APPROVED: ("2026-001", {"calls": ["A"], "return_by": "2026-12-20", "as": "manager"}),
    ActVerb.REQUEST_REFUSED: ("2026-001", {"as": "manager"}),
    ActVerb.REQUEST_WITHDRAWN: ("2026-001", {"as": "handler"}),
    ActVerb.QUEUE_PASSED: ("A", {"marks": 2}),
    ActVerb.MEDIUM_REGISTERED: ("M1", {"identity": identity("M1"), "owner": "管財課長", "on": "2026-11-20"}),
    ActVerb.COPY_BEGUN: ("2026-001", {"recipient": "head", "medium": "M1"}),
    ActVerb.COPY_MADE: ("2026-001", COPY | {"payload": {"a": "00"}}),
    ActVerb.COPY_FAILED: ("2026-001", COPY),
    ActVerb.MEDIUM_HANDED_OVER: ("M1", {"on": "2026-11-21", "due_on": "2026-12-21"}),
    ActVerb.RECOPY_APPROVED: ("2026-001", {"recipient": "head"}),
    ActVerb.MEDIUM_RETURNED: ("M1", {"on": "2026-11-22"}),
    ActVerb.MEDIUM_WIPED: ("M1", {"on": "2026-11-22", "clean": True, "octets": 5, "zero_octets": 5, "passes": 1}),
    ActVerb.MEDIUM_DESTROYED: ("M1", {"on": "2026-11-23", "how": "crushed"}),
    ActVerb.MEDIUM_LOST: ("M1", {"on": "2026-11-23", "request": "2026-001"}),
    ActVerb.DISCLOSURE_OPENED: (
        "D2026-001",
        {"case": "law", "way": "inspection", "calls": ["A"], "on": "2026-11-20", "approve_by": None},
    ),
    ActVerb.DISCLOSURE_DECIDED: ("D2026-001", {"approved": True, "on": "2026-11-21"}),
    ActVerb.DISCLOSURE_CARRIED_OUT: ("D2026-001", {"way": "inspection", "on": "2026-11-22"}),
    ActVerb.NOTICE_PUBLISHED: ("notice", {"digest": "00", "posted_on": "2026-11-20", "url": "https://x.example.jp"}),
    ActVerb.WORDS_EXPIRED: ("", {"year": 2026, "ledgers": {"requests": 5}, "files": {"2020-11-23": [1, 2]}}),
    ActVerb.WORDS_ERASED: ("", {"of": 1, "count": 2}),
}
NEEDED: dict[ActVerb, tuple[str, ...]] = {
    ActVerb.APPOINTED: ("post", "begin"),
    ActVerb.DISMISSED: ("of", "on"),
    ActVerb.APPOINTMENT_ENDED: ("of", "on"),
    ActVerb.MANAGER_SUCCEEDED: ("public_key", "removed"),
    ActVerb.RECOVERY_REPLACED: ("public_key", "removed"),
    ActVerb.WORDS_RESEALED: ("of",),
    ActVerb.CALLS_REWRAPPED: ("calls",),
    ActVerb.REQUEST_SUBMITTED: ("calls", "on"),
    ActVerb.REQUEST_APPROVED: ("calls", "return_by", "as"),
    ActVerb.REQUEST_REFUSED: ("as",),
    ActVerb.REQUEST_WITHDRAWN: ("as",),
    ActVerb.QUEUE_PASSED: ("marks",),
    ActVerb.MEDIUM_REGISTERED: ("identity", "owner"),
    ActVerb.MEDIUM_HANDED_OVER: ("on", "due_on"),
    ActVerb.MEDIUM_RETURNED: ("on",),
    ActVerb.MEDIUM_LOST: ("on",),
    ActVerb.COPY_BEGUN: ("recipient", "medium"),
    ActVerb.COPY_MADE: ("recipient", "medium"),
    ActVerb.COPY_FAILED: ("recipient", "medium"),
    ActVerb.RECOPY_APPROVED: ("recipient",),
    ActVerb.MEDIUM_WIPED: ("clean",),
    ActVerb.MEDIUM_DESTROYED: ("how",),
    ActVerb.DISCLOSURE_OPENED: ("case", "way", "calls", "on"),
    ActVerb.DISCLOSURE_DECIDED: ("approved", "on"),
    ActVerb.DISCLOSURE_CARRIED_OUT: ("on",),
    ActVerb.NOTICE_PUBLISHED: ("digest", "posted_on"),
    ActVerb.WORDS_EXPIRED: ("year", "ledgers", "files"),
    ActVerb.WORDS_ERASED: ("of", "count"),
}


def act(number: int, verb: ActVerb, subject: str, detail: dict[str, Any], at: str = AT, words: Any = None) -> Act:
    return Act(number=number, at=at, actor="kanri", verb=verb, subject=subject, detail=detail, words=words)


def good(number: int, verb: ActVerb) -> Act:
    return act(number, verb, *GOOD[verb])


FOLDS: list[Callable[[list[Act]], object]] = [
    appointments,
    noted_ended,
    successions,
    requests,
    disclosures,
    lambda acts: (media(acts), overdue(media(acts), TODAY), [one.since() for one in media(acts)]),
    lambda acts: (queue([], requests(acts), passed(acts), TODAY), urgent(requests(acts), {"A": TODAY}, TODAY)),
]

WORD = st.text("abα字 0-\n", max_size=6)
PLAIN = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | WORD
JSON = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(WORD, PLAIN, max_size=2)
LIKELY = st.sampled_from(
    ["", "head", "handler", "crushed", "2026-11-20", "9999-12-31", "0001-01-01", "2026-02-30", "M1", KEY, PUBLIC, -1]
)


@st.composite
def odd_acts(draw: st.DrawFn) -> Act:
    """An act of any verb: what it should say, with a field taken out or replaced, or all of it random."""
    verb = draw(st.sampled_from(list(ActVerb)))
    subject, detail = GOOD[verb]
    if draw(st.booleans()):
        detail = dict(detail)
        for name in draw(st.lists(st.sampled_from(sorted(detail)), max_size=3)):
            if draw(st.booleans()):
                detail.pop(name, None)
            else:
                detail[name] = draw(LIKELY | JSON)
    else:
        names = st.sampled_from(sorted(detail)) | WORD
        detail = draw(st.dictionaries(names, LIKELY | JSON, max_size=6))
    subject = draw(st.just(subject) | st.sampled_from(["D2026-abc", "2026-x", "2026-001\n"]) | WORD)
    at = draw(st.just(AT) | st.sampled_from(["", "now", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+14:00"]))
    words = draw(st.none() | st.dictionaries(st.sampled_from(["name", "form", "reason", "to"]), JSON, max_size=3))
    return act(draw(st.integers(1, 9)), verb, subject, detail, at, words)


def test_every_verb_has_its_detail_and_what_this_program_writes_is_read() -> None:
    assert set(DETAILS) == set(GOOD) == set(ActVerb)
    assert [verb for verb in ActVerb if not readable(good(1, verb))] == []
    assert [verb for verb in ActVerb if readable(act(1, verb, GOOD[verb][0], {}))] == []  # an entry without a detail
    assert set(NEEDED) == set(ActVerb)
    assert Identity.__struct_fields__ == Registered.__struct_fields__


@pytest.mark.parametrize(("verb", "field"), [(verb, field) for verb, fields in NEEDED.items() for field in fields])
def test_without_a_field_it_needs_an_act_is_told_and_changes_nothing(verb: ActVerb, field: str) -> None:
    subject, detail = GOOD[verb]
    for said in ({k: v for k, v in detail.items() if k != field}, detail | {field: {"newer": "x"}}):
        odd = act(7, verb, subject, said)
        assert unreadable([good(1, verb), odd, good(9, verb)]) == [7]
        before = [good(number, each) for number, each in enumerate(ActVerb, 1) if each is not verb]
        for fold in FOLDS:
            assert fold([*before, odd]) == fold(before)


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        (ActVerb.APPOINTED, {"key": "00" * 16}),  # another key than it says
        (ActVerb.APPOINTED, {"public_key": "00" * 32, "key": key_id(bytes(32)).hex()}),
        (ActVerb.MANAGER_SUCCEEDED, {"public_key": "ab" * 32}),
        (ActVerb.APPOINTED, {"begin": "9999-12-31"}),
        (ActVerb.MEDIUM_HANDED_OVER, {"due_on": "0001-01-01"}),
    ],
)
def test_a_key_that_is_none_and_a_day_that_no_calendar_of_ours_has(verb: ActVerb, change: dict[str, Any]) -> None:
    """The recorder would seal calls to the one, and a paper could not show the other."""
    subject, detail = GOOD[verb]
    assert unreadable([act(3, verb, subject, detail | change)]) == [3]
    assert successions([act(3, verb, subject, detail | change)]) == []
    assert appointments([act(3, verb, subject, detail | change)]) == []


def test_a_number_is_never_given_again_not_even_that_of_an_act_nobody_can_read() -> None:
    opened = ActVerb.DISCLOSURE_OPENED
    odd = [act(1, opened, "D2026-007", {}), act(2, opened, "D2026-abc", {}), act(3, opened, "D2025-099", {})]
    assert next_slug(odd, TODAY) == "D2026-008"
    assert next_slug([*odd, act(4, opened, f"D2026-{'9' * 40}", {})], TODAY) == "D2026-008"


def test_what_a_later_version_adds_is_passed_over_and_the_rest_is_read() -> None:
    later = [act(n, verb, GOOD[verb][0], GOOD[verb][1] | {"newer": [1]}) for n, verb in enumerate(ActVerb, 1)]
    plain = [good(n, verb) for n, verb in enumerate(ActVerb, 1)]
    assert unreadable(later) == []
    assert [msgspec.to_builtins(fold(later)) for fold in FOLDS] == [msgspec.to_builtins(fold(plain)) for fold in FOLDS]


@given(st.lists(odd_acts(), max_size=8), st.lists(st.sampled_from(list(ActVerb)), max_size=6))
def test_no_fold_raises_and_what_is_told_changes_none(odd: list[Act], sound: list[ActVerb]) -> None:
    acts = [good(number, verb) for number, verb in enumerate(sound, 11)] + odd
    kept = [one for one in acts if readable(one)]
    assert len(unreadable(acts)) == len(acts) - len(kept)
    for fold in FOLDS:
        assert fold(acts) == fold(kept)
