#!/usr/bin/env python3
"""How the cost of a unit grows: batch without sync, one thing varied at a time.

    python3 benches/growth.py PROGRAM OUT.svg

Whole process, the token list taken in before; the median of three, of a million units one. Nothing is removed before
the end, so that freed inodes and blocks do not disturb the next run.
"""
import hashlib, math, os, struct, subprocess, sys, tempfile, time, zlib

program, drawing = os.path.abspath(sys.argv[1]), sys.argv[2]
KIB = 1024


def once(folder, size, units, checksums, jobs):
    os.makedirs(folder)
    end = size - 4 * checksums
    image = bytearray((at * 167 + at // 251) & 0xFF for at in range(4096)) * (size // 4096)
    slot = size // 2
    image[slot:slot + 40] = b"\xff" * 40
    image[end:] = struct.pack("<I", zlib.crc32(memoryview(image)[:end])) * checksums
    text = f'product = "GROW"\n[image]\nfile = "fw.bin"\nbase = 0\n[[slot]]\nvalue = "auth-token"\naddress = {slot}\nsize = 40\nblank = "erased"\n'
    for at in range(end, size, 4):
        text += f'[[checksum]]\nkind = "crc"\nalgorithm = "CRC-32/ISO-HDLC"\nover = ["0..{end}"]\nat = {{ address = {at} }}\n'
    text += '[ledger]\nurl = "sqlite:grow.ledger"\n'
    tokens = "".join(hashlib.sha256(b"%d" % unit).hexdigest()[:32] + "\n" for unit in range(units))
    serials = "".join(f"GROW{unit:07}\n" for unit in range(units))
    for name, content in [("fw.bin", bytes(image)), ("recipe.toml", text.encode()),
                          ("tokens.csv", ("Device Token\n" + tokens).encode()), ("serials.txt", serials.encode())]:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    quiet = dict(cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([program, "pool", "import", "tokens.csv"], check=True, **quiet)
    os.sync()
    since = time.perf_counter()
    done = subprocess.run([program, "batch", "--serials", "serials.txt", "-o", "out", "--jobs", str(jobs)], **quiet)
    took = time.perf_counter() - since
    assert done.returncode == 60, done  # No QR Tokens in the list, so no labels.
    return took * 1e3 / units


def panel(title, xs, measure, left, top, scale=float):
    """`scale` is what a value is drawn by: float, or math.log10 where it grows with the size itself."""
    values = [sorted(measure(x) for _ in range(3 if x < 10**5 else 1))[-1 if x >= 10**5 else 1] for x in xs]
    print(title, *(f"{x}: {value:.3f} ms" for x, value in zip(xs, values)), sep="\n  ", flush=True)
    least = 0 if scale is float else scale(min(values)) - 0.2
    most = (scale(max(values)) - least) * 1.15
    wide, high = 300, 150
    at = lambda index: left + 40 + index * (wide - 70) / max(len(xs) - 1, 1)
    y = lambda value: top + high - (scale(value) - least) / most * (high - 30)
    dots = " ".join(f"{at(i):.0f},{y(v):.0f}" for i, v in enumerate(values))
    svg = [f'<text x="{left + 30}" y="{top + 12}" font-weight="bold">{title}</text>',
           f'<path d="M{left + 30} {top + 20}V{top + high}H{left + wide}" fill="none" stroke="#888"/>',
           f'<polyline points="{dots}" fill="none" stroke="#06c" stroke-width="2"/>']
    for i, (x, value) in enumerate(zip(xs, values)):
        svg.append(f'<circle cx="{at(i):.0f}" cy="{y(value):.0f}" r="3" fill="#06c"/>')
        svg.append(f'<text x="{at(i):.0f}" y="{y(value) - 7:.0f}" text-anchor="middle">{value:.2f}</text>')
        svg.append(f'<text x="{at(i):.0f}" y="{top + high + 14}" text-anchor="middle">{x}</text>')
    return svg


with tempfile.TemporaryDirectory(dir=os.environ.get("GROWTH_DIR", ".")) as base:
    runs = iter(range(10**6))
    run = lambda **what: once(f"{base}/{next(runs)}", **{"size": 1024 * KIB, "units": 200, "checksums": 1, "jobs": 2, **what})
    panels = [("image in KiB (ms a unit, logarithmic)", [64, 256, 1024, 4096, 16384, 65536],
               lambda kib: run(size=kib * KIB, units=200 if kib <= 1024 else 64), math.log10),
              ("units of 4 KiB (ms a unit)", [10, 100, 1000, 10**4, 10**5, 10**6],
               lambda units: run(size=4 * KIB, units=units), math.log10),
              ("checksums, CRC-32 over 64 KiB (ms a unit)", [0, 1, 2, 4, 8, 16],
               lambda count: run(size=64 * KIB, units=2000, checksums=count), float),
              ("workers, 64 KiB (ms a unit)", [1, 2, 4, 8], lambda jobs: run(size=64 * KIB, units=2000, jobs=jobs), float)]
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 380" font-family="sans-serif" font-size="10">',
           '<rect width="640" height="380" fill="#fff"/>']
    for place, (title, xs, measure, scale) in enumerate(panels):
        svg += panel(title, xs, measure, 10 + place % 2 * 315, 10 + place // 2 * 185, scale)
    with open(drawing, "w") as file:
        file.write("\n".join(svg + ["</svg>", ""]))
