from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import SealedBox
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from tsuwaroku.errors import SecretError, StoreError
from tsuwaroku.store.keys import (
    DeviceKey,
    PrivateKey,
    Recipient,
    Recipients,
    key_id,
    make_demo_key,
    make_private_key,
    make_recovery_key,
    verify_signature,
)

WEAK = {"passes": argon2id.OPSLIMIT_MIN, "memory": argon2id.MEMLIMIT_MIN}
STORE_ID = "ab" * 16


def make(path: Path, passphrase: str = "正しい馬の電池") -> Recipient:
    return make_private_key(path, passphrase, "manager", "総務課長", added="2026-11-23", **WEAK)


def test_a_private_key_file_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    path = tmp_path / "manager.key"
    recipient = make(path)
    key = PrivateKey.load(path, lambda: "正しい馬の電池")
    assert (key.id.hex(), key.public.hex(), key.demonstration) == (recipient.id, recipient.public_key, False)
    assert (recipient.role, recipient.name, recipient.added) == ("manager", "総務課長", "2026-11-23")
    assert path.stat().st_mode & 0o777 == 0o600
    for wrong in ("", "正しい馬の電地", "正しい馬の電池 "):
        with pytest.raises(SecretError, match="wrong passphrase") as caught:
            PrivateKey.load(path, lambda wrong=wrong: wrong)  # type: ignore[misc]
        assert "recovery key" in caught.value.remedy


def test_the_passphrase_may_be_typed_with_another_input_method(tmp_path: Path) -> None:
    make(tmp_path / "k", "ガラスの扉abc")
    assert PrivateKey.load(tmp_path / "k", lambda: "ｶﾞﾗｽの扉ａｂｃ").public


def test_the_key_file_is_argon2id_and_secretbox(tmp_path: Path) -> None:
    """Anybody with libsodium can open it: the format, spelt out."""
    recipient = make(tmp_path / "k", "abc")
    file = json.loads((tmp_path / "k").read_text())
    assert {k: file[k] for k in ("version", "kind", "kdf", "role", "passes", "memory", "id", "public_key")} == {
        "version": 1,
        "kind": "tsuwaroku private key",
        "kdf": "argon2id",
        "role": "manager",
        "passes": 1,
        "memory": 8192,
        "id": recipient.id,
        "public_key": recipient.public_key,
    }
    secret = argon2id.kdf(32, b"abc", base64.b64decode(file["salt"]), opslimit=1, memlimit=8192)
    seed = SecretBox(secret).decrypt(base64.b64decode(file["box"]))
    assert PrivateKey(seed).public.hex() == recipient.public_key
    assert base64.b64encode(seed).decode() not in (tmp_path / "k").read_text()


def test_the_default_cost_is_libsodiums_moderate(tmp_path: Path) -> None:
    make_private_key(tmp_path / "k", "abc", "handler", "窓口")
    file = json.loads((tmp_path / "k").read_text())
    assert (file["passes"], file["memory"]) == (3, 256 << 20)


@pytest.mark.parametrize(
    "change",
    [
        {"box": "AAAA"},
        {"public_key": "00" * 32},
        {"kdf": "scrypt"},
        {"memory": 1 << 40},
        {"passes": 0},
        {"version": 2},
        {"salt": "AAAA"},
        {"box": "€"},
    ],
)
def test_changed_key_files_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "k"
    make(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SecretError) as caught:
        PrivateKey.load(path, lambda: "正しい馬の電池")
    assert caught.value.where == str(path)
    assert caught.value.remedy


def test_files_that_are_no_key_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\xff\xfe\0")
    for name in ("missing", "noise"):
        with pytest.raises(SecretError):
            PrivateKey.load(tmp_path / name, lambda: "")


def test_a_key_file_is_never_overwritten_and_needs_a_passphrase(tmp_path: Path) -> None:
    make(tmp_path / "k")
    before = (tmp_path / "k").read_bytes()
    with pytest.raises(SecretError, match="exists already"):
        make(tmp_path / "k")
    with pytest.raises(SecretError, match="empty passphrase"):
        make(tmp_path / "new", "")
    assert (tmp_path / "k").read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_a_demonstration_key_asks_for_no_passphrase(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError("asked")

    recipient = make_demo_key(tmp_path / "demo.key")
    key = PrivateKey.load(tmp_path / "demo.key", never)
    assert (key.demonstration, key.id.hex(), recipient.role) == (True, recipient.id, "demonstration")


def test_a_key_without_passphrase_counts_as_demonstration_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "demo.key"
    make_demo_key(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"role": "manager"}))
    assert PrivateKey.load(path, str).demonstration


def test_recovery_keys_forgive_handwriting() -> None:
    text, recipient = make_recovery_key()
    assert re.fullmatch(r"([A-Z2-7]{4}-){13}[A-Z2-7]{4}", text)
    handwritten = text.lower().replace("-", "  ").replace("o", "0").replace("i", "1").replace("b", "8")
    for typed in (text, handwritten, text.replace("-", ""), text.replace("-", "－") + "\n"):
        assert PrivateKey.from_recovery(typed).public.hex() == recipient.public_key


@given(place=st.integers(0, 55), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_recovery_key_typos_are_found(place: int, letter: str) -> None:
    text, _ = make_recovery_key()
    letters = list(text.replace("-", ""))
    if letters[place] == letter:
        return
    letters[place] = letter
    with pytest.raises(SecretError, match="mistyped"):
        PrivateKey.from_recovery("".join(letters))


def test_recovery_key_swaps_and_losses_are_found() -> None:
    text, _ = make_recovery_key()
    groups = text.split("-")
    for wrong in (groups[:-1], groups[1:], [*groups, "AAAA"], [groups[1], groups[0], *groups[2:]], [""], ["ああ"]):
        if wrong[:2] != groups[:2] or len(wrong) != len(groups):
            with pytest.raises(SecretError):
                PrivateKey.from_recovery("-".join(wrong))


def test_sealed_boxes_open_for_their_key_alone() -> None:
    first, second = PrivateKey(b"1" * 32), PrivateKey(b"2" * 32)
    from nacl.public import PublicKey

    box = SealedBox(PublicKey(first.public)).encrypt(b"secret")
    assert first.open_sealed(box) == b"secret"
    for key, sealed in ((second, box), (first, box[:-1]), (first, b"")):
        with pytest.raises(SecretError):
            key.open_sealed(sealed)


def test_device_key_signs_within_a_domain(tmp_path: Path) -> None:
    device = DeviceKey.create(tmp_path / "device.key")
    assert DeviceKey.load(tmp_path / "device.key").public == device.public
    signature = device.sign(b"a\0", b"data")
    assert len(signature) == 64
    assert verify_signature(device.public, b"a\0", b"data", signature)
    for public, domain, data, sign in (
        (device.public, b"b\0", b"data", signature),
        (device.public, b"a\0", b"date", signature),
        (b"\1" * 32, b"a\0", b"data", signature),
        (b"", b"a\0", b"data", signature),
        (device.public, b"a\0", b"data", b""),
    ):
        assert not verify_signature(public, domain, data, sign)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_device_key_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "device.key"
    DeviceKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(SecretError, match="by others") as caught:
        DeviceKey.load(path)
    assert caught.value.remedy == f"chmod 600 {path}"


def test_other_device_keys_are_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x" * 31)
    (tmp_path / "short").chmod(0o600)
    for name in ("short", "missing"):
        with pytest.raises(SecretError):
            DeviceKey.load(tmp_path / name)


def test_recipients_are_signed_for_one_store(tmp_path: Path) -> None:
    device, path = DeviceKey(b"d" * 32), tmp_path / "recipients.json"
    people = Recipients([make(tmp_path / "k"), make_recovery_key()[1]])
    people.save(path, STORE_ID, device)
    keys = [device.public.hex()]
    assert Recipients.load(path, STORE_ID, keys) == people
    assert Recipients.load(path, STORE_ID, keys).to_wrap() == people.list
    stranger = make_recovery_key()[1]
    forged = json.loads(path.read_text())
    forged["recipients"].append({f: getattr(stranger, f) for f in ("id", "role", "name", "public_key", "added")})
    cases: list[tuple[str, str, list[str]]] = [
        (json.dumps(forged), STORE_ID, keys),
        (path.read_text(), "cd" * 16, keys),
        (path.read_text(), STORE_ID, [DeviceKey(b"e" * 32).public.hex()]),
        (path.read_text(), STORE_ID, []),
        ("{", STORE_ID, keys),
    ]
    for text, store_id, device_keys in cases:
        path.write_text(text)
        with pytest.raises(StoreError) as caught:
            Recipients.load(path, store_id, device_keys)
        assert caught.value.remedy


def test_recipient_ids_are_those_of_their_keys(tmp_path: Path) -> None:
    device, path = DeviceKey(b"d" * 32), tmp_path / "recipients.json"
    lying = Recipient(id=key_id(b"1" * 32).hex(), role="manager", name="", public_key=(b"2" * 32).hex())
    Recipients([lying]).save(path, STORE_ID, device)
    with pytest.raises(StoreError):
        Recipients.load(path, STORE_ID, [device.public.hex()])
    with pytest.raises(StoreError, match="more than 16"):
        Recipients([make_recovery_key()[1] for _ in range(17)])
