"""A call is recorded while a medium is tried, formatted, filled, wiped and pulled: the recorder does not notice."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from tests.disclosure.drives_contract import export, taken_on
from tests.kernel.box import Box, config_for
from tests.kernel.drive_rigs import UsbRig
from tests.kernel.header import Header
from tests.kernel.talk import Talk
from tests.kernel.world import RATE, World, tsuwa2
from tsuwaroku.disclosure.wipe import wipe
from tsuwaroku.errors import MediumError

pytestmark = [pytest.mark.slow, pytest.mark.kernel(limit_s=60)]


def acts(rig: UsbRig) -> None:
    registered = taken_on(rig, rig.new())
    export(rig, rig.replug(), registered)
    assert wipe(rig.drives, rig.replug()).clean
    with pytest.raises(MediumError, match="was pulled out"):
        wipe(rig.drives, rig.replug(), lambda done, total: rig.pull() if done > total // 2 else None)
    rig.close()


def test_the_recorder_does_not_notice(tmp_path: Path) -> None:
    # A process of its own: whatever these acts wait for, the exchange of this one must not.
    begin, go = os.pipe()
    child = os.fork()
    if not child:
        os.read(begin, 1)
        try:
            acts(UsbRig(tmp_path))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    talk = Talk("1", [(3.0, 18.0)])
    box = Box(tmp_path / "store", config_for("1"))
    header = Header()
    world = World(header, {"1": tsuwa2(1)}, [talk], watch=True)
    box.start()
    world.start()
    world.wait_until(4.0)
    os.write(go, b"x")
    world.wait_until(22.0)
    ended, status = os.waitpid(child, os.WNOHANG)
    restarts = box.pair.restarts
    box.stop()
    world.stop()
    header.close()
    assert (ended, status) == (child, 0)
    [call] = box.calls()
    noise = b"".join(talk.read(second * RATE, RATE) for second in range(30))
    assert (call.audio.gaps, restarts, box.verify().problems) == ([], 0, [])
    assert noise.find(box.sound()[call.id]) / 2 / RATE == pytest.approx(1.0, abs=0.03)
    lit = ["1" in glance.lit for glance in world.glances]
    assert [now for before, now in zip([False, *lit], lit, strict=False) if now != before] == [True, False]
