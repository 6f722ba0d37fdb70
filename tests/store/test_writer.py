from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.writing import (
    AUDIT_HEAD,
    NUMBER,
    RATE,
    ReadCall,
    at,
    call_id,
    lend,
    make_store,
    opening,
    read_store,
    record,
    sound,
)
from tsuwaroku.errors import SecretError, StoreError
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, GapRecord, Mark, PublicRecord, Retention, Run
from tsuwaroku.store.keys import PrivateKey, Recipients, make_recovery_key
from tsuwaroku.store.layout import Store
from tsuwaroku.store.slot import BLOCK, FLAG_KEY_WITHHELD, SLOT_SIZE, generation_of
from tsuwaroku.store.writer import RingWriter

SECOND = RATE * 2


class Rig:
    """A store, a writer, and what was read back."""

    def __init__(self, path: Path, slots: int = 8, leased: int | None = None) -> None:
        self.store = make_store(path, slots, leased)
        self.private = PrivateKey.load(path / "demo.key", str)
        self.writer = self.start()

    def start(self, instance: bytes = b"instance", **changes: Any) -> RingWriter:
        self.writer = RingWriter(self.store, instance=instance, audit_head=lambda: AUDIT_HEAD, **changes)
        return self.writer

    def read(self, number: int = 1) -> ReadCall:
        return read_store(self.store, self.private)[call_id(number)]

    def talk(self, number: int, pcm: bytes, first: int = 0, start_s: int = 0) -> None:
        """A second at a time, a commit each."""
        for second, offset in enumerate(range(0, len(pcm), SECOND), start_s):
            self.writer.audio(call_id(number), first + offset // 2, pcm[offset : offset + SECOND])
            self.writer.commit(at(second + 1))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "store")
    yield rig
    rig.store.close()


def sha(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()


def test_a_call_comes_back_whole(rig: Rig) -> None:
    pcm = sound(3.3)
    assert rig.writer.open(opening(1)) == 1
    rig.talk(1, pcm, first=5000)
    rig.writer.event(call_id(1), "mark", 123, {"by": "button"})
    result = record(1, marks=1)
    rig.writer.close(call_id(1), result)
    report = rig.writer.commit(at(4))
    call = rig.read()
    assert (call.opening, call.pcm, [first for first, _ in call.runs]) == (opening(1), pcm, [5000])
    assert (call.last, call.final, call.gaps, call.events) == (True, True, [], [("mark", 123, {"by": "button"})])
    assert call.order.replace("a", "") == "orem"
    peak = int(np.abs(np.frombuffer(pcm, "<i2").astype(int)).max())
    samples = len(pcm) // 2
    assert result.audio == Audio(
        rate=RATE,
        first_sample=5000,
        samples=samples,
        pcm_sha256=sha(pcm),
        runs=[Run(first_sample=5000, samples=samples, pcm_sha256=sha(pcm))],
        peak_dbfs=round(20 * float(np.log10(peak / 32768)), 1),
        speech_ratio=0.5,
    )
    assert (result.sequence, call.manifest, call.card) == (1, result, result)
    public = PublicRecord(
        id="CALL1",
        sequence=1,
        line="L1",
        date="2026-11-18",
        outcome=result.outcome,
        marks=1,
        retention=Retention(expires_on="2026-12-23"),
        clock=ClockRecord(quality="holdover", mono_ns=0, boot_id="00"),
    )
    assert (call.public, report.closed) == (public, [(call_id(1), public)])
    assert (report.committed, report.waiting, report.free_slots) == ({}, set(), 7)


def test_a_missed_call_has_a_record_and_no_sound(rig: Rig) -> None:
    rig.writer.open(opening(1))
    result = record(1)
    rig.writer.close(call_id(1), result)
    rig.writer.commit(at(1))
    call = rig.read()
    assert (call.order, call.runs, call.extents) == ("om", [], 1)
    assert call.manifest == result
    assert result.audio == Audio(rate=RATE, speech_ratio=0.5)


def test_the_call_exists_after_the_first_commit_and_not_before(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, sound(0.5))
    assert read_store(rig.store, rig.private) == {}
    report = rig.writer.commit(at(0))
    assert list(report.committed) == [call_id(1)]
    assert rig.read().opening == opening(1)


def test_octets_are_told_and_commits_without_news_write_nothing(rig: Rig) -> None:
    assert rig.writer.commit(at(0)).octets == 0
    rig.writer.open(opening(1))
    assert rig.writer.commit(at(0)).octets == 2 * BLOCK  # header and opening
    assert rig.writer.commit(at(1)).octets == 0


def test_gaps_split_runs_each_with_its_own_digest(rig: Rig) -> None:
    first, second, third = sound(1.5, 1), sound(0.7, 2), sound(1.1, 3)
    position = 700
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), position, first)
    rig.writer.gap(call_id(1), position + 12000, 160, "overrun")
    rig.writer.gap(call_id(1), position + 12160, 40, "overrun")  # touches: the same gap
    assert rig.writer.commit(at(1)).committed == {call_id(1): position + 12200}
    rig.writer.audio(call_id(1), position + 12200, second)
    rig.writer.audio(call_id(1), position + 18000, third)  # 200 samples nobody reported
    result = record(1)
    rig.writer.close(call_id(1), result)
    rig.writer.commit(at(2))
    call = rig.read()
    gaps = [(12700, 200, "overrun"), (18500, 200, "restart")]
    runs = [(700, first), (12900, second), (18700, third)]
    assert (call.runs, call.gaps) == (runs, gaps)
    assert result.audio.gaps == [GapRecord(first_sample=f, samples=n, reason=r) for f, n, r in gaps]
    assert result.audio.runs == [Run(first_sample=f, samples=len(p) // 2, pcm_sha256=sha(p)) for f, p in runs]
    assert (result.audio.first_sample, result.audio.samples) == (700, 26800)
    assert result.audio.pcm_sha256 == sha(first + second + third)


def test_a_call_may_begin_and_end_with_a_gap(rig: Rig) -> None:
    pcm = sound(0.2)
    rig.writer.open(opening(1))
    rig.writer.gap(call_id(1), 100, 50, "unplugged")
    rig.writer.audio(call_id(1), 150, pcm)
    rig.writer.gap(call_id(1), 1750, 10, "overrun")
    result = record(1)
    rig.writer.close(call_id(1), result)
    rig.writer.commit(at(1))
    call = rig.read()
    assert (call.gaps, call.runs) == ([(100, 50, "unplugged"), (1750, 10, "overrun")], [(150, pcm)])
    assert call.order == "ograg" + "m"
    assert (result.audio.first_sample, result.audio.samples) == (100, 1660)


def test_samples_given_twice_are_kept_once(rig: Rig) -> None:
    pcm = sound(1)
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, pcm[:8000])
    rig.writer.audio(call_id(1), 3000, pcm[6000:])
    rig.writer.audio(call_id(1), 0, pcm)
    rig.writer.gap(call_id(1), 7000, 500, "overrun")
    rig.writer.close(call_id(1), record(1))
    rig.writer.commit(at(1))
    assert (rig.read().runs, rig.read().gaps) == ([(0, pcm)], [])


@pytest.mark.parametrize(("samples", "peak"), [([-32768, 5], 0.0), ([0, 3277], -20.0), ([0, 0], None)])
def test_the_peak_is_of_either_sign(rig: Rig, samples: list[int], peak: float | None) -> None:
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, np.array(samples, "<i2").tobytes())
    rig.writer.audio(call_id(1), 2, bytes(2))
    result = record(1)
    rig.writer.close(call_id(1), result)
    assert result.audio.peak_dbfs == peak


def test_odd_octets_and_strangers_never_raise(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, b"\1\0\2")
    rig.writer.audio(call_id(1), 1, b"")
    rig.writer.audio(call_id(9), 0, sound(0.1))
    rig.writer.gap(call_id(9), 0, 1, "overrun")
    rig.writer.event(call_id(9), "mark", 0, {})
    rig.writer.close(call_id(1), record(1))
    rig.writer.close(call_id(1), record(1))
    rig.writer.audio(call_id(1), 1, sound(0.1))
    rig.writer.commit(at(1))
    assert rig.read().runs == [(0, b"\1\0")]
    assert [p.split(" for ")[0] for p in rig.writer.problems] == ["audio", "gap", "event", "close", "audio"]


def test_a_huge_event_is_dropped_and_says_so(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.event(call_id(1), "anomaly", 5, {"text": "x" * 70000})
    rig.writer.commit(at(1))
    (kind, mono, data), *_ = rig.read().events
    assert (kind, mono) == ("anomaly", 5)
    assert isinstance(data, dict)
    assert data["dropped_octets"] > 70000


def test_a_long_call_runs_over_many_slots(rig: Rig) -> None:
    pcm = sound(90)
    rig.writer.open(opening(1))
    rig.talk(1, pcm)
    rig.writer.close(call_id(1), record(1))
    rig.writer.commit(at(91))
    call = rig.read()
    assert call.pcm == pcm
    assert len(call.headers) == 4
    assert [h.slot for h in call.headers] == [0, 1, 2, 3]
    assert len({h.stream_header for h in call.headers}) == 4


def test_three_calls_interleave(rig: Rig) -> None:
    sounds = {n: sound(40, seed=n) for n in (1, 2, 3)}
    for n in sounds:
        assert rig.writer.open(opening(n)) == n
    for second in range(40):
        for n, pcm in sounds.items():
            rig.writer.audio(call_id(n), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        rig.writer.commit(at(second))
    for n in sounds:
        rig.writer.close(call_id(n), record(n))
    report = rig.writer.commit(at(41))
    calls = read_store(rig.store, rig.private)
    assert {n: calls[call_id(n)].pcm for n in sounds} == sounds
    assert [c for c, _ in report.closed] == [call_id(n) for n in sounds]
    assert all(c.final and c.next_sequences == [4] * c.extents for c in calls.values())


def test_one_sync_for_each_file_touched(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync

    def sync(fd: int) -> None:
        synced.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    for n in (1, 2, 3):
        rig.writer.open(opening(n))
    rig.writer.commit(at(0))
    assert len(synced) == 1


def test_an_event_is_durable_with_the_next_commit(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, sound(1))
    rig.writer.commit(at(1))
    rig.writer.audio(call_id(1), RATE, sound(0.3, 2))
    rig.writer.event(call_id(1), "mark", 7, {"at_s": 1.3})
    rig.writer.commit(at(1.3))
    assert rig.read().events == [("mark", 7, {"at_s": 1.3})]
    rig.writer.audio(call_id(1), RATE * 13 // 10, sound(0.2, 3))
    rig.writer.event(call_id(1), "flash", 8, {})
    rig.writer.event(call_id(1), "answered", 9, {})
    rig.writer.commit(at(1.5))
    assert [kind for kind, *_ in rig.read().events] == ["mark", "flash", "answered"]


@pytest.mark.parametrize("hold_back", [0, 1, 2, 5])
def test_no_commit_leaves_more_than_it_may(rig: Rig, hold_back: int) -> None:
    writer = rig.start(hold_back=hold_back)
    writer.open(opening(1))
    pcm = sound(20)
    lags = []
    for second in range(20):
        writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        lags.append((second + 1) * RATE - writer.commit(at(second)).committed[call_id(1)])
        assert len(rig.read().pcm) // 2 == (second + 1) * RATE - lags[-1]
    assert max(lags) <= 1024 * (hold_back + 1)
    assert min(lags) >= 0
    if hold_back >= 2:
        assert max(lags) > 1024  # it does hold back


def test_holding_back_saves_blocks(tmp_path: Path) -> None:
    octets = {}
    for hold_back in (0, 2):
        rig = Rig(tmp_path / f"store{hold_back}")
        writer = rig.start(hold_back=hold_back)
        writer.open(opening(1))
        pcm = sound(60)
        octets[hold_back] = 0
        for second in range(60):
            writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
            octets[hold_back] += writer.commit(at(second)).octets
    assert octets[2] < 0.95 * octets[0]


def test_everything_committed_survives_losing_the_writer(rig: Rig) -> None:
    pcm = sound(45)
    rig.writer.open(opening(1))
    for second in range(45):
        rig.writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        report = rig.writer.commit(at(second + 1))
        call = rig.read()
        safe = report.committed[call_id(1)]
        assert call.pcm == pcm[: safe * 2]
        assert safe >= (second + 1) * RATE - 3 * 1024
        assert (call.last, call.final) == (False, False)


def test_a_power_cut_costs_only_the_commit_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any of the sectors of a commit may have reached the disk when the power goes; what came back earlier stays."""
    rig = Rig(tmp_path / "store", slots=4)
    ring, chance = rig.store.path / "ring" / "ring-00000.dat", np.random.default_rng(11)
    writes: list[tuple[int, bytes]] = []
    real = rig.store.ring.write

    def write(slot: int, offset: int, data: bytes) -> None:
        writes.append((slot * SLOT_SIZE + offset, data))
        real(slot, offset, data)

    monkeypatch.setattr(rig.store.ring, "write", write)
    parts: set[int] = set()
    pcm, safe = sound(72), 0
    rig.writer.open(opening(1))
    for step in range(12):
        before = ring.read_bytes()
        rig.writer.audio(call_id(1), step * 6 * RATE, pcm[step * 6 * SECOND : (step + 1) * 6 * SECOND])
        report = rig.writer.commit(at(step))
        after = ring.read_bytes()
        parts.update(base // SLOT_SIZE for base, _ in writes)
        for _ in range(3):
            torn = bytearray(before)
            for base, data in writes:
                for sector in range(0, len(data), 512):
                    if chance.random() < 0.9:
                        torn[base + sector : base + sector + 512] = data[sector : sector + 512]
            ring.write_bytes(torn)
            found = read_store(rig.store, rig.private, torn=True)
            got = found[call_id(1)].pcm if found else b""
            assert len(got) >= safe
            assert got == pcm[: len(got)]
        ring.write_bytes(after)
        writes.clear()
        safe = 2 * report.committed[call_id(1)]
    assert parts == {0, 1, 2}
    assert rig.read().pcm == pcm[:safe]


def test_a_new_instance_finds_the_unfinished_call_and_continues(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.open(opening(2))
    rig.talk(1, sound(40))
    rig.writer.close(call_id(2), record(2))
    rig.writer.commit(at(41))
    rig.writer.open(opening(3))  # never committed: it did not exist
    again = rig.start(b"another1")
    (cut,) = again.unfinished()
    head = cut.header
    assert (cut.call_id, head.part, head.sequence, head.instance) == (call_id(1), 1, 1, b"instance")
    assert again.open(opening(4, continues=cut.call_id)) == 3
    again.commit(at(60))
    call = rig.read(4)
    assert call.opening is not None
    assert (call.opening.continues, call.headers[0].continues, call.headers[0].slot) == (call_id(1), call_id(1), 3)
    assert [h.call_id for h in rig.start(b"another2").unfinished()] == [call_id(1), call_id(4)]
    assert [h.call_id for h in rig.start(b"another1").unfinished()] == [call_id(1)]


def test_a_torn_last_extent_does_not_end_a_call(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.talk(1, sound(2))
    offset = (rig.read().extents + 1) * BLOCK
    rig.writer.close(call_id(1), record(1, marks=200))
    rig.writer.commit(at(3))
    assert rig.start(b"another1").unfinished() == []
    slot = rig.store.ring.read_slot(0)
    last = slot.rindex(b"TXNT")
    assert last >= offset
    rig.store.ring.write(0, last + BLOCK, bytes(BLOCK))
    assert [h.call_id for h in rig.start(b"another1").unfinished()] == [call_id(1)]


def test_a_header_without_its_first_extent_is_no_call(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.commit(at(0))
    rig.store.ring.write(0, BLOCK, bytes(BLOCK))
    again = rig.start(b"another1")
    assert again.unfinished() == []
    again.open(opening(2))
    again.commit(at(1))
    assert [h.slot for h in rig.read(2).headers] == [1]  # but its slot waits for the keeper


def test_sequence_numbers_never_come_twice(rig: Rig) -> None:
    lend(rig.store, 8, floor=100)
    rig.writer.reload_lease()
    assert [rig.writer.open(opening(n)) for n in (1, 2)] == [100, 101]
    rig.writer.commit(at(0))
    lend(rig.store, 8, floor=5)
    assert rig.start(b"another1").open(opening(3)) == 102


def test_a_number_seen_only_in_an_extent_is_not_given_again(rig: Rig) -> None:
    """A call that found no slot leaves its number in the others' extents: it is missing, and shows."""
    lend(rig.store, 1)
    writer = rig.start()
    writer.open(opening(1))
    writer.open(opening(2))
    assert writer.commit(at(0)).waiting == {call_id(2)}
    assert rig.start(b"another1").open(opening(3)) == 3


def test_used_and_unreadable_slots_of_the_lease_are_skipped(rig: Rig) -> None:
    rig.store.ring.write(0, 0, b"TSUWASLT" + bytes(8) + (1).to_bytes(8, "little"))  # used, and broken
    rig.store.ring.write(1, 0, bytes(BLOCK))  # nothing sensible: free
    writer = rig.start()
    assert len(writer.problems) + len(writer._slots.problems) == 1
    writer.open(opening(1))
    assert writer.commit(at(0)).free_slots == 6
    assert [h.slot for h in rig.read().headers] == [1]


def test_a_slot_is_used_again_with_its_next_generation(rig: Rig) -> None:
    from tsuwaroku.store.lease import Lease

    rig.writer.open(opening(1))
    rig.talk(1, sound(5))
    rig.writer.close(call_id(1), record(1))
    rig.writer.commit(at(6))
    assert generation_of(rig.store.ring.read_block0(0)) == 1
    Lease(slots=[(0, 2)], sequence_floor=2).save(rig.store.lease_path, rig.store.store_id)
    writer = rig.start(b"another1")
    writer.open(opening(2))
    writer.audio(call_id(2), 0, sound(1, 2))
    writer.commit(at(10))
    calls = read_store(rig.store, rig.private)
    assert list(calls) == [call_id(2)]  # what is left of the first is not taken for the second's
    assert calls[call_id(2)].headers[0].generation == 2
    assert calls[call_id(2)].extents == 1


class Broken:
    """Makes the n-th pwrite or fdatasync from now fail, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = ""
        self.after = 0
        for name in ("pwrite", "fdatasync"):
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def fail(self, name: str, after: int = 0) -> None:
        self.name, self.after = name, after

    def _wrap(self, name: str, real: object) -> object:
        def call(*args: object) -> object:
            if name == self.name:
                self.after -= 1
                if self.after < 0:
                    self.name = ""
                    raise OSError(5, "Input/output error")
            return real(*args)  # type: ignore[operator]

        return call


@pytest.mark.parametrize(("name", "after"), [("pwrite", 0), ("pwrite", 1), ("pwrite", 3), ("fdatasync", 0)])
def test_a_failed_commit_loses_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str, after: int) -> None:
    broken = Broken(monkeypatch)
    pcm = sound(6)
    rig.writer.open(opening(1))
    rig.talk(1, pcm[: 2 * SECOND])
    before = rig.read().pcm
    rig.writer.audio(call_id(1), 2 * RATE, pcm[2 * SECOND : 3 * SECOND])
    rig.writer.open(opening(2))
    rig.writer.audio(call_id(2), 0, pcm)
    broken.fail(name, after if after < 3 else 2)
    with pytest.raises(StoreError, match="Input/output error") as caught:
        rig.writer.commit(at(3))
    assert caught.value.remedy
    assert rig.read().pcm.startswith(before)
    broken.fail(name)
    rig.writer.audio(call_id(1), 3 * RATE, pcm[3 * SECOND : 4 * SECOND])
    with pytest.raises(StoreError):
        rig.writer.commit(at(4))
    rig.writer.audio(call_id(1), 4 * RATE, pcm[4 * SECOND :])
    results = record(1), record(2)
    rig.writer.close(call_id(1), results[0])
    rig.writer.close(call_id(2), results[1])
    report = rig.writer.commit(at(5))
    assert [c for c, _ in report.closed] == [call_id(1), call_id(2)]
    calls = read_store(rig.store, rig.private)
    assert [calls[call_id(n)].pcm for n in (1, 2)] == [pcm, pcm]
    assert [calls[call_id(n)].manifest for n in (1, 2)] == list(results)


def test_closed_calls_are_told_after_a_failure_in_the_same_commit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken(monkeypatch)
    rig.writer.open(opening(1))
    rig.writer.open(opening(2))
    rig.writer.close(call_id(1), record(1))
    broken.fail("fdatasync")
    with pytest.raises(StoreError):
        rig.writer.commit(at(1))
    rig.writer.audio(call_id(2), 0, sound(1))
    broken.fail("fdatasync", 1)  # the retry holds, the news fails
    with pytest.raises(StoreError):
        rig.writer.commit(at(2))
    assert [c for c, _ in rig.writer.commit(at(3)).closed] == [call_id(1)]


def test_without_slots_the_call_waits_and_is_whole_later(rig: Rig) -> None:
    lend(rig.store, 1)
    writer = rig.start()
    pcm = sound(60)
    writer.open(opening(1))
    waiting = []
    for second in range(60):
        writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        report = writer.commit(at(second))
        waiting.append(report.waiting)
        assert len(rig.read().pcm) // 2 == report.committed[call_id(1)]
    assert waiting == sorted(waiting, key=len)
    assert waiting[-1] == {call_id(1)}
    assert waiting[0] == set()
    writer.open(opening(2))
    writer.close(call_id(2), record(2))
    report = writer.commit(at(61))
    assert (report.waiting, report.closed) == ({call_id(1), call_id(2)}, [])
    lend(rig.store, 8)
    writer.reload_lease()
    writer.close(call_id(1), record(1))
    report = writer.commit(at(62))
    assert (report.waiting, [c for c, _ in report.closed]) == (set(), [call_id(1), call_id(2)])
    calls = read_store(rig.store, rig.private)
    assert calls[call_id(1)].pcm == pcm
    assert calls[call_id(2)].final


def test_beyond_the_bound_new_sound_is_a_gap_and_old_sound_stays(rig: Rig) -> None:
    lend(rig.store, 1)
    writer = rig.start(pending_bound=100_000)
    pcm = sound(120)
    writer.open(opening(1))
    for second in range(60):
        writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        writer.commit(at(second))
    assert 100_000 < writer._pending() < 110_000
    lend(rig.store, 8)
    writer.reload_lease()
    writer.commit(at(60))
    for second in range(60, 62):
        writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        writer.commit(at(second))
    result = record(1)
    writer.close(call_id(1), result)
    writer.commit(at(63))
    call = rig.read()
    ((first, samples, reason),) = call.gaps
    assert reason == "backlog"
    assert first + samples == 60 * RATE
    assert 30 * RATE < first < 45 * RATE
    assert call.runs == [(0, pcm[: first * 2]), (60 * RATE, pcm[60 * SECOND : 62 * SECOND])]
    assert result.audio.runs == [Run(first_sample=f, samples=len(p) // 2, pcm_sha256=sha(p)) for f, p in call.runs]


def test_the_bound_of_a_waiting_call_does_not_touch_another(rig: Rig) -> None:
    lend(rig.store, 2)
    writer = rig.start(pending_bound=20_000)
    pcm = sound(10)
    for n in (1, 2, 3):
        writer.open(opening(n))
    for second in range(10):
        for n in (1, 2, 3):
            writer.audio(call_id(n), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        assert writer.commit(at(second)).waiting == {call_id(3)}
    for n in (1, 2):
        writer.close(call_id(n), record(n))
    writer.commit(at(11))
    calls = read_store(rig.store, rig.private)
    assert [calls[call_id(n)].pcm for n in (1, 2)] == [pcm, pcm]


def test_a_failing_disk_bounds_what_waits(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = rig.start(pending_bound=50_000)
    writer.open(opening(1))
    pcm = sound(30)

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        for second in range(30):
            writer.audio(call_id(1), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
            with pytest.raises(StoreError):
                writer.commit(at(second))
        assert writer._pending() < 60_000
    writer.commit(at(30))
    writer.close(call_id(1), record(1))
    writer.commit(at(31))
    ((first, samples, reason),) = rig.read().gaps
    assert (first + samples, reason) == (30 * RATE, "backlog")
    assert rig.read().pcm == pcm[: first * 2]


def test_on_button_wraps_late_or_never(rig: Rig) -> None:
    for n in (1, 2, 3):
        rig.writer.open(opening(n, withheld=True))
    pcm = sound(35)
    for second in range(35):
        for n in (1, 2, 3):
            rig.writer.audio(call_id(n), second * RATE, pcm[second * SECOND : (second + 1) * SECOND])
        if second == 10:
            during = rig.writer.wrap(call_id(1))
        rig.writer.commit(at(second))
    for n in (1, 2, 3):
        rig.writer.close(call_id(n), record(n))
    rig.writer.commit(at(36))
    after = rig.writer.wrap(call_id(2))
    rig.writer.abandon(call_id(3))
    assert (rig.writer.wrap(call_id(2)), rig.writer.wrap(call_id(3))) == ((), ())
    with pytest.raises(SecretError):
        read_store(rig.store, rig.private, {call_id(3): after})
    calls = read_store(rig.store, rig.private, {call_id(1): during, call_id(2): after})
    assert list(calls) == [call_id(1), call_id(2)]
    assert [calls[call_id(n)].pcm for n in (1, 2)] == [pcm, pcm]
    flags = {n: [(h.flags, len(h.wraps)) for h in calls[call_id(n)].headers] for n in (1, 2)}
    assert flags == {1: [(FLAG_KEY_WITHHELD, 0), (0, 1)], 2: [(FLAG_KEY_WITHHELD, 0)] * 2}
    assert calls[call_id(1)].headers[1].wraps == during


def test_abandoned_calls_go_no_further(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.writer.open(opening(1, withheld=True))
    rig.writer.open(opening(2))
    rig.writer.audio(call_id(1), 0, sound(1))
    with monkeypatch.context() as patch:
        Broken(patch).fail("pwrite")
        with pytest.raises(StoreError):
            rig.writer.commit(at(0))
    rig.writer.abandon(call_id(1))
    report = rig.writer.commit(at(1))
    assert (report.committed, report.octets) == ({call_id(2): 0}, 2 * BLOCK)
    assert list(read_store(rig.store, rig.private)) == [call_id(2)]


def test_a_record_of_any_length_is_kept(rig: Rig) -> None:
    rig.writer.open(opening(1))
    rig.writer.audio(call_id(1), 0, sound(20))
    for n in range(2000):
        rig.writer.gap(call_id(1), 160000 + 40 * n, 20, f"r{n % 7}")
        rig.writer.audio(call_id(1), 160020 + 40 * n, bytes(40))
    result = record(1)
    result.marks = [Mark(at_s=float(n)) for n in range(3000)]
    rig.writer.close(call_id(1), result)
    rig.writer.commit(at(30))
    call = rig.read()
    assert call.manifest == result
    assert len(result.audio.gaps) == len(result.audio.runs) - 1 == 2000
    assert call.order.count("M") >= 3
    assert call.card is not None
    assert call.card.audio == Audio(
        rate=RATE,
        first_sample=0,
        samples=result.audio.samples,
        pcm_sha256=result.audio.pcm_sha256,
        peak_dbfs=result.audio.peak_dbfs,
        speech_ratio=0.5,
    )
    assert call.card.marks == result.marks[:256]


def test_a_last_extent_that_does_not_fit_opens_a_slot(rig: Rig) -> None:
    """The manifest with its card comes out whole at every fill of the last slot."""
    for n, seconds in enumerate((24.0, 24.5, 25.0, 25.5, 26.0, 26.5, 27.0, 27.5), 1):
        lend(rig.store, 8)
        store = make_store(rig.store.path.with_name(f"s{n}"), 3)
        writer = RingWriter(store, instance=b"instance", audit_head=lambda: AUDIT_HEAD)
        writer.open(opening(1))
        pcm = sound(seconds)
        for offset in range(0, len(pcm), SECOND):
            writer.audio(call_id(1), offset // 2, pcm[offset : offset + SECOND])
            writer.commit(at(offset / SECOND))
        writer.close(call_id(1), record(1, marks=90))
        writer.commit(at(40))
        call = read_store(store, PrivateKey.load(store.path / "demo.key", str))[call_id(1)]
        assert (call.pcm, call.final, call.last) == (pcm, True, True)
        assert len(call.manifest.marks if call.manifest else []) == 90


def test_who_cannot_record_is_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "real", slots=1, retention_days=30, demonstration=False)
    with pytest.raises(SecretError, match="sealed to nobody") as caught:
        RingWriter(store, instance=b"instance", audit_head=lambda: AUDIT_HEAD)
    assert "keys init" in caught.value.remedy
    demo = make_store(tmp_path / "demo", 1)
    demo.device = None
    with pytest.raises(SecretError, match="device key"):
        RingWriter(demo, instance=b"instance", audit_head=lambda: AUDIT_HEAD)


def test_without_a_lease_calls_wait(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s", slots=1, retention_days=30, demonstration=True)
    writer = RingWriter(store, instance=b"instance", audit_head=lambda: AUDIT_HEAD)
    writer.open(opening(1))
    report = writer.commit(at(0))
    assert (report.waiting, report.committed, report.octets) == ({call_id(1)}, {}, 0)


def test_nothing_of_a_call_can_be_read_from_the_store(rig: Rig) -> None:
    pcm = sound(3, level=3000)
    caught: list[bytes] = []
    rig.writer.open(opening(1))
    key = bytes(rig.writer._calls[call_id(1)].key._octets)
    stream = rig.writer._calls[call_id(1)].stream
    real = stream._on_frame

    def on_frame(octets: bytes, samples: int) -> None:
        caught.append(octets)
        real(octets, samples)

    stream._on_frame = on_frame  # type: ignore[method-assign]
    rig.talk(1, pcm)
    rig.writer.event(call_id(1), "answered", 5, {"number": NUMBER, "who": "佐藤"})
    result = record(1)
    result.dialled = NUMBER
    result.called = "佐藤"
    rig.writer.close(call_id(1), result)
    rig.writer.commit(at(5))
    assert len(caught) == 24
    planted = [NUMBER.encode(), "佐藤".encode(), NUMBER.encode("utf-16-le"), key, key[:8], b"fLaC", b"pcm_sha256"]
    planted += [pcm[at : at + 16] for at in range(0, len(pcm) - 16, 997)]
    planted += [frame[at : at + 16] for frame in caught for at in (0, 16, len(frame) // 2, len(frame) - 16)]
    # As JSON and msgpack have it: four digits alone stand in some digest sooner or later.
    planted += [
        result.audio.pcm_sha256.encode() if result.audio.pcm_sha256 else b"?",
        b'"2101"',
        b"\xa42101",
        b"inbound",
    ]
    octets = b"\n".join(p.read_bytes() for p in sorted(rig.store.path.rglob("*")) if p.is_file())
    assert len(octets) > 8 * SLOT_SIZE
    assert [p for p in planted if p in octets] == []
    assert b'"line":"L1"' in octets  # the search itself works: this much is meant to be read


actions = st.lists(
    st.tuples(st.sampled_from("aaaagec"), st.integers(1, 3), st.integers(1, 20000)), min_size=1, max_size=40
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=actions, hold_back=st.integers(0, 2))
def test_whatever_happens_what_went_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int, int]], hold_back: int
) -> None:
    rig = Rig(tmp_path_factory.mktemp("w") / "store", slots=12)
    writer = rig.start(hold_back=hold_back)
    runs: dict[int, list[list[object]]] = {n: [] for n in (1, 2, 3)}
    gaps: dict[int, int] = dict.fromkeys(runs, 0)
    position = dict.fromkeys(runs, 0)
    events = dict.fromkeys(runs, 0)
    fresh = dict.fromkeys(runs, True)
    for n in runs:
        writer.open(opening(n))
    for step, (action, n, size) in enumerate(actions):
        if action == "a":
            pcm = sound(size / RATE, seed=step, level=5000)
            writer.audio(call_id(n), position[n], pcm)
            if fresh[n]:
                runs[n].append([position[n], b""])
            runs[n][-1][1] += pcm  # type: ignore[operator]
            fresh[n], position[n] = False, position[n] + size
        elif action == "g":
            writer.gap(call_id(n), position[n], size, "overrun")
            fresh[n], position[n], gaps[n] = True, position[n] + size, gaps[n] + size
        elif action == "e":
            writer.event(call_id(n), "mark", step, {})
            events[n] += 1
        else:
            writer.commit(at(step))
    results: dict[int, CallRecord] = {n: record(n) for n in runs}
    for n in runs:
        writer.close(call_id(n), results[n])
    writer.commit(at(99))
    calls = read_store(rig.store, rig.private)
    for n in runs:
        call = calls[call_id(n)]
        assert call.runs == [tuple(run) for run in runs[n]]
        assert sum(samples for _, samples, _ in call.gaps) == gaps[n]
        assert len(call.events) == events[n]
        assert call.manifest == results[n]
        assert [r.pcm_sha256 for r in results[n].audio.runs] == [sha(pcm) for _, pcm in call.runs]
        assert results[n].audio.samples == position[n]
    rig.store.close()


def test_calls_are_sealed_to_the_recipients_of_their_opening(rig: Rig) -> None:
    _, paper = make_recovery_key()
    rig.writer.open(opening(1))
    rig.store.set_recipients(Recipients([*rig.store.recipients.list, paper]))
    rig.writer.open(opening(2))
    rig.store.set_recipients(Recipients())
    rig.writer.open(opening(3))  # to nobody would be to lose it: the last that were known
    rig.writer.commit(at(0))
    calls = read_store(rig.store, rig.private)
    wraps = [[w.recipient for w in calls[call_id(n)].headers[0].wraps] for n in (1, 2, 3)]
    both = [rig.private.id, bytes.fromhex(paper.id)]
    assert wraps == [[rig.private.id], both, both]
    header = calls[call_id(1)].headers[0]
    assert (header.line, header.retention_days, header.wall_ns, header.flags) == ("L1", 30, at(0).wall_ns, 0)
