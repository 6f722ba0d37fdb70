"""通話記録（複製）の検証 / Verify a copy of calls: plain Python 3.9 or newer, nothing installed, no network.

使い方:  python verify.py [フォルダ] [--fingerprint 装置の指紋]

1. every file is what the bag's manifests say (RFC 8493, SHA-256)
2. the sound, FLAC decoded here or WAV, is what the record says (pcm_sha256, run by run)
3. the recorder's own signatures (Ed25519): what it committed while it recorded, the chain digest over it, and the
   record sealed in its last commit, whose pcm_sha256 must be that of the sound; and its statement at the copying
4. whether the key of these signatures is the one pinned when the box was installed (--fingerprint). Without it the
   origin is unproven: whoever made the whole folder anew could have signed it with a key of his own.

Exit code: 0 nothing is wrong (see the last line for the origin), 1 something is, 2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
import wave
from collections.abc import Iterable, Iterator
from operator import mul
from pathlib import Path
from typing import Any

STEP = 1 << 20

# -- Ed25519 (RFC 8032, 5.1.7), verification only

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]  # extended coordinates: x = X/Z, y = Y/Z, xy = T/Z


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _point(octets: bytes) -> _Point | None:
    number = int.from_bytes(octets, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 octets) over `message` was made by the holder of `public` (32 octets)."""
    base, key, r = _point(_BASE_Y.to_bytes(32, "little")), _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if base is None or key is None or r is None or len(public) != 32 or len(signature) != 64 or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(s, base), _add(r, _times(k, key))
    return not (left[0] * right[2] - right[0] * left[2]) % _P and not (left[1] * right[2] - right[1] * left[2]) % _P


# -- XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha-03), opening only: the card in the last commit

_SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def _rounds(state: tuple[int, ...]) -> list[int]:
    x = list(state)

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for one, two, three, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[one] = (x[one] + x[two]) & 0xFFFFFFFF
            mixed = x[three] ^ x[one]
            x[three] = (mixed << turn | mixed >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for at in range(4):
            quarter(at, at + 4, at + 8, at + 12)
        for at in range(4):
            quarter(at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4)
    return x


def _block(key: bytes, counter: int, nonce: bytes) -> bytes:
    state = (*_SIGMA, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce))
    mixed = _rounds(state)
    return struct.pack("<16I", *(mixed[at] + state[at] & 0xFFFFFFFF for at in range(16)))


def _poly1305(key: bytes, message: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def xchacha20poly1305(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """The plaintext; None where it does not open."""
    mixed = _rounds((*_SIGMA, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce[:16])))
    subkey, rest = struct.pack("<8I", *mixed[:4], *mixed[12:]), bytes(4) + nonce[16:]
    text, tag = sealed[:-16], sealed[-16:]
    lengths = struct.pack("<QQ", len(associated), len(text))
    padded = associated + bytes(-len(associated) % 16) + text + bytes(-len(text) % 16) + lengths
    if len(sealed) < 16 or _poly1305(_block(subkey, 0, rest)[:32], padded) != tag:
        return None
    stream = b"".join(_block(subkey, 1 + at, rest) for at in range(-(-len(text) // 64)))[: len(text)]
    return (int.from_bytes(text, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(text), "little")


# -- FLAC (RFC 9639): mono, 16 bits; whoever is not sure of this decoder takes another one: the SHA-256 is the proof


class Broken(Exception):
    """A file is not what it should be."""


_FIXED: tuple[tuple[int, ...], ...] = ((), (1,), (2, -1), (3, -3, 1), (4, -6, 4, -1))


class _Bits:
    """Octets as a string of 0 and 1: finding and cutting are then Python's own."""

    def __init__(self, octets: bytes) -> None:
        self.text = bin(int.from_bytes(b"\1" + octets, "big"))[3:]
        self.at = 0

    def take(self, count: int) -> int:
        if not count:
            return 0
        self.at += count
        if self.at > len(self.text):
            raise Broken("FLAC: 途中で切れています")
        return int(self.text[self.at - count : self.at], 2)

    def signed(self, count: int) -> int:
        value = self.take(count)
        return value - (1 << count) if count and value >> count - 1 else value

    def unary(self) -> int:
        found = self.text.find("1", self.at)
        if found < 0:
            raise Broken("FLAC: 途中で切れています")
        count, self.at = found - self.at, found + 1
        return count


def flac(path: Path) -> Iterator[bytes]:
    """S16LE of a FLAC file, frame by frame. Raises Broken."""
    with path.open("rb") as file:
        if file.read(4) != b"fLaC":
            raise Broken("FLAC ではありません")
        longest, last = 0, False
        while not last:
            head = file.read(4)
            length = int.from_bytes(head[1:], "big")
            body = file.read(length)
            if len(head) < 4 or len(body) < length:
                raise Broken("FLAC: 途中で切れています")
            last = head[0] >= 0x80
            if head[0] & 0x7F == 0:
                longest = int.from_bytes(body[2:4], "big")
        window = b""
        while True:
            window += file.read(2 * longest + 128 - len(window))
            if not window:
                return
            samples, used = _frame(window)
            window = window[used:]
            yield struct.pack(f"<{len(samples)}h", *samples)


def _frame(octets: bytes) -> tuple[list[int], int]:
    if len(octets) < 6 or octets[0] != 0xFF or octets[1] & 0xFE != 0xF8 or octets[3] >> 4:
        raise Broken("FLAC: フレームがありません")
    code, bits = octets[2] >> 4, _Bits(octets[4:])
    lead = f"{bits.take(8):08b}".find("0")
    bits.take(8 * max(0, lead - 1))  # the frame's number
    if code in (6, 7):
        count = bits.take(8 * (code - 5)) + 1
    else:
        count = 192 if code < 2 else 576 << code - 2 if code < 6 else 256 << code - 8
    bits.take({12: 8, 13: 16, 14: 16}.get(octets[2] & 15, 0))
    bits.take(8)  # CRC-8; the SHA-256 of the sound tells more
    samples = _subframe(bits, count)
    if any(not -32768 <= value <= 32767 for value in samples):
        raise Broken("FLAC: 値が範囲を超えています")
    return samples, 4 + -(-bits.at // 8) + 2


def _subframe(bits: _Bits, count: int) -> list[int]:
    kind = bits.take(8) >> 1
    wasted = bits.unary() + 1 if int(bits.text[bits.at - 1]) else 0
    depth = 16 - wasted
    if kind == 0:
        samples = [bits.signed(depth)] * count
    elif kind == 1:
        samples = [bits.signed(depth) for _ in range(count)]
    elif 8 <= kind <= 12:
        samples = [bits.signed(depth) for _ in range(kind - 8)]
        _predicted(samples, _residual(bits, count, kind - 8), _FIXED[kind - 8], 0)
    elif kind >= 32:
        order = kind - 31
        samples = [bits.signed(depth) for _ in range(order)]
        precision, shift = bits.take(4) + 1, bits.signed(5)
        factors = tuple(bits.signed(precision) for _ in range(order))
        _predicted(samples, _residual(bits, count, order), factors, shift)
    else:
        raise Broken("FLAC: 未知の符号化です")
    return [value << wasted for value in samples] if wasted else samples


def _predicted(samples: list[int], residual: list[int], factors: tuple[int, ...], shift: int) -> None:
    order, backwards = len(factors), factors[::-1]
    for value in residual:
        samples.append(value + (sum(map(mul, backwards, samples[-order:])) >> shift) if order else value)


def _residual(bits: _Bits, count: int, order: int) -> list[int]:
    width = 4 + bits.take(2)
    if width > 5:
        raise Broken("FLAC: 未知の符号化です")
    parts = 1 << bits.take(4)
    values: list[int] = []
    for part in range(parts):
        length = count // parts - (0 if part else order)
        parameter = bits.take(width)
        if parameter == (1 << width) - 1:
            raw = bits.take(5)
            values += [bits.signed(raw) for _ in range(length)]
            continue
        text, at, find = bits.text, bits.at, bits.text.find
        for _ in range(length):
            one = find("1", at)
            if one < 0 or one + parameter >= len(text):
                raise Broken("FLAC: 途中で切れています")
            end = one + 1 + parameter
            folded = (one - at) << parameter | (int(text[one + 1 : end], 2) if parameter else 0)
            values.append(folded >> 1 ^ -(folded & 1))
            at = end
        bits.at = at
    return values


def wav(path: Path) -> Iterator[bytes]:
    """S16LE of a WAV file. Raises Broken."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise Broken("16ビットのモノラルではありません")
            while True:
                piece = file.readframes(STEP // 2)
                if not piece:
                    return
                yield piece
    except (wave.Error, EOFError) as error:
        raise Broken(f"WAV として読めません（{error}）") from error


# -- the checks


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(STEP), b""):
            digest.update(piece)
    return digest.hexdigest()


def listed(path: Path) -> dict[str, str]:
    """name -> SHA-256 of a manifest. Raises Broken."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name in found or ".." in name.split("/") or name.startswith("/"):
            raise Broken(f"{path.name}: 読めない行があります")
        found[name] = digest
    return found


def bag(folder: Path) -> Iterator[str]:
    """What is wrong with the bag's files."""
    named: dict[str, str] = {}
    for name in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        try:
            named.update(listed(folder / name))
        except (OSError, UnicodeDecodeError, Broken) as error:
            yield f"{name}: 読み込めません（{error}）"
    for name in sorted(named):
        try:
            if file_sha256(folder / name) != named[name]:
                yield f"{name}: 複製したときの内容と異なります"
        except FileNotFoundError:
            yield f"{name}: ありません"
        except OSError as error:
            yield f"{name}: 読み込めません（{error.strerror}）"
    for needed in ("bagit.txt", "manifest-sha256.txt"):
        if needed not in named:
            yield f"{needed}: 一覧に載っていません"
    for path in sorted((folder / "data").rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in named:
            yield f"{name}: 一覧に載っていないファイルです"


def sound(pieces: Iterable[bytes], audio: Any) -> Iterator[str]:
    """Where the sound differs from its record."""
    whole, samples = hashlib.sha256(), 0
    runs, left, digest = list(audio["runs"]), 0, hashlib.sha256()
    current = None
    for piece in pieces:
        whole.update(piece)
        samples += len(piece) // 2
        while piece and (left or runs):
            if not left:
                current, digest = runs.pop(0), hashlib.sha256()
                left = 2 * current["samples"]
            part, piece = piece[:left], piece[left:]
            digest.update(part)
            left -= len(part)
            if not left and current and digest.hexdigest() != current["pcm_sha256"]:
                yield f"標本 {current['first_sample']} からの区間が、録音時の音声と異なります"
    expected = sum(run["samples"] for run in audio["runs"])
    if samples != expected:
        yield f"音声の長さが {samples} 標本です（記録では {expected} 標本）"
    if whole.hexdigest() != audio["pcm_sha256"]:
        yield "音声が、録音時の音声（pcm_sha256）と異なります"


LINK = struct.Struct("<4sHBB16sIIQIIQQQI4s32s32s64s")  # an extent's header, up to its signature
CAPTURED = ("id", "sequence", "line", "seized_at", "direction", "audio")


def chain(call: Any, record: Any, device_key: bytes) -> Iterator[str]:
    """What is wrong with the commits of a call that came along, and whether they vouch for its record."""
    name, before = call["call_id"], None
    store, call_id = bytes.fromhex(call["store_id"]), bytes.fromhex(name)
    sealed, last = None, False
    for extent in call["extents"]:
        header, payload = base64.b64decode(extent["header"]), base64.b64decode(extent["payload"])
        if len(header) != LINK.size:
            yield f"{name}: 封印の形式が正しくありません"
            return
        fields = LINK.unpack(header)
        index, digest = fields[6], fields[15]
        if not ed25519(device_key, b"tsuwaroku extent 1\0" + header[:144], fields[17]):
            yield f"{name}: 封印 {index} の電子署名が正しくありません"
        if fields[0] != b"TXNT" or fields[4] != call_id:
            yield f"{name}: 封印 {index} は別の通話のものです"
        if index == 0:
            origin = b"tsuwaroku call 1\0" + store + call_id + struct.pack("<Q", call["sequence"])
            before = (-1, hashlib.sha256(origin).digest())
        if payload and before and before[0] == index - 1:
            link = b"tsuwaroku link 1\0" + before[1] + call_id + struct.pack("<I", index) + payload
            if hashlib.sha256(link).digest() != digest:
                yield f"{name}: 封印 {index} の連鎖が切れています（内容が変えられています）"
            sealed, last = payload, bool(fields[2] & 1)
        before = (index, digest)
    if not last or sealed is None or not call["card_key"]:
        return
    card = _card(sealed, bytes.fromhex(call["card_key"]), call_id)
    if card is None:
        yield f"{name}: 封印された記録を開けません"
        return
    for field in CAPTURED:
        mine, its = card.get(field), record.get(field)
        if field == "audio":  # a long card names no runs and gaps; their digest is in pcm_sha256
            mine, its = ((one or {}).get("pcm_sha256") for one in (mine, its))
        if mine != its:
            yield f"{name}: record.json の {field} が、録音時に封印された記録と異なります"


def _card(payload: bytes, key: bytes, call_id: bytes) -> Any:
    at = 0
    while at + 8 <= len(payload):
        kind, length = struct.unpack_from("<B3xI", payload, at)
        body = payload[at + 8 : at + 8 + length]
        at += 8 + length
        if kind == 3:
            plain = xchacha20poly1305(key, body[:24], body[24:], call_id)
            return None if plain is None else json.loads(plain)
    return None


def vouched(call: Any) -> bool:
    """Whether the seal of the recording itself vouches for the sound; else only the statement at the copying does."""
    extents = call["extents"]
    headers = [base64.b64decode(extent["header"]) for extent in extents[-2:]]
    linked = len(headers) == 2 or (headers and int.from_bytes(headers[0][28:32], "little") == 0)
    return bool(call["card_key"] and linked and extents[-1]["payload"] and headers[-1][6] & 1)


def statement(seal: Any, named: dict[str, str], device_key: bytes) -> Iterator[str]:
    """What is wrong with the recorder's own list of what it copied."""
    if not seal["signature"]:
        return
    text = seal["statement"].encode()
    if not ed25519(device_key, b"tsuwaroku copy 1\0" + text, bytes.fromhex(seal["signature"])):
        yield "seal.json: 複製についての電子署名が正しくありません"
        return
    files = json.loads(text)["files"]
    for name in sorted({*files, *named} - {"data/seal.json"}):
        if files.get(name) != named.get(name):
            yield f"{name}: 装置が署名した複製の一覧と異なります"


def verify(folder: Path, fingerprint: str) -> tuple[list[str], list[str]]:
    """(what is wrong, what is worth knowing)."""
    problems = list(bag(folder))
    notes: list[str] = []
    if not (folder / "data" / "seal.json").is_file():
        if (folder / "data" / "call.7z").is_file():
            return problems, ["暗号化されたままのファイルだけを確認しました。中身は展開してから確認してください"]
        return [*problems, "data/seal.json: ありません"], notes
    try:
        seal = json.loads((folder / "data" / "seal.json").read_text(encoding="utf-8"))
        device_key = bytes.fromhex(seal["device_key"])
        problems += statement(seal, listed(folder / "manifest-sha256.txt"), device_key)
        there = {path.name for path in (folder / "data").iterdir() if path.is_dir()}
        for number in sorted(there | set(seal["calls"]), key=lambda name: (len(name), name)):
            call, where = seal["calls"].get(number), f"data/{number}"
            problems += one_call(folder / "data" / number, call, device_key)
            if call is None or not vouched(call):
                if seal["signature"]:
                    notes.append(f"{where}: 録音時の封印がありません。音声を証明するのは、複製時の装置の署名だけです")
                else:
                    problems.append(f"{where}: この通話を証明する電子署名がありません")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Broken) as error:
        return [*problems, f"data/seal.json: 読み込めません（{type(error).__name__}: {error}）"], notes
    if not seal["signature"]:
        notes.append("複製についての装置の電子署名はありません")
    pinned = "".join(letter for letter in fingerprint.lower() if letter not in " :-")
    if not pinned:
        notes.append("出所は証明されていません（origin unproven）: --fingerprint で装置の指紋を指定してください")
    elif pinned != seal["device_key"].lower():
        problems.append("署名した装置の指紋が、指定されたものと異なります")
    else:
        notes.append("署名した装置の指紋は、指定されたものと一致しました")
    return problems, notes


def one_call(folder: Path, call: Any, device_key: bytes) -> list[str]:
    """What is wrong with a call's files and its seal, None where it has none."""
    where = f"data/{folder.name}"
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        found_in_seal = chain(call, record, device_key) if call is not None else ()
        problems = [f"{where}/record.json: {problem}" for problem in found_in_seal]
        found = False
        for name, decode in (("audio.flac", flac), ("audio.wav", wav)):
            if (folder / name).is_file():
                found = True
                print(f"{where}/{name} を復号して照合しています …", flush=True)
                try:
                    problems += [
                        f"{where}/{name}: {problem}" for problem in sound(decode(folder / name), record["audio"])
                    ]
                except Broken as error:
                    problems.append(f"{where}/{name}: {error}")
        if record["audio"]["runs"] and not found:
            problems.append(f"{where}: 音声がありません")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        return [f"{where}: 読み込めません（{type(error).__name__}: {error}）"]
    return problems


def main(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **options: None)(errors="replace")  # a console may lack a letter
    parser = argparse.ArgumentParser(description="通話記録（複製）が複製したときのままかを検証します。")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).resolve().parent), help="展開したフォルダ")
    parser.add_argument("--fingerprint", default="", help="装置の指紋（16進64桁。空白は無視します）")
    given = parser.parse_args(arguments)
    problems, notes = verify(Path(given.folder), given.fingerprint)
    for problem in problems:
        print(f"× {problem}")
    for note in notes:
        print(f"※ {note}")
    print(f"異常が {len(problems)} 件あります。" if problems else "改ざん・欠落はありません。")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
