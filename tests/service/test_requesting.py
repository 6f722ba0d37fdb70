"""Requests at the keeper: numbers, forms, who may decide, calls that are gone, and what each refusal leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.disclosure.papers import FORM, HOSTILE
from tests.service.requestbox import DAIRI, HANA, KANRI, LIMITED, RequestBox, call_id
from tests.service.serving import serving
from tests.service.support import demo_key
from tsuwaroku.console.requestclient import RequestClient
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError
from tsuwaroku.records.acts import ActVerb
from tsuwaroku.records.request import Answer, RequestForm
from tsuwaroku.records.requests import Status, requests
from tsuwaroku.records.roles import Role
from tsuwaroku.service import control
from tsuwaroku.service.asking import Asker, Peer
from tsuwaroku.service.fates import Fate
from tsuwaroku.service.requesting import ReasonRequest, SubmitRequest
from tsuwaroku.store.acts import acts
from tsuwaroku.store.audit import AuditLog
from tsuwaroku.store.verify import verify_store

replace = msgspec.structs.replace


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    box = RequestBox(tmp_path / "store")
    yield box
    box.end()


# -- numbers


def test_numbers_begin_anew_with_the_fiscal_year_of_tokyo(box: RequestBox) -> None:
    assert [box.submit(1), box.submit(2)] == ["2026-001", "2026-002"]
    box.poll_at("2027-03-31T23:59:50+09:00", 0)
    assert box.submit() == "2026-003"
    box.poll_at("2027-04-01T00:00:01+09:00", 0)  # 15:00 of 31 March in Greenwich
    assert [box.submit(), box.submit()] == ["2027-001", "2027-002"]
    assert [act.detail["on"] for act in box.keeper.ledger.acts] == [
        *["2026-11-23"] * 2,
        "2027-03-31",
        *["2027-04-01"] * 2,
    ]


def test_a_withdrawn_number_is_not_given_again_and_a_restart_forgets_none(box: RequestBox) -> None:
    box.withdraw(box.submit(1))
    box.restart()
    assert box.submit(1) == "2026-002"


def test_a_clock_far_ahead_takes_no_numbers_of_later_years(box: RequestBox) -> None:
    box.keeper.poll()
    assert box.submit(1) == "2026-001"
    original = box.clock.now
    box.clock.now = lambda: replace(original(), wall_ns=original().wall_ns + 3652 * 86_400 * 10**9)  # type: ignore[method-assign]
    box.keeper.poll()
    assert box.submit() == "2026-002"


def test_submitters_at_once_get_different_numbers_over_the_socket(box: RequestBox) -> None:
    def one(number: int) -> str:
        with RequestClient(box.path / "run" / "keeper.sock") as client:
            return client.submit(SubmitRequest(form=FORM, calls=[call_id(1)], name=f"係{number}")).slug

    with serving(box.keeper, box.path, box.settings), ThreadPoolExecutor(8) as pool:
        slugs = list(pool.map(one, range(12)))
    assert sorted(slugs) == [f"2026-{number:03}" for number in range(1, 13)]


# -- forms


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"department": " "}, "department", "missing"),
        ({"begin": "平成38年11月23日 14時5分"}, "begin", "平成"),  # a year that era has not got
        ({"begin": "令和0年1月1日 9時"}, "begin", "does not exist"),
        ({"begin": "令和8年2月30日 9時"}, "begin", "calendar"),
        ({"end": "令和9年11月23日 14時5分"}, "end", "ahead"),
        ({"begin": "2026-11-23 15:00", "end": "2026-11-23 14:00"}, "end", "before the beginning"),
        ({"reasons": ()}, "reasons", "ticked"),
        ({"reasons": ("other",)}, "purpose", "purpose not stated"),
        ({"reasons": ("other",), "purpose": "研究", "serves": "research"}, "serves", "Article 1"),
        ({"far_number": Answer("03-1234-567890123")}, "far_number", "telephone number"),
        ({"far_name": Answer()}, "far_name", "empty"),
        ({"far_name": Answer(unknown="")}, "far_name", "needs its reason"),
        ({"notes": "a\x1b[2Jb"}, "notes", "no paper can show"),
        ({"head": "青森\u202e花子"}, "head", "no paper can show"),
        ({"content": "あ" * 1001}, "content", "longer"),
    ],
)
def test_a_bad_form_is_refused_named_and_audited_and_takes_no_number(
    box: RequestBox, change: dict[str, Any], field: str, says: str
) -> None:
    form = replace(FORM, **change)
    checked = box.check(form)
    assert checked.form is None
    assert any(one.field == field and says in one.message for one in checked.problems)
    with pytest.raises(RefusedError):
        box.submit(1, form=form)
    assert box.keeper.ledger.acts == []
    assert box.refusals() == [("hana", "request.new", "bad form")] * 2
    assert box.submit(1) == "2026-001"


def test_a_missing_field_names_the_article(box: RequestBox) -> None:
    with pytest.raises(RefusedError) as error:
        box.submit(1, form=replace(FORM, far_name=Answer()))
    assert error.value.where == "通話相手先の氏名（要綱第9条第1項）"


def test_what_a_form_says_is_sealed_and_comes_back_as_it_was(box: RequestBox) -> None:
    for text in HOSTILE:
        box.submit(1, form=replace(FORM, content=text, remarks=text), name="係 次郎")
    found = requests(acts(box.keeper.ledger.entries, demo_key(box.path)))
    assert [(one.form or {})["content"] for one in found] == [text.strip() for text in HOSTILE]
    assert [(one.form or {})["begin"] for one in found] == ["2026-11-23T14:05:00+09:00"] * len(HOSTILE)
    log = b"".join(path.read_bytes() for path in (box.path / "audit").iterdir()).decode()
    assert not any(word in log for word in ("青森", "0312345678", "03-1234", "次郎", "/etc/passwd"))
    assert verify_store(box.store).problems == []


@pytest.mark.parametrize("name", ["次" * 101, "次\x07郎"])
def test_a_name_nobody_has_is_refused(box: RequestBox, name: str) -> None:
    with pytest.raises(RefusedError):
        box.submit(1, name=name)
    assert box.keeper.ledger.acts == []


# -- calls


def test_calls_that_are_none_or_anothers_are_refused(box: RequestBox) -> None:
    for calls, kind in (
        (["#12"], NotFoundError),
        (["01KSR496151AXPZWJ96Z1ZGX6X"], NotFoundError),
        (["x" * 5000], NotFoundError),
        ([call_id(1), ""], NotFoundError),
        ([f"{n}" for n in range(1001)], RefusedError),
    ):
        with pytest.raises(kind):
            box.submit(calls=calls)
    with pytest.raises(ForbiddenError):
        box.submit(1, by=LIMITED)
    assert box.keeper.ledger.acts == []
    assert [why for _, _, why in box.refusals()] == [*["call unknown"] * 4, "too many calls", "another's line"]


def test_a_call_is_named_once_however_it_is_written(box: RequestBox) -> None:
    box.submit(calls=[call_id(1), call_id(1).lower(), call_id(1)])
    assert box.keeper.ledger.acts[0].detail["calls"] == [call_id(1)]


def test_an_erased_call_says_when_and_by_which_rule(box: RequestBox) -> None:
    slug = box.submit(1, 2)
    box.hold(2, "2027-01-15")
    box.poll_at("2026-12-24T00:01:00+09:00", 8)
    for act in (lambda: box.submit(1), lambda: box.check(calls=[call_id(1)]), lambda: box.approve(slug)):
        with pytest.raises(
            RefusedError, match=r"erased on 2026-12-24: its days ended on 2026-12-23 \(Article 8\(1\)\)"
        ):
            act()
    seen = box.show(slug)
    assert [(one.fate, one.sequence, str(one.on), one.why) for one in seen.calls] == [
        (Fate.ERASED, 1, "2026-12-24", "expired"),
        (Fate.KEPT, 2, "None", ""),
    ]
    assert box.refusals() == [
        ("hana", "request.new", "call erased"),
        ("hana", "request.new", "call erased"),
        ("kanri", "request.decide", "call erased"),
    ]
    assert box.approve(slug, calls=[call_id(2)]) == slug
    box.poll_at("2027-01-16T00:01:00+09:00", 8)
    with pytest.raises(RefusedError, match=r"erased on 2027-01-16: its hold ended on 2027-01-15 \(.*proviso\)"):
        box.submit(2)


def test_an_expired_call_that_is_still_there_is_refused_too(box: RequestBox) -> None:
    slug = box.submit(1)
    box.clock.to("2026-12-24T00:00:01+09:00")  # and nothing was polled since
    asking: list[Callable[[], object]] = [lambda: box.submit(1), lambda: box.approve(slug)]
    for act in asking:
        with pytest.raises(RefusedError, match=r"kept until 2026-12-23 \(Article 8\(1\)\)"):
            act()
    assert [one.fate for one in box.show(slug).calls] == [Fate.EXPIRED]
    assert box.refuse(slug) == slug


# -- deciding


def test_an_approval_names_calls_a_day_and_stands(box: RequestBox) -> None:
    slug = box.submit(1, 2, unknown_numbers=3)
    box.restart()  # between the two
    box.approve(slug, calls=[call_id(2)], return_by="2027-01-31", reason="必要と認める", name="管財 太郎")
    for act in (box.approve, box.refuse, box.withdraw):
        with pytest.raises(RefusedError, match="was approved on 2026-11-23"):
            act(slug)
    box.restart()
    request = box.show(slug).request
    assert (request.status, request.calls, str(request.return_by), request.decided_by) == (
        Status.APPROVED,
        (call_id(2),),
        "2027-01-31",
        "kanri",
    )
    assert box.keeper.ledger.acts[-1].detail["as"] == "manager"
    assert [why for _, _, why in box.refusals()] == ["decided already"] * 3
    (opened,) = requests(acts(box.keeper.ledger.entries, demo_key(box.path)))
    assert opened.reason == "必要と認める"


@pytest.mark.parametrize(
    ("more", "kind", "why"),
    [
        ({"by": HANA}, ForbiddenError, "own request"),
        ({"calls": []}, RefusedError, "calls not asked for"),
        ({"calls": [call_id(3)]}, RefusedError, "calls not asked for"),
        ({"calls": ["#1"]}, RefusedError, "calls not asked for"),
        ({"return_by": "2026-11-22"}, RefusedError, "bad day or words"),
        ({"return_by": "平成40年1月1日"}, RefusedError, "bad day or words"),
        ({"return_by": "9999-12-31"}, RefusedError, "bad day or words"),
        ({"reason": "\x00"}, RefusedError, "bad day or words"),
        ({"reason": "長" * 1001}, RefusedError, "bad day or words"),
    ],
)
def test_an_approval_that_a_rule_forbids_changes_nothing(
    box: RequestBox, more: dict[str, Any], kind: type[Exception], why: str
) -> None:
    slug = box.submit(1, 2)
    with pytest.raises(kind):
        box.approve(slug, **more)
    assert box.show(slug).request.status is Status.SUBMITTED
    assert [reason for _, _, reason in box.refusals()] == [why]
    assert box.approve(slug) == slug


def test_a_manager_who_submitted_leaves_the_decision_to_the_deputy(box: RequestBox) -> None:
    slug = box.submit(1, by=KANRI)
    for act in (box.approve, box.refuse):
        with pytest.raises(ForbiddenError, match=r"Article 9\(2\)"):
            act(slug, by=KANRI)
    box.approve(slug, by=DAIRI)
    assert box.keeper.ledger.acts[-1].detail["as"] == "deputy"


def test_nobody_decides_alone_on_calls_of_his_own_extension(tmp_path: Path) -> None:
    box = RequestBox(tmp_path / "store", extensions={"kanri": ("201",), "dairi": ("301",)})
    slug = box.submit(1, 2)
    for act in (box.approve, box.refuse):
        with pytest.raises(ForbiddenError, match="own extension"):
            act(slug)
    with pytest.raises(ForbiddenError):
        box.approve(slug, calls=[call_id(1)])
    assert box.approve(slug, by=DAIRI) == slug
    assert box.refuse(box.submit(calls=[])) == "2026-002"  # of no call nobody is a party
    box.end()


def test_another_copy_is_not_approved_by_who_asked_or_is_a_party(tmp_path: Path) -> None:
    """Article 9(3) by the rule of 9(2): the approval of a copy more is one."""
    box = RequestBox(tmp_path / "store", extensions={"kanri": ("201",), "dairi": ("301",)})
    mine, own = box.submit(1, by=KANRI), box.submit(1, 2)
    for slug in (mine, own):
        box.approve(slug, by=DAIRI)
        box.copied(slug)
    before = len(box.keeper.ledger.acts)
    with pytest.raises(ForbiddenError, match=r"Article 9\(2\)"):
        box.recopy(mine)
    with pytest.raises(ForbiddenError, match="own extension"):
        box.recopy(own)
    assert len(box.keeper.ledger.acts) == before
    assert box.refusals() == [("kanri", "request.decide", "Article 9(2)"), ("kanri", "request.decide", "no right")]
    for slug in (mine, own):
        box.recopy(slug, by=DAIRI)
    box.end()


def test_refusing_and_withdrawing_need_a_reason_and_the_right_person(box: RequestBox) -> None:
    slug = box.submit(1)
    for act in (box.refuse, box.withdraw):
        with pytest.raises(RefusedError):
            act(slug, reason=" ")
    stranger = Asker(user="saburo", roles=frozenset({Role.HANDLER}))
    with pytest.raises(ForbiddenError):
        box.withdraw(slug, by=stranger)
    assert box.withdraw(slug, by=KANRI) == slug
    assert box.refuse(box.submit(1)) == "2026-002"
    assert box.withdraw(box.submit(1)) == "2026-003"
    with pytest.raises(RefusedError, match="was withdrawn on"):
        box.approve(slug)
    with pytest.raises(RefusedError, match="was refused on"):
        box.approve("2026-002")


@pytest.mark.parametrize("slug", ["2026-009", "", "x" * 4000, "../../etc", "2026-1"])
def test_a_request_that_is_not_there(box: RequestBox, slug: str) -> None:
    box.submit(1)
    for act in (box.approve, box.refuse, box.withdraw, box.show):
        with pytest.raises(NotFoundError):
            act(slug)
    assert [why for _, _, why in box.refusals()] == ["no such request"] * 4


def test_a_handler_of_some_lines_sees_his_own_requests_and_those_of_his_lines(box: RequestBox) -> None:
    box.submit(1)
    mine = box.submit(by=LIMITED)
    assert (box.listed(), box.listed(LIMITED)) == (["2026-001", "2026-002"], [mine])
    with pytest.raises(NotFoundError):
        box.show("2026-001", by=LIMITED)
    assert box.show(mine, by=LIMITED).request.by == "jiro"


# -- over the socket


@dataclass
class Who:
    user: str = "hana"


@pytest.fixture
def who(monkeypatch: pytest.MonkeyPatch) -> Who:
    """Whose process asks: the kernel's word, which a test cannot change."""
    who = Who()
    monkeypatch.setattr(control, "peer_of", lambda link: Peer(who.user, os.geteuid(), frozenset()))
    return who


def test_a_request_from_end_to_end(box: RequestBox, who: Who) -> None:
    with serving(box.keeper, box.path, box.settings), RequestClient(box.path / "run" / "keeper.sock") as client:
        checked = client.check(FORM, [])
        assert checked.form is not None
        done = client.submit(SubmitRequest(form=checked.form, calls=[call_id(1)], unknown_numbers=2))
        assert (done.slug, done.number) == ("2026-001", "令和8年度 第1号")
        with pytest.raises(ForbiddenError):
            client.refuse(done.slug, ReasonRequest(reason="自分"))
        who.user = "kanri"
        assert client.refuse(done.slug, ReasonRequest(reason="特定できない")).slug == done.slug
        seen = client.requests()
        (request,) = requests(acts(seen.entries, demo_key(box.path)))
        assert (request.status, request.reason, request.unknown_numbers) == (Status.REFUSED, "特定できない", 2)
        assert msgspec.convert(request.form, RequestForm) == checked.form
        assert client.request(done.slug).calls[0].extension == "201"
        for path, body in (
            ("/v1/requests", {"form": {"colour": "red"}}),
            ("/v1/requests", {"form": {}, "unknown_numbers": -1}),
            ("/v1/requests/2026-001/approve", {"calls": "all"}),
        ):
            with pytest.raises(RefusedError):
                client._ask("POST", path, body)
    verbs = [entry.verb for entry in AuditLog.open(box.store).entries() if entry.verb in set(ActVerb)]
    assert verbs == ["request submitted", "request refused"]
    assert verify_store(box.store).problems == []
