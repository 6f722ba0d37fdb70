"""Runs tests marked `kernel` inside the test kernel and reports them as any other.

Outside, the first test of a group (a module's tests for one machine) boots a guest, in which the group runs at once;
each test's outcome, output, console and real duration are then reported in its turn. Inside, this same file only
writes down what happens. A test that hangs or takes its guest down costs its own limit and fails; the rest of its
group goes on in a fresh guest. Other time limits (`timeout` marks) do not hold inside, where time is virtual.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.guest import HERE, PYTHON, SHARE, Ended, Guest
from tests.kernel.machines import MACHINES

KERNEL_VARIABLE = "TSUWAROKU_TEST_KERNEL"
REQUIRED_VARIABLE = "TSUWAROKU_KERNEL_REQUIRED"
MISSING = "the test kernel is not built: run scripts/setup --kernel-bench (5 minutes, once; x86-64 only)"
# What one test may take in real seconds, where its mark does not say; booting and collecting take 3, alone on a core.
LIMIT_S = 60.0
BOOT_S = 180.0
# A limit is for a machine of one's own, and ends what hangs: where others have the processors all takes so many times
# longer.
PATIENCE = 4.0
CONSOLE_TAIL = 6000
SECTION_TAIL = 20_000

_OURS = "--in-guest"
# Limits are real time and kept outside; nothing can be written beside the tests.
_PLUGINS = [f"-pno:{name}" for name in ("xdist", "cacheprovider")]
_PYTEST = [str(PYTHON), "-m", "pytest", *_PLUGINS, "--timeout=0", f"{_OURS}={SHARE / 'reports'}"]


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


def need_kernel() -> Path:
    """For a test that boots guests itself: the kernel, or the test is skipped, or failed where it is required."""
    kernel = find_kernel()
    if kernel is None:
        (pytest.fail if os.environ.get(REQUIRED_VARIABLE) else pytest.skip)(MISSING)
    return kernel


def without_kernel_line(skipped: int) -> str:
    """For the end of a run in which tests were skipped for want of a kernel."""
    return f"THE KERNEL BENCH DID NOT RUN: {skipped} tests skipped, {MISSING}."


def say_missing(terminal: pytest.TerminalReporter) -> None:
    """Nobody should take a run without the bench for one with it."""
    skipped = [report for report in terminal.stats.get("skipped", ()) if MISSING in str(report.longrepr)]
    if skipped:
        terminal.line(without_kernel_line(len(skipped)), red=True, bold=True)


def say_measured(terminal: pytest.TerminalReporter) -> None:
    """What a test wants people to see even where it passed: its property `measured`."""
    for report in terminal.stats.get("passed", ()):
        for line in dict(report.user_properties).get("measured", "").splitlines():
            terminal.line(line)


class Inside:
    """One event a line, each on the host's disk before anything else happens."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def pytest_unconfigure(self) -> None:
        self._file.close()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._file.write(json.dumps({"begins": nodeid}) + "\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._file.write(json.dumps(data) + "\n")


@dataclass
class Group:
    """The tests that share a guest, in their order, and what has come out of it."""

    machine: str
    limits: dict[str, float] = field(default_factory=dict)  # by the tests' ids inside
    reports: dict[str, list[pytest.TestReport]] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)  # the run each test was in

    def ran(self, test: str) -> bool:
        return test in self.ended


class Outside:
    """Boots a guest for each group, when its first test comes up."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._groups: dict[str, Group] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """A group stays in one worker, and its limit is ours to watch. Of what is then selected the long groups begin
        first: the longest, at the end, would have one worker wait for the other."""
        for item in items:
            if _mark(item) is not None:
                item.add_marker(pytest.mark.xdist_group(_group_name(item)))
                item.add_marker(pytest.mark.timeout(0))
        yield
        allowed_s: Counter[str] = Counter()
        for item in items:
            if _mark(item) is not None:
                allowed_s[_group_name(item)] += round(_limit_of(item))

        def place(item: pytest.Item) -> tuple[bool, int, str]:
            group = "" if _mark(item) is None else _group_name(item)
            return not group, -allowed_s[group], group

        items.sort(key=place)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if _mark(item) is not None:
                group = self._groups.setdefault(_group_name(item), Group(_machine_of(item)))
                group.limits[_inner_id(item)] = _limit_of(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
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
        group, test = self._groups[_group_name(item)], _inner_id(item)
        while not group.ran(test):
            self._run(kernel, group)
        reports, ended = group.reports.get(test, []), group.ended[test]
        for report in reports:
            report.nodeid = item.nodeid
            if report.failed:
                report.sections.append(("guest console", ended.console[-CONSOLE_TAIL:]))
        if not any(report.when == "teardown" for report in reports):
            reports.append(_report(item, "failed", f"the test did not end: {ended.say()}", "call"))
        return reports

    def _run(self, kernel: Path, group: Group) -> None:
        """One guest for the tests that have not run; afterwards at least the first of them has."""
        tests = [test for test in group.limits if not group.ran(test)]
        share: Path = self._config._tmp_path_factory.mktemp("guest")  # type: ignore[attr-defined]
        (share / "tests").write_text("\n".join(tests) + "\n")
        (share / "reports").touch()
        events = Events(share / "reports", {test: group.limits[test] for test in tests})
        ended = Guest(kernel, MACHINES[group.machine], share).run(
            [*_PYTEST, f"@{SHARE / 'tests'}"],
            BOOT_S + sum(group.limits[test] for test in tests),
            {"HYPOTHESIS_STORAGE_DIRECTORY": "/run/tmp/hypothesis"},
            overdue=events.overdue,
        )
        events.overdue()
        for seconds, data in events.reports:
            report = self._config.hook.pytest_report_from_serializable(config=self._config, data=data)
            # A library that spins on a lost device can write a gigabyte.
            report.sections = [(name, text[-SECTION_TAIL:]) for name, text in report.sections]
            report.sections.append(("time in the guest", f"{report.duration:.3f} s"))
            report.duration = seconds
            if isinstance(report.longrepr, list):  # where a skip was: JSON has no tuples
                report.longrepr = tuple(report.longrepr)
            group.reports.setdefault(report.nodeid, []).append(report)
        # A guest that did not get as far as a test would not do so the next time.
        begun = events.begun or tests
        group.ended.update(dict.fromkeys(tests if ended.status is not None else begun, ended))


class Events:
    """What the guest writes down, and when it came in real time: the guest's own clock says nothing of that."""

    def __init__(self, path: Path, limits: dict[str, float]) -> None:
        self._path = path
        self._offset = 0
        self._limits = limits
        self._last_s = time.monotonic()
        self._allowed_s = BOOT_S
        self.begun: list[str] = []
        self.reports: list[tuple[float, dict[str, Any]]] = []  # real seconds since the event before, serialised report

    def overdue(self) -> bool:
        """Take in what is new; whether the test that is running (or the boot) has used up its time."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole + newline)
        now = time.monotonic()
        for line in whole.splitlines():
            data = json.loads(line)
            if "begins" in data:
                self.begun.append(data["begins"])
                self._allowed_s = self._limits.get(data["begins"], PATIENCE * LIMIT_S)
                self._last_s = now
            else:
                self.reports.append((now - self._last_s, data))
                self._allowed_s -= now - self._last_s
                self._last_s = now
        return now - self._last_s > self._allowed_s


def _mark(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("kernel")


def _asked(item: pytest.Item, name: str, otherwise: Any) -> Any:
    mark = _mark(item)
    return otherwise if mark is None else mark.kwargs.get(name, otherwise)


def _machine_of(item: pytest.Item) -> str:
    return str(_asked(item, "machine", "one card"))


def _limit_of(item: pytest.Item) -> float:
    return PATIENCE * float(_asked(item, "limit_s", LIMIT_S))


def _group_name(item: pytest.Item) -> str:
    # By the module that asks for it: item.location is where a test was written, and a contract has many takers.
    return f"{item.nodeid.split('::', 1)[0]} on {_machine_of(item)}".replace(" ", "_")


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
