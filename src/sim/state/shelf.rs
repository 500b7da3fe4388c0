//! A folder of boards, one file and one lock each. It must not know what a board's file holds.

use std::fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{StateError, io_error};
use super::format::decode;
use super::{make_folder, private};
use crate::own_file;
use crate::sim::board::{Board, SharedBoard};
use crate::sim::chip::Model;
use crate::sim::seed::Hash;

/// Boards of one line, one file each, named after the unit's serial.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Uses `folder`, which is made when the first board is taken.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Shelf {
        Shelf {
            folder: folder.into(),
        }
    }

    /// Returns the file of the board with this name, whether or not it exists.
    ///
    /// Letters, digits and `-` stay; every other byte becomes `_` and two hexadecimal digits. A
    /// long name is cut and gets its hash.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        let mut file = String::new();
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                file.push(char::from(byte));
            } else {
                file.push_str(&format!("_{byte:02x}"));
            }
        }
        if file.len() > 120 {
            file.truncate(100);
            let hash = Hash::new().add(name.as_bytes()).value();
            file.push_str(&format!("_{hash:016x}"));
        }
        self.folder.join(format!("{file}.board"))
    }

    /// Removes what is left of boards whose saving was cut short: it may hold a token. One that
    /// somebody has taken is being saved.
    pub fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let part = entry.path();
            let name = part.to_string_lossy();
            let Some(board) = name
                .strip_suffix(".part")
                .filter(|board| board.ends_with(".board"))
            else {
                continue;
            };
            let lock = private().open(Path::new(board).with_extension("lock"));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                // One that cannot be removed harms nobody more than before.
                let _ = fs::remove_file(&part);
            }
        }
    }

    /// Takes a board off the shelf, or makes a new, erased one; nobody else can until it is back.
    ///
    /// # Errors
    /// [`StateError::Busy`] if another process has it, [`StateError::OtherChip`] if it carries
    /// another chip, and all errors of [`Board::load`].
    pub fn take(&self, model: &'static Model, name: &str) -> Result<Held, StateError> {
        make_folder(&self.folder).map_err(io_error("make", &self.folder))?;
        let path = self.path(name);
        let lock_path = path.with_extension("lock");
        let lock = private()
            .open(&lock_path)
            .map_err(io_error("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Busy {
                    name: name.to_owned(),
                    path: lock_path,
                });
            }
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &lock_path)(source)),
        }
        let (mut board, is_new) = match own_file::read(&path, super::LARGEST) {
            Ok(bytes) => (decode(&bytes, &path)?, false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Board::new(model, name), true)
            }
            Err(source) => return Err(io_error("read", &path)(source)),
        };
        if board.model() != model {
            return Err(StateError::OtherChip {
                path,
                found: board.model().name,
                wanted: model.name,
            });
        }
        board.set_file(&path);
        Ok(Held {
            board: board.share(),
            path,
            is_new,
            _lock: lock,
        })
    }
}

/// A board taken from a [`Shelf`]; others find it busy until this is dropped.
///
/// Its state is written when a probe lets go of it (a session ends), on [`Held::save`], and at the
/// end. A program that is killed during a session leaves the state from before that session.
#[derive(Debug)]
pub struct Held {
    board: SharedBoard,
    path: PathBuf,
    is_new: bool,
    _lock: File,
}

impl Held {
    /// Returns the board.
    #[must_use]
    pub fn board(&self) -> &SharedBoard {
        &self.board
    }

    /// Whether the board was made just now.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Writes the board's state and keeps the board.
    ///
    /// # Errors
    /// Those of [`Board::save`].
    pub fn save(&self) -> Result<(), StateError> {
        self.board.lock().save(&self.path)
    }
}

impl Drop for Held {
    /// Puts the board back as it is. Call [`Held::save`] first to learn of errors.
    fn drop(&mut self) {
        let _ = self.save();
    }
}
