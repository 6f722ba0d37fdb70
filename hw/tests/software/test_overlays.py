"""What the overlays make of a Pi's tree: the right blocks on, wired to each other, and nothing else touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.tests.software.conftest import BOARDS, HW, PIS, Tree
from hw.tsuwa2 import pinmap

Trees = Callable[[str, str], Tree]


def on(tree: Tree, label: str) -> bool:
    return tree.text(tree.labelled(label), "status") == "okay"


@pytest.mark.parametrize("pi", PIS)
def test_tsuwa2_takes_the_i2s_block_that_receives_its_clocks(trees: Trees, pi: str) -> None:
    """A Pi 5 has another block, which gives clocks: two that do so on one bus would fight."""
    tree = trees(pi, "tsuwa2")
    consumer, producer = tree.labelled("i2s_clk_consumer"), tree.labelled("i2s_clk_producer")
    assert (consumer == producer) == (pi == "pi4")
    assert on(tree, "i2s_clk_consumer")
    if pi == "pi5":
        assert tree.text(producer, "status") == "disabled"
    sound = "/tsuwa2-sound"
    cpu, codec = f"{sound}/simple-audio-card,cpu", f"{sound}/simple-audio-card,codec"
    assert tree.cells(cpu, "sound-dai") == tree.handle(consumer)
    assert tree.cells(codec, "sound-dai") == tree.handle(f"{tree.labelled('i2c1')}/codec@1a")
    assert tree.cells(codec, "clocks") == tree.handle("/tsuwa2-mclk")
    for master in ("bitclock-master", "frame-master"):
        assert tree.cells(sound, f"simple-audio-card,{master}") == tree.handle(codec)
    assert (tree.cells(cpu, "dai-tdm-slot-num"), tree.cells(cpu, "dai-tdm-slot-width")) == ([2], [32])


def test_the_codec_gives_as_many_bit_clocks_a_frame_as_the_pi_counts() -> None:
    """Master in normal mode it divides MCLK by 4, whatever the rate: 64 a frame at 48 kHz, 384 at 8 kHz."""
    assert pinmap.MCLK_HZ // 4 == 2 * 32 * 48_000
    assert pinmap.MCLK_HZ // 4 == 384 * 8000
    assert pinmap.MCLK_HZ == 256 * 48_000


@pytest.mark.parametrize("pi", PIS)
@pytest.mark.parametrize("board", BOARDS)
def test_the_voltage_adc_has_its_chip_select_and_its_reference(trees: Trees, pi: str, board: str) -> None:
    tree = trees(pi, board)
    spi = tree.labelled("spi0")
    assert on(tree, "spi0")
    assert tree.text(f"{spi}/spidev@0", "status") == "disabled"
    adc = f"{spi}/adc@0"
    assert (tree.cells(adc, "reg"), tree.text(adc, "compatible")) == ([0], "microchip,mcp3208")
    assert tree.cells(adc, "vref-supply") == tree.handle("/fixedregulator_3v3")
    assert tree.cells(adc, "spi-max-frequency")[0] <= 1_000_000  # its limit at 2.7 V, and it has 3.3


@pytest.mark.parametrize("pi", PIS)
@pytest.mark.parametrize("board", BOARDS)
def test_no_kernel_driver_has_a_pin_that_the_recorder_takes(trees: Trees, pi: str, board: str) -> None:
    """Of the header's pins the overlay itself claims the expanders' interrupts alone."""
    source = (HW / board / f"{board}-overlay.dts").read_text(encoding="utf-8")
    assert re.findall(r"gpio-(?:keys|leds|hog)\b|\bgpios\s*=", re.sub(r"//.*", "", source)) == []
    before, after = trees(pi, ""), trees(pi, board)
    gpio = before.labelled("gpio")
    assert set(after.names(gpio)) - {"phandle"} == set(before.names(gpio)) - {"phandle"}


@pytest.mark.parametrize("pi", PIS)
def test_nothing_else_of_the_tree_changes(trees: Trees, pi: str) -> None:
    """What an overlay does not name stays off, and the same nodes are there."""
    before = trees(pi, "")
    assert set(trees(pi, "tsuwa2").nodes("/")) - set(before.nodes("/")) == {"tsuwa2-mclk", "tsuwa2-sound"}
    assert set(trees(pi, "tsuwa8").nodes("/")) - set(before.nodes("/")) == set()
    assert not on(trees(pi, "tsuwa8"), "i2s_clk_consumer")


def test_a_tree_without_what_an_overlay_needs_refuses_it(tmp_path: Path) -> None:
    """The stubs are what makes the other tests hold: without a label of theirs the overlay does not go in."""
    import subprocess

    stub = (HW / "tests/software/trees/pi4.dts").read_text(encoding="utf-8").replace("i2s_clk_consumer: ", "")
    (tmp_path / "stub.dts").write_text(stub)
    overlay = HW / "tsuwa2/tsuwa2-overlay.dts"
    for source, blob in ((tmp_path / "stub.dts", "stub.dtb"), (overlay, "o.dtbo")):
        subprocess.run(["dtc", "-q", "-@", "-O", "dtb", "-o", tmp_path / blob, source], check=True, timeout=30)
    done = subprocess.run(
        ["fdtoverlay", "-i", tmp_path / "stub.dtb", "-o", tmp_path / "m.dtb", tmp_path / "o.dtbo"],
        capture_output=True,
        timeout=30,
    )
    assert done.returncode != 0
