"""Deliberate faults of the circuit: each has to be noticed, and by the measurement that is said to notice it."""

from __future__ import annotations

import pytest

from hw.circuit.figures import broken
from hw.circuit.measure import MEASURES
from hw.circuit.mutants import MUTANTS, Mutant, barrier_faults
from hw.circuit.netlist import Netlist


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_fault_is_noticed(line: Netlist, mutant: Mutant) -> None:
    faulty = mutant.fault(line)
    assert faulty.parts != line.parts
    assert broken(mutant.caught_by(faulty)) != []


def test_every_measurement_has_a_fault_that_it_alone_is_asked_about() -> None:
    """But for distortion, which no single wrong part spoils without something else noticing first."""
    unused = {measure.__name__ for measure in (*MEASURES, barrier_faults)} - {m.caught_by.__name__ for m in MUTANTS}
    assert unused == {"full_level"}


def test_without_a_fault_the_barrier_has_none(line: Netlist) -> None:
    assert broken(barrier_faults(line)) == []
