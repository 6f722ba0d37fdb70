from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import nacl.bindings as sodium
import pytest

from tests.store.reading import NUMBER, RATE, Box, at, ident
from tsuwaroku.clock import NS, from_iso
from tsuwaroku.errors import DamageError, SecretError
from tsuwaroku.records.call import (
    CallRecord,
    Direction,
    GapRecord,
    InCallDigits,
    Integrity,
    Mark,
    NoticeOutcome,
    Outcome,
    Run,
)
from tsuwaroku.store.journal import JournalType
from tsuwaroku.store.keys import PrivateKey, verify_signature
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import StoredCall, scan_slots
from tsuwaroku.store.seal import CallKey, PartOpener
from tsuwaroku.store.slot import EXTENT, ITEM_CARD, FormatError, free_block, next_digest, unpack_items
from tsuwaroku.store.vouching import last_commits


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "store")


def only(box: Box) -> StoredCall:
    [call] = scan_slots(box.store)
    return call


def reader(box: Box) -> CallReader:
    return CallReader(only(box), box.store, box.private)


def sha(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()


def test_a_sealed_call_reads_back_bit_for_bit(box: Box) -> None:
    record = box.call(1, seconds=70, commits=7, marks=1)
    read = reader(box)
    assert read.record() == record
    assert list(read.pcm()) == [(1000, box.pcm[1])]
    assert next(read.pieces())[0] == 1000
    assert b"".join(pcm for _, pcm in read.pieces()) == box.pcm[1]
    assert max(len(pcm) for _, pcm in read.pieces()) < len(box.pcm[1])
    check = read.check()
    assert (check.samples, check.pcm_sha256, check.runs, check.problems) == (
        len(box.pcm[1]) // 2,
        sha(box.pcm[1]),
        [Run(first_sample=1000, samples=len(box.pcm[1]) // 2, pcm_sha256=sha(box.pcm[1]))],
        [],
    )


def test_what_vouches_for_a_record_outside_the_box(box: Box) -> None:
    """The last commit as it was signed, the digest before it, and a key that opens the card and nothing else."""
    record = box.call(1, seconds=5, commits=3)
    stored, key = only(box), reader(box).card_key()
    (before, nothing), (last, payload) = last_commits(box.store, stored)
    headers = [EXTENT.unpack_from(header) for header in (before, last)]
    assert (len(before), nothing, len(last), [header[6] for header in headers]) == (208, b"", 208, [2, 3])
    assert next_digest(headers[0][-2], stored.call_id, 3, payload) == headers[1][-2] == stored.digest
    device = bytes.fromhex(box.store.info.device_keys[0])
    for header in (before, last):
        assert verify_signature(device, b"tsuwaroku extent 1\0", header[:144], header[144:])
    card = dict(unpack_items(payload))[ITEM_CARD]
    opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(card[24:], stored.call_id, card[:24], key)
    assert msgspec.json.decode(opened, type=CallRecord) == record
    with pytest.raises(FormatError):
        PartOpener(CallKey(key), 0, stored.headers[0].stream_header).pull(next(unpack_items(payload))[1])


def test_a_call_without_its_end_vouches_for_nothing(box: Box) -> None:
    box.open(1)
    box.talk(1, 2)
    assert last_commits(box.store, only(box)) == ()


def test_where_the_sound_begins_by_the_offsets_of_the_record(box: Box) -> None:
    box.open(1, details={"first_sample_mono_ns": at(1).mono_ns - 2 * NS})
    box.talk(1, 3)
    record = box.close(1)
    assert (
        reader(box).starts_at_s(record) == -2.0 - (from_iso(record.answered_at or "") - from_iso(record.seized_at)) / NS
    )
    record.answered_at = None
    assert reader(box).starts_at_s(record) == -2.0
    box.call(2)
    other = CallReader(scan_slots(box.store)[1], box.store, box.private)
    assert other.starts_at_s(record) is None


def test_gaps_divide_runs(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.writer.gap(ident(1), 1000 + RATE, 500, "overrun")
    late = box.pcm[1][:4000]
    box.writer.audio(ident(1), 1500 + RATE, late)
    box.writer.gap(ident(1), 1500 + RATE + 2000, 70, "unplugged")
    record = box.close(1)
    read = reader(box)
    assert list(read.pcm()) == [(1000, box.pcm[1]), (1500 + RATE, late)]
    check = read.check()
    assert check.problems == []
    assert check.samples == record.audio.samples == RATE + 500 + 2000 + 70
    assert check.runs == record.audio.runs
    assert check.pcm_sha256 == sha(box.pcm[1] + late)


def test_another_key_opens_nothing(box: Box) -> None:
    box.call(1)
    with pytest.raises(SecretError):
        CallReader(only(box), box.store, PrivateKey(b"x" * 32))


def test_damage_costs_its_slot_and_is_never_served_as_whole(box: Box) -> None:
    sealed = box.call(1, seconds=60, commits=12)
    whole = only(box)
    victims = [e for e in whole.extents if e.slot == 1]
    box.spoil(1, victims[0].offset + 300)
    read = reader(box)
    record = read.record()
    assert record == msgspec.structs.replace(sealed, integrity=Integrity.DAMAGED)
    pieces = list(read.pcm())
    assert len(pieces) == 2
    assert pieces[0][0] == 1000
    for first, pcm in pieces:
        start = 2 * (first - 1000)
        assert pcm == box.pcm[1][start : start + len(pcm)]
    assert pieces[-1][0] - 1000 + len(pieces[-1][1]) // 2 == len(box.pcm[1]) // 2
    assert 0 < sum(len(pcm) for _, pcm in pieces) < len(box.pcm[1])
    assert [p for p in read.check().problems if p.startswith("audio.")] == [
        "audio.pcm_sha256 is not what was sealed",
        "audio.runs is not what was sealed",
        *[p for p in read.check().problems if p.startswith("audio.peak")],
    ]


def test_the_first_slot_lost_still_gives_sound(box: Box) -> None:
    box.call(1, seconds=60, commits=12)
    box.overwrite(0, 0, free_block(0, 1))
    [(first, pcm)] = list(reader(box).pcm())
    assert first > 1000
    assert pcm == box.pcm[1][2 * (first - 1000) :]
    assert reader(box).record().integrity is Integrity.DAMAGED


def interrupted(box: Box, details: dict[str, object]) -> CallReader:
    box.open(1, details=details)
    box.talk(1, 2, commits=2)
    return reader(box)


def test_an_interrupted_call_is_computed_from_its_stream(box: Box) -> None:
    box.open(1, details={"seized_at": at(0.8).isoformat(), "direction": "unknown", "ring_s": 1.0})
    event = box.writer.event
    event(ident(1), "seized", 0, {"direction": "inbound", "wall": at(0.9).isoformat()})
    event(ident(1), "answered", 0, {"at": at(1.5).isoformat(), "inferred": True, "direction": "inbound", "ring_s": 4.5})
    event(ident(1), "flash", 0, {"at_s": 0.5, "length_s": 0.4})
    event(ident(1), "mark", 0, {"at_s": 0.7, "kind": "unreasonable_demand", "by": "button"})
    event(ident(1), "mark", 0, {"kind": 7})
    event(ident(1), "notice", 0, {"outcome": "announced", "kind": "announcement", "at_s": 0.2})
    event(ident(1), "notice", 0, {"heard": True})
    event(ident(1), "anomaly", 0, {"code": "x", "detail": "y"})
    box.talk(1, 2, commits=2)
    record = reader(box).record()
    assert (record.id, record.sequence, record.line, record.extension) == (only(box).id, 1, "1", "2101")
    assert (record.direction, record.outcome, record.integrity) == (
        Direction.INBOUND,
        Outcome.ANSWERED,
        Integrity.RECOVERED,
    )
    assert (record.seized_at, record.answered_at, record.answer_inferred, record.ring_s) == (
        at(0.8).isoformat(),
        at(1.5).isoformat(),
        True,
        4.5,
    )
    assert (record.ended_at, record.ended_by, record.duration_s) == (at(3).isoformat(), "power", 1.5)
    assert (record.flashes, record.marks) == ([0.5], [Mark(at_s=0.7)])
    assert (record.notice.outcome, record.notice.at_s, record.notice.heard) == (NoticeOutcome.ANNOUNCED, 0.2, True)
    assert record.retention.expires_on == "2026-12-23"
    assert (record.audio.first_sample, record.audio.samples) == (1000, record.audio.runs[0].samples)
    [(first, pcm)] = list(reader(box).pcm())
    assert (first, pcm) == (1000, box.pcm[1][: len(pcm)])
    assert record.audio.pcm_sha256 == sha(pcm)
    assert len(pcm) // 2 >= 2 * RATE - 2 * 1024


def test_numbers_of_an_interrupted_call_are_those_of_its_last_word(box: Box) -> None:
    box.open(1, details={"seized_at": at(0.8).isoformat(), "direction": "inbound"})
    event = box.writer.event
    told = {"called": "5678", "standard": "jclip", "raw": "9081", "crc_ok": True}
    event(ident(1), "caller_id", 0, {"caller": {"number": "0312345678", "absence": None, "name": "SHIMIN"}, **told})
    event(ident(1), "caller_id_again", 0, {"caller": {"number": None, "absence": "unreadable"}})
    event(ident(1), "caller_waiting", 0, {"caller": {"number": "0612345678"}})
    event(ident(1), "caller_waiting", 0, {"caller": 7})
    event(ident(1), "dialled", 0, {"dialled": "03"})
    event(ident(1), "dialled", 0, {"dialled": "031"})
    event(ident(1), "keys", 0, {"in_call_digits": [{"at_s": 1.5, "keys": "12", "by": "near"}]})
    box.talk(1, 2, commits=2)
    record = reader(box).record()
    assert (record.caller.number, record.caller.name, record.called) == ("0312345678", "SHIMIN", "5678")
    assert [one.number for one in record.waiting_callers] == ["0612345678"]
    assert record.dialled == "031"
    assert record.in_call_digits == [InCallDigits(at_s=1.5, keys="12", by="near")]


def test_an_answer_taken_back_is_none_and_offsets_count_from_the_one_that_holds(box: Box) -> None:
    box.open(1, details={"seized_at": at(1).isoformat(), "direction": "outbound"})
    event = box.writer.event
    event(ident(1), "flash", 0, {"at_s": 0.5, "length_s": 0.4})
    event(ident(1), "answered", 0, {"at": at(2).isoformat(), "inferred": True})
    event(ident(1), "unanswered", 0, {"dialled": "03"})
    event(ident(1), "progress", 0, {"tone": "ring_back", "outcome": "no_answer"})
    box.talk(1, 2, commits=2)
    record = reader(box).record()
    assert (record.outcome, record.answered_at, record.flashes) == (Outcome.NO_ANSWER, None, [0.5])
    event(ident(1), "answered", 0, {"at": at(2.5).isoformat(), "inferred": True})
    box.talk(1, 1)
    record = reader(box).record()
    assert (record.outcome, record.answered_at, record.flashes) == (Outcome.ANSWERED, at(2.5).isoformat(), [-1.0])


@pytest.mark.parametrize(
    ("details", "outcome", "direction"),
    [
        ({}, Outcome.MISSED, Direction.INBOUND),
        ({"direction": "outbound"}, Outcome.ABANDONED, Direction.OUTBOUND),
        ({"answered": True}, Outcome.ANSWERED, Direction.INBOUND),
        ({"direction": "nonsense", "ring_s": "long", "notice": 3}, Outcome.MISSED, Direction.INBOUND),
    ],
)
def test_the_opening_tells_what_no_event_did(
    box: Box, details: dict[str, object], outcome: Outcome, direction: Direction
) -> None:
    record = interrupted(box, details).record()
    assert (record.outcome, record.direction, record.seized_at) == (outcome, direction, at(1).isoformat())
    assert (record.answered_at, record.caller.number, record.notice.outcome) == (None, None, None)


def test_the_end_is_placed_by_the_first_samples_time_where_it_is_known(box: Box) -> None:
    record = interrupted(box, {"first_sample_mono_ns": at(0.25).mono_ns}).record()
    assert record.ended_at == at(0.25 + record.audio.samples / RATE).isoformat()


def test_an_ending_event_is_believed(box: Box) -> None:
    box.open(1)
    box.writer.event(
        ident(1), "ending", 0, {"outcome": "missed", "ended_at": at(2).isoformat(), "ended_by": "hook", "other": 1}
    )
    box.talk(1, 1)
    record = reader(box).record()
    assert (record.outcome, record.ended_at, record.ended_by) == (Outcome.MISSED, at(2).isoformat(), "hook")
    assert record.integrity is Integrity.RECOVERED


def test_a_withheld_key_comes_from_the_journal(box: Box) -> None:
    box.open(1, withheld=True)
    box.talk(1, 1)
    sealed = box.close(1)
    with pytest.raises(SecretError):
        reader(box)
    record = box.journal("recorder").append(JournalType.WRAP, at(9), ident(1), wraps=box.writer.wrap(ident(1)))
    read = CallReader(only(box), box.store, box.private, record.wraps)
    assert read.record() == sealed
    assert read.check().problems == []


def test_nothing_left_says_so(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.spoil(0, only(box).extents[0].offset + 300)
    with pytest.raises(DamageError):
        reader(box).record()


def test_numbers_are_nowhere_in_the_clear(box: Box) -> None:
    box.call(1)
    assert NUMBER.encode() not in box.octets(0)
    assert reader(box).record().caller.number == NUMBER


def test_gap_records_of_an_interrupted_call(box: Box) -> None:
    box.open(1)
    box.talk(1, 1)
    box.writer.gap(ident(1), 1000 + RATE, 300, "overrun")
    box.commit(1)
    record = reader(box).record()
    assert record.audio.gaps == [GapRecord(first_sample=1000 + RATE, samples=300, reason="overrun")]
    assert record.audio.samples == RATE + 300
