"""Lightning and mains on the pair, and what of them reaches the Pi; the resistance of the barrier."""

from __future__ import annotations

from hw.circuit.figures import Figure
from hw.circuit.netlist import Netlist
from hw.circuit.spice import Corner, run, supplied

SURGE_VOLTS = 1500
# The 10/700 us generator of ITU-T K.44: 20 uF, 50 ohm, 15 ohm, 0.2 uF, and 25 ohm a wire.
GENERATOR = (
    "Ss vc x kk 0 SWS\n.model SWS SW(vt=0.5 vh=0 ron=1m roff=1e9)\nVkk kk 0 pulse(0 1 10u 10n 10n 1 2)\n"
    f"Cc vc 0 20u ic={SURGE_VOLTS}\nRs1 x 0 50\nRm x y 15\nCs y 0 0.2u ic=0\n"
)
BETWEEN = GENERATOR + "Ra y a 25\nRb b 0 25\nRe b 0 1Meg\n"
BOTH = GENERATOR + "Ra y a 25\nRb y b 25\n"
KINDS = (
    ("between the wires", BETWEEN, False),
    ("on both wires", BOTH, False),
    ("between the wires, notice on", BETWEEN, True),
)


def surge(netlist: Netlist) -> list[Figure]:
    """1.5 kV 10/700 us between the wires, on both against the Pi's ground, and with the notice path closed."""
    worst: dict[str, float] = {}
    looks = {
        "between the wires behind the fuses": "v(xl.l1_pa)-v(xl.l1_pb)",
        "across the photoMOS contacts": "v(xl.l1_pa)-v(xl.l1_k1)",
        "across the photoMOS contacts, wire B": "v(xl.l1_pb)-v(xl.l1_k2)",
        "across one 10 Mohm": "v(xl.l1_pa)-v(xl.l1_m1)",
        "across a 15 kohm": "v(xl.l1_q1)-v(xl.l1_t1a)",
        "behind the pick-up winding": "v(xl.l1_t2)",
        "at the op-amp's sense input": "v(xl.l1_sp)",
        "at the op-amp's sound input": "v(xl.l1_t3)",
        "behind the notice winding": "v(xl.l1_i1)",
        "at the codec's input": "v(adc)",
        "at the codec's output": "v(dac)",
    }
    control = "tran 0.1u 4m 0 2u uic\n" + "".join(f"let x{i}={look}\n" for i, look in enumerate(looks.values()))
    control += "wrdata d.txt " + " ".join(f"x{i}" for i in range(len(looks)))
    for celsius in (0, 60):
        for _, source, inject in KINDS:
            corner = Corner(celsius=celsius)
            rows = run(netlist, supplied(corner, inject=inject) + source, control, corner)["d"]
            for i, look in enumerate(looks, 1):
                peak = max(abs(row[i]) for row in rows if row[0] > 1e-6)
                worst[look] = max(worst.get(look, 0), peak)
    limits = {
        "between the wires behind the fuses": (400, "the thyristor's 350 V and its bulk"),
        "across the photoMOS contacts": (500, "rated 600 V"),
        "across the photoMOS contacts, wire B": (500, "rated 600 V"),
        "across one 10 Mohm": (1500, "rated 2000 V; one alone would see 1500 V"),
        "across a 15 kohm": (350, "rated 350 V, more in a pulse"),
        "behind the pick-up winding": (3.9, "3.3 V and a Schottky diode"),
        "at the op-amp's sense input": (4.1, "behind 20 Mohm: 0.1 mA at most"),
        "at the op-amp's sound input": (4.3, "behind 1 kohm: 10 mA at most"),
        "behind the notice winding": (4.2, "behind 47 ohm"),
        "at the codec's input": (4.0, "behind 1 kohm and 1 uF"),
        "at the codec's output": (4.2, "behind 47 uF"),
    }
    return [
        Figure(f"surge 1.5 kV 10/700: {look}", worst[look], "V", None, limit, why)
        for look, (limit, why) in limits.items()
    ]


def barrier(netlist: Netlist) -> list[Figure]:
    """Direct current from both wires to the Pi's ground, and a surge's current through the sense strings."""
    rows = run(netlist, supplied() + "Vl a 0 200\nRs a b 1m\n", "op\nlet r=-200/i(Vl)\nwrdata d.txt r r")["d"]
    ohms = rows[-1][1]
    both = "Vmains s 0 dc 0 sin(0 325 50)\nRs1 s a 10\nRs2 s b 10\n"
    control = (
        "tran 0.2m 60m 20m 0.2m\nlet ma=1e3*i(Vmains)\nlet w=(v(xl.l1_q1)-v(xl.l1_t1a))\nwrdata d.txt ma v(xl.l1_sp) w"
    )
    swing = run(netlist, supplied() + both, control)["d"]
    between = "Vmains s b dc 0 sin(0 325 50)\nRs1 s a 10\nRs2 b 0 1Meg\n"
    crossed = run(netlist, supplied() + between, control)["d"]
    watts = sum(row[3] ** 2 for row in crossed) / len(crossed) / 15e3
    return [
        Figure("line to the Pi's ground at 200 V DC", ohms / 1e6, "Mohm", 10, None, "1 Mohm at 200 V is the rule"),
        Figure(
            "230 V mains on both wires: current to the Pi's ground, peak",
            max(abs(r[1]) for r in swing),
            "mA",
            None,
            0.25,
            "touch current behind basic insulation",
        ),
        Figure(
            "230 V mains on both wires: op-amp's sense input",
            max(r[2] for r in swing),
            "V",
            None,
            4.1,
            "0.1 mA at most",
        ),
        Figure(
            "230 V mains between the wires: in each 15 kohm", watts, "W", None, 1, "rated 1 W; below what trips a fuse"
        ),
    ]
