# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes images with the vendors' tools, for `judges_esp_mcuboot.rs`.

    images.py esp FOLDER          images by esptool
    images.py mcuboot FOLDER      images and keys by imgtool
    images.py carve FILE START LENGTH OUT    loaded bytes of a HEX or BIN

The first two print a line an image: name, file, base or -, key or -, start and length of what the
judge reads.
"""
import contextlib
import hashlib
import io
import os
import struct
import subprocess
import sys

PLACEHOLDER = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLDER_____"


def tool(*args):
    result = subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{args}: {result.stdout}{result.stderr}")


def line(name, file, base="-", key="-", start=0, length=0):
    print("\t".join(str(part) for part in (name, file, base, key, start, length)), flush=True)


# ---- ESP ----

def noise(seed, length):
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"{seed} {len(out)}".encode()).digest()
    return out[:length]


def elf(machine, entry, sections):
    """An ELF32 with one PROGBITS section for each (name, address, bytes)."""
    names = b"\0"
    body, headers = b"", [struct.pack("<10I", *[0] * 10)]
    for name, address, data in sections:
        at = len(names)
        names += name.encode() + b"\0"
        headers.append(struct.pack("<10I", at, 1, 6, address, 52 + len(body), len(data), 0, 0, 4, 0))
        body += data + b"\0" * (-len(data) % 4)
    at = len(names)
    names += b".shstrtab\0"
    headers.append(struct.pack("<10I", at, 3, 0, 0, 52 + len(body), len(names), 0, 0, 1, 0))
    body += names + b"\0" * (-len(names) % 4)
    head = b"\x7fELF\x01\x01\x01" + b"\0" * 9
    head += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, entry, 0, 52 + len(body), 0, 52, 0, 0, 40, len(headers), len(headers) - 1)
    return head + body + b"".join(headers)


def chip_elf(folder, chip, slot_in):
    with contextlib.redirect_stdout(io.StringIO()):
        from esptool.targets import CHIP_DEFS
    rom = CHIP_DEFS[chip]
    where = {}
    for start, end, name in rom.MEMORY_MAP:
        where.setdefault(name, (start, end))
    drom, irom = where["DROM"][0], where["IROM"][0]
    if drom == irom:
        irom = drom + 0x20000
    ram = max(where["DRAM"][0], 0x3FFB0000 if chip == "esp32" else 0) + (0 if chip == "esp32" else 0x10000)
    slot = PLACEHOLDER if slot_in != "none" else b""
    description = struct.pack("<I", 0xABCD5432).ljust(256, b"\0")
    rodata = noise("rodata", 0x234) + (slot if slot_in == "flash" else b"") + noise("more", 0x100)
    # Room for the ELF's digest, where a RAM segment comes first.
    data = noise("data", 0x90) + bytes(32) + noise("next", 0x1C) + (slot if slot_in == "ram" else b"")
    sections = [
        (".dram0.data", ram, data.ljust(0x140, b"\1")),
        (".flash.appdesc", drom + 0x20, description),
        (".flash.rodata", drom + 0x120, rodata),
        (".flash.text", irom + 0x20, noise("text", 0x800)),
    ]
    if slot_in == "none":
        # A boot loader: RAM only.
        irom = where["IRAM"][0] + 0x10000
        sections = [sections[0], (".iram0.text", irom + 0x20, noise("boot", 0x400))]
    machine = 0x5E if chip in ("esp32", "esp32s2", "esp32s3") else 0xF3
    name = f"{chip}-{slot_in}.elf"
    with open(os.path.join(folder, name), "wb") as file:
        file.write(elf(machine, irom + 0x20, sections))
    return name


def esp(folder):
    os.chdir(folder)
    chips = ["esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c2", "esp32c6", "esp32h2", "esp32p4", "esp32c5", "esp32c61"]
    for chip in chips:
        source = chip_elf(".", chip, "flash")
        tool("esptool", "--chip", chip, "elf2image", "--elf-sha256-offset", "0xb0", "-o", f"{chip}.bin", source)
        line(chip, f"{chip}.bin", 0, "-", 0, os.path.getsize(f"{chip}.bin"))
    source = chip_elf(".", "esp32", "ram")
    tool("esptool", "--chip", "esp32", "elf2image", "-o", "ram.bin", source)
    line("slot in RAM data", "ram.bin", 0, "-", 0, os.path.getsize("ram.bin"))
    tool("esptool", "--chip", "esp32", "elf2image", "--dont-append-digest", "-o", "no-digest.bin", source)
    line("without a digest", "no-digest.bin", 0, "-", 0, os.path.getsize("no-digest.bin"))
    tool("esptool", "--chip", "esp32c3", "elf2image", "--ram-only-header", "-o", "ram-only.bin", chip_elf(".", "esp32c3", "ram"))
    line("RAM-only header", "ram-only.bin", 0, "-", 0, os.path.getsize("ram-only.bin"))

    # Boot loader, partition table and application in one file, as merge-bin writes it.
    boot = chip_elf(".", "esp32c3", "none")
    tool("esptool", "--chip", "esp32c3", "elf2image", "-o", "boot.bin", boot)
    entries = b""
    for kind, sub, offset, size, label in ((1, 2, 0x9000, 0x6000, b"nvs"), (0, 0, 0x10000, 0x100000, b"factory")):
        entries += struct.pack("<2sBBII16sI", b"\xaa\x50", kind, sub, offset, size, label, 0)
    entries += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    with open("table.bin", "wb") as file:
        file.write(entries.ljust(0xC00, b"\xff"))
    tool("esptool", "--chip", "esp32c3", "merge-bin", "-o", "merged.bin", "0x0", "boot.bin", "0x8000", "table.bin", "0x10000", "esp32c3.bin")
    line("merged", "merged.bin", 0, "-", 0x10000, os.path.getsize("esp32c3.bin"))

    for version in (1, 2):
        sections = [
            (".data", 0x3FFE8000, noise("data", 0x34) + PLACEHOLDER + noise("end", 0x40)),
            (".text", 0x40100000, noise("text", 0x200)),
            (".irom0.text", 0x40201010, noise("irom", 0x300)),
        ]
        with open("esp8266.elf", "wb") as file:
            file.write(elf(0x5E, 0x40100004, sections))
        tool("esptool", "--chip", "esp8266", "elf2image", "--version", str(version), "-o", f"esp8266-v{version}-" + (".bin" if version == 2 else ""), "esp8266.elf")
        made = [name for name in os.listdir(".") if name.startswith(f"esp8266-v{version}-" + (".bin" if version == 2 else ""))]
        file = next(name for name in made if PLACEHOLDER in open(name, "rb").read())
        line(f"ESP8266 version {version}", file, 0, "-", 0, os.path.getsize(file))

    # Secure boot, both versions: these are refused.
    for version, scheme in ((1, []), (2, ["--scheme", "rsa3072"])):
        key, signed = f"secure-{version}.pem", f"secure-{version}.bin"
        tool("espsecure", "generate-signing-key", "--version", str(version), *scheme, key)
        tool("espsecure", "sign-data", "--version", str(version), "-k", key, "-o", signed, "esp32.bin")
        line(f"signed {version}", signed, 0, "-", 0, 0)


# ---- MCUboot ----

def mcuboot(folder):
    os.chdir(folder)
    with open("app.bin", "wb") as file:
        file.write(noise("app", 0x1234) + PLACEHOLDER + noise("tail", 0x456))
    keys = {"ed25519": "ed25519", "p256": "ecdsa-p256", "rsa2048": "rsa-2048", "rsa3072": "rsa-3072"}
    for name, kind in keys.items():
        for who in ("", "-other"):
            tool("imgtool.main", "keygen", "-t", kind, "-k", f"{name}{who}.pem")
        tool("imgtool.main", "getpub", "-k", f"{name}.pem", "-e", "pem", "-o", f"{name}-public.pem")
    base = ["sign", "--align", "4", "--version", "1.2.3+4", "--header-size", "0x200", "--pad-header", "--slot-size", "0x20000"]

    def make(name, key, *options, suffix="bin"):
        file = name.replace(" ", "-") + "." + suffix
        signed = ["-k", f"{key}.pem"] if key != "-" else []
        place = ["--hex-addr", "0x10000"] if suffix == "hex" else []
        tool("imgtool.main", *base, *signed, *options, *place, "app.bin", file)
        if suffix == "hex":
            line(name, file, "-", key, 0x10000, 0)
        else:
            line(name, file, 0x10000, key, 0, 0)

    make("unsigned", "-")
    make("unsigned SHA-384", "-", "--sha", "384")
    make("unsigned SHA-512", "-", "--sha", "512")
    make("Ed25519", "ed25519")
    make("Ed25519 SHA-512", "ed25519", "--sha", "512")
    make("Ed25519 pure", "ed25519", "--pure")
    for count in range(6):
        make(f"P-256 {count}", "p256")
    make("P-256 padded signature", "p256", "--pad-sig")
    make("P-256 whole public key", "p256", "--public-key-format", "full")
    make("RSA-2048", "rsa2048")
    make("RSA-3072", "rsa3072")
    make("protected entries", "rsa2048", "-s", "7", "-d", "(1, 1.2.3+0)", "--custom-tlv", "0x00a0", "hello", "--boot-record", "SPE")
    make("padded", "ed25519", "--pad")
    make("confirmed", "p256", "--confirm")
    make("confirmed HEX", "rsa2048", "--confirm", suffix="hex")

    # As a cellular build ships it: boot loader, settings, and the signed application in one HEX.
    from intelhex import IntelHex
    tool("imgtool.main", *base, "-k", "rsa2048.pem", "--confirm", "--hex-addr", "0x10000", "app.bin", "nrf91.hex")
    merged = IntelHex()
    merged.frombytes(noise("boot", 0x3000), offset=0)
    merged.merge(IntelHex("nrf91.hex"))
    merged.frombytes(noise("settings", 0x400), offset=0xF8000)
    merged.tofile("merged.hex", "hex")
    line("merged HEX", "merged.hex", "-", "rsa2048", 0x10000, 0x20000)


def carve(file, start, length, out):
    from intelhex import IntelHex
    start, length = int(start, 0), int(length, 0)
    if file.endswith(".hex"):
        image = IntelHex(file)
        end = start + length - 1 if length else image.maxaddr()
        data = image.tobinstr(start=start, end=end)
    else:
        with open(file, "rb") as source:
            data = source.read()
        data = data[start:start + length] if length else data[start:]
    with open(out, "wb") as target:
        target.write(data)


if __name__ == "__main__":
    {"esp": esp, "mcuboot": mcuboot, "carve": carve}[sys.argv[1]](*sys.argv[2:])
