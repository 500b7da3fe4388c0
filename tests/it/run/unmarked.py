"""Judges a shift on boards without numbers: the boards' own bytes against the ledger's rows.

Usage: unmarked.py sqlite FILE LINE... | unmarked.py postgres URL SCHEMA LINE...

It shares no code with the program: the fingerprint is computed anew from each board's slot. Each LINE is a
folder with `boards`, and with `passes.txt`: which unit passed on which of them.
"""

import hashlib
import pathlib
import re
import sqlite3
import subprocess
import sys

SLOT = 0x1000
ROWS = """SELECT u.serial, u.state, t.state, {hex}(t.fingerprint{more})
FROM units u JOIN tokens t ON t.id = u.token"""
DELIVERED, FREE = (2, 3), 0


def rows(kind, place, schema=None):
    if kind == "sqlite":
        with sqlite3.connect(f"file:{place}?mode=ro", uri=True) as base:
            yield from base.execute(ROWS.format(hex="hex", more=""))
        return
    sql = f'SET search_path = "{schema}"; ' + ROWS.format(hex="encode", more=", 'hex'")
    told = subprocess.run(
        ["psql", "-qAtX", "-F", "\t", "-d", place, "-c", sql],
        check=True, capture_output=True, text=True,
    )
    for line in told.stdout.splitlines():
        serial, unit, token, print_ = line.split("\t")
        yield serial, int(unit), int(token), print_


def held(board):
    found = re.match(rb"[A-Za-z0-9_-]{32}", board.read_bytes()[SLOT:])
    if not found:
        return None
    return hashlib.sha256(b"eol-inject/token/1\0" + found.group()).hexdigest()


def main(kind, *rest):
    places = 1 if kind == "sqlite" else 2
    ledger, lines = rest[:places], [pathlib.Path(line) for line in rest[places:]]
    faults, on, passed = [], {}, {}
    for line in lines:
        for board in sorted((line / "boards").iterdir()):
            token = held(board)
            if token:
                on.setdefault(token, []).append(f"{line.name}/{board.name}")
        for row in (line / "passes.txt").read_text().splitlines():
            serial, board = row.split()
            passed[serial] = f"{line.name}/{board}"
    # Burnt or not: whoever stands there changes no board under a writer.
    for token, names in on.items():
        if len(names) > 1:
            faults.append(f"token {token[:12]} is on the boards {', '.join(names)}")
    units, bound = list(rows(kind, *ledger)), {}
    for serial, unit, _, token in units:
        token = token.lower()
        if unit not in DELIVERED:
            continue
        bound.setdefault(token, []).append(serial)
        if token not in on:
            faults.append(f"{serial} is delivered, and no board has token {token[:12]}")
        elif on[token][0] != passed.get(serial):
            faults.append(f"{serial} passed on {passed.get(serial)}, its token is on {on[token][0]}")
    for token, serials in bound.items():
        if len(serials) > 1:
            faults.append(f"token {token[:12]} is of the units {', '.join(serials)}")
    made = {serial for serials in bound.values() for serial in serials}
    for serial in passed.keys() - made:
        faults.append(f"{serial} passed, and is not on record")
    known = {token.lower() for _, _, state, token in units if state != FREE}
    for token in on.keys() - known:
        faults.append(f"a board has token {token[:12]}, which no unit has")
    print(f"{len(bound)} units delivered, {len(on)} tokens on boards, {len(faults)} faults")
    for fault in faults:
        print(fault)
    return bool(faults)


sys.exit(main(*sys.argv[1:]))
