"""The boards: their own checks, run as somebody who builds one would run them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_boards_pass_their_checks() -> None:
    if subprocess.run([ROOT / "scripts" / "setup", "--hw", "--check"], check=False).returncode != 0:
        pytest.skip("what checks the boards is not installed: scripts/setup --hw installs it")
    done = subprocess.run(["make", "-C", ROOT / "hw", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout
