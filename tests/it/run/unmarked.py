"""Judges a shift on boards without numbers: the boards' own bytes against the ledger's rows.

Usage: unmarked.py BOARDS sqlite FILE | unmarked.py BOARDS postgres URL SCHEMA

It shares no code with the program: the fingerprint is computed anew from each board's slot.
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
DELIVERED, FREE, VOID = (2, 3), 0, 2


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


def main(boards, *ledger):
    faults, on = [], {}
    for board in sorted(pathlib.Path(boards).iterdir()):
        token = held(board)
        if token:
            on.setdefault(token, []).append(board.name)
    units, bound = list(rows(*ledger)), {}
    burnt = {token.lower() for _, _, state, token in units if state == VOID}
    for token, names in on.items():
        # A writer that outlives its run, and boards that are changed under it: nobody can keep it
        # from both. Then the token is burnt, and those boards are nobody's.
        if len(names) > 1 and token not in burnt:
            faults.append(f"token {token[:12]} is on the boards {', '.join(names)}")
    for serial, unit, _, token in units:
        token = token.lower()
        if unit in DELIVERED:
            bound.setdefault(token, []).append(serial)
            if token not in on:
                faults.append(f"{serial} is delivered, and no board has token {token[:12]}")
    for token, serials in bound.items():
        if len(serials) > 1:
            faults.append(f"token {token[:12]} is of the units {', '.join(serials)}")
    known = {token.lower() for _, _, state, token in units if state != FREE}
    for token in on.keys() - known:
        faults.append(f"a board has token {token[:12]}, which no unit has")
    print(f"{len(bound)} units delivered, {len(on)} tokens on boards")
    for fault in faults:
        print(fault)
    return bool(faults)


sys.exit(main(*sys.argv[1:]))
