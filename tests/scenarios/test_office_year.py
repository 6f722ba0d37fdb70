"""A year of an office on the product's real parts, 令和8年度 and into the next: what each ledger says at its end is
what was done, and can be made again from ring, journals and audit log alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.people import needs_root

ROOT = Path(__file__).parents[2]
LIMIT_S = 380

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LIMIT_S + 20), needs_root]


def test_a_year_of_an_office(record_property: Callable[[str, object], None]) -> None:
    command = [sys.executable, "-m", "tests.scenarios.office_year"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record_property("measured", done.stdout.splitlines()[-1])
