"""What the tests of copies share: calls with sound, and a medium's folder with a copy of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from nacl.signing import SigningKey

from tsuwaroku.clock import NS
from tsuwaroku.disclosure import page, sevenzip
from tsuwaroku.disclosure.medium import write_copy
from tsuwaroku.disclosure.package import CallMaterial, CopyFacts, Package, build_package
from tsuwaroku.disclosure.seal import Origin
from tsuwaroku.records.call import (
    Audio,
    Caller,
    CallRecord,
    ClockRecord,
    Direction,
    GapRecord,
    Mark,
    Notice,
    NoticeOutcome,
    Outcome,
    Retention,
    Run,
)

RATE = 8000
STRENGTH = (page.ROUNDS, sevenzip.CYCLES)
"""As it is shipped; the tests stretch passphrases cheaply but where this is what they look at (conftest.py)."""
NUMBER, CALLER = "0312345678", "青森 花子"
PASSPHRASE = "kasu-mito-reno-pago-zaba-doke"
DEVICE = SigningKey(b"a test's recorder, and only that")
REQUEST = b"%PDF-1.7\n" + b"a request \xe8\xab\x8b" * 40
FIRST = 160_000
FACTS = CopyFacts(
    city="試験市",
    request_number="令和8年度 第1号",
    recipient="税務課長",
    medium_label="媒体 03",
    contact="管財課（内線 2201）",
    made_at_ns=1_795_410_000 * NS,
    due_on="2026-12-25",
    purpose="業務の公正かつ適正な執行（窓口の件）",
)


def sha(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def origin() -> Origin:
    return Origin(bytes(DEVICE.verify_key), lambda domain, octets: DEVICE.sign(domain + octets).signature)


def talk(seconds: float, seed: int, rate: int = RATE) -> bytes:
    """Syllables over a quiet line, S16LE."""
    n = round(seconds * rate)
    random, t = np.random.default_rng(seed), np.arange(n) / rate
    loud = (np.sin(2.2 * t + seed) > -0.2) * (0.5 + 0.5 * np.abs(np.sin(13 * t)))
    voice = np.sin(1130 * t) + 0.5 * np.sin(4520 * t) + 0.2 * random.standard_normal(n)
    return (loud * voice * 2500 + 12 * random.standard_normal(n)).astype("<i2").tobytes()


class Call:
    """A call with these runs of sound, a gap between each and the next (seconds)."""

    def __init__(self, runs: Sequence[bytes], gap_s: float = 0.5, number: int = 1, rate: int = RATE) -> None:
        self.rate = rate
        self.runs: list[tuple[int, bytes]] = []
        at, gap = FIRST, round(gap_s * rate)
        for pcm in runs:
            self.runs.append((at, pcm))
            at += len(pcm) // 2 + gap
        self.pcm = b"".join(runs)
        self.readings = 0
        self.record = CallRecord(
            id=f"01KB00000000000000000000{number:02}",
            sequence=number,
            line="1",
            extension="2101",
            direction=Direction.INBOUND,
            seized_at="2026-11-23T09:30:02.100+09:00",
            answered_at="2026-11-23T09:30:04.100+09:00",
            ended_at="2026-11-23T09:31:55.000+09:00",
            duration_s=110.9,
            ring_s=2,
            outcome=Outcome.ANSWERED,
            caller=Caller(number=NUMBER, name=CALLER),
            notice=Notice(outcome=NoticeOutcome.ANNOUNCED, at_s=1.5, heard=True),
            marks=[Mark(at_s=2.0), Mark(at_s=3.0, withdrawn=True), Mark(at_s=None, by="mark")],
            audio=self._audio(at - gap - FIRST, gap),
            clock=ClockRecord(quality="synchronised", mono_ns=1, boot_id="0" * 32),
            retention=Retention(expires_on="2026-12-23"),
        )

    def _audio(self, samples: int, gap: int) -> Audio:
        return Audio(
            rate=self.rate,
            first_sample=FIRST,
            samples=samples,
            gaps=[GapRecord(first_sample=at - gap, samples=gap, reason="overrun") for at, _ in self.runs[1:]],
            pcm_sha256=sha(self.pcm),
            runs=[Run(first_sample=at, samples=len(pcm) // 2, pcm_sha256=sha(pcm)) for at, pcm in self.runs],
        )

    def pieces(self, size: int = 50_001 * 2) -> Iterator[tuple[int, bytes]]:
        """As a store gives them: of any length, none across a gap."""
        self.readings += 1
        for first, pcm in self.runs:
            yield from ((first + at // 2, pcm[at : at + size]) for at in range(0, len(pcm), size))

    def material(self) -> CallMaterial:
        return CallMaterial(self.record, self.pieces, starts_at_s=-4.0)


def package(*calls: Call, with_wav: bool = False, passphrase: str = PASSPHRASE) -> Package:
    materials = [call.material() for call in calls]
    return build_package(materials, REQUEST, FACTS, passphrase, origin(), with_wav=with_wav)


def copied(folder: Path, made: Package) -> Path:
    write_copy(folder, made.files)
    return folder


def seven_zip() -> str:
    found = shutil.which("7zz") or shutil.which("7z")
    assert found is not None, "scripts/setup --dev installs it"
    return found


def unpacked(folder: Path, into: Path, passphrase: str = PASSPHRASE) -> Path:
    """The inner bag, as 7-Zip unpacks it."""
    command = [seven_zip(), "x", "-y", f"-p{passphrase}", f"-o{into}", str(folder / "data" / "call.7z")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return into / "通話記録"
