#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""nvs.py esp OUT      makes recipes with an [nvs] of ESP-IDF, and what Espressif's generator makes of the same values
nvs.py zephyr OUT      makes recipes with an [nvs] of Zephyr, and lists what the store must hold
nvs.py read FILE SECTOR ALIGN CRC      tells what a store of Zephyr holds, by znvs where it can read it, and by the
                       lines below, which follow Zephyr's nvs.c and share nothing with the program under test
nvs.py flash OUT       makes a merged flash image and an application's HEX with esptool and intelhex

Needs PyPI esp-idf-nvs-partition-gen, znvs, esptool, intelhex.
"""
import base64
import io
import json
import os
import random
import struct
import sys
import zlib

TOKEN = "-fake_golden-TOKEN_0123456789abc"
SERIAL = "GW000001"
TAIL = '''[pool]
file = "{name}.csv.tokens"
[ledger]
url = "sqlite:{name}.ledger"
'''


def save(path, content):
    with open(path, "wb") as f:
        f.write(content.encode() if isinstance(content, str) else content)


def rows_of(rng, number, version):
    """Namespaces, each once, with values of every kind; some take whole pages."""
    rows = []
    for space in range(rng.randint(1, 4)):
        rows.append((f"space{space}", "namespace", "", ""))
        for key in range(rng.randint(0, 40)):
            kind = rng.choice(["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "string", "hex2bin", "base64"])
            if kind[0] in "ui":
                bits = int(kind[1:])
                low, high = (0, 2**bits - 1) if kind[0] == "u" else (-2**(bits - 1), 2**(bits - 1) - 1)
                value = str(rng.choice([low, high, rng.randint(low, high)]))
            elif kind == "string":
                most = 1900 if version == 1 else 3900
                value = "".join(rng.choices("abc ,\"=äXYZ", k=rng.choice([0, 1, 31, 32, 33, 63, rng.randint(0, most // 2)])))
            else:
                most = 1984 if version == 1 else 9000
                data = rng.randbytes(rng.choice([1, 31, 32, 33, 1984, rng.randint(0, most)]))
                value = data.hex() if kind == "hex2bin" else base64.b64encode(data).decode()
            rows.append((f"key{space}.{key}", "data", kind, value))
    return rows


def csv_of(rows):
    import csv
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "type", "encoding", "value"))
    writer.writerows(rows)
    return out.getvalue()


def generated(rows, size, version):
    """What Espressif's generator makes; none where it gives up."""
    from esp_idf_nvs_partition_gen import nvs_partition_gen as gen
    out = io.BytesIO()
    room, read_only = gen.check_size(hex(size))
    number = gen.Page.VERSION1 if version == 1 else gen.Page.VERSION2
    try:
        with gen.nvs_open(out, room, number, read_only=read_only) as store:
            for row in rows:
                gen.write_entry(store, row[0], row[1], row[2], row[3])
    except (gen.InsufficientSizeError, gen.PageFullError, gen.InputError):
        return None
    return out.getvalue()


def esp(out):
    rng = random.Random(20261124)
    for number in range(40):
        version = rng.choice([1, 2])
        rows = rows_of(rng, number, version)
        own = [] if number % 3 else [("units", "namespace", "", "")]
        token, serial = ("token", "data", "string", TOKEN), ("serial", "data", "string", SERIAL)
        space = "units" if own else [row[0] for row in rows if row[1] == "namespace"][-1]
        size = rng.choice([1, 2, 3, 6, 16]) * 4096
        wanted = generated(rows + own + [token, serial], size, version)
        name = f"esp{number}"
        save(f"{out}/{name}.csv", csv_of(rows))
        save(f"{out}/{name}.csv.tokens", f"AuthToken\n{TOKEN}\n")
        save(f"{out}/{name}.toml", f'''product = "GW-100"
[nvs]
kind = "esp-idf"
at = "0x9000..{hex(0x9000 + size)}"
version = {version}
csv = "{name}.csv"
[[slot]]
value = "auth-token"
nvs = {{ namespace = "{space}", key = "token" }}
[[slot]]
value = "serial"
nvs = {{ namespace = "{space}", key = "serial" }}
''' + TAIL.format(name=name))
        if wanted is not None:
            save(f"{out}/{name}.wanted", wanted)
        print(name, "fits" if wanted is not None else "full", sep="\t")


def zephyr(out):
    rng = random.Random(20261124)
    for number in range(24):
        sector, align = rng.choice([512, 1024, 4096]), rng.choice([1, 4, 8, 16]) if number % 2 else 4
        data_crc = number % 4 == 3
        sectors = rng.randint(2, 6)
        values = {}
        for _ in range(rng.randint(0, 30)):
            values[rng.randint(0, 0xFFFE)] = rng.randbytes(rng.choice([1, 4, 7, rng.randint(1, 120)]))
        token, serial = [each for each in rng.sample(range(0xFFFE), 8) if each not in values][:2]
        name = f"zephyr{number}"
        entries = "".join(f'[[nvs.entry]]\nid = {key}\nhex = "{value.hex()}"\n' for key, value in values.items())
        save(f"{out}/{name}.csv.tokens", f"AuthToken\n{TOKEN}\n")
        save(f"{out}/{name}.toml", f'''product = "GW-100"
[nvs]
kind = "zephyr"
at = "0xf0000..{hex(0xf0000 + sectors * sector)}"
sector = {sector}
align = {align}
data-crc = {str(data_crc).lower()}
{entries}[[slot]]
value = "auth-token"
nvs = {{ id = {token} }}
[[slot]]
value = "serial"
nvs = {{ id = {serial}, length = {len(SERIAL)} }}
''' + TAIL.format(name=name))
        values[token], values[serial] = TOKEN.encode() + b"\0", SERIAL.encode() + b"\0"
        held = {str(key): value.hex() for key, value in sorted(values.items())}
        print(name, sector, align, int(data_crc), json.dumps(held), sep="\t")


def crc8(data):
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def read(flash, sector, align, data_crc):
    """Mounts as nvs_startup does: the open sector behind the closed ones, entries from the newest back."""
    size = -(-8 // align) * align
    count = len(flash) // sector
    assert count >= 2

    def ate(number, at):
        raw = flash[number * sector + at:number * sector + at + 8]
        key, offset, length, part, crc = struct.unpack("<HHHBB", raw)
        valid = crc == crc8(raw[:7]) and offset + length < sector - size
        return (key, offset, length) if valid else None

    closed = [ate(number, sector - size) for number in range(count)]
    is_closed = [entry is not None and entry[0] == 0xFFFF and entry[2] == 0 for entry in closed]
    # The sector in work is the first open one behind a closed one; on a fresh store the first.
    work = next((n for n in range(count) if not is_closed[n] and (n == 0 or is_closed[n - 1])), None)
    assert work is not None, "every sector is closed"
    assert all(not shut for shut in is_closed[work:]), "closed sectors behind the one in work"
    held = {}
    for number in range(work + 1):
        at, end = sector - 2 * size, 0
        while at >= 0 and flash[number * sector + at:number * sector + at + 8] != b"\xff" * 8:
            entry = ate(number, at)
            assert entry, f"sector {number}: wrong entry at {at:#x}"
            key, offset, length = entry
            assert offset % align == 0 and offset >= end, "data overlaps"
            end = offset + length
            assert end <= at, "data reaches into the table"
            if key != 0xFFFF:
                value = flash[number * sector + offset:number * sector + end]
                if data_crc:
                    value, stored = value[:-4], value[-4:]
                    assert stored == struct.pack("<I", zlib.crc32(value)), "wrong CRC of data"
                held[key] = value
            at -= size
        first = ate(number, sector - 2 * size)
        assert first and first[0] == 0xFFFF, "no mark that garbage is collected"
        if is_closed[number]:
            assert closed[number][1] == at + size, "the closing entry names another last one"
        gap = flash[number * sector + end:number * sector + at + size]
        assert gap == b"\xff" * len(gap), "bytes between data and table"
    rest = flash[(work + 1) * sector:]
    assert rest == b"\xff" * len(rest) and rest, "no erased sector to collect into"
    return held


def told(file, sector, align, data_crc):
    with open(file, "rb") as f:
        flash = f.read()
    held = read(flash, sector, align, data_crc)
    if align == 4 and not data_crc:
        from znvs.decoder import Decoder
        assert Decoder(sector).load(flash) == held, "znvs reads other values"
    print(json.dumps({str(key): value.hex() for key, value in sorted(held.items())}))


def flash(out):
    """A merged image with bootloader, table, application and an empty partition for settings; and a HEX."""
    import hashlib
    import subprocess
    from intelhex import IntelHex
    rows = [("nvs", 1, 2, 0x9000, 0x6000), ("phy_init", 1, 1, 0xf000, 0x1000), ("factory", 0, 0, 0x10000, 0x10000)]
    table = b"".join(struct.pack("<HBBLL16sL", 0x50AA, kind, sub, at, size, name.encode(), 0)
                     for name, kind, sub, at, size in rows)
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    save(f"{out}/table.bin", table.ljust(0xC00, b"\xff"))
    with open(os.path.join(out, "..", "images", "esp32c3.bin"), "rb") as f:
        save(f"{out}/app.bin", f.read())
    subprocess.run([sys.executable, "-m", "esptool", "--chip", "esp32c3", "merge-bin", "-o", f"{out}/merged.bin",
                    "--pad-to-size", "4MB", "0x8000", f"{out}/table.bin", "0x10000", f"{out}/app.bin"],
                   check=True, stdout=subprocess.DEVNULL)
    app = IntelHex()
    app.puts(0, random.Random(1).randbytes(0x2345))
    app.start_addr = {"EIP": 0x101}
    app.write_hex_file(f"{out}/app.hex", eolstyle="CRLF")


if __name__ == "__main__":
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "read":
        told(rest[0], int(rest[1]), int(rest[2]), rest[3] == "1")
    else:
        {"esp": esp, "zephyr": zephyr, "flash": flash}[what](rest[0])
