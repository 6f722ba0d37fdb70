"""A keeper at its socket over a store with real calls in it, and what the console gets of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.service.requestbox import RequestBox
from tests.service.serving import serving
from tsuwaroku.console.keepersource import KeeperSource
from tsuwaroku.service.sockets import keeper_socket
from tsuwaroku.store.keys import PrivateKey


@contextmanager
def asked(box: RequestBox) -> Iterator[KeeperSource]:
    """The source that a forwarded socket is."""
    with serving(box.keeper, box.path, box.settings):
        yield KeeperSource(keeper_socket(box.path, box.settings))


def key_of(box: RequestBox) -> PrivateKey:
    """The demonstration's."""
    return PrivateKey.load(Path(box.path) / "demo.key", lambda: "")
