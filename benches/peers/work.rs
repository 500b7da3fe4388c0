use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// Where the image is loaded.
pub const BASE: usize = 0x0800_0000;
/// Bytes of the token's slot.
pub const SLOT: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Random bytes with a CRC-32 at their end.
    Crc,
    /// An ESP image: XOR byte and SHA-256.
    Esp,
}

/// A folder with an image, its recipe, a token list and serials.
pub struct Work {
    folder: PathBuf,
    pub kind: Kind,
    pub units: usize,
    /// Where the slot is in the file: in the middle.
    pub slot: usize,
    pub len: usize,
    runs: Cell<usize>,
}

impl Work {
    pub fn new(kind: Kind, len: usize, units: usize) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let noise = noise(len);
        let (image, slot) = match kind {
            Kind::Crc => crc(noise),
            Kind::Esp => esp(&noise),
        };
        let check = match kind {
            Kind::Crc => {
                "kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"\nover = [\"start..end-4\"]\n\
                 at = { address = \"end-4\" }"
            }
            Kind::Esp => "kind = \"esp-image\"",
        };
        let recipe = format!(
            "product = \"PEERS\"\n[image]\nfile = \"fw.bin\"\nbase = {BASE}\n\
             [[slot]]\nvalue = \"auth-token\"\naddress = {}\nsize = {SLOT}\nblank = \"erased\"\n\
             [[checksum]]\n{check}\n[pool]\nfile = \"tokens.csv\"\n\
             [ledger]\nurl = \"sqlite:peers.ledger\"\n",
            BASE + slot
        );
        let mut tokens = "Device Token\n".to_owned();
        let mut serials = String::new();
        for unit in 0..units {
            tokens.push_str(&format!("{}\n", token(unit)));
            serials.push_str(&format!("PF{unit:07}\n"));
        }
        for (name, bytes) in [
            ("fw.bin", image.as_slice()),
            ("recipe.toml", recipe.as_bytes()),
            ("tokens.csv", tokens.as_bytes()),
            ("serials.txt", serials.as_bytes()),
        ] {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let len = image.len();
        Self {
            folder,
            kind,
            units,
            slot,
            len,
            runs: Cell::new(0),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes an empty folder, with all that was written before on the disk.
    ///
    /// Nothing is removed before all runs are done: for a minute ext4 looks at each freed inode
    /// again for every new file, and freed blocks are discarded beside the next run.
    pub fn fresh(&self, name: &str) -> String {
        self.runs.set(self.runs.get() + 1);
        let name = format!("{name}-{}", self.runs.get());
        fs::create_dir(self.path(&name)).unwrap();
        let _ = Command::new("sync").status();
        name
    }

    /// The program on a new ledger and an empty folder.
    pub fn batch(&self, more: &[&str]) -> Command {
        let run = self.fresh("batch");
        let text = fs::read_to_string(self.path("recipe.toml")).unwrap();
        let text = text.replace("\"fw.bin\"", "\"../fw.bin\"");
        let text = text.replace("\"tokens.csv\"", "\"../tokens.csv\"");
        fs::write(self.path(&run).join("recipe.toml"), text).unwrap();
        // A list is taken in once, long before a batch; what it costs stands for itself.
        let mut import = self.program(&["pool", "import", "../tokens.csv"]);
        let imported = import.current_dir(self.path(&run)).output().unwrap();
        assert!(imported.status.success(), "{imported:?}");
        let mut command = self.program(&["batch", "--serials", "../serials.txt", "-o", "out"]);
        command.args(more).current_dir(self.path(&run));
        command
    }

    pub fn verify(&self, folder: &str) -> Command {
        self.program(&["verify", folder])
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eol-inject"));
        command.args(args).current_dir(&self.folder);
        command
    }
}

/// A token that no other unit has.
pub fn token(unit: usize) -> String {
    let digest = Sha256::digest(unit.to_be_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Bytes that look like nothing, the same every time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn crc(mut image: Vec<u8>) -> (Vec<u8>, usize) {
    let (slot, end) = (image.len() / 2, image.len() - 4);
    image[slot..slot + SLOT].fill(0xFF);
    let crc = crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISO_HDLC).checksum(&image[..end]);
    image[end..].copy_from_slice(&crc.to_le_bytes());
    (image, slot)
}

/// Header with extension, one segment, XOR byte, digest.
fn esp(noise: &[u8]) -> (Vec<u8>, usize) {
    let data = (noise.len() - 128) / 4 * 4;
    let (load, len) = (0x4200_0020u32.to_le_bytes(), (data as u32).to_le_bytes());
    let mut image = vec![0xE9, 1, 2, 0x20];
    image.extend(load);
    image.resize(23, 0);
    image.push(1);
    image.extend([load, len].concat());
    let start = image.len();
    image.extend(&noise[..data]);
    let slot = start + data / 2;
    image[slot..slot + SLOT].fill(0xFF);
    let xor = image[start..].iter().fold(0xEF, |sum, byte| sum ^ byte);
    while image.len() % 16 != 15 {
        image.push(0);
    }
    image.push(xor);
    let digest = Sha256::digest(&image);
    image.extend(digest);
    (image, slot)
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
