"""Messages in Protocol Buffers' encoding, fields by number, and the records of TensorFlow's TFRecord files that hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np


def varint(number: int) -> bytes:
    """An integer in groups of seven bits; a negative one counts back from 2 ** 64."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def integer(field: int, value: int) -> bytes:
    """A field of an integer."""
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    """A field of eight bytes."""
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    """A field of four bytes."""
    return varint(field << 3 | 5) + struct.pack("<f", np.float32(value))


def data(field: int, value: bytes | str) -> bytes:
    """A field of bytes or text, or of a message within a message."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, which zlib has not."""
    value = 0xFFFF_FFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFF_FFFF


def _table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F6_3B78 if value & 1 else 0)
        yield value


_TABLE = tuple(_table())


def masked(data: bytes) -> bytes:
    """A checksum as TFRecord stores it: turned and shifted, so that a checksum of a checksum is none."""
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282_EAD8) & 0xFFFF_FFFF)


def record(data: bytes) -> bytes:
    """One record of a TFRecord file: its length and itself, each with a checksum."""
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)
