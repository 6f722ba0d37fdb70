"""Calls over a real socket: the same as from the files, octet for octet; nothing that a keeper says is trusted."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from tests.console.hearing import asked, key_of
from tests.service.marker import marker
from tests.service.requestbox import RequestBox, call_id
from tests.store.reading import Box, a_record, ahead, at, ident
from tsuwaroku.console.callsclient import CallsClient
from tsuwaroku.console.keepersource import KeeperHearing, KeeperSource
from tsuwaroku.console.reading import listed
from tsuwaroku.console.session import Record
from tsuwaroku.errors import (
    DamageError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    SecretError,
    ServiceError,
    TsuwarokuError,
)
from tsuwaroku.records.call import CallRecord, Outcome, PublicRecord, Retention
from tsuwaroku.service.callrows import CallRow, framed, unframed
from tsuwaroku.service.hearing import PlayRequest, SlotRow
from tsuwaroku.service.holding import HoldRequest
from tsuwaroku.service.tickets import LAPSE_NS, MOST
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey, make_demo_key
from tsuwaroku.store.slot import BLOCK

WHY = "業務の公正かつ適正な執行"
ME = pwd.getpwuid(os.geteuid()).pw_name
VERBS = ("play", "heard", "call read", "calls listed", "refused")


def mixed(box: Box) -> None:
    """A call of every kind: marked, long, of a wrong clock, cut off, and one for which there was no room."""
    box.call(1, marks=1)
    box.call(2, 40.0, 4)
    box.call_by(3, ahead)
    box.open(4)
    box.talk(4, 3.0)
    record = a_record(9)
    record.sequence, record.outcome = 9, Outcome.NOT_RECORDED
    journal = box.journal("recorder")
    journal.append(
        JournalType.NOT_RECORDED,
        at(9),
        ident(9),
        public={"line": "1", "sequence": 9, "date": "2026-11-23", "expires_on": "2026-12-23"},
        secret=msgspec.to_builtins(record),
        recipients=box.store.recipients.to_wrap(),
    )
    journal.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[RequestBox]:
    made = RequestBox(tmp_path / "store", fill=mixed, slots=24)
    yield made
    made.end()


@pytest.fixture
def source(box: RequestBox) -> Iterator[KeeperSource]:
    with asked(box) as found:
        yield found


def entries(box: RequestBox) -> list[AuditEntry]:
    return [entry for entry in AuditLog.open(box.store).entries() if entry.verb in VERBS]


def verbs(box: RequestBox) -> list[str]:
    return [entry.verb for entry in entries(box)]


def words(box: RequestBox, verb: str) -> list[str]:
    """The sealed reasons of entries with this verb."""
    key = key_of(box)
    return [entry.why(key) or "" for entry in entries(box) if entry.verb == verb]


def of_number(records: list[Record], number: int) -> CallRecord:
    record = next(one for one in records if one.sequence == number)
    assert isinstance(record, CallRecord)
    return record


def hear(source: KeeperSource, record: CallRecord, key: PrivateKey) -> bytes:
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as hearing:
        pcm = b"".join(pcm for _, pcm in hearing.pieces())
        hearing.heard([(0.0, len(pcm) / 16000)])
    return pcm


# -- the same as from the files


def test_lists_are_those_of_the_files(box: RequestBox, source: KeeperSource) -> None:
    """Marked afterwards, held, of a wrong clock, cut off and without room: twice, once from the cache."""
    box.keeper.mark(call_id(1), "unreasonable_demand", marker("uid 1000"), None)
    box.keeper.mark(call_id(2), "unreasonable_demand", marker("uid 1000"), None)
    box.keeper.mark(call_id(2), "unreasonable_demand", marker("uid 1000"), 1)
    box.keeper.hold(HoldRequest(calls=[call_id(2)], until="2027-03-31", reason="訴訟のため"), "kanri")
    box.keeper.listing.catalogue.fold()
    key = key_of(box)
    files = listed(box.store, key)
    assert [one.sequence for one in files] == [1, 2, 3, 4, 9]
    assert source.records(key) == files
    assert source.records(key) == files
    assert source.records(None) == listed(box.store, None)
    held = of_number(source.records(key), 2)
    assert held.retention.hold is not None
    assert held.retention.hold.reason == "訴訟のため"


def test_what_is_in_no_days_file_yet_is_listed(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    assert source.records(key) == listed(box.store, key)


def test_days_are_those_that_were_asked_for(box: RequestBox, source: KeeperSource) -> None:
    """By the date a call had, also where its clock was ten years ahead."""
    key = key_of(box)
    files = listed(box.store, key, "2026-11-23", "2026-11-23")
    assert len(files) > 1
    assert source.records(key, first_day="2026-11-23", last_day="2026-11-23") == files
    assert source.records(key, first_day="2026-11-24", last_day="2030-01-01") == listed(
        box.store, key, "2026-11-24", "2030-01-01"
    )
    assert listed(box.store, key, "2026-11-25") == source.records(key, first_day="2026-11-25")
    with pytest.raises(RefusedError):
        source.records(key, first_day="yesterday")
    with pytest.raises(RefusedError):
        source.records(key, first_day="2026-13-45")


def test_every_sample_is_the_files_and_the_log_has_who_what_and_why(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    records = source.records(key)
    for number, samples in ((1, 16000), (2, 320000), (4, 23552)):  # what was cut off lost its last frame
        record = of_number(records, number)
        pcm = hear(source, record, key)
        assert len(pcm) == 2 * samples
        assert hashlib.sha256(pcm).hexdigest() == record.audio.pcm_sha256
    with source.hearing(of_number(records, 2), key, purpose=WHY, note="苦情の確認", listeners=["課長 青森"]) as hearing:
        assert hearing.problems == []
        first = next(iter(hearing.pieces()))
        assert first[0] == 1000
        hearing.heard([(0.0, 1.5), (30.0, 31.0)])
    assert words(box, "play")[-1] == f"{WHY}（同席: 課長 青森） ／ 苦情の確認"
    assert words(box, "heard") == [
        "0:00–0:02; 1 of 1 slots were given",
        "0:00–0:40; 3 of 3 slots were given",
        "0:00–0:03; 1 of 1 slots were given",
        "0:00–0:02, 0:30–0:31; 3 of 3 slots were given",
    ]
    assert {entry.actor for entry in entries(box)} == {ME}


def test_a_call_that_was_cut_off_is_read_for_the_list_and_the_log_has_it(box: RequestBox, source: KeeperSource) -> None:
    source.records(key_of(box))
    assert verbs(box) == ["calls listed", "call read"]
    source.records(key_of(box))
    assert verbs(box).count("calls listed") == 2


def test_it_checks_whether_a_call_is_whole(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    records = source.records(key)
    assert [source.problems(one) for one in records if one.sequence in (1, 2, 4)] == [[], [], []]
    entry = box.keeper.listed(call_id(2))
    assert entry is not None
    spoilt = Box.__new__(Box)
    spoilt.store = box.store
    spoilt.spoil(entry.slots[1], 3 * BLOCK)
    assert source.problems(of_number(records, 2)) != []
    with source.hearing(of_number(records, 2), key, purpose=WHY, note="", listeners=[]) as hearing:
        assert hearing.problems != []


# -- who may


def test_nobody_hears_a_call_of_his_own_extension(tmp_path: Path) -> None:
    box = RequestBox(tmp_path / "own", extensions={ME: ("201",), "jiro": ("201",)})
    try:
        with asked(box) as source:
            key = key_of(box)
            record = of_number(source.records(key), 1)
            with pytest.raises(ForbiddenError, match="own extension"):
                hear(source, record, key)
            with pytest.raises(ForbiddenError), source.reading(record.id, key, why="paper"):
                pass
        assert verbs(box)[-2:] == ["refused", "refused"]
        assert "play" not in verbs(box)
    finally:
        box.end()


def test_nor_does_somebody_who_listens_along(tmp_path: Path) -> None:
    box = RequestBox(tmp_path / "along", extensions={"jiro": ("201",)})
    try:
        with asked(box) as source:
            key = key_of(box)
            record = of_number(source.records(key), 1)
            with (
                pytest.raises(ForbiddenError) as refused,
                source.hearing(record, key, purpose=WHY, note="", listeners=["hana", "jiro"]),
            ):
                pass
            assert refused.value.where == "jiro"
            hear(source, record, key)
    finally:
        box.end()


@pytest.mark.parametrize(("purpose", "note", "listeners"), [("  ", "", []), (WHY, "\x00", []), (WHY, "", [" "])])
def test_a_hearing_without_a_purpose_is_refused(
    box: RequestBox, source: KeeperSource, purpose: str, note: str, listeners: list[str]
) -> None:
    key = key_of(box)
    record = of_number(source.records(key), 1)
    with pytest.raises(RefusedError), source.hearing(record, key, purpose=purpose, note=note, listeners=listeners):
        pass
    assert verbs(box)[-1] == "refused"


def test_the_key_of_another_box_opens_nothing(box: RequestBox, source: KeeperSource, tmp_path: Path) -> None:
    make_demo_key(tmp_path / "other.key")
    other = PrivateKey.load(tmp_path / "other.key", lambda: "")
    record = of_number(source.records(key_of(box)), 1)
    with pytest.raises(SecretError):
        source.records(other)
    with pytest.raises(SecretError):
        hear(source, record, other)


# -- while it lasts


def test_midnight_ends_a_hearing(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    record = of_number(source.records(key), 2)
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as hearing:
        box.clock.to("2026-12-24T00:00:01+09:00")
        with pytest.raises(RefusedError, match=r"2026-12-23.*Article 8\(1\)"):
            next(hearing.pieces())
    assert verbs(box)[-1] == "heard"


def test_who_goes_away_has_heard_what_was_last_told(
    box: RequestBox, source: KeeperSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who told nothing, all that was fetched."""
    key = key_of(box)
    record = of_number(source.records(key), 1)
    monkeypatch.setattr(KeeperHearing, "end", lambda _: None)  # killed: no last word
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as told:
        told.heard([(0.0, 1.2)])
    with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as silent:
        list(silent.pieces())
    box.clock.seconds += LAPSE_NS / 1e9 - 10
    box.keeper.poll()
    assert "heard" not in verbs(box)
    box.clock.seconds += 20
    box.keeper.poll()
    assert words(box, "heard") == [
        "0:00–0:02; 1 of 1 slots were given; the client went away",
        "not told; 1 of 1 slots were given, and count as heard whole; the client went away",
    ]


def test_a_keeper_that_starts_again_knows_no_ticket_and_wrote_down_what_was_heard(box: RequestBox) -> None:
    key = key_of(box)
    with asked(box) as source:
        record = of_number(source.records(key), 2)
    stack = ExitStack()
    with asked(box) as source:
        hearing = stack.enter_context(source.hearing(record, key, purpose=WHY, note="", listeners=[]))
        hearing.heard([(0.0, 3.0)])
    box.restart()
    assert words(box, "heard") == ["0:00–0:03; 3 of 3 slots were given; the service stopped"]
    with asked(box), stack, pytest.raises((NotFoundError, ServiceError)):
        next(hearing.pieces())


def test_a_ticket_is_good_for_one_account_and_there_are_not_many(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    record = of_number(source.records(key), 1)
    with CallsClient(Path(source.where)) as client:
        opened = client.play(PlayRequest(call=record.id, purpose=WHY))
        for given in box.keeper.hearings.tickets._given.values():
            given.user = "somebody else"
        with pytest.raises(NotFoundError):
            client.slot(opened.ticket, 0)
        with pytest.raises(NotFoundError):
            client.slot(opened.ticket, 99)
        for _ in range(MOST):
            client.play(PlayRequest(call=record.id, purpose=WHY))
        with pytest.raises(RefusedError, match="open at once"):
            client.play(PlayRequest(call=record.id, purpose=WHY))


# -- a keeper that is not to be trusted


@pytest.mark.parametrize("at_octet", [100, 5 * BLOCK])
def test_an_octet_that_was_changed_on_the_way_shows(
    box: RequestBox, source: KeeperSource, monkeypatch: pytest.MonkeyPatch, at_octet: int
) -> None:
    key = key_of(box)
    record = of_number(source.records(key), 2)
    real = CallsClient.slot

    def changed(client: CallsClient, ticket: str, number: int) -> SlotRow:
        row = real(client, ticket, number)
        data = bytearray(row.data)
        data[at_octet] ^= 1
        return SlotRow(bytes(data), row.bad)

    real_heads = CallsClient.heads

    def changed_heads(client: CallsClient, ticket: str, slots: int) -> list[bytes]:
        if at_octet >= BLOCK:
            return real_heads(client, ticket, slots)
        return [b"".join((head[:at_octet], b"?", head[at_octet + 1 :])) for head in real_heads(client, ticket, slots)]

    monkeypatch.setattr(CallsClient, "slot", changed)
    monkeypatch.setattr(CallsClient, "heads", changed_heads)
    try:
        with source.hearing(record, key, purpose=WHY, note="", listeners=[]) as hearing:
            for _ in hearing.pieces():
                pass
            assert hearing.problems + hearing.checked() != []
    except DamageError:
        assert at_octet < BLOCK


def test_slots_of_another_call_are_not_taken_for_this_one(
    box: RequestBox, source: KeeperSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of(box)
    records = source.records(key)
    other = box.keeper.listed(call_id(1))
    assert other is not None
    octets, _ = box.store.ring.salvage(other.slots[0])
    monkeypatch.setattr(CallsClient, "slot", lambda *_: SlotRow(octets, []))
    monkeypatch.setattr(CallsClient, "heads", lambda _, __, slots: [octets[:BLOCK]] * slots)
    with pytest.raises(DamageError):
        hear(source, of_number(records, 2), key)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_rows_that_were_cut_off_are_no_list(cut: int) -> None:
    public = PublicRecord(
        id=call_id(1),
        sequence=1,
        line="1",
        date="2026-11-23",
        outcome=Outcome.ANSWERED,
        retention=Retention(expires_on="2026-12-23"),
    )
    rows = [CallRow(public=public, digest="00", final=True)] * 3
    octets = b"".join(framed(iter(rows)))
    assert unframed(octets, CallRow) == rows
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        unframed(octets[:-cut], CallRow)
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        unframed(octets + b"x", CallRow)


def test_every_error_says_what_to_do(box: RequestBox, source: KeeperSource) -> None:
    key = key_of(box)
    record = of_number(source.records(key), 1)
    with pytest.raises(TsuwarokuError) as refused:
        hear(source, msgspec.structs.replace(record, id=call_id(77)), key)
    assert refused.value.remedy


def test_a_list_of_some_days_leaves_what_is_kept_of_others(box: RequestBox, source: KeeperSource) -> None:
    """Else every narrow search would have the next whole list opened anew."""
    from tsuwaroku.store.cardcache import cache_directory

    box.keeper.listing.catalogue.fold()
    key = key_of(box)
    source.records(key)
    kept = sorted(cache_directory().rglob("*.box"))
    assert kept != []
    source.records(key, first_day="2030-01-01", last_day="2030-01-02")
    assert sorted(cache_directory().rglob("*.box")) == kept
