"""A keeper at its sockets, in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsuwaroku.config import Config
from tsuwaroku.service import control
from tsuwaroku.service.keeper import Keeper
from tsuwaroku.service.sockets import keeper_socket, link_socket


@contextmanager
def serving(keeper: Keeper, store: Path, settings: Config) -> Iterator[None]:
    """The keeper is started already; closing it is the caller's. Both sockets listen from the first line on."""
    paths = keeper_socket(store, settings), link_socket(store)
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        task = asyncio.create_task(control.serve(keeper, *paths, stop))
        while not paths[1].exists():
            await asyncio.sleep(0.01)
        ready.set()
        await task

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
