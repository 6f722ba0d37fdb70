"""Says at the end of every run what it left out: nobody should take a fast tier for the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kernel import plugin as kernel_bench

TIER_MARKS = ("nightly", "slow")
OTHER = "not asked for"

_left_out = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--counts", type=Path, metavar="FILE", help="write the numbers passed, failed, skipped to FILE")
    kernel_bench.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_left_out] = Counter()
    kernel_bench.register(config)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count each test left out under the mark that keeps it out of a tier, the rarest tier first."""
    for item in items:
        mark = next((name for name in TIER_MARKS if item.get_closest_marker(name)), OTHER)
        item.config.stash[_left_out][mark] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With pytest-xdist the workers collect, each of them everything: hand their count to the controller."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        left_out = session.config.stash[_left_out]
        output["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    left_out: Counter[str] = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    config.stash[_left_out] = left_out


def left_out_line(left_out: Counter[str]) -> str:
    """`3 tests left out: 2 slow, 1 nightly.`, or that there are none."""
    if not left_out:
        return "No test was left out."
    kinds = ", ".join(f"{count} {mark}" for mark, count in sorted(left_out.items(), key=lambda kind: -kind[1]))
    return f"{left_out.total()} {'test' if left_out.total() == 1 else 'tests'} left out: {kinds}."


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    def count(*outcomes: str) -> int:
        return sum(len(terminalreporter.stats.get(outcome, ())) for outcome in outcomes)

    terminalreporter.section("left out")
    terminalreporter.line(left_out_line(config.stash[_left_out]))
    if count("skipped"):
        terminalreporter.line(f"{count('skipped')} skipped, for the reasons below.")
    kernel_bench.say_missing(terminalreporter)
    kernel_bench.say_measured(terminalreporter)
    counts: Path | None = config.getoption("--counts")
    if counts is not None:
        numbers = count("passed"), count("failed", "error", "xpassed"), count("skipped")
        counts.write_text("{} {} {}\n".format(*numbers), encoding="utf-8")
