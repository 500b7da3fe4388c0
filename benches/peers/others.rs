use std::fs;
use std::process::{Command, Stdio};

use super::Way;
use super::work::{BASE, Kind, SLOT, Work, token};

/// Units of a peer that is started anew for each.
const FEW: usize = 10;

/// What people write today: one process, one loop.
const PYTHON: &str = r#"
import hashlib, struct, sys, zlib
kind, slot, units, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
master = open("fw.bin", "rb").read()
for unit in range(units):
    token = hashlib.sha256(struct.pack(">Q", unit)).hexdigest()[:32].encode()
    image = bytearray(master)
    image[slot:slot + 40] = token.ljust(40, b"\0")
    if kind == "crc":
        image[-4:] = struct.pack("<I", zlib.crc32(memoryview(image)[:-4]))
    else:
        old = bytes(master[slot:slot + 40]); xor = image[-33]
        for byte in old + bytes(image[slot:slot + 40]):
            xor ^= byte
        image[-33] = xor
        image[-32:] = hashlib.sha256(memoryview(image)[:-32]).digest()
    with open("%s/PF%07d.bin" % (out, unit), "wb") as file:
        file.write(image)
"#;

/// Returns those that are installed.
pub fn ways(work: &Work) -> Vec<Way> {
    fs::write(work.path("loop.py"), PYTHON).unwrap();
    fs::write(work.path("token.bin"), token(7).as_bytes()).unwrap();
    fs::write(
        work.path("slot.bin"),
        [token(7).as_bytes(), &[0; SLOT - 32]].concat(),
    )
    .unwrap();
    let python = std::env::var("EOL_INJECT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut ways = Vec::new();
    let kind = if work.kind == Kind::Crc { "crc" } else { "esp" };
    let slot = work.slot.to_string();
    if runs(&python, &["-c", "import zlib"]) {
        let (python, units) = (python.clone(), work.units.to_string());
        ways.push(Way {
            name: "Python loop, one process".to_owned(),
            units: work.units,
            command: Box::new(move |work| {
                let mut command = Command::new(&python);
                command
                    .args(["loop.py", kind, &slot, &units, &work.fresh("peer")])
                    .current_dir(work.path(""));
                command
            }),
            status: 0,
        });
    }
    let (from, to) = (
        (BASE + work.slot).to_string(),
        (BASE + work.slot + SLOT).to_string(),
    );
    let (base, end) = (BASE.to_string(), (BASE + work.len - 4).to_string());
    if work.kind == Kind::Crc {
        if runs("objcopy", &["--version"]) && elf(work) {
            let line = "objcopy -F elf32-little --update-section .auth_token=slot.bin fw.elf $peer/$unit.elf";
            ways.push(each("objcopy, no checksum, a process a unit", line));
        }
        if runs("srec_cat", &["--version"]) {
            let line = format!(
                "srec_cat fw.bin -binary -offset {base} -exclude {from} {to} -exclude {end} \
                 $(({end} + 4)) slot.bin -binary -offset {from} -crc32-l-e {end} \
                 -offset -{base} -o $peer/$unit.bin -binary"
            );
            ways.push(each("srec_cat, a process a unit", &line));
        }
        if runs(&python, &["-m", "imgtool.main", "version"]) {
            let line = format!(
                "{python} -m imgtool.main sign --version 1.0.0 --header-size 0x200 --pad-header \
                 --slot-size 0x8000000 fw.bin $peer/$unit.bin"
            );
            ways.push(each("imgtool sign, SHA-256, a process a unit", &line));
        }
    } else if runs(&python, &["-m", "esptool", "version"]) {
        let line =
            format!("{python} -m esptool --chip esp32c3 merge-bin -o $peer/$unit.bin 0 fw.bin");
        ways.push(each("esptool merge-bin, a process a unit", &line));
    }
    ways
}

/// Runs one line of shell for each of a few units.
fn each(name: &str, line: &str) -> Way {
    let numbers: Vec<String> = (0..FEW).map(|unit| unit.to_string()).collect();
    let script = format!("set -e; for unit in {}; do {line}; done", numbers.join(" "));
    Way {
        name: name.to_owned(),
        units: FEW,
        command: Box::new(move |work| {
            let mut command = Command::new("sh");
            command.args(["-c", &script]).current_dir(work.path(""));
            command.env("peer", work.fresh("peer"));
            command
        }),
        status: 0,
    }
}

/// Makes an ELF with the slot in a section of its own.
fn elf(work: &Work) -> bool {
    let mut command = Command::new("objcopy");
    command.args([
        "-I",
        "binary",
        "-O",
        "elf32-little",
        "--add-section",
        ".auth_token=slot.bin",
    ]);
    command
        .args(["fw.bin", "fw.elf"])
        .current_dir(work.path(""));
    quiet(&mut command)
}

fn runs(program: &str, args: &[&str]) -> bool {
    let found = quiet(Command::new(program).args(args));
    if !found {
        println!("left out: {program} {} does not run", args.join(" "));
    }
    found
}

fn quiet(command: &mut Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
