"""Every part the boards are made of: what it is, who makes it, who else does, what it is rated for, what it costs.

The key is what the schematic says ("R 162k", "transformer"). An item's `spice` lines are filled in from the netlist:
{ref}, {value} and {<pin number>}. Prices are estimates in yen for one piece out of ten, as of PRICED; nobody asked a
distributor. Ordering numbers were put together from the makers' data sheets and numbering rules, and are to be checked
at the distributor's before an order, like any others.
"""

from __future__ import annotations

from dataclasses import dataclass

PRICED = "2026-11"

PASSIVE, INPUT, OUTPUT, BIDIR, TRISTATE, OPEN, POWER, SUPPLY = (
    *("passive", "input", "output", "bidir", "tristate", "open", "power", "supply"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry.

    `pins` are (number, name, kind). `safety` says what the part keeps from whom; where it is not empty there is a
    `second` maker's part. `tolerance` is a fraction, `drift` the change a kelvin as a fraction. `yen` is the estimate.
    `model` is the value in a simulation where the printed one is no number.
    """

    prefix: str
    value: str
    maker: str
    number: str
    rating: str
    footprint: str
    pins: tuple[tuple[str, str, str], ...]
    yen: float
    safety: str = ""
    second: str = ""
    tolerance: float = 0.0
    drift: float = 0.0
    spice: str = ""
    model: str = ""


TWO = (("1", "1", PASSIVE), ("2", "2", PASSIVE))


def named(names: str, kinds: str) -> tuple[tuple[str, str, str], ...]:
    """Pins numbered from 1: names, and a letter each for the kind (p i o b t c w)."""
    kind = dict(zip("piobtcw", (PASSIVE, INPUT, OUTPUT, BIDIR, TRISTATE, OPEN, POWER), strict=True))
    pairs = zip(names.split(), kinds, strict=True)
    return tuple((str(i), name, kind[letter]) for i, (name, letter) in enumerate(pairs, 1))


def row(names: tuple[str, ...], kind: str = PASSIVE) -> tuple[tuple[str, str, str], ...]:
    """The pins of a connector."""
    return tuple((str(i), name, kind) for i, name in enumerate(names, 1))


def chip_resistor(value: str) -> Item:
    code = value.upper() if value[-1] in "kM" else f"{value}R"
    if "." in code:  # 8.25K is written 8K25
        whole, rest = code.split(".")
        code = f"{whole}{rest[-1]}{rest[:-1]}"
    return Item("R", value, "Yageo", f"RC0603FR-07{code}L", "1 %, 100 ppm/K, 0.1 W, 75 V",
                "Resistor_SMD:R_0603_1608Metric", TWO, 2,
                tolerance=0.01, drift=100e-6, spice="R{ref} {1} {2} {value}")  # fmt: skip


def melf(value: str, code: str, second: str) -> Item:
    return Item("R", value, "Vishay", f"MMB02070{code}", "1 %, 50 ppm/K, 1 W, 350 V, pulse-proof MELF",
                "Resistor_SMD:R_MELF_MMB-0207", TWO, 15, "limits surge current into the winding", second,
                0.01, 50e-6, "R{ref} {1} {2} {value}")  # fmt: skip


def chip_capacitor(value: str, number: str, rating: str, case: str, yen: float, tolerance: float) -> Item:
    return Item("C", value, "Murata", number, rating, f"Capacitor_SMD:C_{case}Metric", TWO, yen,
                tolerance=tolerance, spice="C{ref} {1} {2} {value}")  # fmt: skip


_THT = "Capacitor_THT:C_Rect_L{}_FKS3_FKP3"
_OPAMP = "\n".join(
    f"X{x}{{ref}} {{{p}}} {{{n}}} {{{o}}} {{4}} {{11}} OPAMP"
    for x, p, n, o in (("A", 3, 2, 1), ("B", 5, 6, 7), ("C", 10, 9, 8), ("D", 12, 13, 14))
)
_COMPARATOR = "\n".join(
    f"X{x}{{ref}} {{{p}}} {{{n}}} {{{o}}} {{12}} COMPARATOR"
    for x, p, n, o in (("A", 5, 4, 2), ("B", 7, 6, 1), ("C", 9, 8, 14), ("D", 11, 10, 13))
)
_PI_POWER = {1: "3V3", 17: "3V3", 2: "5V", 4: "5V", 6: "GND", 9: "GND", 14: "GND", 20: "GND", 25: "GND", 30: "GND",
             34: "GND", 39: "GND"}  # fmt: skip

CATALOGUE: dict[str, Item] = {
    **{
        f"R {value}": chip_resistor(value)
        for value in (
            *("33", "47", "470", "1k", "1.02k", "3.9k", "7.68k", "8.25k", "10k", "17.4k", "34k", "100k"),
            "162k",
        )
    },
    "R 10M HV": Item(
        "R", "10M", "Vishay", "CRHV2010AF10M0FKE5", "1 %, 100 ppm/K, 0.5 W, 2000 V", "Resistor_SMD:R_2010_5025Metric",
        TWO, 120, "bridges TNV to SELV: two in series in each wire, each rated for the whole stress",
        "Stackpole HVCB2010FKC10M0", 0.01, 100e-6, "R{ref} {1} {2} {value}",
    ),
    "R 15k pulse": melf("15k", "C1502FB200", "TT Electronics WRM0207C-15KFI"),
    "R 680 pulse": melf("680", "C6800FB200", "TT Electronics WRM0207C-680RFI"),
    "C 100p": chip_capacitor("100p", "GRM1885C1H101JA01D", "5 %, C0G, 50 V", "0603_1608", 3, 0.05),
    "C 4.7n": chip_capacitor("4.7n", "GRM1885C1H472JA01D", "5 %, C0G, 50 V", "0603_1608", 8, 0.05),
    "C 10n": chip_capacitor("10n", "GRM1885C1H103JA01D", "5 %, C0G, 50 V", "0603_1608", 10, 0.05),
    "C 100n": chip_capacitor("100n", "GRM188R71H104KA93D", "10 %, X7R, 50 V", "0603_1608", 3, 0.1),
    "C 1u": chip_capacitor("1u", "GRM188R71E105KA12D", "10 %, X7R, 25 V", "0603_1608", 8, 0.1),
    "C 10u": chip_capacitor("10u", "GRM21BR61A106KE19L", "10 %, X5R, 10 V", "0805_2012", 10, 0.1),
    "C 22u": chip_capacitor("22u", "GRM21BR60J226ME39L", "20 %, X5R, 6.3 V", "0805_2012", 15, 0.2),
    "C 47u": chip_capacitor("47u", "GRM31CR60J476ME19L", "20 %, X5R, 6.3 V", "1206_3216", 40, 0.2),
    "C 220n X2": Item(
        "C", "220n", "TDK", "B32922C3224M000", "20 %, X2, 305 V AC", _THT.format("18.0mm_W6.0mm_P15.00mm"), TWO, 60,
        "keeps the exchange's DC and ringing off the winding", "Vishay BFC233920224", 0.2, 0, "C{ref} {1} {2} {value}",
    ),
    "C 1u X2": Item(
        "C", "1u", "TDK", "B32923C3105M000", "20 %, X2, 305 V AC",
        "Capacitor_THT:C_Rect_L26.5mm_W11.5mm_P22.50mm_MKS4", TWO, 140,
        "keeps the exchange's DC off the winding while a notice plays", "Vishay BFC233920105", 0.2, 0,
        "C{ref} {1} {2} {value}",
    ),
    "PTC": Item(
        "F", "120mA 250V", "Bourns", "MF-RX012/250-0", "hold 0.12 A, trip 0.24 A, 250 V AC, 6 to 10 ohm",
        "Fuse:Fuse_Bourns_MF-RHT050", TWO, 90, "opens the tap when mains touches the pair", "Littelfuse TRF250-120",
        spice="R{ref} {1} {2} {value}", model="6",
    ),
    "SIDAC": Item(
        "D", "P3100SCL", "Littelfuse", "P3100SCLRP", "stand-off 275 V, switches by 350 V, 100 A 10/1000",
        "Diode_SMD:D_SMB", TWO, 90, "clamps a surge between the wires", "Bourns TISP4350H3BJR-S",
        spice="X{ref} {1} {2} THYRISTOR",
    ),
    "TVS 350V": Item(
        "D", "P6SMB350CA", "Littelfuse", "P6SMB350CA", "stand-off 300 V, breaks by 368 V, 600 W 10/1000",
        "Diode_SMD:D_SMB", TWO, 60, "keeps the open photoMOS contacts below their 600 V", "Vishay P6SMB350CA-E3/52",
        spice="X{ref} {1} {2} TVS350",
    ),
    "TVS 13V": Item(
        "D", "SMAJ13CA", "Littelfuse", "SMAJ13CA", "stand-off 13 V, 400 W 10/1000", "Diode_SMD:D_SMA", TWO, 40,
        "clamps the notice winding", "Bourns SMAJ13CA", spice="X{ref} {1} {2} TVS13",
    ),
    "transformer": Item(
        "T", "600:600", "ETAL", "P2001", "3.88 kV rms, Lp 4.5 to 15 H, 118 to 146 ohm",
        "Transformer_THT:Transformer_NF_ETAL_1-1_P1200",
        (("1", "A1", PASSIVE), ("3", "A2", PASSIVE), ("6", "B1", PASSIVE), ("4", "B2", PASSIVE)), 1500,
        "insulates TNV from SELV", "ETAL P5100 (pin-compatible, 2.12 kV rms; no other maker with this pin-out known)",
        spice="X{ref} {1} {3} {6} {4} TRANSFORMER Lp={{Lp}} Rp={{Rp}}",
    ),
    "photoMOS": Item(
        "K", "AQW216EHA", "Panasonic", "AQW216EHA", "600 V, 40 mA, 5 kV rms reinforced, 2 form A",
        "Package_DIP:SMDIP-8_W9.53mm_Clearance8mm", named("A1 K1 A2 K2 D2a D2b D1a D1b", "p" * 8), 700,
        "insulates TNV from SELV; takes the notice off the pair", "IXYS PAA193S",
        spice="X{ref} {1} {2} {3} {4} {5} {6} {7} {8} PHOTOMOS Ron={{Ron}}",
    ),
    "BAT54S": Item(
        "D", "BAT54S", "Nexperia", "BAT54S,215", "30 V, 0.2 A", "Package_TO_SOT_SMD:SOT-23",
        named("A K COM", "ppp"), 10, "keeps what passes the winding within the supply", "onsemi BAT54SLT1G",
        spice="DA{ref} {1} {3} SCHOTTKY\nDB{ref} {3} {2} SCHOTTKY",
    ),
    "BSS138": Item(
        "Q", "BSS138", "onsemi", "BSS138", "50 V, 0.2 A, gate 0.8 to 1.5 V", "Package_TO_SOT_SMD:SOT-23",
        named("G S D", "ipp"), 10, "lets the notice on the pair only when told", "Nexperia BSS138P,215",
        spice="M{ref} {3} {1} {2} {2} SWITCHFET",
    ),
    "quad op-amp": Item(
        "U", "TLV9064", "Texas Instruments", "TLV9064IPWR", "1.8 to 5.5 V, 10 MHz, offset 1.6 mV",
        "Package_SO:TSSOP-14_4.4x5mm_P0.65mm",
        named("OUTA -A +A V+ +B -B OUTB OUTC -C +C V- +D -D OUTD", "oiiwiiooiiwiio"), 150, spice=_OPAMP,
    ),
    "quad comparator": Item(
        "U", "TLV1704", "Texas Instruments", "TLV1704AIPWR", "2.2 to 36 V, open collector, offset 3.5 mV",
        "Package_SO:TSSOP-14_4.4x5mm_P0.65mm",
        named("OUTB OUTA V+ -A +A -B +B -C +C -D +D V- OUTD OUTC", "ccwiiiiiiiiwcc"), 220, spice=_COMPARATOR,
    ),
    "jumper": Item(
        "JP", "24V PBX", "of the board", "solder bridge", "none",
        "Jumper:SolderJumper-2_P1.3mm_Open_RoundedPad1.0x1.5mm", TWO, 0, spice="R{ref} {1} {2} {value}", model="1G",
    ),
    "jack": Item(
        "J", "6P4C", "Connfly", "DS1133-S40BPX", "6P4C, 125 V AC, 1.5 A",
        "Connector_RJ:RJ14_Connfly_DS1133-S4_Horizontal", named("1 2 3 4", "pppp"), 60, spice="",
    ),
    "ferrite": Item(
        "FB", "600R@100MHz", "Murata", "BLM18AG601SN1D", "0.5 A, 0.38 ohm", "Inductor_SMD:L_0603_1608Metric", TWO, 5,
    ),
    "codec": Item(
        "U", "TLV320AIC23B", "Texas Instruments", "TLV320AIC23BPW", "3.3 V, 2 in 2 out, 8 to 96 kHz",
        "Package_SO:TSSOP-28_4.4x9.7mm_P0.65mm",
        named(
            "BVDD CLKOUT BCLK DIN LRCIN DOUT LRCOUT HPVDD LHPOUT RHPOUT HPGND LOUT ROUT AVDD AGND VMID MICBIAS MICIN "
            "RLINEIN LLINEIN CS MODE SDIN SCLK XTI XTO DVDD DGND",
            "wobibobwppwppwwpppppiibippww",
        ),
        900,
    ),
    "oscillator": Item(
        "Y", "12.288MHz", "Abracon", "ASE-12.288MHZ-LC-T", "3.3 V, 50 ppm",
        "Oscillator:Oscillator_SMD_Abracon_ASE-4Pin_3.2x2.5mm", named("EN GND OUT VDD", "iwow"), 200,
    ),
    "EEPROM": Item(
        "U", "24LC32", "Microchip", "24LC32AT-I/SN", "32 kbit, 2.5 to 5.5 V", "Package_SO:SOIC-8_3.9x4.9mm_P1.27mm",
        named("A0 A1 A2 GND SDA SCL WP VCC", "iiiwbiiw"), 70,
    ),
    "voltage ADC": Item(
        "U", "MCP3208", "Microchip", "MCP3208-CI/SL", "8 channels, 12 bit, 2.7 to 5.5 V",
        "Package_SO:SOIC-16_3.9x9.9mm_P1.27mm",
        named("CH0 CH1 CH2 CH3 CH4 CH5 CH6 CH7 DGND CS DIN DOUT CLK AGND VREF VDD", "iiiiiiiiwiitiwww"), 600,
    ),
    "expander 16": Item(
        "U", "MCP23017", "Microchip", "MCP23017-E/SO", "16 pins, 1.8 to 5.5 V",
        "Package_SO:SOIC-28W_7.5x17.9mm_P1.27mm",
        named(
            "GPB0 GPB1 GPB2 GPB3 GPB4 GPB5 GPB6 GPB7 VDD VSS NC1 SCL SDA NC2 A0 A1 A2 RESET INTB INTA "
            "GPA0 GPA1 GPA2 GPA3 GPA4 GPA5 GPA6 GPA7",
            "bbbbbbbbwwpibpiiiioobbbbbbbb",
        ),
        250,
    ),
    "expander 8": Item(
        "U", "MCP23008", "Microchip", "MCP23008-E/SO", "8 pins, 1.8 to 5.5 V", "Package_SO:SOIC-18W_7.5x11.6mm_P1.27mm",
        named("SCL SDA A2 A1 A0 RESET NC1 INT VSS GP0 GP1 GP2 GP3 GP4 GP5 GP6 GP7 VDD", "ibiiiipowbbbbbbbbw"), 200,
    ),
    "lamp red": Item(
        "D", "red", "Kingbright", "APT1608SURCK", "20 mA", "LED_SMD:LED_0603_1608Metric", named("K A", "pp"), 15,
    ),
    "lamp yellow": Item(
        "D", "yellow", "Kingbright", "APT1608SYCK", "20 mA", "LED_SMD:LED_0603_1608Metric", named("K A", "pp"), 15,
    ),
    "button": Item(
        "SW", "push", "C&K", "PTS645SM43SMTR92LFS", "12 V, 50 mA", "Button_Switch_SMD:SW_SPST_PTS645", TWO, 40,
    ),
    "header Pi": Item(
        "J", "2x20", "Samtec", "ESQ-120-14-G-D", "2.54 mm, stacking, 4.7 A",
        "Connector_PinSocket_2.54mm:PinSocket_2x20_P2.54mm_Vertical",
        row(tuple(_PI_POWER.get(pin, f"P{pin}") for pin in range(1, 41))), 500,
    ),
    "header line board": Item(
        "J", "2x10", "Wuerth", "61202021621", "2.54 mm, shrouded, 3 A",
        "Connector_IDC:IDC-Header_2x10_P2.54mm_Vertical", row(tuple(f"P{pin}" for pin in range(1, 21))), 120,
    ),
    "header audio": Item(
        "J", "2x8", "Wuerth", "61201621621", "2.54 mm, shrouded, 3 A", "Connector_IDC:IDC-Header_2x08_P2.54mm_Vertical",
        row(tuple(f"P{pin}" for pin in range(1, 17))), 100,
    ),
    "header panel": Item(
        "J", "1x4", "JST", "B4B-XH-A", "2.5 mm, 3 A", "Connector_JST:JST_XH_B4B-XH-A_1x04_P2.50mm_Vertical",
        row(("LAMP", "GND", "BUTTON", "GND")), 25,
    ),
}  # fmt: skip
