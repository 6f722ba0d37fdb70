"""Which gpiozero factory a pin is on: the header's chip, found by its label, or an expander's, by its lines' names.

The kernel drives the expanders; to us each is one more gpiochip. Neither chip numbers nor offsets are written anywhere:
both change between kernels and boards. The library is the one named; gpiozero's default, which quietly tries one after
another, is never asked.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsuwaroku.errors import BoardError
from tsuwaroku.hal.hats import BoardPlan, Pin

_DEV = Path("/dev")
_PI5 = 0x17  # revision codes from here on are BCM2712 boards, whose header hangs on the RP1


@dataclass(frozen=True)
class Chips:
    """`header` is the factory of the header's pins, `named` where each line is that has a name."""

    header: Any
    named: Mapping[str, tuple[Any, int]] = field(default_factory=dict)

    def of(self, pin: Pin) -> tuple[Any, int]:
        """The factory of a pin and its number there."""
        return (self.header, pin.place) if isinstance(pin.place, int) else self.named[pin.place]

    def close(self) -> None:
        """Release the chips, and forget their pins."""
        for factory in {id(one): one for one in (self.header, *(chip for chip, _ in self.named.values()))}.values():
            close_factory(factory)


def open_chips(plan: BoardPlan) -> Chips:
    """Those the plan needs, through the library it names. Raises BoardError; then none stays open."""
    with contextlib.ExitStack() as stack:
        header = pin_factory(plan)
        stack.callback(close_factory, header)
        names = [pin.place for pin in plan.pins() if isinstance(pin.place, str)]
        named = _named(names, stack) if names else {}
        stack.pop_all()
        return Chips(header, named)


def pin_factory(plan: BoardPlan) -> Any:
    """The factory of the header's chip, of the library the plan names and no other. Raises BoardError."""
    if plan.pin_factory == "rpigpio":
        return _rpigpio()
    return _lgpio(plan.gpio_chips)


def close_factory(factory: Any) -> None:
    """Release the chip, and forget the pins even where they cannot be released any more (the chip is gone): gpiozero
    keeps one list of them for all its factories, and would give the next board the dead ones.
    """
    for pin in factory.pins.values():
        with contextlib.suppress(Exception):  # lgpio's and RPi.GPIO's errors have no common base
            pin.close()
    factory.pins.clear()
    with contextlib.suppress(Exception):
        factory.close()


def _rpigpio() -> Any:
    local = importlib.import_module("gpiozero.pins.local")
    revision = 0
    with contextlib.suppress(Exception):  # no Pi at all: the import below says so
        revision = local.get_pi_revision()
    if revision & 0x800000 and (revision >> 4) & 0xFF >= _PI5:
        raise BoardError(
            "RPi.GPIO cannot drive a Raspberry Pi 5", where="board.pin_factory", remedy='use pin_factory = "lgpio"'
        )
    try:
        return _import_apart("gpiozero.pins.rpigpio").RPiGPIOFactory()
    except (ImportError, RuntimeError, OSError) as error:
        raise BoardError(
            f"RPi.GPIO cannot be used ({error})",
            where="board.pin_factory",
            remedy='use pin_factory = "lgpio", or install RPi.GPIO on a Pi 4 or older under Raspberry Pi OS',
        ) from error


def _module() -> Any:
    try:
        return _import_apart("gpiozero.pins.lgpio")
    except ImportError as error:
        raise BoardError(
            f"lgpio cannot be used ({error})", where="board.pin_factory", remedy="run scripts/setup: it installs lgpio"
        ) from error


def _lgpio(labels: Sequence[str]) -> Any:
    module = _module()
    chip = _chip_number(module.lgpio, labels)
    try:
        return module.LGPIOFactory(chip=chip)
    except module.lgpio.error as error:
        raise _not_opened(chip, error) from error


def _not_opened(chip: int, error: Exception) -> BoardError:
    return BoardError(
        f"gpiochip{chip} cannot be opened ({error})",
        where="board.gpio_chip",
        remedy="let the service's user into the group gpio",
    )


def _import_apart(name: str) -> Any:
    """Import it with a private working directory: lgpio makes a FIFO there, and changes to it, which is undone.

    The module RPi.GPIO may be one over lgpio (rpi-lgpio, Debian's python3-rpi-lgpio) and do the same. Once imported
    both ends of the FIFO are open and its name is not needed any more.
    """
    directory = Path.cwd()
    private = tempfile.mkdtemp(prefix="tsuwaroku-lgpio-")
    before = os.environ.get("LG_WD")
    os.environ["LG_WD"] = private
    try:
        return importlib.import_module(name)
    finally:
        os.chdir(directory)
        if before is None:
            del os.environ["LG_WD"]
        else:
            os.environ["LG_WD"] = before
        shutil.rmtree(private, ignore_errors=True)


def _present() -> list[int]:
    return sorted(int(path.name.removeprefix("gpiochip")) for path in _DEV.glob("gpiochip*"))


def _chip_number(lgpio: Any, labels: Sequence[str], chips: Sequence[int] | None = None) -> int:
    """The number of the first chip with one of the labels, in the order of the labels. Raises BoardError."""
    found: dict[str, int] = {}
    refused: list[str] = []
    for chip in _each(lgpio, _present() if chips is None else chips, refused):
        found.setdefault(chip.label(), chip.number)
    for label in labels:
        if label in found:
            return found[label]
    raise BoardError(
        f"no GPIO chip is labelled {' or '.join(labels)}",
        where="board.gpio_chip",
        remedy=f"chips present: {', '.join(found) or 'none'}; set gpio_chip to the label of the header's chip"
        + "".join(refused),
    )


def _line_places(lgpio: Any, names: Sequence[str], chips: Sequence[int] | None = None) -> dict[str, tuple[int, int]]:
    """Chip and offset of each line of these names. Raises BoardError where one is missing or is there twice."""
    found: dict[str, tuple[int, int]] = {}
    refused: list[str] = []
    for chip in _each(lgpio, _present() if chips is None else chips, refused):
        for offset, name in enumerate(chip.lines()):
            if name in found and name in names:
                raise BoardError(
                    f"two GPIO lines are named {name} (gpiochip{found[name][0]}, gpiochip{chip.number})",
                    where="board",
                    remedy="load the overlay of one board only",
                )
            found[name] = chip.number, offset
    if missing := [name for name in names if name not in found]:
        raise BoardError(
            f"no GPIO line is named {', '.join(missing)}",
            where="board",
            remedy="load the board's overlay (dtoverlay= in config.txt) and see that its expanders answer (i2cdetect)"
            + "".join(refused),
        )
    return {name: found[name] for name in names}


def _each(lgpio: Any, chips: Sequence[int], refused: list[str]) -> Iterator[_Chip]:
    """The chips that can be opened, one after another; those that cannot are noted in `refused`, for a remedy."""
    for number in chips:
        try:
            handle = lgpio.gpiochip_open(number)
        except lgpio.error as error:
            refused[:] = [f"; {_not_opened(number, error).message}: let the service's user into the group gpio"]
            continue
        with contextlib.closing(_Chip(lgpio, number, handle)) as chip:
            yield chip


class _Chip:
    def __init__(self, lgpio: Any, number: int, handle: int) -> None:
        self._lgpio = lgpio
        self.number = number
        self._handle = handle

    def label(self) -> str:
        return _text(self._lgpio.gpio_get_chip_info(self._handle)[3])

    def lines(self) -> list[str]:
        count = int(self._lgpio.gpio_get_chip_info(self._handle)[1])
        return [_text(self._lgpio.gpio_get_line_info(self._handle, line)[3]) for line in range(count)]

    def close(self) -> None:
        self._lgpio.gpiochip_close(self._handle)


def _text(said: Any) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)


def _named(names: Sequence[str], stack: contextlib.ExitStack) -> dict[str, tuple[Any, int]]:
    """A factory for each chip that has one of these lines."""
    module = _module()
    places = _line_places(module.lgpio, names)
    factories: dict[int, Any] = {}
    for chip in sorted({chip for chip, _ in places.values()}):
        try:
            factories[chip] = _expander_factory(module, chip)
        except module.lgpio.error as error:
            raise _not_opened(chip, error) from error
        stack.callback(close_factory, factories[chip])
    return {name: (factories[chip], offset) for name, (chip, offset) in places.items()}


def _expander_factory(module: Any, chip: int) -> Any:
    """gpiozero's for lgpio, less what it takes for granted: that there is one chip, and that it is a Pi's header."""

    class ExpanderFactory(module.LGPIOFactory):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(chip=chip)
            # gpiozero has one list for all factories: line 3 here would be the header's GPIO3.
            self.pins: dict[int, Any] = {}

        def pin(self, name: int) -> Any:
            if name not in self.pins:
                self.pins[name] = self.pin_class(self, _Line(f"GPIO{name}"))
            return self.pins[name]

        def reserve_pins(self, requester: Any, *names: Any) -> None:
            """The kernel itself gives a line to one user only."""

        def release_pins(self, reserver: Any, *names: Any) -> None:
            """Nothing was reserved."""

    return ExpanderFactory()


@dataclass(frozen=True)
class _Line:
    """What gpiozero asks of a pin's description. No pull of ours: an expander's pins are pulled by the board."""

    name: str
    pull: str = ""
    interfaces: frozenset[str] = frozenset({"gpio"})
