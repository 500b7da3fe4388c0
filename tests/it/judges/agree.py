#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""agree.py ELF BIN HEX SREC UF2      tells whether other people's readers find the same byte at every address

PyPI pyelftools, intelhex, bincopy and adafruit-uf2 (Microsoft's uf2conv.py); the BIN starts at 0.
"""
import contextlib
import io
import sys

import bincopy
import intelhex
from adafruit_uf2 import uf2conv
from elftools.elf.elffile import ELFFile


def elf(file):
    with open(file, "rb") as f:
        for segment in ELFFile(f).iter_segments("PT_LOAD"):
            yield segment["p_paddr"], segment.data()


def binary(file):
    with open(file, "rb") as f:
        yield 0, f.read()


def hexadecimal(file):
    read = intelhex.IntelHex(file)
    for start, end in read.segments():
        yield start, read.tobinstr(start=start, end=end - 1)


def srec(file):
    read = bincopy.BinFile()
    read.add_srec_file(file)
    for segment in read.segments:
        yield segment.minimum_address, bytes(segment.data)


def uf2(file):
    with open(file, "rb") as f, contextlib.redirect_stdout(io.StringIO()):
        data = uf2conv.convert_from_uf2(f.read())
    yield uf2conv.appstartaddr, data


forms = [dict((start + index, byte) for start, data in read(file) for index, byte in enumerate(data))
         for read, file in zip((elf, binary, hexadecimal, srec, uf2), sys.argv[1:], strict=True)]
for file, form in zip(sys.argv[1:], forms):
    for address, byte in forms[0].items():
        if form.get(address) != byte:
            sys.exit(f"{file} has {form.get(address)} at {address:#x}, {sys.argv[1]} has {byte}")
print(len(forms[0]))
