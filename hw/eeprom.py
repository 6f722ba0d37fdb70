"""The ID EEPROM of a HAT+ (version 2 of the format): its text to an image, and an image read back.

    python -m hw.eeprom SETTINGS.txt IMAGE.eep

An image is a header and atoms, all little-endian:

| header | signature "R-Pi" | version 2 | reserved 0 | u16 number of atoms | u32 octets of the whole |
| atom   | u16 type | u16 number, from 0 | u32 octets of data and CRC | data | u16 CRC-16 of all before it in the atom |

Type 1 (vendor): 16 octets UUID, last first; u16 product id; u16 product version; u8 and u8 lengths of the vendor's and
the product's name; both names. Type 3 (device tree): the overlay's name. CRC-16/ARC: 0x8005 mirrored, from 0.
"""

from __future__ import annotations

import struct
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

SIGNATURE, VERSION = b"R-Pi", 2
VENDOR, TREE = 1, 3
SIZE = 4096  # of a 24LC32
_HEADER = struct.Struct("<4sBBHI")
_ATOM = struct.Struct("<HHI")
_VENDOR = struct.Struct("<16sHHBB")
_CRC = struct.Struct("<H")
_KEYS = ("product_uuid", "product_id", "product_ver", "vendor", "product", "dt_blob")


@dataclass(frozen=True)
class Identity:
    """What the EEPROM says. `dt_blob` is the name of the overlay."""

    product_uuid: uuid.UUID
    product_id: int
    product_ver: int
    vendor: str
    product: str
    dt_blob: str


def parse(text: str) -> Identity:
    """A settings file: one key and value a line, `#` begins a comment. Raises ValueError."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key and not key.startswith("#"):
            if key not in _KEYS or key in found:
                raise ValueError(f"{key}: unknown, or twice")
            found[key] = value.strip().strip('"')
    if missing := [key for key in _KEYS if not found.get(key)]:
        raise ValueError(f"missing: {', '.join(missing)}")
    return Identity(
        product_uuid=uuid.UUID(found["product_uuid"]),
        product_id=int(found["product_id"], 0),
        product_ver=int(found["product_ver"], 0),
        vendor=found["vendor"],
        product=found["product"],
        dt_blob=found["dt_blob"],
    )


def pack(identity: Identity) -> bytes:
    """The image. Raises ValueError where it does not fit."""
    vendor, product = identity.vendor.encode(), identity.product.encode()
    if max(len(vendor), len(product)) > 255:
        raise ValueError("vendor and product have 255 octets at the most")
    fixed = _VENDOR.pack(
        identity.product_uuid.bytes[::-1], identity.product_id, identity.product_ver, len(vendor), len(product)
    )
    atoms = [_atom(VENDOR, 0, fixed + vendor + product), _atom(TREE, 1, identity.dt_blob.encode())]
    body = b"".join(atoms)
    image = _HEADER.pack(SIGNATURE, VERSION, 0, len(atoms), _HEADER.size + len(body)) + body
    if len(image) > SIZE:
        raise ValueError(f"{len(image)} octets do not fit into {SIZE}")
    return image


def unpack(image: bytes) -> Identity:
    """What an image says; raises ValueError for anything that is not one, octet for octet."""
    try:
        signature, version, _, count, length = _HEADER.unpack_from(image)
        if (signature, version, length) != (SIGNATURE, VERSION, len(image)):
            raise ValueError("this is no image of a HAT+")
        at, data = _HEADER.size, dict[int, bytes]()
        for index in range(count):
            kind, number, size = _ATOM.unpack_from(image, at)
            end = at + _ATOM.size + size - _CRC.size
            if number != index or _CRC.unpack_from(image, end) != (crc16(image[at:end]),):
                raise ValueError(f"atom {index} is damaged")
            data[kind] = image[at + _ATOM.size : end]
            at = end + _CRC.size
        if at != len(image) or set(data) != {VENDOR, TREE}:
            raise ValueError("it does not hold what a HAT+ of ours holds")
        uid, product_id, product_ver, vendor, product = _VENDOR.unpack_from(data[VENDOR])
        names = data[VENDOR][_VENDOR.size :]
        if len(names) != vendor + product:
            raise ValueError("the names have other lengths")
    except struct.error as error:
        raise ValueError("it is cut off") from error
    return Identity(
        product_uuid=uuid.UUID(bytes=uid[::-1]),
        product_id=product_id,
        product_ver=product_ver,
        vendor=names[:vendor].decode(),
        product=names[vendor:].decode(),
        dt_blob=data[TREE].decode(),
    )


def crc16(data: bytes) -> int:
    """CRC-16/ARC."""
    crc = 0
    for octet in data:
        crc ^= octet
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _atom(kind: int, number: int, data: bytes) -> bytes:
    head = _ATOM.pack(kind, number, len(data) + _CRC.size) + data
    return head + _CRC.pack(crc16(head))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m hw.eeprom SETTINGS.txt IMAGE.eep")
    Path(sys.argv[2]).write_bytes(pack(parse(Path(sys.argv[1]).read_text(encoding="utf-8"))))
