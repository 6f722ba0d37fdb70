"""Every measurement of a line, in the order of the table in hw/README.md."""

from __future__ import annotations

from collections.abc import Callable

from hw.circuit.figures import Figure
from hw.circuit.measure_signals import dialling, ringing, speech
from hw.circuit.measure_sound import balance, crosstalk, full_level, load, notice, pick_up
from hw.circuit.measure_stress import barrier, surge
from hw.circuit.measure_voltage import hook_map, monte_carlo, thresholds, worst_case
from hw.circuit.netlist import Netlist

MEASURES: tuple[Callable[[Netlist], list[Figure]], ...] = (
    *(thresholds, worst_case, monte_carlo, hook_map, dialling, ringing, speech),
    *(pick_up, load, notice, full_level, balance, crosstalk),
    *(barrier, surge),
)
