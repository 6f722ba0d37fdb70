"""Every octet that the recorder writes into its store, and every sync: `python -m tests.bench.counted SCRIPT STORE`.

`write_bytes` of /proc/self/io counts pages on their way out of the page cache, whenever the kernel sends them. What
the store asks for is exact: all of it writes through `os.pwrite` and `os.write` and syncs through `os.fsync` and
`os.fdatasync`, which are wrapped here. The file system's own journal is not counted.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsuwaroku.service.simulate import simulate
from tsuwaroku.store.ring import RingFiles

AREAS = ("ring", "journal", "catalogue", "audit")


class Counter:
    """Counts by part of the store. `counts[area]` has `octets`, `writes` and `syncs`."""

    def __init__(self, store: Path) -> None:
        self._store = store.resolve()
        self.counts: dict[str, dict[str, int]] = defaultdict(lambda: {"octets": 0, "writes": 0, "syncs": 0})
        self.commits = 0

    def wrap_os(self) -> None:
        """Count what is written and synced, until the process ends."""
        for name in ("pwrite", "write"):
            setattr(os, name, self._writing(getattr(os, name)))
        for name in ("fsync", "fdatasync"):
            setattr(os, name, self._syncing(getattr(os, name)))

    def wrap_ring(self) -> None:
        """Count the group commits."""
        sync = RingFiles.sync

        def counted_sync(ring: RingFiles) -> None:
            self.commits += 1
            sync(ring)

        setattr(RingFiles, "sync", counted_sync)  # noqa: B010  mypy knows no other way to wrap a method

    def _writing(self, write: Callable[..., int]) -> Callable[..., int]:
        def counted(fd: int, *args: Any) -> int:
            written = write(fd, *args)
            if count := self._count(fd):
                count["octets"] += written
                count["writes"] += 1
            return written

        return counted

    def _syncing(self, sync: Callable[[int], None]) -> Callable[[int], None]:
        def counted(fd: int) -> None:
            sync(fd)
            if count := self._count(fd):
                count["syncs"] += 1

        return counted

    def _count(self, fd: int) -> dict[str, int] | None:
        """Where this descriptor belongs; None outside the store."""
        try:
            parts = Path(os.readlink(f"/proc/self/fd/{fd}")).relative_to(self._store).parts
        except (OSError, ValueError):
            return None
        return self.counts[parts[0] if parts and parts[0] in AREAS else "rest"]


def asked() -> int:
    """Octets this process has handed to any `write` of the kernel's, sockets and pipes included: at least what is
    counted here, and little more."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").split("wchar:")[1].split()[0])


def main() -> None:
    script, store = Path(sys.argv[1]), Path(sys.argv[2])
    counter = Counter(store)
    counter.wrap_os()
    counter.wrap_ring()
    before = asked()
    simulate(script, store, fast=True)
    print(json.dumps({"counts": counter.counts, "commits": counter.commits, "asked": asked() - before}))


if __name__ == "__main__":
    main()
