"""Holds through a keeper that runs; the parts of a long call; a clock that was wrong."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.service.test_control import keeping
from tests.store.erasing import EXPIRES, listed
from tests.store.reading import Box, ahead, at, ident
from tsuwaroku.console.client import KeeperClient
from tsuwaroku.errors import NotFoundError, RefusedError
from tsuwaroku.records.call import Outcome, PublicRecord, Retention
from tsuwaroku.records.dating import State, observe
from tsuwaroku.service.holding import HoldRequest, carry_out, parts_of, request
from tsuwaroku.store import clockfile
from tsuwaroku.store.amendments import read_amendments

UNTIL = EXPIRES + timedelta(days=60)


def public(number: int, continues: int | None = None) -> PublicRecord:
    return PublicRecord(
        id=f"CALL{number}",
        sequence=number,
        line="1",
        date="2026-11-23",
        outcome=Outcome.ANSWERED,
        retention=Retention(expires_on="2026-12-23"),
        continues=None if continues is None else f"CALL{continues}",
    )


def test_whoever_means_one_part_means_the_whole_call() -> None:
    records = [public(1), public(2, 1), public(3), public(4, 2), public(5, 99)]
    whole = ["CALL1", "CALL2", "CALL4"]
    found = [parts_of(record, records) for record in records]
    assert found == [whole, whole, ["CALL3"], whole, ["CALL99", "CALL5"]]
    assert parts_of(public(7, 7), [public(7, 7)]) == ["CALL7"]


def held(box: Box, asked: HoldRequest, seconds: float = 60) -> dict[str, object]:
    return carry_out(box.store, box.journal(), box.audit, at(seconds), "suzuki", asked, 5)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path / "box")
    for number in (1, 2):
        made.call(number)
    listed(made)
    return made


def names(*numbers: int) -> list[str]:
    from ulid import ULID

    return [str(ULID.from_bytes(ident(number))) for number in numbers]


def test_all_parts_are_held_or_none(box: Box) -> None:
    with pytest.raises(NotFoundError):
        held(box, request([*names(1), "01KSR496151AXPZWJ96Z1ZGX6X"], "訴訟", UNTIL))
    assert read_amendments(box.store).hold(ident(1)) is None
    held(box, request(names(1, 2), "訴訟", UNTIL))
    amendments = read_amendments(box.store)
    assert [amendments.hold(ident(number)) for number in (1, 2)] == [UNTIL, UNTIL]
    with pytest.raises(RefusedError, match="anyway"):
        held(box, request(names(1, 2), "訴訟", UNTIL))


def test_a_hold_that_a_power_cut_left_on_one_part_is_put_on_the_rest(box: Box) -> None:
    held(box, request(names(1), "訴訟", UNTIL))
    held(box, request(names(1, 2), "訴訟", UNTIL))
    assert read_amendments(box.store).hold(ident(2)) == UNTIL


def test_a_lapsed_hold_cannot_be_made_longer(box: Box) -> None:
    held(box, request(names(1), "訴訟", UNTIL))
    held(box, request(names(1), "訴訟", UNTIL + timedelta(days=1)), 90 * 86_400)  # held: kept beyond its own days
    with pytest.raises(RefusedError, match="can no longer be held"):
        held(box, request(names(1), "訴訟", UNTIL + timedelta(days=9)), 92 * 86_400)


def test_a_call_of_a_clock_that_was_ahead_can_be_held(box: Box) -> None:
    """Its record says that it is kept for ten years more; it is not."""
    clockfile.save(box.store.clock_path, observe(State(), at(0)), box.store.store_id)
    box.call_by(3, ahead)
    listed(box)
    held(box, request(names(3), "訴訟", UNTIL))
    assert read_amendments(box.store).hold(ident(3)) == UNTIL


@pytest.mark.parametrize("calls", [["nothing"], [""], []])
def test_what_is_no_call_is_refused(box: Box, calls: list[str]) -> None:
    with pytest.raises((NotFoundError, RefusedError)):
        held(box, HoldRequest(calls=calls, until=None, reason="訴訟"))


def test_the_keeper_says_why_it_refuses(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with keeping(path), KeeperClient(path / "run" / "keeper.sock") as client:
        with pytest.raises(NotFoundError, match="no call"):
            client.hold(request(["01KSR496151AXPZWJ96Z1ZGX6X"], "訴訟", date(2026, 12, 31)))
        with pytest.raises(RefusedError, match="a reason is needed"):
            client.hold(request(["01KSR496151AXPZWJ96Z1ZGX6X"], " ", None))
        with pytest.raises(RefusedError, match="not understood"):
            client._ask("POST", "/v1/holds", {**msgspec.to_builtins(request([], "x", None)), "by": "manager"})
