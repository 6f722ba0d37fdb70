"""Lists and hearings as the keeper gives them: to whom, of which lines, and what the log has of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.service.marker import marker
from tests.service.requestbox import HANA, KANRI, LIMITED, RequestBox, call_id
from tests.store.reading import Box, at, ident, sound
from tsuwaroku.clock import NS
from tsuwaroku.config import ServiceConfig
from tsuwaroku.errors import ForbiddenError, NotFoundError, RefusedError, StoreError
from tsuwaroku.service import callrows, hearing, ownership
from tsuwaroku.service.api import Asked
from tsuwaroku.service.asking import Asker
from tsuwaroku.service.callrows import AddedRow, CallRow, EndRow, EndsRequest, Listed, ListRequest, unframed
from tsuwaroku.service.hearing import HeardRequest, Opened, PlayRequest, ReadRequest, SlotRow
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.tickets import LAPSE_NS, Tickets
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.slot import SLOT_SIZE
from tsuwaroku.store.writer import CallOpening

WHY = "業務の公正かつ適正な執行"
ROUTES = {(route.method, route.path): route for route in (*callrows.ROUTES, *hearing.ROUTES)}


def two_lines(box: Box) -> None:
    """Calls 1 and 2 on line 1, call 5 on line 2."""
    box.call(1)
    box.call(2, marks=1)
    opening = CallOpening(
        id=ident(5), line="2", extension="202", direction="inbound", seized=at(5), rate=8000, details={}
    )
    box.writer.open(opening)
    box.pcm[5] = sound(2.0, 5)
    box.writer.audio(ident(5), 1000, box.pcm[5])
    box.commit(5)
    from tests.store.reading import a_record

    record = a_record(5)
    record.line = "2"
    box.writer.close(ident(5), record)
    box.writer.commit(at(8))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    made = RequestBox(tmp_path / "store", fill=two_lines, extensions={"hana": ("201",)})
    yield made
    made.end()


def ask(box: RequestBox, by: Asker, method: str, path: str, body: Any = None, **parameters: str) -> Any:
    route = ROUTES[method, path]
    answer = route.act(box.keeper, Asked(by=by, path=parameters, query=None, body=body))
    return b"".join(answer) if route.stream else answer  # type: ignore[arg-type]


def listed(box: RequestBox, by: Asker, key: PrivateKey | None) -> tuple[list[CallRow], list[AddedRow]]:
    asked = ListRequest(key_id="" if key is None else key.id.hex())
    found: Listed = ask(box, by, "POST", "/v1/lists", asked)
    rows = [
        row
        for day in found.days
        for row in unframed(
            ask(box, by, "GET", "/v1/lists/{ticket}/days/{day}", ticket=found.ticket, day=day.day), CallRow
        )
    ]
    return rows, unframed(ask(box, by, "GET", "/v1/lists/{ticket}/added", ticket=found.ticket), AddedRow)


def play(box: RequestBox, by: Asker, number: int, **more: Any) -> Opened:
    opened: Opened = ask(box, by, "POST", "/v1/plays", PlayRequest(call=call_id(number), purpose=WHY, **more))
    return opened


def key_of(box: RequestBox) -> PrivateKey:
    return PrivateKey.load(box.path / "demo.key", lambda: "")


def log(box: RequestBox, *verbs: str) -> list[AuditEntry]:
    return [entry for entry in AuditLog.open(box.store).entries() if entry.verb in verbs]


def test_a_handler_gets_the_calls_of_her_lines_and_nothing_of_others(box: RequestBox) -> None:
    key = key_of(box)
    rows, _ = listed(box, LIMITED, key)
    assert [row.public.id for row in rows] == [call_id(5)]
    with pytest.raises(ForbiddenError, match="not appointed for the line"):
        play(box, LIMITED, 1)
    with pytest.raises(ForbiddenError):
        ask(box, LIMITED, "POST", "/v1/reads", ReadRequest(call=call_id(1), why="paper"))
    found: Listed = ask(box, LIMITED, "POST", "/v1/lists", ListRequest())
    ends = ask(
        box,
        LIMITED,
        "POST",
        "/v1/lists/{ticket}/ends",
        EndsRequest(calls=[call_id(1), call_id(5), call_id(5), "x", call_id(77), "7" * 26]),
        ticket=found.ticket,
    )
    assert [one.id for one in unframed(ends, EndRow)] == [call_id(5)]
    assert [entry.subject for entry in log(box, "refused")] == [call_id(1), call_id(1)]
    assert log(box, "play") == []


def test_days_look_different_to_who_sees_less(box: RequestBox) -> None:
    """What one of them kept of a day is not taken for the other's."""
    box.keeper.listing.catalogue.fold()
    days = [ask(box, by, "POST", "/v1/lists", ListRequest()).days for by in (KANRI, LIMITED, KANRI)]
    assert days[0] == days[2]
    assert [one.day for one in days[0]] == [one.day for one in days[1]]
    assert days[0] != days[1]


def test_a_list_gives_the_wraps_of_one_key_and_without_a_key_nothing_sealed(box: RequestBox) -> None:
    key = key_of(box)
    box.keeper.mark(call_id(1), "unreasonable_demand", marker("kanri"), None)
    rows, added = listed(box, KANRI, key)
    assert all(row.card and {wrap.recipient for wrap in row.wraps} == {key.id} for row in rows)
    assert {recipient for row in added for record in row.records for recipient, _ in record.sealed} == {key.id}
    rows, added = listed(box, KANRI, None)
    assert [(row.card, row.wraps) for row in rows] == [(b"", [])] * 3
    assert [record.sealed for row in added for record in row.records] == [[]]
    rows, _ = listed(box, KANRI, PrivateKey(b"x" * 32))
    assert [row.wraps for row in rows] == [[]] * 3
    assert [entry.subject for entry in log(box, "calls listed")] == [key.id.hex(), PrivateKey(b"x" * 32).id.hex()]


def test_from_the_day_after_its_last_a_call_gives_no_card(box: RequestBox) -> None:
    key = key_of(box)
    box.keeper.hold(HoldRequest(calls=[call_id(2)], until="2027-01-31", reason="訴訟"), "kanri")
    box.clock.to("2026-12-24T00:00:05+09:00")  # before the keeper has looked: nothing is erased yet
    rows, _ = listed(box, KANRI, key)
    assert {row.public.id: bool(row.card) for row in rows} == {call_id(1): False, call_id(2): True, call_id(5): False}
    with pytest.raises(RefusedError, match="2026-12-23"):
        play(box, KANRI, 1)
    play(box, KANRI, 2)


def test_an_erased_call_ends_its_hearing_and_is_listed_no_more(box: RequestBox) -> None:
    box.clock.to("2026-12-23T23:59:50+09:00")
    box.keeper.poll()
    opened = play(box, KANRI, 1)
    box.poll_at("2026-12-24T00:03:00+09:00", times=10)
    for path, more in (("/v1/plays/{ticket}/slots/{n}", {"n": "0"}), ("/v1/plays/{ticket}/heads", {})):
        with pytest.raises(RefusedError, match="erased on"):
            ask(box, KANRI, "GET", path, ticket=opened.ticket, **more)
    assert listed(box, KANRI, key_of(box)) == ([], [])


def test_the_entry_is_in_the_log_before_the_first_octet(box: RequestBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where it cannot be, nothing is given."""

    def fail(*_: object) -> None:
        raise RefusedError("no space")

    monkeypatch.setattr(box.keeper, "audit", fail)
    with pytest.raises(RefusedError, match="no space"):
        play(box, KANRI, 1)
    assert list(box.keeper.hearings.tickets._given) == []
    monkeypatch.undo()
    opened = play(box, KANRI, 1, note="確認", listeners=["課長"])
    assert [entry.why(key_of(box)) for entry in log(box, "play")] == [f"{WHY}（同席: 課長） ／ 確認"]
    octets = ask(box, KANRI, "GET", "/v1/plays/{ticket}/slots/{n}", ticket=opened.ticket, n="0")
    assert len(msgspec.msgpack.decode(octets, type=SlotRow).data) == SLOT_SIZE


def test_nothing_personal_of_a_hearing_stands_in_the_clear(box: RequestBox) -> None:
    opened = play(box, KANRI, 1, note="個人名 甲", listeners=["乙"])
    heard = HeardRequest(stretches=[(0.0, 3661.0)], done=True)
    ask(box, KANRI, "POST", "/v1/plays/{ticket}/heard", heard, ticket=opened.ticket)
    for path in (box.path / "audit").iterdir():
        text = path.read_bytes()
        assert b"1:01:01" not in text
        assert all(word.encode() not in text for word in ("甲", "乙", WHY))
    assert [entry.verb for entry in log(box, "play", "heard")] == ["play", "heard"]


@pytest.mark.parametrize("number", ["-1", "1", "999999999", "x", "٣"])
def test_a_slot_that_the_call_has_not_is_none(box: RequestBox, number: str) -> None:
    opened = play(box, KANRI, 1)
    with pytest.raises(NotFoundError):
        ask(box, KANRI, "GET", "/v1/plays/{ticket}/slots/{n}", ticket=opened.ticket, n=number)


def test_a_stretch_that_ends_before_it_begins_is_refused_and_the_hearing_goes_on(box: RequestBox) -> None:
    opened = play(box, KANRI, 1)
    with pytest.raises(RefusedError):
        ask(
            box,
            KANRI,
            "POST",
            "/v1/plays/{ticket}/heard",
            HeardRequest(stretches=[(2.0, 1.0)]),
            ticket=opened.ticket,
        )
    ask(box, KANRI, "POST", "/v1/plays/{ticket}/heard", HeardRequest(done=True), ticket=opened.ticket)
    assert log(box, "heard") == []  # nothing was fetched, so nothing was heard
    with pytest.raises(NotFoundError):
        ask(box, KANRI, "GET", "/v1/plays/{ticket}/heads", ticket=opened.ticket)


def test_ones_own_extension_is_refused_by_number_and_by_line(box: RequestBox) -> None:
    with pytest.raises(ForbiddenError):
        play(box, HANA, 1)
    play(box, HANA, 5)
    settings = ServiceConfig(extensions={"hana": ("201", "3"), "jiro": ()})
    own = [("201", "1"), ("", "3"), ("2101", "3"), ("202", "2")]
    assert [ownership.owns(settings, "hana", *one) for one in own] == [True, True, True, False]
    assert not any(ownership.owns(settings, user, "201", "1") for user in ("jiro", "nobody"))


def test_tickets_are_good_while_they_are_used() -> None:
    tickets: Tickets[str] = Tickets()
    first, second = tickets.issue("hana", "a", 0), tickets.issue("kanri", "b", 0)
    assert len({first, second}) == 2
    assert tickets.of(first, "hana", LAPSE_NS) == "a"
    assert tickets.lapsed(LAPSE_NS + NS) == [(second, "kanri", "b")]
    tickets.end(second)
    with pytest.raises(NotFoundError):
        tickets.of(second, "kanri", LAPSE_NS + NS)
    assert tickets.lapsed(-NS) == [(first, "hana", "a")]  # a clock that went back ends it rather than keep it for ever
    tickets.end(first)
    assert tickets.all() == []


def test_a_right_that_is_lost_in_the_middle_ends_the_hearing(box: RequestBox) -> None:
    """A handler of both lines, and then of line 2 alone: at the next slot, and at the next block of a stream."""
    both = msgspec.structs.replace(LIMITED, lines=frozenset({"1", "2"}))
    opened = play(box, both, 1)
    ask(box, both, "GET", "/v1/plays/{ticket}/slots/{n}", ticket=opened.ticket, n="0")
    for path, more in (("/v1/plays/{ticket}/slots/{n}", {"n": "0"}), ("/v1/plays/{ticket}/heads", {})):
        with pytest.raises(ForbiddenError, match="not appointed for the line"):
            ask(box, LIMITED, "GET", path, ticket=opened.ticket, **more)


def test_what_was_given_is_in_the_log_whatever_the_client_says(box: RequestBox) -> None:
    opened = play(box, KANRI, 1)
    ask(box, KANRI, "GET", "/v1/plays/{ticket}/slots/{n}", ticket=opened.ticket, n="0")
    nothing = HeardRequest(stretches=[], done=True)
    ask(box, KANRI, "POST", "/v1/plays/{ticket}/heard", nothing, ticket=opened.ticket)
    assert [entry.why(key_of(box)) for entry in log(box, "heard")] == ["nothing; 1 of 1 slots were given"]


def test_what_was_heard_is_written_down_even_if_the_disk_refused_it_at_first(
    box: RequestBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        opened = play(box, KANRI, 1)
        heard = HeardRequest(stretches=[(0.0, 1.0)])
        ask(box, KANRI, "POST", "/v1/plays/{ticket}/heard", heard, ticket=opened.ticket)
    box.clock.seconds += LAPSE_NS / NS + 10
    real = AuditLog.append
    failed: list[int] = []

    def fail_once(self: AuditLog, *args: Any, **more: Any) -> Any:
        if args[2] == "heard" and not failed:
            failed.append(1)
            raise StoreError("no space")
        return real(self, *args, **more)

    monkeypatch.setattr(AuditLog, "append", fail_once)
    box.keeper.poll()
    box.keeper.poll()
    assert failed
    assert len(log(box, "heard")) == 2


def test_what_the_journals_add_is_of_her_lines_alone(box: RequestBox) -> None:
    box.keeper.hold(HoldRequest(calls=[call_id(1)], until="2027-01-31", reason="訴訟"), "kanri")
    box.keeper.hold(HoldRequest(calls=[call_id(5)], until="2027-01-31", reason="訴訟"), "kanri")
    assert [row.call_id for row in listed(box, LIMITED, None)[1]] == [ident(5)]
    assert {row.call_id for row in listed(box, KANRI, None)[1]} == {ident(1), ident(5)}


def test_the_day_after_its_last_a_day_has_another_digest(box: RequestBox) -> None:
    """What a PC has kept of it is then opened no more."""
    box.keeper.listing.catalogue.fold()

    def digests() -> list[str]:
        return [one.digest for one in ask(box, KANRI, "POST", "/v1/lists", ListRequest()).days]

    box.clock.to("2026-12-23T12:00:00+09:00")
    before = digests()
    assert digests() == before
    box.clock.to("2026-12-24T00:00:05+09:00")
    after = digests()
    box.clock.to("2026-12-25T00:00:05+09:00")
    assert len({*before, *after, *digests()}) == 3
