use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use super::Way;
use super::work::Work;

/// Makes a way of one of this program's own loops.
pub fn way(what: &'static str, work: &Work, threads: usize) -> Way {
    let text = match what {
        "write" => "write",
        "durable" => "write, fsync, rename",
        _ => "SHA-256",
    };
    Way {
        name: format!("floor: {text}, {threads} threads"),
        units: work.units,
        command: Box::new(move |work| command(what, &work.fresh("floor"), (work, threads))),
        status: 0,
    }
}

/// Reads and hashes what is in `folder`.
pub fn reading(folder: String, work: &Work, threads: usize) -> Way {
    Way {
        name: format!("floor: read and SHA-256, {threads} threads"),
        units: work.units,
        command: Box::new(move |work| command("read", &folder, (work, threads))),
        status: 0,
    }
}

fn command(what: &str, folder: &str, (work, threads): (&Work, usize)) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--floor", what]).arg(work.path(folder));
    command.arg(work.path("fw.bin"));
    command.args([work.units.to_string(), threads.to_string()]);
    command
}

/// `WHAT FOLDER IMAGE UNITS THREADS`
pub fn run(args: &[String]) {
    let [what, folder, image, units, threads] = args else {
        panic!("{args:?}");
    };
    let (folder, image) = (Path::new(folder), fs::read(image).unwrap());
    let (units, threads): (usize, usize) = (units.parse().unwrap(), threads.parse().unwrap());
    let files: Vec<PathBuf> = match what.as_str() {
        "read" => fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect(),
        _ => (0..units)
            .map(|unit| folder.join(format!("PF{unit:07}.bin")))
            .collect(),
    };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut room = Vec::new();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match what.as_str() {
                        "write" => File::create(file).unwrap().write_all(&image).unwrap(),
                        "durable" => durable(file, &image),
                        "hash" => drop(std::hint::black_box(Sha256::digest(&image))),
                        _ => {
                            room.clear();
                            File::open(file).unwrap().read_to_end(&mut room).unwrap();
                            std::hint::black_box(Sha256::digest(&room));
                        }
                    }
                }
            });
        }
    });
}

fn durable(file: &Path, image: &[u8]) {
    let part = file.with_extension("part");
    let mut made = File::create(&part).unwrap();
    made.write_all(image).unwrap();
    made.sync_all().unwrap();
    fs::rename(part, file).unwrap();
}
