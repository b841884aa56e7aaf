#!/usr/bin/env python3
"""Writes user_set_bytes_references.inc: canonical bytes as the head of src/core/sets/user_set_bytes.hpp describes them.

Made from that description alone, not from the kernel: python3 user_set_bytes_references.py > user_set_bytes_references.inc
"""
import struct

from presence_bytes_references import xxh64


def runs_of(low):
    runs = []
    for value in low:
        if runs and runs[-1][1] + 1 == value:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return runs


def content(low):
    """The content of a container, and whether it is of runs."""
    if len(low) <= 4096:
        plain = struct.pack(f"<{len(low)}H", *low)
    else:
        bits = bytearray(8192)
        for value in low:
            bits[value // 8] |= 1 << value % 8
        plain = bytes(bits)
    runs = runs_of(low)
    as_runs = struct.pack("<H", len(runs)) + b"".join(struct.pack("<2H", a, b - a) for a, b in runs)
    return (as_runs, True) if len(as_runs) < len(plain) else (plain, False)


def canonical(ranges):
    numbers = {}
    for first, last, step in ranges:
        for number in range(first, last + 1, step):
            numbers.setdefault(number >> 16, set()).add(number & 0xFFFF)
    containers = [(key, len(low), *content(sorted(low))) for key, low in sorted(numbers.items())]
    with_runs = any(is_runs for *_, is_runs in containers)
    if with_runs:
        flags = bytearray((len(containers) + 7) // 8)
        for at, (*_, is_runs) in enumerate(containers):
            flags[at // 8] |= is_runs << at % 8
        body = struct.pack("<2H", 12347, len(containers) - 1) + flags
    else:
        body = struct.pack("<2I", 12346, len(containers))
    for key, cardinality, *_ in containers:
        body += struct.pack("<2H", key, cardinality - 1)
    if not with_runs or len(containers) >= 4:
        at = len(body) + 4 * len(containers)
        for _, _, each, _ in containers:
            body += struct.pack("<I", at)
            at += len(each)
    body += b"".join(each for _, _, each, _ in containers)
    head = bytes([0xC3, 1, 0, 0])
    return head + struct.pack("<I", xxh64(body, struct.unpack("<I", head)[0]) & 0xFFFFFFFF) + body


LAST = 2**31 - 1

# Each a list of (first, last, step).
VECTORS = [
    ("the empty set", []),
    ("zero", [(0, 0, 1)]),
    ("the last number", [(LAST, LAST, 1)]),
    ("an array", [(5, 50, 9)]),
    ("two numbers, which are no shorter as runs", [(7, 8, 1)]),
    ("three numbers, which are no shorter as runs", [(7, 9, 1)]),
    ("four numbers, which are", [(7, 10, 1)]),
    ("the ends of a container", [(0, 0, 1), (65535, 65535, 1)]),
    ("a run that ends with its container", [(65500, 65535, 1)]),
    ("a run over two containers", [(65000, 66000, 1)]),
    ("a whole container", [(65536, 131071, 1)]),
    ("several arrays", [(1, LAST, 400_000_000)]),
    ("three containers, one of runs", [(3, 3, 1), (70000, 70099, 1), (200000, 200900, 300)]),
    ("four containers, one of runs", [(3, 3, 1), (70000, 70099, 1), (200000, 200900, 300), (LAST - 1, LAST, 1)]),
    ("nine containers, the last of runs", [(key * 65536, key * 65536, 1) for key in range(8)] + [(524300, 524399, 1)]),
    ("runs and gaps", [(a, a + 20, 1) for a in range(1000, 3000, 100)]),
]

if __name__ == "__main__":
    print("// Written by user_set_bytes_references.py.\n// clang-format off")
    for what, ranges in VECTORS:
        inner = ", ".join("{%d, %d, %d}" % each for each in ranges)
        print(f'{{"{what}", {{{inner}}},\n "{canonical(ranges).hex()}"}},')
