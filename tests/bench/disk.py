"""What the calls of a store take on disk, and the very samples they hold as WAVs for the peer.

`python -m tests.bench.disk SCRIPT STORE OUT` prints JSON: slots in use, octets committed in them, samples stored.
"""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

from tsuwaroku.exchange.script import load_script
from tsuwaroku.store.keys import PrivateKey
from tsuwaroku.store.layout import DEMO_KEY, Store
from tsuwaroku.store.recovery import list_calls
from tsuwaroku.store.scan import scan_ring
from tsuwaroku.store.slot import BLOCK, EXTENT_HEADER, SLOT_SIZE


def taken(store: Store) -> dict[str, int]:
    """`slots`, their `slot_octets`, `committed` (headers and extents with padding), `sealed` (without padding),
    `payload` (the sealed chunks alone)."""
    scan = scan_ring(store)
    if scan.problems or any(call.problems for call in scan.calls):
        raise SystemExit(f"the store is damaged: {scan.problems or [call.problems for call in scan.calls]}")
    slots = sum(len(call.headers) for call in scan.calls)
    extents = [extent.header for call in scan.calls for extent in call.extents]
    return {
        "calls": len(scan.calls),
        "slots": slots,
        "slot_octets": slots * SLOT_SIZE,
        "committed": slots * BLOCK + sum(extent.disk_size for extent in extents),
        "payload": sum(extent.payload_length for extent in extents),
        "sealed": slots * BLOCK + sum(EXTENT_HEADER + extent.payload_length for extent in extents),
    }


def extract(script: Path, store: Store, out: Path) -> int:
    """Each call's samples, cut out of the script's WAVs, to OUT; how many. A gap or a damaged call ends it."""
    key = PrivateKey.load(store.path / DEMO_KEY, lambda: "")
    sources = {source.line: source for source in load_script(script).sources()}
    out.mkdir(parents=True, exist_ok=True)
    samples = 0
    for number, call in enumerate(list_calls(store, key)):
        audio = call.audio
        if call.integrity != "sealed" or audio.gaps or audio.first_sample is None:
            raise SystemExit(f"line {call.line}: {call.integrity}, gaps {audio.gaps}")
        pcm = sources[call.line].read(audio.first_sample, audio.samples) or b""
        samples += len(pcm) // 2
        with wave.open(str(out / f"call{number:04}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(audio.rate)
            file.writeframes(pcm)
    return samples


def main() -> None:
    store = Store.open(Path(sys.argv[2]))
    found = taken(store)
    found["samples"] = extract(Path(sys.argv[1]), store, Path(sys.argv[3]))
    store.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
