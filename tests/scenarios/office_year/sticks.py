"""Virtual sticks, as a demonstration's drawer has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tsuwaroku.disclosure.virtual_drives import StickState, VirtualDrives, VirtualStick

MIB = 1 << 20


class VirtualSticks:
    """The `Media` of a box without hardware."""

    capacity = 16 * MIB

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, VirtualStick] = {}
        self._plugged: VirtualStick | None = None

    def new(self, name: str) -> None:
        self.pull()
        state = StickState(serial=self.serial(name), capacity_octets=self.capacity)
        self._known[name] = VirtualStick(self._folder, name, state)
        self.plug(name)

    def plug(self, name: str) -> None:
        self.pull()
        stick = self._known[name]
        stick.change(pulled_after=None)
        if not stick.state.plugged:
            stick.plug()
        self._plugged = stick

    def pull(self) -> None:
        if self._plugged is not None and self._plugged.state.plugged:
            self._plugged.pull()
        self._plugged = None

    def pulled_in_an_export(self) -> None:
        assert self._plugged is not None
        self._plugged.change(pulled_after=MIB // 16)

    def serial(self, name: str) -> str:
        return f"4C53000123{name.removeprefix('M-')}77A"

    def files(self, name: str, into: Path) -> Path:
        self.plug(name)
        drives = VirtualDrives(self._folder)
        with drives.claim(drives.find().only()) as claimed, claimed.mounted(read_only=True) as root:
            return Path(shutil.copytree(root, into))

    def blank(self, name: str) -> bool:
        return not any(self._known[name].image.read_bytes())

    def close(self) -> None:
        self.pull()
