"""What every board owes the recorder, owed by the real one on the kernel's own card and pins: lgpio's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import test_board
from tests.contract.bench import BenchRig
from tests.contract.rigs import Rig
from tests.contract.test_board import run as run

pytestmark = [pytest.mark.slow, pytest.mark.kernel]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with BenchRig(tmp_path_factory.mktemp("bench")) as made:
        yield made


# The contract itself, each test of it: what is added there is owed here.
globals().update({name: test for name, test in vars(test_board).items() if name.startswith("test_")})
