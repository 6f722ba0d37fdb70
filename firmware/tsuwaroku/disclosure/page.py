"""The page that opens a copy in any browser, offline: `open.html` and the encrypted pieces beside it.

A page of a file may not fetch files, but may run scripts: so the pieces are scripts that hand over base64, loaded one
by one as they are played, and no file is too large for a browser. Each *chunk* is AES-256-GCM under a key that only the
passphrase gives (PBKDF2-SHA256): chunk 0 are the facts, the others a minute of sound each. Its number is the nonce, so
none can stand in another's place; the key is of this copy alone. Sound is decoded by the browser and compared with
what was captured, minute by minute.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from importlib import resources

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tsuwaroku.disclosure import words
from tsuwaroku.disclosure.made import Made
from tsuwaroku.disclosure.sound import Piece, Sound
from tsuwaroku.errors import DamageError
from tsuwaroku.records.call import CallRecord

ROUNDS = 1_000_000  # of PBKDF2-SHA256: a second on the PC of an office; OWASP asks for 600,000
FILE_OCTETS = 3 << 20  # of ciphertext in a file, unless one chunk is larger
FOLDER = "data/page"
MARK_WORDS = {"unreasonable_demand": "不当要求"}
_DOMAIN = b"tsuwaroku page 1\0"
_TAG = 16
_CHECK_NONCE = b"\xff" * 12


class PageCall(msgspec.Struct, frozen=True):
    """A call on the page. `starts_at_s`: where its first sample is by the record's offsets `at_s`; None: not known,
    and the marks are listed without a place."""

    record: CallRecord
    sound: Sound | None
    starts_at_s: float | None = None


class _File(msgspec.Struct, frozen=True):
    """Chunks `first` to `first + len(sizes) - 1` (octets of plaintext each)."""

    name: str
    first: int
    sizes: tuple[int, ...]

    @property
    def size(self) -> int:
        encoded = [4 * -(-(size + _TAG) // 3) for size in self.sizes]
        return len(_OPENING % self.first) + sum(encoded) + 3 * len(encoded) - 1 + len(_CLOSING)


_OPENING, _CLOSING = b"tsuwaroku(%d,[", b"]);\n"


class Page:
    """The page of one copy. `shown`: what may be read without the passphrase, and nothing personal; `told`: rows about
    the copy itself, which may not. Raises DamageError where the sound is not what it was."""

    def __init__(
        self, calls: list[PageCall], passphrase: str, shown: Mapping[str, str], told: list[tuple[str, str]]
    ) -> None:
        self._salt = secrets.token_bytes(16)
        self._cipher = AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase.encode(), self._salt, ROUNDS, 32))
        self._shown = shown
        sounds = [call.sound for call in calls if call.sound is not None]
        measured = [[piece for piece, _ in sound.pieces()] for sound in sounds]
        self._pieces = _Pieces(sounds, [piece for pieces in measured for piece in pieces])
        self._facts = self._packed_facts(calls, measured, told)
        self._files = list(self._arranged())

    def files(self) -> dict[str, Made | bytes]:
        """By name on the medium. Read in this order the sound is gone through once."""
        made: dict[str, Made | bytes] = {"open.html": self._html()}
        for file in self._files:
            made[file.name] = Made(file.size, lambda file=file: self._script(file))  # type: ignore[misc]
        return made

    def _packed_facts(self, calls: list[PageCall], measured: list[list[Piece]], told: list[tuple[str, str]]) -> bytes:
        number, waiting, shown = 1, iter(measured), []
        for call in calls:
            pieces = next(waiting) if call.sound is not None else []
            shown.append(_call_facts(call, pieces, number))
            number += len(pieces)
        return msgspec.json.encode({"chunks": number, "copy": told, "calls": shown})

    def _arranged(self) -> Iterator[_File]:
        """The facts in a file of their own, so that a wrong passphrase costs no reading."""
        yield _File(f"{FOLDER}/0000.js", 0, (len(self._facts),))
        first, sizes, count = 1, list[int](), 1
        for number, piece in enumerate(self._pieces.expected, 1):
            if sizes and sum(sizes) + piece.size > FILE_OCTETS:
                yield _File(f"{FOLDER}/{count:04d}.js", first, tuple(sizes))
                first, sizes, count = number, [], count + 1
            sizes.append(piece.size)
        if sizes:
            yield _File(f"{FOLDER}/{count:04d}.js", first, tuple(sizes))

    def _script(self, file: _File) -> Iterator[bytes]:
        yield _OPENING % file.first
        for at in range(len(file.sizes)):
            number = file.first + at
            plain = self._facts if number == 0 else self._pieces.take(number - 1)
            sealed = self._cipher.encrypt(number.to_bytes(12, "big"), plain, _DOMAIN)
            yield (b"," if at else b"") + b'"' + base64.b64encode(sealed) + b'"'
        yield _CLOSING

    def _html(self) -> bytes:
        script, style = data_text("page.js"), data_text("page.css")
        lock = {
            "salt": base64.b64encode(self._salt).decode(),
            "rounds": ROUNDS,
            "check": base64.b64encode(self._cipher.encrypt(_CHECK_NONCE, b"", _DOMAIN)).decode(),
            "files": [[file.name, file.first, len(file.sizes)] for file in self._files],
            "shown": dict(self._shown),
        }
        filled = {
            "%SCRIPT_HASH%": _csp_hash(script),
            "%STYLE_HASH%": _csp_hash(style),
            "%STYLE%": style,
            "%LOCK%": json.dumps(lock, ensure_ascii=False).replace("<", "\\u003c"),
            "%SCRIPT%": script,
        }
        return re.sub("%[A-Z_]+%", lambda found: filled[found[0]], data_text("open.html")).encode()


class _Pieces:
    """The pieces of all sounds, gone through once as long as they are asked for in order."""

    def __init__(self, sounds: list[Sound], expected: list[Piece]) -> None:
        self.expected = expected
        self._sounds = sounds
        self._at = len(expected)
        self._running: Iterator[tuple[Piece, bytes]] = iter(())

    def take(self, number: int) -> bytes:
        """A piece. Raises DamageError if it is not what it was: two plaintexts would have one nonce."""
        if number != self._at:
            self._running = (piece for sound in self._sounds for piece in sound.pieces())
            self._at = 0
        for piece, octets in self._running:
            self._at += 1
            if piece != self.expected[self._at - 1]:
                break
            if self._at > number:
                if self._at == len(self.expected):
                    next(self._running, None)  # so that the whole is compared, too
                return octets
        raise DamageError("the sound changed while it was being copied", remedy="run `tsuwaroku verify`")


def _call_facts(call: PageCall, pieces: list[Piece], first_chunk: int) -> dict[str, object]:
    record, sound = call.record, call.sound
    heard = sound.heard if sound is not None else None
    origin = record.audio.first_sample or 0
    return {
        "title": words.moment(record.seized_at),
        "rows": words.facts(record),
        "rate": record.audio.rate,
        "samples": record.audio.samples if heard is not None else 0,
        "starts_at_s": call.starts_at_s,
        "marks": [
            {"at_s": mark.at_s, "what": MARK_WORDS[mark.kind], "withdrawn": mark.withdrawn} for mark in record.marks
        ],
        "notice_s": [record.notice.at_s, *record.notice.repeats] if record.notice.at_s is not None else [],
        "gaps": [
            [gap.first_sample - origin, gap.samples, words.GAP.get(gap.reason, gap.reason)]
            for gap in record.audio.gaps
        ],
        "bucket": heard.bucket if heard is not None else 1,
        "wave": heard.wave if heard is not None else "",
        "pieces": [
            {"chunk": first_chunk + at, "first": piece.first_sample - origin, "samples": piece.samples,
             "sha256": piece.sha256}
            for at, piece in enumerate(pieces)
        ],
    }  # fmt: skip


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_text(name: str) -> str:
    """A file of this package's data."""
    return (resources.files("tsuwaroku.disclosure") / "data" / name).read_text(encoding="utf-8")
