"""`verify.py` of a copy: a program of the standard library alone, which finds every kind of tampering."""

from __future__ import annotations

import ast
import base64
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import nacl.bindings as sodium
import numpy as np
import pytest
import soundfile
from nacl.signing import SigningKey

from tests.disclosure.copies import FACTS, PASSPHRASE, REQUEST, Call, copied, origin, package, sha, talk, unpacked
from tests.store.reading import Box, ident
from tsuwaroku.disclosure import bag
from tsuwaroku.disclosure.data import verify
from tsuwaroku.disclosure.package import CallMaterial, build_package
from tsuwaroku.disclosure.seal import STATEMENT_DOMAIN, CallSeal, Origin, SealedExtent, pack_seal
from tsuwaroku.store.reader import CallReader
from tsuwaroku.store.scan import scan_slots
from tsuwaroku.store.vouching import last_commits

PROGRAM = Path(verify.__file__)
SYSTEM = "/usr/bin/python3"  # what a PC has: nothing of ours is installed there
FINE = "改ざん・欠落はありません。"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A recorder's own store with a sealed call, and one of a single commit."""
    box = Box(tmp_path_factory.mktemp("box") / "store")
    box.call(1, seconds=3, commits=3, marks=1)
    box.call(2, seconds=1, commits=1)
    return box


def material(box: Box, number: int) -> CallMaterial:
    """As the service puts it together."""
    stored = next(call for call in scan_slots(box.store) if call.sequence == number)
    reader = CallReader(stored, box.store, box.private)
    extents = tuple(SealedExtent(*commit) for commit in last_commits(box.store, stored))
    seal = CallSeal(box.store.store_id, stored.call_id, stored.sequence, extents, reader.card_key())
    record = reader.record()
    return CallMaterial(record, reader.pieces, seal, reader.starts_at_s(record))


def device(box: Box) -> Origin:
    assert box.store.device is not None
    return Origin(bytes.fromhex(box.store.info.device_keys[0]), box.store.device.sign)


@pytest.fixture(scope="module")
def whole(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inner bag of a copy of that call."""
    place = tmp_path_factory.mktemp("whole")
    made = build_package([material(box, 1)], REQUEST, FACTS, PASSPHRASE, device(box), with_wav=True)
    return unpacked(copied(place / "copy", made), place / "inner")


@pytest.fixture
def inner(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be tampered with."""
    return Path(shutil.copytree(whole, tmp_path / "inner"))


def run(folder: Path, *options: str) -> tuple[int, str]:
    """With the system's own Python, isolated: no package, no path, no variable of ours."""
    command = [SYSTEM, "-I", "-S", str(folder / "verify.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={"LANG": "C.UTF-8"})
    assert done.stderr == ""
    return done.returncode, done.stdout


def rebag(folder: Path) -> None:
    """Make the bag agree with what is in it again, as somebody would who changes a file."""
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): sha(path.read_bytes()) for path in files}
    (folder / bag.MANIFEST).write_bytes(bag.manifest(digests))
    tags = ("bagit.txt", "bag-info.txt", bag.MANIFEST, "verify.py")
    (folder / bag.TAG_MANIFEST).write_bytes(bag.manifest({name: sha((folder / name).read_bytes()) for name in tags}))


def change(path: Path, how: Callable[[Any], None]) -> None:
    """A JSON file, changed."""
    content = json.loads(path.read_text())
    how(content)
    path.write_text(json.dumps(content, ensure_ascii=False))


def test_a_whole_copy_is_found_whole_and_its_origin_unproven(whole: Path, box: Box) -> None:
    code, said = run(whole)
    assert (code, said.splitlines()[-1]) == (0, FINE)
    assert "origin unproven" in said
    assert "×" not in said
    fingerprint = box.store.info.device_keys[0].upper()
    spaced = " ".join(fingerprint[at : at + 4] for at in range(0, 64, 4))
    code, said = run(whole, "--fingerprint", spaced)
    assert (code, said.splitlines()[-1]) == (0, FINE)
    assert "unproven" not in said
    assert "一致しました" in said


def test_another_boxes_fingerprint_is_refused(whole: Path) -> None:
    code, said = run(whole, "--fingerprint", "0" * 64)
    assert code == 1
    assert "指紋が、指定されたものと異なります" in said


def test_a_call_of_one_commit_vouches_for_itself(box: Box, tmp_path: Path) -> None:
    box.open(3)
    pcm = talk(0.2, 1)
    box.pcm[3] = pcm
    box.writer.audio(ident(3), 1000, pcm)
    box.close(3)
    made = build_package([material(box, 3)], REQUEST, FACTS, PASSPHRASE, Origin(device(box).device_key))
    inner = unpacked(copied(tmp_path / "copy", made), tmp_path / "inner")
    seal = json.loads((inner / "data/seal.json").read_text())
    assert len(seal["calls"]["1"]["extents"]) == 1
    assert run(inner)[0] == 0


def flip(path: Path, at: int) -> None:
    octets = bytearray(path.read_bytes())
    octets[at] ^= 1
    path.write_bytes(octets)


def louder(folder: Path) -> None:
    """The sound changed in both files, as an editor would leave them."""
    for name, options in (("audio.flac", {"format": "FLAC"}), ("audio.wav", {"format": "WAV"})):
        samples, rate = soundfile.read(folder / "data/1" / name, dtype="int16")
        samples[100] ^= 1
        soundfile.write(folder / "data/1" / name, samples, rate, subtype="PCM_16", **options)


def louder_and_recorded(folder: Path) -> None:
    """And the record made to agree."""
    louder(folder)
    samples, _ = soundfile.read(folder / "data/1/audio.flac", dtype="int16")
    digest = sha(samples.astype("<i2").tobytes())

    def agree(record: Any) -> None:
        record["audio"]["pcm_sha256"] = record["audio"]["runs"][0]["pcm_sha256"] = digest

    change(folder / "data/1/record.json", agree)


def unsigned(folder: Path) -> None:
    change(folder / "data/seal.json", lambda seal: seal.update(signature=None))


def resigned(folder: Path) -> None:
    """The statement made anew with a key of one's own."""
    forger = SigningKey(b"f" * 32)
    files = [path for path in (folder / "data").rglob("*") if path.is_file() and path.name != "seal.json"]
    digests = {path.relative_to(folder).as_posix(): sha(path.read_bytes()) for path in files}
    forged = Origin(bytes(forger.verify_key), lambda domain, octets: forger.sign(domain + octets).signature)
    before = json.loads((folder / "data/seal.json").read_text())
    made = json.loads(pack_seal(forged, {}, digests, {}))
    (folder / "data/seal.json").write_text(json.dumps({**made, "calls": before["calls"]}))


def extent(how: Callable[[bytearray, bytearray], None]) -> Callable[[Path], None]:
    """Something done to header and payload of the last commit."""

    def spoil(folder: Path) -> None:
        def inside(seal: Any) -> None:
            last = seal["calls"]["1"]["extents"][-1]
            header, payload = (bytearray(base64.b64decode(last[name])) for name in ("header", "payload"))
            how(header, payload)
            last["header"], last["payload"] = (base64.b64encode(part).decode() for part in (header, payload))

        change(folder / "data/seal.json", inside)

    return spoil


def both(one: Callable[[Path], object], other: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: (one(folder), other(folder))


def flipped(part: bytearray, at: int) -> None:
    part[at] ^= 1


PLAIN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit of the sound": (lambda f: flip(f / "data/1/audio.flac", 5000), "data/1/audio.flac: 複製したときの"),
    "a flipped bit of the request": (lambda f: flip(f / "data/request.pdf", 50), "data/request.pdf: 複製したときの"),
    "a missing file": (lambda f: (f / "data/request.pdf").unlink(), "data/request.pdf: ありません"),
    "an added file": (lambda f: (f / "data/1/more.wav").write_bytes(b"x"), "一覧に載っていないファイル"),
    "a changed tag file": (lambda f: flip(f / "bag-info.txt", 3), "bag-info.txt: 複製したときの"),
    "no manifest": (lambda f: (f / bag.MANIFEST).unlink(), "manifest-sha256.txt: 読み込めません"),
    "a manifest that points outside": (
        lambda f: (f / bag.MANIFEST).write_text("0" * 64 + "  ../../etc/passwd\n"),
        "読めない行があります",
    ),
    "a seal that is none": (lambda f: (f / "data/seal.json").write_bytes(b"[]"), "seal.json: 読み込めません"),
    "no seal": (lambda f: (f / "data/seal.json").unlink(), "data/seal.json: ありません"),
    "a cut flac": (
        lambda f: (f / "data/1/audio.flac").write_bytes((f / "data/1/audio.flac").read_bytes()[:9000]),
        "途中で切れています",
    ),
}
SIGNED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another sound": (louder, "録音時の音声（pcm_sha256）と異なります"),
    "another sound, and the record says so": (louder_and_recorded, "record.json の audio が、録音時に封印された"),
    "the same without the statement": (
        both(louder_and_recorded, unsigned),
        "record.json の audio が、録音時に封印された",
    ),
    "the same, signed by another": (
        both(louder_and_recorded, resigned),
        "封印 2 の電子署名が正しくありません",
    ),
    "another time": (
        lambda f: change(f / "data/1/record.json", lambda r: r.update(seized_at="2026-11-24T09:00:00+09:00")),
        "record.json の seized_at が",
    ),
    "another call's name": (
        lambda f: change(f / "data/1/record.json", lambda r: r.update(id="01KB0000000000000000000099")),
        "record.json の id が",
    ),
    "another request": (
        lambda f: (f / "data/request.pdf").write_bytes(b"%PDF another"),
        "data/request.pdf: 装置が署名した複製の一覧と異なります",
    ),
    "a call that was taken out": (lambda f: shutil.rmtree(f / "data/1"), "data/1/record.json: 装置が署名した"),
    "a call that was put in": (
        lambda f: shutil.copytree(f / "data/1", f / "data/2"),
        "data/2/record.json: 装置が署名した",
    ),
    "no sound": (
        both(lambda f: (f / "data/1/audio.flac").unlink(), lambda f: (f / "data/1/audio.wav").unlink()),
        "音声がありません",
    ),
    "a changed statement": (
        lambda f: change(f / "data/seal.json", lambda s: s.update(statement=s["statement"].replace("税務", "総務"))),
        "複製についての電子署名が正しくありません",
    ),
    "a changed header": (extent(lambda header, payload: flipped(header, 60)), "の電子署名が正しくありません"),
    "a changed signature": (extent(lambda header, payload: flipped(header, 150)), "の電子署名が正しくありません"),
    "a changed commit": (extent(lambda header, payload: flipped(payload, -1)), "の連鎖が切れています"),
    "a commit cut short": (extent(lambda header, payload: payload.__delitem__(slice(-9, None))), "の連鎖が切れて"),
    "another card key": (
        lambda f: change(f / "data/seal.json", lambda s: s["calls"]["1"].update(card_key="00" * 32)),
        "封印された記録を開けません",
    ),
    "nothing that vouches": (
        both(unsigned, lambda f: change(f / "data/seal.json", lambda s: s.update(calls={}))),
        "この通話を証明する電子署名がありません",
    ),
    "a seal without its commits": (
        both(unsigned, lambda f: change(f / "data/seal.json", lambda s: s["calls"]["1"].update(extents=[]))),
        "この通話を証明する電子署名がありません",
    ),
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_happens_to_a_file_is_found(inner: Path, what: str) -> None:
    spoil, told = PLAIN[what]
    spoil(inner)
    code, said = run(inner)
    assert code == 1
    assert told in said
    assert FINE not in said


@pytest.mark.parametrize("what", SIGNED)
def test_what_somebody_changes_is_found_though_the_bag_agrees(inner: Path, what: str) -> None:
    spoil, told = SIGNED[what]
    spoil(inner)
    rebag(inner)
    code, said = run(inner)
    assert code == 1
    assert told in said
    assert FINE not in said


def test_made_anew_with_another_key_it_is_whole_but_not_of_this_box(box: Box, tmp_path: Path) -> None:
    """What nobody can find out without the fingerprint, and everybody with it."""
    made = build_package([material(box, 1)], b"%PDF another request", FACTS, PASSPHRASE, origin())
    inner = unpacked(copied(tmp_path / "copy", made), tmp_path / "inner")
    change(inner / "data/seal.json", lambda seal: seal.update(calls={}))
    rebag(inner)
    code, said = run(inner)
    assert (code, "origin unproven" in said) == (0, True)
    assert run(inner, "--fingerprint", box.store.info.device_keys[0])[0] == 1


def test_a_call_that_was_cut_off_has_the_statement_alone(tmp_path: Path) -> None:
    inner = unpacked(copied(tmp_path / "copy", package(Call([talk(1, 1), talk(1, 2)]))), tmp_path / "inner")
    code, said = run(inner)
    assert (code, "録音時の封印がありません" in said, FINE in said) == (0, True, True)
    flip(inner / "data/1/audio.flac", 3000)
    rebag(inner)
    code, said = run(inner)
    assert (code, "data/1/audio.flac: 装置が署名した複製の一覧と異なります" in said) == (1, True)


def test_it_looks_at_the_medium_itself_too(tmp_path: Path) -> None:
    folder = copied(tmp_path / "copy", package(Call([talk(1, 1)])))
    command = [SYSTEM, "-I", str(PROGRAM), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "暗号化されたまま" in done.stdout) == (0, True)
    flip(folder / "data/call.7z", 999)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "data/call.7z: 複製したときの内容と異なります" in done.stdout) == (1, True)


def test_it_is_python_3_9_and_the_standard_library_alone() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - {"__future__"} <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if type(node).__name__ in ("Match", "TryStar")]


# -- its own cryptography and its own decoder, judged by others

# RFC 8032, 7.1: public key, message, signature
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_ed25519_by_the_rfc(public: str, message: str, signature: str) -> None:
    key, octets, signed = (bytes.fromhex(text) for text in (public, message, signature))
    assert verify.ed25519(key, octets, signed)
    assert not verify.ed25519(key, octets + b"\0", signed)
    for at in (0, 31, 32, 63):
        assert not verify.ed25519(key, octets, signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])
    assert not verify.ed25519(key, octets, signed[:-1])
    assert not verify.ed25519(key[:-1], octets, signed)


def test_ed25519_as_libsodium() -> None:
    for number in range(8):
        key, message = SigningKey(secrets.token_bytes(32)), secrets.token_bytes(number * 50)
        signature = key.sign(message).signature
        assert verify.ed25519(bytes(key.verify_key), message, signature)
        assert not verify.ed25519(bytes(SigningKey(b"o" * 32).verify_key), message, signature)
    # s + L is the same number to a careless verifier: malleable
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    assert not verify.ed25519(bytes(key.verify_key), message, signature[:32] + s.to_bytes(32, "little"))


def test_xchacha20poly1305_as_libsodium() -> None:
    for size in (0, 1, 63, 64, 65, 1000):
        key, nonce, text, more = (secrets.token_bytes(n) for n in (32, 24, size, size % 37))
        sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(text, more, nonce, key)
        assert verify.xchacha20poly1305(key, nonce, sealed, more) == text
        assert verify.xchacha20poly1305(key, nonce, sealed, more + b"x") is None
        assert verify.xchacha20poly1305(key, nonce, sealed[:-1] + bytes([sealed[-1] ^ 1]), more) is None
        assert verify.xchacha20poly1305(key, nonce, sealed[:15], more) is None


def signals() -> dict[str, np.ndarray[Any, np.dtype[np.int16]]]:
    random, t = np.random.default_rng(1), np.arange(9000)
    return {
        "noise": random.integers(-32768, 32768, 9000).astype(np.int16),
        "silence": np.zeros(9000, np.int16),
        "constant": np.full(9000, -32768, np.int16),
        "sine": (np.sin(t / 7) * 12000).astype(np.int16),
        "wasted bits": ((np.sin(t / 7) * 120).astype(np.int16) << 7).astype(np.int16),
        "talk": np.frombuffer(talk(1, 3), "<i2"),
        "steps": np.where(t % 1000 < 500, 32767, -32768).astype(np.int16),
        "a spike": np.eye(1, 9000, 4242, dtype=np.int16)[0] * 30000,
        "one sample": np.array([-5], np.int16),
    }


@pytest.mark.parametrize("name", signals())
@pytest.mark.parametrize("level", [0.0, 0.6, 1.0])
def test_its_flac_decoder_as_libflac(name: str, level: float, tmp_path: Path) -> None:
    samples = signals()[name]
    path = tmp_path / "a.flac"
    soundfile.write(path, samples, 8000, subtype="PCM_16", compression_level=level)
    assert b"".join(verify.flac(path)) == samples.astype("<i2").tobytes()


@pytest.mark.parametrize("cut", [3, 20, 42, 50, 1000])
def test_its_flac_decoder_says_what_is_cut_or_none(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, signals()["talk"], 8000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(verify.Broken):
        b"".join(verify.flac(path))


def test_the_statement_is_of_the_copy_alone() -> None:
    """No other thing the device signs begins so."""
    assert STATEMENT_DOMAIN == b"tsuwaroku copy 1\0"
    seal = CallSeal(b"s" * 16, b"c" * 16, 1, (SealedExtent(b"short"),))
    with pytest.raises(ValueError, match="another length"):
        pack_seal(origin(), {"1": seal}, {}, {})
    assert msgspec.json.decode(pack_seal(Origin(b"k" * 32), {}, {"a": "b"}, {}))["signature"] is None
