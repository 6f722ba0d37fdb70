"""The peer: plain FLAC level 5 of files, written to files. `flac` itself where it is installed, else libFLAC.

`python -m tests.bench.peer OUT WAV...` is the second of the two.
"""

from __future__ import annotations

import shutil
import sys
import wave
from pathlib import Path

from tests.bench.child import Usage, job, run


def name() -> str:
    """What `encode` runs."""
    return "flac -5" if shutil.which("flac") else "libFLAC level 5 (pyFLAC; no flac program here)"


def encode(out: Path, wavs: list[Path]) -> tuple[Usage, int]:
    """What encoding these files into the folder `out` cost, all in one process, and the octets it made."""
    out.mkdir(parents=True, exist_ok=True)
    if shutil.which("flac"):
        usage = run("flac", "-5", "--totally-silent", "--force", "--no-padding", f"--output-prefix={out}/", *wavs)
    else:
        usage = job("peer", out, *wavs)
    return usage, sum((out / f"{wav.stem}.flac").stat().st_size for wav in wavs)


def encode_here(out: Path, wavs: list[Path]) -> None:
    """The same in this process."""
    import numpy as np
    import pyflac

    for wav in wavs:
        with wave.open(str(wav), "rb") as file, (out / f"{wav.stem}.flac").open("wb") as target:
            encoder = pyflac.StreamEncoder(
                file.getframerate(),
                lambda octets, length, samples, frame, target=target: target.write(octets),
                compression_level=5,
            )
            while pcm := file.readframes(1 << 16):
                encoder.process(np.frombuffer(pcm, "<i2"))
            encoder.finish()


if __name__ == "__main__":
    encode_here(Path(sys.argv[1]), [Path(wav) for wav in sys.argv[2:]])
