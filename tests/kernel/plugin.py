"""Runs tests marked `kernel` inside the test kernel and reports them as any other.

Outside, the first test of a group (a module's tests for one machine) boots a guest, in which the whole group runs at
once; each test's outcome, output, console and real duration are then reported in its turn. Inside, this same file only
writes the reports down. A test that never ends costs its limit, no more: the guest is stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.guest import HERE, PYTHON, SHARE, Ended, Guest
from tests.kernel.machines import MACHINES

KERNEL_VARIABLE = "TSUWAROKU_TEST_KERNEL"
REQUIRED_VARIABLE = "TSUWAROKU_KERNEL_REQUIRED"
# What one test may take in real seconds, where its mark does not say; a boot takes 1 to 3.
LIMIT_S = 60.0
BOOT_S = 15.0
_OURS = "--in-guest"
# Limits are real time and kept outside; nothing can be written beside the tests.
_WITHOUT = ("xdist", "cacheprovider")
_PYTEST = [
    str(PYTHON),
    "-m",
    "pytest",
    *(f"-pno:{name}" for name in _WITHOUT),
    "--timeout=0",
    f"{_OURS}={SHARE / 'reports'}",
]


def add_option(parser: pytest.Parser) -> None:
    """Only the plug-in itself gives it, to the pytest that it starts inside."""
    parser.addoption(_OURS, type=Path, default=None, help="(inside the test kernel) write the reports to this file")


def register(config: pytest.Config) -> None:
    """Outside: the runner. Inside: the writer of reports."""
    config.addinivalue_line(
        "markers",
        "kernel(machine='one card', limit_s=60): runs inside the test kernel, on a machine of tests/kernel/machines.py",
    )
    reports: Path | None = config.getoption("in_guest")
    config.pluginmanager.register(Outside(config) if reports is None else Inside(config, reports), "kernel bench")


def find_kernel() -> Path | None:
    """The test kernel that fits this checkout, where there is one; what it costs to look is paid once a run."""
    if KERNEL_VARIABLE not in os.environ:
        done = subprocess.run([HERE / "build", "--check"], capture_output=True, text=True, check=False)
        os.environ[KERNEL_VARIABLE] = done.stdout.strip()
    return Path(os.environ[KERNEL_VARIABLE]) if os.environ[KERNEL_VARIABLE] else None


MISSING = "the test kernel is not built: run scripts/setup --kernel-bench (5 minutes, once; x86-64 only)"


class Inside:
    """One report a line, each on the host's disk before the next test begins."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._file.write(json.dumps(data) + "\n")


@dataclass
class Group:
    """The tests that share a guest, and what came out of it."""

    machine: str
    items: list[pytest.Item] = field(default_factory=list)
    reports: dict[str, list[pytest.TestReport]] = field(default_factory=dict)
    ended: Ended | None = None

    @property
    def limit_s(self) -> float:
        return BOOT_S + sum(limit_of(item) for item in self.items)


def _mark(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("kernel")


def machine_of(item: pytest.Item) -> str:
    mark = _mark(item)
    assert mark is not None
    return str(mark.kwargs.get("machine", "one card"))


def limit_of(item: pytest.Item) -> float:
    mark = _mark(item)
    assert mark is not None
    return float(mark.kwargs.get("limit_s", LIMIT_S))


class Outside:
    """Boots a guest for each group, when its first test comes up."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._groups: dict[str, Group] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A group stays in one worker, its limit is ours to watch, and the long groups begin first."""
        for item in items:
            if _mark(item) is not None:
                name = _group_name(item)
                item.add_marker(pytest.mark.xdist_group(name))
                item.add_marker(pytest.mark.timeout(0))
        items.sort(key=lambda item: _mark(item) is None)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if _mark(item) is not None:
                self._groups.setdefault(_group_name(item), Group(machine_of(item))).items.append(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if _mark(item) is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(self, item: pytest.Item) -> list[pytest.TestReport]:
        kernel = find_kernel()
        if kernel is None:
            return [_without_kernel(item)]
        group = self._groups[_group_name(item)]
        if group.ended is None:
            self._run(kernel, group)
        assert group.ended is not None
        reports = group.reports.get(_inner_id(item), [])
        for report in reports:
            report.nodeid = item.nodeid
            if report.failed:
                report.sections.append(("guest console", group.ended.console[-6000:]))
        if not any(report.when == "teardown" for report in reports):
            reports.append(_broken(item, group.ended))
        return reports

    def _run(self, kernel: Path, group: Group) -> None:
        factory: pytest.TempPathFactory = self._config._tmp_path_factory  # type: ignore[attr-defined]
        share = factory.mktemp("guest")
        written = share / "reports"
        written.touch()
        (share / "tests").write_text("\n".join(_inner_id(item) for item in group.items) + "\n")
        arrivals = Arrivals(written)
        guest = Guest(kernel, MACHINES[group.machine], share)
        group.ended = guest.run(
            [*_PYTEST, f"@{SHARE / 'tests'}"],
            group.limit_s,
            {"HYPOTHESIS_STORAGE_DIRECTORY": "/run/tmp/hypothesis"},
        )
        for at_s, line in arrivals.close():
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=json.loads(line))
            report.sections.append(("time in the guest", f"{report.duration:.3f} s"))
            report.duration = at_s
            group.reports.setdefault(report.nodeid, []).append(report)


class Arrivals:
    """When each line of a growing file arrived, in real seconds after the one before: the guest's clock is not ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[tuple[float, str]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        with self._path.open(encoding="utf-8") as file:
            before = time.monotonic()
            rest = ""
            while True:
                last = self._done.wait(0.05)
                rest += file.read()
                *whole, rest = rest.split("\n")
                now = time.monotonic()
                for line in whole:
                    self._lines.append((now - before, line))
                    before = now
                if last:
                    return

    def close(self) -> Iterator[tuple[float, str]]:
        self._done.set()
        self._thread.join()
        return iter(self._lines)


def _group_name(item: pytest.Item) -> str:
    return f"kernel {item.location[0]} {machine_of(item)}"


def _inner_id(item: pytest.Item) -> str:
    """The test's id as the guest knows it: pytest-xdist appends the group to it out here."""
    return item.nodeid.removesuffix(f"@{_group_name(item)}")


def _report(item: pytest.Item, outcome: Any, text: Any, when: Any) -> pytest.TestReport:
    return pytest.TestReport(item.nodeid, item.location, dict.fromkeys(item.keywords, 1), outcome, text, when)


def _without_kernel(item: pytest.Item) -> pytest.TestReport:
    if os.environ.get(REQUIRED_VARIABLE):
        return _report(item, "failed", MISSING, "setup")
    path, line, _ = item.location
    return _report(item, "skipped", (path, line, f"Skipped: {MISSING}"), "setup")


def _broken(item: pytest.Item, ended: Ended) -> pytest.TestReport:
    """The guest ended before this test did."""
    return _report(item, "failed", f"the test did not end: {ended.say()}", "call")
