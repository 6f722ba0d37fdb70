"""`python -m tests.fuzz.byatheris NAME SECONDS SEED FOLDER`: a target under atheris, which follows branches.

What it tried stays in FOLDER, and the octets of a script that failed; `--again FILE` in place of the three runs those.
"""

from __future__ import annotations

import sys
from pathlib import Path

MOST = 2048  # octets of a script


def main() -> None:
    """Ends with 0 where nothing was found, otherwise with the fuzzer's own code."""
    import atheris

    with atheris.instrument_imports(include=["tsuwaroku.signalling"]):
        from tests.fuzz.source import Octets
        from tests.fuzz.targets import TARGETS
    name, *rest = sys.argv[1:]
    target = TARGETS[name]
    if rest[0] == "--again":
        target(Octets(Path(rest[1]).read_bytes()))
        return
    seconds, seed, folder = rest
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST}", "-timeout=60", "-rss_limit_mb=1024"]
    options += [f"-artifact_prefix={folder}/{name}-", "-print_final_stats=1", "-len_control=20"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: target(Octets(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
