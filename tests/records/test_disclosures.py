"""Article 10: who may be told what, decided by whom, in what order; every way round it is tried."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records import disclosures as rules
from tsuwaroku.records.acts import Act, ActVerb
from tsuwaroku.records.disclosures import Case, Disclosure, Opening, Stage, Way, disclosures, find, next_slug

TODAY = date(2026, 11, 28)
POLICE = Opening(
    case="investigation",
    calls=("01KSR496151AXPZWJ96Z1ZGX6X",),
    recipient="北警察署",
    purpose="捜査のため",
    basis="刑事訴訟法第197条第2項",
    reference="北第45号",
)


def changed(**fields: object) -> Opening:
    return msgspec.structs.replace(POLICE, **fields)


def opened(**detail: object) -> Act:
    said = {"case": "investigation", "way": "inspection", "calls": ["A"], "on": "2026-11-20"} | detail
    return act(1, ActVerb.DISCLOSURE_OPENED, said, actor="hana")


def act(number: int, verb: ActVerb, detail: dict[str, object], actor: str = "kanri", **words: object) -> Act:
    at = "2026-11-28T09:00:00.000+09:00"
    return Act(
        number=number, at=at, actor=actor, verb=verb, subject="D2026-001", detail=detail, words=words if words else None
    )


def one(*acts: Act) -> Disclosure:
    (found,) = disclosures(acts)
    return found


@pytest.mark.parametrize(
    "asked",
    [
        POLICE,
        changed(case="law"),
        changed(case="own_data", basis="個人情報の保護に関する法律第76条", reference=""),
        changed(case="emergency", basis="", reference=""),
        changed(case="emergency", approve_by=TODAY),
        changed(case="emergency", approve_by=TODAY + rules.LATEST_APPROVAL),
        changed(way="copy", copy_basis="刑事訴訟法第218条"),
    ],
)
def test_what_is_complete_is_taken(asked: Opening) -> None:
    rules.refuse_opening(asked, TODAY)


@pytest.mark.parametrize(
    ("asked", "where", "said"),
    [
        (changed(case="press"), "--case", "Article 10"),
        (changed(case=""), "--case", "Article 10"),
        (changed(way="loan"), "--way", "inspection"),
        (changed(calls=()), "--call", "once"),
        (changed(calls=("A", "A")), "--call", "once"),
        (changed(recipient=" \u3000"), "--recipient", "Article 10"),
        (changed(purpose=""), "--purpose", "Article 10"),
        (changed(basis=""), "--basis", "Article 10"),
        (changed(case="own_data", basis=""), "--basis", "Article 10"),
        (changed(reference=""), "--reference", "Article 10"),
        (changed(case="law", reference=""), "--reference", "Article 10"),
        (changed(way="copy"), "--copy-basis", r"Article 8\(3\)"),
        (changed(copy_basis="x"), "--copy-basis", "inspection"),
        (changed(approve_by=TODAY), "--approve-by", r"Article 10\(2\)"),
        (changed(case="emergency", approve_by=TODAY - timedelta(days=1)), "--approve-by", "within"),
        (changed(case="emergency", approve_by=TODAY + timedelta(days=15)), "--approve-by", "within"),
        (changed(purpose="あ" * 2001), "--purpose", "longer"),
    ],
)
def test_what_is_not_names_option_and_article(asked: Opening, where: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said) as refused:
        rules.refuse_opening(asked, TODAY)
    assert refused.value.where == where
    assert refused.value.remedy


def decide(found: Disclosure, by: str = "kanri", **more: Any) -> None:
    asked: dict[str, Any] = {"approved": True, "decided_by": "市長", "decision": "第12号", "reason": "", "on": TODAY}
    asked["today"] = TODAY
    rules.refuse_decision(found, by, **(asked | more))


def carry_out(found: Disclosure, way: str = "inspection", **more: Any) -> None:
    asked: dict[str, Any] = {"to": "担当者", "medium": "", "on": TODAY, "today": TODAY}
    rules.refuse_carrying_out(found, way, **(asked | more))


def test_whoever_opened_it_never_decides_it_not_even_in_an_emergency() -> None:
    emergency = opened(case="emergency", approve_by="2026-12-01")
    done = act(2, ActVerb.DISCLOSURE_CARRIED_OUT, {"way": "inspection", "on": "2026-11-28"}, actor="jiro")
    for found, by in ((one(opened()), "hana"), (one(emergency), "hana"), (one(emergency, done), "jiro")):
        with pytest.raises(RefusedError, match="does not decide it"):
            decide(found, by)
        decide(found)


@pytest.mark.parametrize(
    "more",
    [
        {"decided_by": ""},
        {"decision": " "},
        {"approved": False},
        {"on": TODAY + timedelta(days=1)},
        {"on": date(2026, 11, 19)},
        {"decided_by": "あ" * 2001},
    ],
)
def test_a_decision_has_who_number_or_reason_and_a_day_that_can_be(more: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        decide(one(opened()), **more)


def test_a_refusal_needs_no_number() -> None:
    decide(one(opened()), approved=False, decision="", reason="根拠を欠くため")


def test_nothing_is_carried_out_before_it_is_decided_but_an_emergency() -> None:
    approved = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": True, "on": "2026-11-27"})
    refused = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": False, "on": "2026-11-27"})
    with pytest.raises(RefusedError, match="not decided yet"):
        carry_out(one(opened()))
    with pytest.raises(RefusedError, match="not decided yet"):
        carry_out(one(opened(case="emergency")))
    with pytest.raises(RefusedError, match="was refused"):
        carry_out(one(opened(), refused))
    with pytest.raises(RefusedError, match="what had to come first"):
        carry_out(one(opened(), approved), on=date(2026, 11, 26))
    carry_out(one(opened(), approved))
    carry_out(one(opened(case="emergency", approve_by="2026-12-01")))


def test_an_inspection_does_not_become_a_copy() -> None:
    approved = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": True, "on": "2026-11-27"})
    with pytest.raises(RefusedError, match=r"Article 8\(3\)"):
        carry_out(one(opened(), approved), "copy", medium="CD-R")
    copy = one(opened(way="copy"), approved)
    with pytest.raises(RefusedError) as refused:
        carry_out(copy, "copy")
    assert refused.value.where == "--medium"
    carry_out(copy, "copy", medium="CD-R")


def test_it_is_carried_out_and_decided_once() -> None:
    approved = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": True, "on": "2026-11-27"})
    done = act(3, ActVerb.DISCLOSURE_CARRIED_OUT, {"way": "inspection", "on": "2026-11-28"}, to="担当者")
    found = one(opened(), approved, done)
    assert (found.stage, found.decided_by, found.done_on, found.words) == (
        Stage.APPROVED, "kanri", TODAY, {"to": "担当者"},
    )  # fmt: skip
    with pytest.raises(RefusedError, match="already"):
        decide(found)
    with pytest.raises(RefusedError, match="already"):
        carry_out(found)


def test_acts_that_no_rule_allows_change_nothing() -> None:
    approved = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": True, "on": "2026-11-27"})
    refused = act(3, ActVerb.DISCLOSURE_DECIDED, {"approved": False, "on": "2026-11-28"})
    assert disclosures([approved, refused]) == []
    assert one(opened(), approved, refused) == one(opened(), approved)
    assert one(opened(), opened(case="law")) == one(opened())


def test_an_emergency_is_overdue_the_day_after_until_it_is_decided() -> None:
    emergency = opened(case="emergency", approve_by="2026-12-01")
    assert [one(emergency).overdue(date(2026, 12, day)) for day in (1, 2)] == [False, True]
    for approved in (True, False):
        decided = act(2, ActVerb.DISCLOSURE_DECIDED, {"approved": approved, "on": "2026-12-02"})
        assert not one(emergency, decided).overdue(date(2026, 12, 3))
    assert not one(opened()).overdue(date(2030, 1, 1))


def test_numbers_begin_anew_each_fiscal_year() -> None:
    first = opened()
    assert next_slug([], date(2027, 3, 31)) == "D2026-001"
    assert next_slug([first], date(2027, 3, 31)) == "D2026-002"
    assert next_slug([first], date(2027, 4, 1)) == "D2027-001"
    assert next_slug([msgspec.structs.replace(first, subject="D2026-1000")], TODAY) == "D2026-1001"
    with pytest.raises(NotFoundError):
        find([one(first)], "D2026-002")


def test_each_case_and_way_folds() -> None:
    for case, way in itertools.product(Case, Way):
        found = one(opened(case=case.value, way=way.value))
        assert (found.case, found.way, found.stage) == (case, way, Stage.OPENED)
