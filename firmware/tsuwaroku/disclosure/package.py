"""A copy of calls for a medium (Article 9(2)): what lies on it, always encrypted, made while it is written.

On the medium lies a BagIt bag whose payload is ciphertext, twice under one passphrase, for no format does both: pieces
for a browser's WebCrypto (`page.py`) and an archive for 7-Zip (`sevenzip.py`). In the clear are only the bag's tag
files, a sheet for the clerk and the page without its content, none of it personal. In the archive lies the bag of the
copy itself:

    通話記録/bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt verify.py
             data/1/record.json audio.flac [audio.wav]    each call in a folder, in the order given
             data/request.pdf data/seal.json

Nothing is ever on a disk of the box in the clear, and hours of sound never lie in memory: what is large is made from
the call anew each time it is read. All sizes are known before the first octet is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec

from tsuwaroku.clock import JST, NS
from tsuwaroku.disclosure import bag, sevenzip, words
from tsuwaroku.disclosure.made import Digested, Made
from tsuwaroku.disclosure.medium import MARK, Source
from tsuwaroku.disclosure.page import Page, PageCall, data_text
from tsuwaroku.disclosure.passphrase import accept
from tsuwaroku.disclosure.seal import CallSeal, Origin, pack_seal
from tsuwaroku.disclosure.sound import Measure, Pcm, Sound, measure
from tsuwaroku.errors import RefusedError
from tsuwaroku.records.call import CallRecord, Integrity

SHEET = "お読みください.txt"
ARCHIVE = "data/call.7z"
INNER = "通話記録"
CLUSTER = 128 << 10  # octets, the largest that sticks up to 256 GB are formatted with (exFAT)
SOFTWARE = "tsuwaroku"


class CallMaterial(msgspec.Struct, frozen=True):
    """A call to be copied. `pcm` is called again for each file that is made of it; None for a call without sound.

    `starts_at_s`: where the first sample is, counted as the record's `at_s` are (mostly negative); None: not known.
    `seal` is None only where nothing of it can be shown; `verify` then says so.
    """

    record: CallRecord
    pcm: Pcm | None
    seal: CallSeal | None = None
    starts_at_s: float | None = None


class CopyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Of the request and the medium. All but `purpose` may be read without the passphrase: nothing personal in them.

    `due_on` as 2026-12-25, `made_at_ns` Unix. `recipient`: the office the medium is for ("税務課長"), not a name.
    """

    city: str
    request_number: str
    recipient: str
    medium_label: str
    contact: str
    made_at_ns: int
    due_on: str | None = None
    purpose: str = ""


class Package(msgspec.Struct, frozen=True):
    """`files` for `write_copy`, in this order; what they hold when all are written. `payload`: SHA-256 by name of every
    file of the inner bag's payload, for the audit log."""

    files: dict[str, Source]
    needed_octets: int
    payload: dict[str, str]


def build_package(
    calls: list[CallMaterial],
    request_pdf: bytes,
    facts: CopyFacts,
    passphrase: str,
    origin: Origin,
    *,
    with_wav: bool = False,
) -> Package:
    """A copy of `calls` (at least one). Goes through the sound three times here and twice while it is written; with
    WAV, once more each.

    Raises SecretError for a weak passphrase, DamageError where a sound is not what its record says (and the record does
    not say that it is damaged) or changes meanwhile, RefusedError for no call or an empty request.
    """
    if not calls or not request_pdf:
        raise RefusedError(
            "there is no call to copy, or no request for it (Article 9(1))",
            remedy="name the approved request and its calls",
        )
    typed = accept(passphrase)
    sounds = [
        None
        if call.pcm is None
        else Sound(call.record.id, call.record.audio, call.pcm, damaged=call.record.integrity is Integrity.DAMAGED)
        for call in calls
    ]
    inner = _Inner(calls, sounds, request_pdf, facts, origin, with_wav=with_wav)
    page_calls = [PageCall(call.record, sound, call.starts_at_s) for call, sound in zip(calls, sounds, strict=True)]
    page = Page(page_calls, typed, _shown(facts), _told(facts))
    archived = sevenzip.archive(inner.entries(), typed, facts.made_at_ns)
    files = _outer({ARCHIVE: archived, **page.files()}, facts)
    return Package(files, needed_octets(files), inner.payload)


def needed_octets(files: Mapping[str, Source], cluster: int = CLUSTER) -> int:
    """Octets a medium must have free for these files: a last and a spare cluster each, as `write_copy` asks for, and
    the mark of completeness and the folders."""
    sizes = [
        len(source) if isinstance(source, bytes) else source.size if isinstance(source, Made) else source.stat().st_size
        for source in files.values()
    ]
    mark = 256 + sum(64 + 24 + len(name.encode()) for name in files)
    folders = len({name.rpartition("/")[0] for name in files}) + 1
    return (sum(-(-size // cluster) + 1 for size in [*sizes, mark]) + folders) * cluster


class _Inner:
    """The bag in the archive: every file measured before any is written."""

    def __init__(
        self,
        calls: list[CallMaterial],
        sounds: list[Sound | None],
        request_pdf: bytes,
        facts: CopyFacts,
        origin: Origin,
        *,
        with_wav: bool,
    ) -> None:
        self._entries: list[sevenzip.Entry] = []
        self.payload: dict[str, str] = {}
        large: list[sevenzip.Entry] = []
        for number, (call, sound) in enumerate(zip(calls, sounds, strict=True), 1):
            folder = f"data/{number}"
            self._add(f"{folder}/record.json", msgspec.json.format(msgspec.json.encode(call.record), indent=1))
            if sound is not None:
                large.append(_entry(f"{folder}/audio.flac", sound.flac))
                if with_wav:
                    large.append(_entry(f"{folder}/audio.wav", sound.wav))
        self._add("data/request.pdf", request_pdf)
        self.payload |= {entry.name: entry.measure.sha256 for entry in large}
        seals = {str(number): call.seal for number, call in enumerate(calls, 1) if call.seal is not None}
        self._add("data/seal.json", pack_seal(origin, seals, self.payload, _about(facts)))
        self._large = large
        self._tags(facts)

    def entries(self) -> list[sevenzip.Entry]:
        """Small files first: they open while the rest is damaged."""
        ordered = [*self._entries, *self._large]
        return [msgspec.structs.replace(entry, name=f"{INNER}/{entry.name}") for entry in ordered]

    def _add(self, name: str, octets: bytes) -> None:
        entry = _entry(name, lambda: [octets])
        self._entries.append(entry)
        if name.startswith("data/"):
            self.payload[name] = entry.measure.sha256

    def _tags(self, facts: CopyFacts) -> None:
        sizes = [e.measure.size for e in [*self._entries, *self._large]]
        texts = {
            "bagit.txt": bag.DECLARATION,
            "bag-info.txt": _bag_info(sizes, facts),
            bag.MANIFEST: bag.manifest(self.payload),
            "verify.py": data_text("verify.py").encode(),
        }
        for name, octets in texts.items():
            self._add(name, octets)
        named = {entry.name: entry.measure.sha256 for entry in self._entries if entry.name in texts}
        self._add(bag.TAG_MANIFEST, bag.manifest(named))


def _entry(name: str, octets: Callable[[], Iterable[bytes]]) -> sevenzip.Entry:
    measured: Measure = measure(octets())
    return sevenzip.Entry(name, measured, octets)


def _outer(payload: Mapping[str, Made | bytes], facts: CopyFacts) -> dict[str, Source]:
    """The bag on the medium; its manifests are made after what they list."""
    digested = Digested()
    files: dict[str, Source] = {}
    tags = {
        SHEET: _sheet(facts),
        "bagit.txt": bag.DECLARATION,
        "bag-info.txt": _bag_info([_size(made) for name, made in payload.items() if name.startswith("data/")], facts),
    }
    for name, source in {**payload, **tags}.items():
        files[name] = digested.watch(name, source)
    for manifest, names in (
        (bag.MANIFEST, [name for name in files if name.startswith("data/")]),
        (bag.TAG_MANIFEST, [name for name in [*files, bag.MANIFEST] if not name.startswith("data/")]),
    ):
        made = Made(bag.manifest_size(names), lambda names=names: [_manifest(digested, names)])  # type: ignore[misc]
        files[manifest] = digested.watch(manifest, made)
    assert MARK not in files
    return files


def _manifest(digested: Digested, names: list[str]) -> bytes:
    return bag.manifest({name: digested.sha256(name) for name in names})


def _size(source: Made | bytes) -> int:
    return source.size if isinstance(source, Made) else len(source)


def _day(facts: CopyFacts) -> str:
    return datetime.fromtimestamp(facts.made_at_ns // NS, JST).date().isoformat()


def _bag_info(sizes: list[int], facts: CopyFacts) -> bytes:
    more = {"External-Identifier": f"{facts.request_number} {facts.medium_label}", "Bag-Software-Agent": SOFTWARE}
    return bag.info(sizes, _day(facts), "通話記録の複製（要綱第9条第2項）", {"Source-Organization": facts.city, **more})


def _about(facts: CopyFacts) -> dict[str, str]:
    return {
        "request": facts.request_number,
        "medium": facts.medium_label,
        "recipient": facts.recipient,
        "made_at": datetime.fromtimestamp(facts.made_at_ns // NS, JST).isoformat(),
    }


def _shown(facts: CopyFacts) -> dict[str, str]:
    rows = {
        "設置者": facts.city,
        "提供請求": facts.request_number,
        "提供先": facts.recipient,
        "媒体": facts.medium_label,
        "作成日": words.day_of(_day(facts)),
        "返却期限": words.day_of(facts.due_on) if facts.due_on else "目的を達したとき、遅滞なく",
        "返却・問い合わせ": facts.contact,
    }
    return {name: value for name, value in rows.items() if value}


def _told(facts: CopyFacts) -> list[tuple[str, str]]:
    return [*_shown(facts).items(), *([("利用の目的", facts.purpose)] if facts.purpose else [])]


def _sheet(facts: CopyFacts) -> bytes:
    """For Windows' Notepad: a byte order mark, and its ends of lines."""
    rows = "\n".join(f"  {name}: {value}" for name, value in _shown(facts).items())
    text = data_text("sheet.txt").replace("%ROWS%", rows)
    return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
