"""`play`: the purpose first, the audit entry next, then sound, levelled for the listener only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.console.support import Run
from tests.console.test_outputs import CONF
from tsuwaroku.console import levelling, playing
from tsuwaroku.console.levelling import Leveller
from tsuwaroku.records.call import Audio, CallRecord, ClockRecord, Direction, Mark, Outcome, Retention
from tsuwaroku.service.hearing import stretches_text
from tsuwaroku.store.audit import AuditEntry, AuditLog
from tsuwaroku.store.durable import FileLock
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import Store
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.slot import EXTENT_HEADER, SLOT_SIZE

RATE = 8000


def key(store: Path) -> tuple[object, ...]:
    return ("--store", store, "--key", store / "demo.key")


def entries(store: Path) -> list[AuditEntry]:
    return list(AuditLog(store / "audit").entries())


class Ears:
    """A sink that remembers, and what the audit log said when the first sound came."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.heard = bytearray()
        self.noted: list[AuditEntry] | None = None
        self.closed = False

    def write(self, pcm: bytes, leaving: Callable[[], bool]) -> None:
        if self.noted is None:
            self.noted = entries(self.store)
        self.heard += pcm

    def played(self) -> int:
        return len(self.heard) // 2

    def finish(self, leaving: Callable[[], bool]) -> None: ...

    def stop(self) -> None:
        self.closed = True


@pytest.fixture
def ears(own: Path, monkeypatch: pytest.MonkeyPatch) -> Ears:
    ears = Ears(own)
    monkeypatch.setattr(playing, "NullOutput", lambda: ears)
    return ears


def test_the_audit_entry_is_there_before_the_first_sound(run: Run, own: Path, ears: Ears) -> None:
    record = run("show", "1", *key(own), "--json").json
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    assert (ran.code, ran.out) == (0, "")
    assert ears.noted is not None
    last = ears.noted[-1]
    assert (last.verb, last.subject) == ("play", record["id"])
    assert last.why(PrivateKey.load(own / "demo.key", lambda: "")) == "業務の公正かつ適正な執行"
    after = entries(own)[len(ears.noted) :]
    assert [(entry.verb, entry.subject) for entry in after] == [("heard", record["id"])]
    assert ears.closed


def test_the_whole_call_is_heard_in_order(run: Run, own: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = bytearray()

    class Silencer:
        def __init__(self, rate: int) -> None: ...

        def level(self, pcm: bytes) -> bytes:
            heard.extend(pcm)
            return bytes(len(pcm))

    monkeypatch.setattr(levelling, "Leveller", Silencer)
    record = run("show", "1", *key(own), "--json").json
    run("play", "1", *key(own), "--purpose", "courtesy", "--output", "null")
    assert hashlib.sha256(heard).hexdigest() == record["audio"]["pcm_sha256"]
    assert ears.heard == bytes(2 * record["audio"]["samples"])  # what went out had been levelled


def test_playing_leaves_every_stored_call_as_it_was(run: Run, own: Path) -> None:
    before = (own / "ring" / "ring-00000.dat").read_bytes()
    names = sorted(path.relative_to(own) for path in own.rglob("*") if path.parent.name != "audit")
    assert run("play", "1", *key(own), "--purpose", "fairness", "--output", "null").code == 0
    assert (own / "ring" / "ring-00000.dat").read_bytes() == before
    after = sorted(path.relative_to(own) for path in own.rglob("*") if path.parent.name != "audit")
    assert set(after) - set(names) <= {Path("keeper.lock")}


def _spoil(store: Path, number: int) -> None:
    """A bit of the first sound of a call."""
    opened = Store.open(store)
    (call,) = [call for call in scan_slots(opened) if call.sequence == number]
    opened.close()
    extent = call.extents[0]
    at = extent.slot * SLOT_SIZE + extent.offset + EXTENT_HEADER + extent.header.payload_length // 2
    with (store / "ring" / "ring-00000.dat").open("r+b") as file:
        file.seek(at)
        octet = file.read(1)[0]
        file.seek(at)
        file.write(bytes([octet ^ 4]))


def test_a_damaged_call_is_played_as_far_as_it_goes_and_never_taken_for_whole(
    run: Run, own: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told before the first sound and at the end; the list goes by the catalogue, and knows nothing of it."""
    samples = run("show", "1", *key(own), "--json").json["audio"]["samples"]
    _spoil(own, 1)
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    assert ran.code == 10
    damage = "slot 0, octet 4096: extent does not match its digest"
    assert ran.err.index(f"This record is damaged: what is not heard need not be silence ({damage}") > 0
    assert "what was played is damaged, and not the whole call" in ran.err
    assert "verify" in ran.err
    assert "End of the call." not in ran.err
    assert ears.noted is not None
    assert len(ears.heard) < 2 * samples
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    assert (ran.code, "損傷した通話記録" in ran.err, "extent" in ran.err) == (10, True, False)


def test_a_call_whose_ring_is_not_what_the_catalogue_says_is_not_taken_for_whole(
    run: Run, own: Path, ears: Ears
) -> None:
    """Sound in itself, and another than the one that was listed: somebody has exchanged it."""
    (day,) = (own / "catalogue").glob("2*.json")
    entries = msgspec.json.decode(day.read_bytes())
    entries["_default"]["1"]["digest"] = "00" * 32
    day.write_bytes(msgspec.json.encode(entries))
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    assert (ran.code, "ring and catalogue say different things of it" in ran.err) == (10, True)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("courtesy", "職員の接遇意識の向上"),
        ("業務の公正かつ適正な執行", "業務の公正かつ適正な執行"),
        (" 職員研修 ", "その他（職員研修）"),
    ],
)
def test_the_purpose_is_in_the_forms_words(given: str, why: str) -> None:
    assert playing.asked_purpose(given) == why


@pytest.mark.parametrize("arguments", [[], ["--purpose", "  "]])
def test_without_a_purpose_nothing_sounds(run: Run, own: Path, ears: Ears, arguments: list[str]) -> None:
    before = entries(own)
    ran = run("play", "1", *key(own), "--output", "null", *arguments)
    assert (ran.code, ears.noted, entries(own)) == (13, None, before)


def test_without_a_key_nothing_sounds(run: Run, own: Path, ears: Ears) -> None:
    ran = run("play", "1", "--store", own, "--purpose", "fairness", "--output", "null")
    assert (ran.code, ears.noted) == (9, None)


def test_without_the_device_key_listening_cannot_be_noted_and_is_refused(run: Run, own: Path, ears: Ears) -> None:
    (own / "keys" / "device.key").unlink()
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    assert (ran.code, ears.noted) == (13, None)
    assert "audit log" in ran.err


def test_a_keeper_that_does_not_answer_keeps_it_silent(run: Run, own: Path, ears: Ears) -> None:
    lock = FileLock(own / "keeper.lock")
    lock.acquire()
    try:
        ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "null")
    finally:
        lock.release()
    assert (ran.code, ears.noted) == (12, None)


def test_a_missed_call_has_no_sound(run: Run, own: Path, ears: Ears) -> None:
    calls = run("calls", *key(own), "--json").json
    missed = next(call["sequence"] for call in calls if not call["audio"]["samples"])
    assert run("play", missed, *key(own), "--purpose", "fairness", "--output", "null").code == 11


def test_a_missing_sound_device_ends_with_5_before_any_entry(run: Run, own: Path) -> None:
    before = entries(own)
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "nowhere_at_all")
    assert (ran.code, entries(own)) == (5, before)
    assert "aplay -L" in ran.err


@pytest.mark.parametrize(("user", "along"), [("hana", ()), ("kanri", ("--with", "hana"))])
def test_nobody_hears_a_call_of_his_own_extension_while_no_keeper_runs(
    run: Run, own: Path, ears: Ears, tmp_path: Path, user: str, along: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "box.toml"
    config.write_text(
        f'[store]\npath = "{own}"\n[service.extensions]\nhana = ["2101"]\n'
        + "".join(f'[[line]]\nid = "{n}"\nextension = "210{n}"\n' for n in (1, 2, 3))
    )
    monkeypatch.setattr(os, "getuid", lambda: 0)  # who calls sudo counts for root alone
    monkeypatch.setenv("SUDO_USER", user)
    before = entries(own)
    calls = run("calls", *key(own), "--json").json
    (hers, other) = (next(call["sequence"] for call in calls if call["line"] == line) for line in ("1", "2"))
    options = ("--purpose", "fairness", "--output", "null", *along)
    refused = run("--config", config, "play", hers, *key(own), *options)
    assert (refused.code, ears.noted) == (15, None)
    assert [entry.verb for entry in entries(own)[len(before) :]] == ["refused"]
    assert run("--config", config, "play", other, *key(own), *options).code == 0


@pytest.mark.skipif(not Path("/usr/share/alsa/alsa.conf").exists(), reason="alsa-lib's configuration is not installed")
def test_a_real_device_is_given_what_was_captured(
    run: Run, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ALSA's own plug-in writes down what the device would sound; unlevelled, to the bit."""
    (tmp_path / "asound.conf").write_text(CONF.format(out=tmp_path / "out.raw"))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    audio = run("show", "1", *key(own), "--json").json["audio"]
    ran = run("play", "1", *key(own), "--purpose", "fairness", "--output", "out", "--no-levelling")
    assert ran.code == 0, ran.err
    sounded = (tmp_path / "out.raw").read_bytes()[: 2 * audio["samples"]]
    assert hashlib.sha256(sounded).hexdigest() == audio["pcm_sha256"]
    heard = entries(own)[-1]
    assert heard.why(PrivateKey.load(own / "demo.key", lambda: "")) == stretches_text([(0, audio["samples"] / RATE)])


def test_an_expired_call_is_not_played(run: Run, tmp_path: Path) -> None:
    store, script = tmp_path / "old", Path(__file__).parents[1] / "scenarios" / "single.toml"
    assert run("simulate", script, "--store", store, "--fast", "--start", "2020-01-01T09:00").code == 0
    ran = run("play", "1", *key(store), "--purpose", "fairness", "--output", "null")
    assert ran.code == 13
    assert "2020-01-31" in ran.err


def record(marks: list[Mark], *, answered: bool = True) -> CallRecord:
    """A call of 10 s: seized, answered after 4 s, its sound beginning 2 s before the seizure."""
    return CallRecord(
        id="01ABC",
        sequence=1,
        line="1",
        extension="1",
        direction=Direction.OUTBOUND,
        seized_at="2026-11-23T09:00:00.000+09:00",
        answered_at="2026-11-23T09:00:04.000+09:00" if answered else None,
        ended_at="2026-11-23T09:00:10.000+09:00",
        outcome=Outcome.ANSWERED,
        marks=marks,
        audio=Audio(rate=RATE, first_sample=0, samples=12 * RATE),
        clock=ClockRecord(quality="synchronised", mono_ns=0, boot_id="00"),
        retention=Retention(expires_on="2026-12-23"),
    )


def test_marks_pass_where_they_were_made() -> None:
    marks = [Mark(at_s=5.0), Mark(at_s=1.0), Mark(at_s=2.0, withdrawn=True), Mark(at_s=None, by="suzuki")]
    assert playing.mark_positions(record(marks), None) == [(7.0, "unreasonable demand"), (11.0, "unreasonable demand")]
    began = [(2.5, "unreasonable demand")]  # the sound begins 1.5 s before the answer, whenever it ends
    assert playing.mark_positions(record([Mark(at_s=1.0)]), -1.5) == began
    assert playing.mark_positions(record([Mark(at_s=1.0)], answered=False), None) == [(3.0, "unreasonable demand")]


def tone(level_db: float, seconds: float) -> np.ndarray:
    """A sine whose RMS is `level_db` below full scale."""
    at = np.arange(int(RATE * seconds)) / RATE
    return np.asarray(np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 440 * at))


def levelled(samples: np.ndarray) -> np.ndarray:
    leveller = Leveller(RATE)
    blocks = (samples * 32768).astype("<i2").reshape(-1, 800)
    return np.concatenate([np.frombuffer(leveller.level(block.tobytes()), "<i2") for block in blocks]) / 32768


def rms_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2))))


def test_the_quiet_talker_comes_up_to_the_loud_one() -> None:
    out = levelled(np.concatenate([tone(-16, 2), tone(-34, 3)]))
    assert rms_db(out[RATE : 2 * RATE]) == pytest.approx(-16, abs=0.2)  # loud: untouched
    assert rms_db(out[-RATE:]) == pytest.approx(-20, abs=0.5)  # quiet: to the target


def test_silence_stays_silent_and_nothing_clips() -> None:
    assert rms_db(levelled(tone(-60, 2))[-RATE:]) == pytest.approx(-60, abs=0.2)
    out = levelled(np.concatenate([tone(-40, 3), tone(-6, 1)]))
    assert np.max(np.abs(out[3 * RATE :])) <= 10 ** (-6 / 20) * np.sqrt(2) + 0.01  # the gain fell at once


def test_an_empty_block_is_left_alone() -> None:
    assert Leveller(RATE).level(b"") == b""


def test_the_trace_of_listening_cannot_be_cut_off_unseen(run: Run, own: Path, ears: Ears) -> None:
    """The last line of the audit log, or its whole day, taken away after `play`: `verify` names the loss."""
    assert run("play", "1", *key(own), "--purpose", "fairness", "--output", "null").code == 0
    newest = max((own / "audit").glob("*.jsonl"))
    whole = newest.read_bytes()
    assert run("verify", "--store", own).code == 0
    newest.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert run("verify", "--store", own).code == 10
    newest.unlink()
    assert run("verify", "--store", own).code == 10
