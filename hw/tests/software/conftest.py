"""Overlays compiled and applied to the trees of a Pi 4 and a Pi 5, once a session."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HW = Path(__file__).resolve().parents[2]
BOARDS = ("tsuwa2", "tsuwa8")
PIS = ("pi4", "pi5")


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """A tool's result; whatever it complains of fails the test."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done


class Tree:
    """A device tree blob, read through fdtget."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cells(self, node: str, name: str) -> list[int]:
        return [int(cell, 16) for cell in run("fdtget", "-t", "x", self.path, node, name).stdout.split()]

    def strings(self, node: str, name: str) -> list[str]:
        octets = bytes(int(one, 16) for one in run("fdtget", "-t", "bx", self.path, node, name).stdout.split())
        return octets.decode().rstrip("\0").split("\0")

    def text(self, node: str, name: str) -> str:
        (only,) = self.strings(node, name)
        return only

    def nodes(self, node: str) -> list[str]:
        return run("fdtget", "-l", self.path, node).stdout.split()

    def names(self, node: str) -> list[str]:
        return run("fdtget", "-p", self.path, node).stdout.split()

    def labelled(self, label: str) -> str:
        """The path of the node that the sources call so."""
        return self.text("/__symbols__", label)

    def handle(self, node: str) -> list[int]:
        return self.cells(node, "phandle")


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Tree]:
    """The tree of a Pi with a board's overlay in it; of a Pi alone where the board is empty."""
    folder = tmp_path_factory.mktemp("trees")
    made: dict[tuple[str, str], Tree] = {}
    for board in BOARDS:
        done = run(
            "dtc", "-@", "-I", "dts", "-O", "dtb", "-o", folder / f"{board}.dtbo", HW / board / f"{board}-overlay.dts"
        )
        assert done.stderr == "", done.stderr
    for pi in PIS:
        run(
            "dtc",
            "-q",
            "-@",
            "-I",
            "dts",
            "-O",
            "dtb",
            "-o",
            folder / f"{pi}.dtb",
            HW / "tests/software/trees" / f"{pi}.dts",
        )
        made[pi, ""] = Tree(folder / f"{pi}.dtb")
    for pi, board in itertools.product(PIS, BOARDS):
        whole = folder / f"{pi}-{board}.dtb"
        run("fdtoverlay", "-i", folder / f"{pi}.dtb", "-o", whole, folder / f"{board}.dtbo")
        made[pi, board] = Tree(whole)
    return lambda pi, board: made[pi, board]
