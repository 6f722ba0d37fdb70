"""What a configuration makes of a board's description."""

from __future__ import annotations

import pytest

from tsuwaroku.config import BoardConfig, CardConfig, Config, LineConfig
from tsuwaroku.errors import ConfigError
from tsuwaroku.hal.hats import HATS, BoardPlan, CardPlan, LinePlan, MeterPlan, Pin, resolve

TWO = (LineConfig(id="11", port=1), LineConfig(id="12", port=2))


def config(*lines: LineConfig, **board: object) -> Config:
    return Config(board=BoardConfig(**({"kind": "tsuwa2"} | board)), line=lines)  # type: ignore[arg-type]


def test_tsuwa2() -> None:
    assert resolve(config(*TWO, period_ms=40, buffer_ms=400)) == BoardPlan(
        name="tsuwa2",
        pin_factory="lgpio",
        gpio_chips=("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"),
        system_lamp=Pin(25),
        cards=(CardPlan("", "plughw:CARD=tsuwa2", "plughw:CARD=tsuwa2", 2, 6),),
        rate=8000,
        period=320,
        buffer=3200,
        lines=(
            LinePlan("11", 0, Pin(17), Pin(22, False), Pin(24), Pin(12, False), Pin(16)),
            LinePlan("12", 1, Pin(27), Pin(23, False), Pin(13), Pin(6, False), Pin(26)),
        ),
        meter=MeterPlan("mcp3208", {"11": 0, "12": 1}, 3.3 / 4096 / 0.0081),
    )


def test_tsuwa8() -> None:
    """Contacts, lamps and buttons are on expanders, by the names of their lines."""
    lines = tuple(LineConfig(id=f"2{port}", port=port) for port in (1, 8))
    plan = resolve(config(*lines, kind="tsuwa8"))
    assert (plan.system_lamp, plan.cards) == (Pin(16), (CardPlan("", "plughw:CARD=sndrpihifiberry", "", 8, 6),))
    assert plan.lines == tuple(
        LinePlan(
            f"2{n}", n - 1, Pin(f"HOOK{n}"), Pin(f"RING{n}_N", False), Pin(f"LED_REC{n}"), Pin(f"BTN{n}_N", False),
            Pin(f"INJ_EN{n}"),
        )
        for n in (1, 8)
    )  # fmt: skip
    assert [str(pin) for pin in plan.pins()][:4] == ["GPIO16", "HOOK1", "!RING1_N", "LED_REC1"]


def test_a_configuration_overrides_and_a_custom_board_gives_all() -> None:
    line = LineConfig(id="a", port=3, hook="GPIO5", ring="!BCM6", lamp="!gpio4")
    plan = resolve(
        config(line, kind="custom", capture="card", channels=8, gpio_chip="my-chip", pin_factory="rpigpio", rate=16000)
    )
    assert plan.lines == (LinePlan("a", 2, Pin(5), Pin(6, False), Pin(4, False), None, None),)
    assert (plan.cards, plan.rate) == ((CardPlan("", "card", "", 8),), 16000)
    assert (plan.pin_factory, plan.gpio_chips, plan.system_lamp) == ("rpigpio", ("my-chip",), None)
    moved = resolve(config(LineConfig(id="a", port=2, hook="!5")))
    assert moved.lines[0].hook == Pin(5, False)
    assert moved.lines[0].ring == Pin(23, False)


def test_the_rate_of_the_boards_card_is_its_own_and_not_that_of_another_put_in_its_place() -> None:
    def factor(**board: object) -> int:
        return resolve(config(*TWO, **board)).cards[0].factor

    assert factor() == 6
    assert factor(rate=16000) == 3
    assert factor(card_rate=8000) == 1
    assert factor(capture="usb") == 1
    assert factor(capture="usb", card_rate=48000) == 6
    usb = CardConfig(name="usb", channels=2, rate=48000)
    assert [card.factor for card in resolve(config(*TWO, on("usb", "x", 1, "4", "5"), card=(usb,))).cards] == [6, 6]


def on(card: str, line: str, port: int, hook: str, ring: str) -> LineConfig:
    return LineConfig(id=line, card=card, port=port, hook=hook, ring=ring)


def test_ports_count_for_each_card_and_a_further_card_has_no_connectors() -> None:
    """The board's description is of its own card; on another a port is a channel, and pins are given."""
    usb = CardConfig(name="usb", playback="usb", channels=4)
    line = on("usb", "21", 4, "5", "!4")
    plan = resolve(config(*TWO, line, card=(usb,)))
    assert plan.cards == (
        CardPlan("", "plughw:CARD=tsuwa2", "plughw:CARD=tsuwa2", 2, 6),
        CardPlan("usb", "usb", "usb", 4),
    )
    assert [(line.line, line.card, line.channel) for line in plan.lines] == [
        ("11", "", 0),
        ("12", "", 1),
        ("21", "usb", 3),
    ]
    assert plan.lines[2] == LinePlan("21", 3, Pin(5), Pin(4, False), None, None, None, "usb")


def test_the_boards_own_card_is_left_alone_where_no_line_is_on_it() -> None:
    a, b = CardConfig(name="a", channels=2), CardConfig(name="b", capture="plughw:CARD=c", channels=1)
    lines = on("a", "1", 1, "5", "4"), on("b", "2", 1, "6", "12")
    assert resolve(config(*lines, card=(a, b))).cards == (
        CardPlan("a", "a", "", 2),
        CardPlan("b", "plughw:CARD=c", "", 1),
    )


@pytest.mark.parametrize(
    ("bad", "message", "where"),
    [
        (config(*TWO, kind="nosuch"), "kind = 'nosuch' is no board known here", "configuration: board"),
        (config(LineConfig(id="1")), "has no port", "configuration: line 1"),
        (config(LineConfig(id="1", port=3)), "port = 3, but the board tsuwa2 has 2", "configuration: line 1"),
        (config(LineConfig(id="1", port=1, hook="GPIO99")), "'GPIO99' is no pin", "configuration: line 1"),
        (config(LineConfig(id="1", port=1, hook="abc")), "'abc' is no pin", "configuration: line 1"),
        (
            config(TWO[0], LineConfig(id="2", port=2, hook="GPIO17")),
            "GPIO17 is used by line 11 (hook) and by line 2 (hook)",
            "configuration",
        ),
        (
            config(LineConfig(id="2", port=2, lamp="25")),
            "GPIO25 is used by the system lamp and by line 2 (lamp)",
            "configuration",
        ),
        (
            config(LineConfig(id="2", port=2, lamp="19")),
            "GPIO19 is used by the board tsuwa2 itself and by line 2 (lamp)",
            "configuration",
        ),
        (
            config(LineConfig(id="2", port=2, speak="5")),
            "line 2 (speak) is on GPIO5, which is high from power-on until the service runs",
            "configuration",
        ),
        (
            config(LineConfig(id="1", port=1), kind="tsuwa8", pin_factory="rpigpio"),
            "line 1 (hook) is on HOOK1, and pin_factory = 'rpigpio' knows the header's pins alone",
            "configuration",
        ),
        (
            config(TWO[0], LineConfig(id="2", port=2, lamp="HOOK9", speak="HOOK9")),
            "HOOK9 is used by line 2 (lamp) and by line 2 (speak)",
            "configuration",
        ),
        (config(LineConfig(id="1", port=1, hook="GPIO_X")), "'GPIO_X' is no pin", "configuration: line 1"),
        (
            config(*TWO, card_rate=44100),
            "a card at 44100 Hz cannot be recorded at 8000 Hz: that is no multiple",
            "configuration: board",
        ),
        (
            config(TWO[0], on("usb", "x", 1, "4", "5"), card=(CardConfig(name="usb", channels=2, rate=44100),)),
            "a card at 44100 Hz cannot be recorded at 8000 Hz: that is no multiple",
            "configuration: board.card.usb",
        ),
        (
            config(LineConfig(id="1", port=1, hook="4", ring="5"), kind="custom", capture="c", meter="mcp3208"),
            "the board custom does not measure voltages",
            "configuration: board",
        ),
        (config(*TWO, kind="custom"), "names no sound card", "configuration: board"),
        (config(*TWO, kind="custom", capture="c"), "has no hook contact", "configuration: line 11"),
        (
            config(LineConfig(id="x", port=3, hook="4", ring="5"), kind="custom", capture="c"),
            "port = 3, but the sound card has 2 channels",
            "configuration: line x",
        ),
        (
            config(TWO[0], on("usb", "x", 3, "4", "5"), card=(CardConfig(name="usb", channels=2),)),
            "port = 3, but the sound card has 2 channels",
            "configuration: line x",
        ),
        (
            config(TWO[0], LineConfig(id="x", card="usb", port=1), card=(CardConfig(name="usb", channels=2),)),
            "has no hook contact",
            "configuration: line x",
        ),
        (
            config(on("usb", "x", 1, "4", "5"), capture="tsuwa2", card=(CardConfig(name="usb", channels=2),)),
            "no line is on the board's own card",
            "configuration: board",
        ),
        (
            config(TWO[0], on("tsuwa2", "x", 2, "4", "5"), card=(CardConfig(name="tsuwa2", channels=2),)),
            "board and board.card.tsuwa2 both capture from tsuwa2",
            "configuration",
        ),
        (
            config(
                *(on(card, card, 1, pin, pin + "0") for card, pin in (("a", "1"), ("b", "2"))),
                card=(
                    CardConfig(name="a", capture="hw:x,0", channels=2),
                    CardConfig(name="b", capture="plughw:CARD=x,DEV=0", channels=2),
                ),
            ),
            "board.card.a and board.card.b both capture from plughw:CARD=x,DEV=0",
            "configuration",
        ),
    ],
)
def test_refusals(bad: Config, message: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(bad)
    assert (caught.value.message, caught.value.where) == (message, where)
    assert caught.value.remedy


def test_every_description_is_sound() -> None:
    for hat in HATS.values():
        lines = tuple(LineConfig(id=str(port + 1), port=port + 1) for port in range(len(hat.ports)))
        if lines:
            assert len(resolve(config(*lines, kind=hat.name)).lines) == len(lines)
