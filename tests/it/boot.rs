//! The patched firmware boots: QEMU runs it, and it says token, serial and checksum itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::bench::{Bench, has};

/// Longest wait for the firmware's one line; a busy machine takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Boots an image and returns the first line that it prints.
fn boot(machine: &str, image: &Path, base: &str) -> String {
    let file = image.display();
    let mut qemu = Command::new("qemu-system-arm");
    qemu.args(["-M", machine, "-serial", "stdio", "-display", "none"])
        .args(["-monitor", "none"]);
    match image.extension().unwrap().to_str().unwrap() {
        "elf" => qemu.arg("-kernel").arg(image),
        "bin" => qemu.args(["-device", &format!("loader,file={file},addr={base}")]),
        _ => qemu.args(["-device", &format!("loader,file={file}")]),
    };
    let mut child = qemu
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(output.lines().next()));
    let line = receiver.recv_timeout(PATIENCE);
    child.kill().unwrap();
    child.wait().unwrap();
    match line {
        Ok(Some(Ok(line))) => line.trim_end().to_owned(),
        other => panic!("{file} printed no line: {other:?}"),
    }
}

/// One bootable product: what it prints before and after.
struct Product {
    name: &'static str,
    machine: &'static str,
    base: &'static str,
    blank: &'static str,
    /// `{token}`, `{serial}` and `{mac}` stand for the unit's values.
    filled: &'static str,
}

fn boots(product: &Product) {
    if !has("qemu-system-arm", "the boot proof") {
        return;
    }
    for container in ["elf", "bin", "hex"] {
        // A second ledger in one folder would give the same list's tokens out again, and is refused.
        let bench = Bench::new();
        let (recipe, shared) = if product.name == "gw100" {
            let recipe = match container {
                "elf" => "gw100/recipe.toml".to_owned(),
                _ => format!("recipes/gw100-{container}.toml"),
            };
            (recipe, bench.path(&format!("gw100/gw100.{container}")))
        } else {
            let file = format!("images/{}.{container}", product.name);
            (
                format!("recipes/{}-{container}.toml", product.name),
                bench.path(&file),
            )
        };
        assert_eq!(boot(product.machine, &shared, product.base), product.blank);
        let out = format!("out-{}-{container}", product.name);
        bench.ok(&["batch", "--recipe", &recipe, "--count", "2", "-o", &out]);
        bench.ok(&["verify", "--recipe", &recipe, &out]);
        let units = bench.tokens(&recipe);
        assert_eq!(units.len(), 2);
        for (serial, token) in units {
            let image = bench.path(&format!("{out}/{serial}.{container}"));
            let wanted = product
                .filled
                .replace("{token}", &token)
                .replace("{serial}", &serial)
                .replace("{mac}", &mac(&bench, &token));
            assert_eq!(boot(product.machine, &image, product.base), wanted);
        }
    }
}

/// Returns the MAC address that the shipped list gives to a token.
fn mac(bench: &Bench, token: &str) -> String {
    let zip = std::fs::File::open(bench.path("pools/blynk-export.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let name = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .find(|name| name.ends_with(".csv"))
        .unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut zip.by_name(&name).unwrap(), &mut bytes).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap());
    let column = reader
        .headers()
        .unwrap()
        .iter()
        .position(|header| header == "MAC address")
        .unwrap();
    reader
        .records()
        .map(|row| row.unwrap())
        .find(|row| &row[0] == token)
        .map(|row| row[column].to_owned())
        .unwrap()
}

#[test]
fn gw100_boots_with_token_and_serial() {
    boots(&Product {
        name: "gw100",
        machine: "microbit",
        base: "0x0",
        blank: "GW100 token=blank serial=blank crc=ok",
        filled: "GW100 token={token} serial={serial} crc=ok",
    });
}

#[test]
fn a_slot_in_data_boots_behind_the_chips_own_crc() {
    boots(&Product {
        name: "stm",
        machine: "netduinoplus2",
        base: "0x08000000",
        blank: "STM token=blank crc=unset",
        filled: "STM token={token} crc=ok",
    });
}

#[test]
fn an_option_block_boots_under_two_checksums() {
    boots(&Product {
        name: "blnk",
        machine: "lm3s6965evb",
        base: "0x0",
        blank: "BLNK auth=none ssid=placeholder sum=ok crc=ok",
        filled: "BLNK auth={token} ssid=plant-7 sum=ok crc=ok",
    });
}

#[test]
fn slots_by_magic_boot_under_a_digest() {
    boots(&Product {
        name: "eols",
        machine: "microbit",
        base: "0x0",
        blank: "EOLS token=blank serial=blank mac=blank sha256=ok",
        filled: "EOLS token={token} serial={serial} mac={mac} sha256=ok",
    });
}

#[test]
fn slots_on_erased_flash_boot_beside_a_digest() {
    boots(&Product {
        name: "eols-erased",
        machine: "microbit",
        base: "0x0",
        blank: "EOLS token=blank serial=blank mac=blank sha256=ok",
        filled: "EOLS token={token} serial={serial} mac={mac} sha256=ok",
    });
}
