"""Imports point downward only, and the pure packages touch neither clock, disk, network nor threads.

console → service → disclosure, store, hal, signalling, notice → records → events, config, clock, errors.
The five of the third row never import one another; `exchange` knows the vocabulary alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "tsuwaroku"
ROOT = Path(__file__).parents[1] / "firmware" / PACKAGE

VOCABULARY = frozenset({"events", "config", "clock", "errors"})
BELOW = VOCABULARY | {"records"}
MIDDLE = frozenset({"disclosure", "store", "hal", "signalling", "notice"})

# What each part may import besides itself; "hal.board" allows that one module.
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "events": frozenset({"errors"}),
    "clock": frozenset({"errors"}),
    "config": frozenset({"errors", "events", "clock"}),
    "records": VOCABULARY,
    **dict.fromkeys(MIDDLE, BELOW),
    "exchange": BELOW | {"hal.board"},
    "service": BELOW | MIDDLE | {"exchange"},
    "console": BELOW | MIDDLE | {"exchange", "service"},
}
PURE = frozenset({"signalling", "notice", "records"})
CLOCK_AND_THREADS = {"time", "threading", "asyncio", "multiprocessing", "concurrent", "signal", "random", "secrets"}
DISK_AND_NETWORK = {"os", "pathlib", "socket", "subprocess", "select", "selectors", "shutil", "tempfile", "glob"}
DEVICES = {"fcntl", "ctypes", "alsaaudio", "gpiozero", "lgpio", "tinydb", "logging", "http", "urllib"}
# A library of pure functions, which only ctypes reaches.
EXCEPTED = {"signalling.spandsp": frozenset({"ctypes"})}
IMPURE = frozenset(CLOCK_AND_THREADS | DISK_AND_NETWORK | DEVICES)


def imports(tree: ast.AST, module: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported, in functions and under TYPE_CHECKING too.

    `from a import b` gives a.b: b may be a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                own = module.split(".") if is_package else module.split(".")[:-1]
                above = own[: len(own) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__"):
                yield node.lineno, str(node.args[0].value)


def within(name: str, parts: frozenset[str]) -> bool:
    return any(name == part or name.startswith(part + ".") for part in parts)


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module's source imports against the rules, as "module:line imports name"."""
    own = module.removeprefix(f"{PACKAGE}.")
    here = own.split(".")[0]
    found = []
    for line, name in imports(ast.parse(source), module, is_package=is_package):
        if name == PACKAGE or name.startswith(PACKAGE + "."):
            inner = name.removeprefix(PACKAGE).removeprefix(".")
            bad = not within(inner, ALLOWED[here] | {here, "__version__"})
        else:
            bad = here in PURE and within(name, IMPURE - EXCEPTED.get(own, frozenset()))
        if bad:
            found.append(f"{module}:{line} imports {name}")
    return found


def modules() -> list[tuple[str, Path]]:
    out = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts not in (("__init__",), ("__main__",)):
            out.append((".".join((PACKAGE, *(part for part in parts if part != "__init__"))), path))
    return out


def test_every_part_has_its_rule() -> None:
    assert {name.split(".")[1] for name, _ in modules()} == set(ALLOWED)


def test_imports_point_downward_only() -> None:
    found = [
        violation
        for module, path in modules()
        for violation in violations(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")
    ]
    assert found == []


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    assert [name for _, name in imports(tree, PACKAGE, is_package=True) if name.startswith(PACKAGE)] == []


@pytest.mark.parametrize(
    ("module", "source", "name"),
    [
        ("signalling.line", "import tsuwaroku.store.ring", "tsuwaroku.store.ring"),
        ("signalling.line", "from tsuwaroku.hal import board", "tsuwaroku.hal.board"),
        ("signalling.line", "from tsuwaroku import notice", "tsuwaroku.notice"),
        ("signalling.line", "from ..store import ring", "tsuwaroku.store.ring"),
        ("signalling.line", "from .. import store", "tsuwaroku.store"),
        ("signalling.line", "def late():\n    import time", "time"),
        ("signalling.line", "import os.path as p", "os.path"),
        ("signalling.line", "from pathlib import Path", "pathlib.Path"),
        ("signalling.dtmf", "import ctypes", "ctypes"),
        ("signalling.spandsp", "import os", "os"),
        ("notice.policy", "import threading", "threading"),
        ("notice.policy", "from time import monotonic_ns", "time.monotonic_ns"),
        ("records.call", "import socket", "socket"),
        ("records.call", "from tsuwaroku.store.seal import Seal", "tsuwaroku.store.seal.Seal"),
        ("store.ring", "from tsuwaroku.signalling.effects import Ended", "tsuwaroku.signalling.effects.Ended"),
        ("store.ring", "import importlib\nimportlib.import_module('tsuwaroku.hal.alsa')", "tsuwaroku.hal.alsa"),
        ("hal.virtual", "from tsuwaroku.exchange.script import Script", "tsuwaroku.exchange.script.Script"),
        ("hal.virtual", "if TYPE_CHECKING:\n    import tsuwaroku.service.recorder", "tsuwaroku.service.recorder"),
        ("exchange.script", "from tsuwaroku.hal.virtual import Board", "tsuwaroku.hal.virtual.Board"),
        ("service.recorder", "from tsuwaroku.console import cli", "tsuwaroku.console.cli"),
        ("clock", "from tsuwaroku.config import Config", "tsuwaroku.config.Config"),
        ("errors", "import tsuwaroku.events", "tsuwaroku.events"),
        ("signalling.line", "import tsuwaroku", "tsuwaroku"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str, name: str) -> None:
    line = len(source.splitlines())
    assert violations(source, f"{PACKAGE}.{module}") == [f"{PACKAGE}.{module}:{line} imports {name}"]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("signalling.line", "from tsuwaroku.records.call import Outcome\nfrom .hook import MS\nfrom . import hook"),
        ("signalling.line", "import timeit_like, ossify"),
        ("signalling.spandsp", "import ctypes\nimport ctypes.util"),
        ("exchange.script", "from tsuwaroku.hal.board import Board\nfrom tsuwaroku.hal import board"),
        ("store.ring", "import os, time, threading\nfrom pathlib import Path"),
        ("console.cli", "from tsuwaroku.service import control\nfrom tsuwaroku import __version__"),
    ],
)
def test_what_is_allowed_is_not_found(module: str, source: str) -> None:
    assert violations(source, f"{PACKAGE}.{module}") == []
