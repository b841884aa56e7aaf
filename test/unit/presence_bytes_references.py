#!/usr/bin/env python3
"""Writes presence_bytes_references.inc: canonical bytes as the head of src/core/presence/presence_bytes.hpp describes them.

Made from that description alone, not from the kernel: python3 presence_bytes_references.py > presence_bytes_references.inc
"""
import struct

MASK = 2**64 - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)
BEGINNING, FOREVER = None, None  # as a start, as an end
FIRST, LAST = -211813488000000000, 9223371331200000000  # what timestamptz can hold
TYPES = {"none": 0, "text": 1, "bigint": 2, "uuid": 3, "session": 4}
HOUR = 3600 * 10**6


def rotl(x, by):
    return ((x << by) | (x >> (64 - by))) & MASK


def lane_round(lane, word):
    return rotl((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed):
    left = data
    h = (seed + P5) & MASK
    if len(data) >= 32:
        lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while len(left) >= 32:
            lanes = [lane_round(v, w) for v, w in zip(lanes, struct.unpack("<4Q", left[:32]))]
            left = left[32:]
        h = sum(rotl(v, by) for v, by in zip(lanes, (1, 7, 12, 18))) & MASK
        for v in lanes:
            h = ((h ^ lane_round(0, v)) * P1 + P4) & MASK
    h = (h + len(data)) & MASK
    while len(left) >= 8:
        h = (rotl(h ^ lane_round(0, struct.unpack("<Q", left[:8])[0]), 27) * P1 + P4) & MASK
        left = left[8:]
    if len(left) >= 4:
        h = (rotl(h ^ (struct.unpack("<I", left[:4])[0] * P1 & MASK), 23) * P2 + P3) & MASK
        left = left[4:]
    for byte in left:
        h = rotl(h ^ (byte * P5 & MASK), 11) * P1 & MASK
    h = (h ^ (h >> 33)) * P2 & MASK
    h = (h ^ (h >> 29)) * P3 & MASK
    return h ^ (h >> 32)


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def word(value):
    """The number in as few bytes as hold it, little endian; 0 takes none."""
    return value.to_bytes((value.bit_length() + 7) // 8, "little")


def interval_bytes(gap, length):
    gap, length = word(gap), word(length)
    return bytes([len(gap) + 16 * len(length)]) + gap + length


def canonical(key_type, keys):
    starts = [intervals[0][0] for _, intervals in keys]
    first = 0 if not keys else -2**63 if None in starts else min(starts)
    body = struct.pack("<qQ", first, len(keys))
    for key, intervals in keys:
        if key_type == "text":
            body += varint(len(key))
        body += key
        body += varint(4 * len(intervals) + 2 * (intervals[0][0] is None) + (intervals[-1][1] is None))
        since = FIRST if first == -2**63 else first
        for start, end in intervals:
            if start is None:
                body += interval_bytes(0, 0 if end is None else end - FIRST)
            else:
                body += interval_bytes(start - since, 0 if end is None else end - start - 1)
            since = None if end is None else end + 1
    head = bytes([0xC1, 1, TYPES[key_type] if keys else 0, 0])
    return head + struct.pack("<I", xxh64(body, struct.unpack("<I", head)[0]) & 0xFFFFFFFF) + body


def bigint(value):
    return struct.pack(">Q", (value + 2**63) & MASK)


VECTORS = [
    ("the empty presence", "none", []),
    ("one instant at 2000-01-01 00:00 UTC", "text", [(b"alice", [(0, 1)])]),
    ("the empty key", "text", [(b"", [(0, HOUR)])]),
    ("an open session", "text", [(b"alice", [(HOUR, FOREVER)])]),
    ("no start", "text", [(b"alice", [(BEGINNING, HOUR)])]),
    ("no start, before 2000", "text", [(b"alice", [(BEGINNING, -HOUR)])]),
    ("all of time", "text", [(b"alice", [(BEGINNING, FOREVER)])]),
    ("no start and no end, with a gap", "text", [(b"alice", [(BEGINNING, 0), (2, FOREVER)])]),
    ("the ends of finite time", "text", [(b"a", [(FIRST, FIRST + 1), (LAST - 1, LAST)])]),
    ("before 2000", "text", [(b"a", [(-1, 1), (3, 4)])]),
    ("many gaps", "text", [(b"a", [(t * 100, t * 100 + t + 1) for t in range(40)])]),
    ("several keys, one a prefix of another", "text",
     [(b"", [(1, 2)]), (b"A", [(5, 6)]), (b"Ab", [(5, 9), (10, FOREVER)]), (b"a", [(0, HOUR)]),
      ("\u00e9".encode(), [(1, 2)])]),
    ("a long key", "text", [(b"k" * 200, [(24 * HOUR, 26 * HOUR)])]),
    ("bigint keys of both signs", "bigint",
     [(bigint(v), [(7, 8)]) for v in (-2**63, -1, 0, 1, 42, 2**63 - 1)]),
    ("uuid keys", "uuid", [(bytes(range(16)), [(1, 3)]), (bytes(range(16, 32)), [(2, FOREVER)])]),
    ("sessions, equal ones repeated", "session",
     [(b"", [(BEGINNING, 4)]), (b"", [(1, 3)]), (b"", [(1, 3)]), (b"", [(1, FOREVER)]), (b"", [(2, 3)])]),
    ("a day of real times", "text",
     [(b"bob@example.org", [(757382400000000 + h * HOUR, 757382400000000 + h * HOUR + 1234567890) for h in (0, 7, 9)])]),
]


def cpp_instant(value, infinite):
    return infinite if value is None else f"{value}"


if __name__ == "__main__":
    assert xxh64(b"", 0) == 0xEF46DB3751D8E999
    print("// Written by presence_bytes_references.py.\n// clang-format off")
    for what, key_type, keys in VECTORS:
        print(f'{{"{what}", key_type::{key_type}, {{')
        for key, intervals in keys:
            stretches = ", ".join("{%s, %s}" % (cpp_instant(s, "beginning"), cpp_instant(e, "forever"))
                                  for s, e in intervals)
            print(f'    {{hex_key("{key.hex()}"), {{{stretches}}}}},')
        print(f' }}, "{canonical(key_type, keys).hex()}"}},')
