# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks every hash of a FIT and both CRCs of a legacy image, as U-Boot does, with the standard library alone.

    uboot.py FILE [OFFSET]      prints how many fields are right; fails where one is wrong
"""
import hashlib
import struct
import sys
import zlib


def tree(blob):
    """Yields (path, property name, value) of a flattened devicetree."""
    _, _, structs, strings = struct.unpack(">4I", blob[:16])
    at, path = structs, []
    while True:
        token, at = struct.unpack_from(">I", blob, at)[0], at + 4
        if token == 1:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            at = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name = struct.unpack_from(">II", blob, at)
            name = blob[strings + name:blob.index(b"\0", strings + name)].decode()
            yield tuple(path), name, blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            return


def fit(blob):
    nodes = {}
    for path, name, value in tree(blob):
        nodes.setdefault(path, {})[name] = value
    total = struct.unpack_from(">I", blob, 4)[0]
    right = 0
    for path, hashed in nodes.items():
        if len(path) != 4 or path[1] != "images" or not path[3].startswith("hash"):
            continue
        image = nodes[path[:3]]
        number = lambda key: struct.unpack(">I", image[key])[0]
        if "data-position" in image or "data-offset" in image:
            start = number("data-position") if "data-position" in image else (total + 3 & ~3) + number("data-offset")
            data = blob[start:start + number("data-size")]
        else:
            data = image["data"]
        algo = hashed["algo"].rstrip(b"\0").decode()
        made = struct.pack(">I", zlib.crc32(data)) if algo == "crc32" else hashlib.new(algo, data).digest()
        if made != hashed["value"]:
            raise SystemExit(f"{'/'.join(path)}: {algo} is wrong")
        right += 1
    return right


def legacy(blob):
    header = bytearray(blob[:64])
    crc, size, data = (struct.unpack_from(">I", header, at)[0] for at in (4, 12, 24))
    header[4:8] = bytes(4)
    if zlib.crc32(header) != crc or zlib.crc32(blob[64:64 + size]) != data:
        raise SystemExit("a CRC of the legacy image is wrong")
    return 2


with open(sys.argv[1], "rb") as file:
    blob = file.read()[int(sys.argv[2], 0) if len(sys.argv) > 2 else 0:]
print(fit(blob) if blob[:4] == b"\xd0\x0d\xfe\xed" else legacy(blob))
