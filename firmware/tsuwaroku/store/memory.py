"""What stands in memory must not get onto a disk: call keys, private keys, sound."""

from __future__ import annotations

import resource


def keep_memory_private() -> None:
    """No core dumps: call keys and sound would stand in them in the clear. (systemd-coredump heeds the limit, too.)"""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
