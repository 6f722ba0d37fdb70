"""The plug-in: a test inside the guest reports as any other, whatever becomes of it or of its guest."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.kernel.guest import HERE, PYTHON, ROOT
from tests.kernel.plugin import KERNEL_VARIABLE, MISSING, REQUIRED_VARIABLE, need_kernel, without_kernel_line

SAMPLE = "tests/kernel/sample_outcomes.py"
OUTCOMES = {
    "test_passes": "PASSED",
    "test_fails": "FAILED",
    "test_has_a_broken_fixture": "ERROR",
    "test_is_skipped": "SKIPPED",
    "test_is_expected_to_fail": "XFAIL",
    "test_has_an_odd_name[a@b]": "PASSED",
    "test_has_an_odd_name[with space]": "PASSED",
    "test_has_an_odd_name[\\u6f22\\u5b57]": "PASSED",
    "test_spins": "FAILED",
    "test_after_the_spin": "PASSED",
    "test_takes_the_machine_down": "FAILED",
    "test_after_the_fall": "PASSED",
}


def run(*arguments: str, **variables: str) -> str:
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", "-v", SAMPLE, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"COLUMNS": "200", **variables}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False).stdout


def outcomes(output: str) -> dict[str, str]:
    """Test -> its outcome, of a verbose run, with or without workers."""
    with_workers = re.findall(rf"^\[gw\d\] \[.*?\] (\w+) {SAMPLE}::(.+)@{SAMPLE}", output, re.MULTILINE)
    alone = re.findall(rf"^{SAMPLE}::(.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL)\b", output, re.MULTILINE)
    return {test: outcome for outcome, test in with_workers} or dict(alone)


@pytest.mark.slow
@pytest.mark.timeout(400)  # several guests, one after another; a minute on a busy machine
@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_outcome_is_reported_and_a_lost_guest_costs_one_test(workers: str) -> None:
    output = run(f"-n{workers}", "--dist=loadgroup", **{KERNEL_VARIABLE: str(need_kernel())})
    assert outcomes(output) == OUTCOMES
    assert "AssertionError: assert '6." in output  # the reason, from inside
    assert "the guest was stopped at its time limit" in output
    assert "a broken fixture" in output
    assert "6 passed, 1 skipped, 1 xfailed" in output


def test_without_a_kernel_it_says_so_loudly() -> None:
    output = run(**{KERNEL_VARIABLE: "", REQUIRED_VARIABLE: ""})
    assert outcomes(output) == dict.fromkeys(OUTCOMES, "SKIPPED")
    assert without_kernel_line(len(OUTCOMES)) in output


def test_where_it_is_required_a_missing_kernel_fails() -> None:
    output = run(**{KERNEL_VARIABLE: "", REQUIRED_VARIABLE: "1"})
    assert set(outcomes(output).values()) == {"ERROR"}
    assert MISSING in output


def test_the_build_says_what_it_needs() -> None:
    def ask(option: str) -> str:
        return subprocess.run([HERE / "build", option], capture_output=True, text=True, check=True).stdout

    assert "flex" in ask("--packages").splitlines()
    assert "scripts/setup --kernel-bench" in ask("--help")
