//! Whose a file is that stands where a unit's image goes: the unit's own, or somebody else's.
//!
//! A serial keeps its token. A file that holds the token was therefore made for this unit, by this
//! firmware or an earlier one.

use std::fs;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::image::{Hint, Image, Rendered};
use crate::receipt::{BLOCK, fill};
use crate::regular;
use crate::unit::{AuthToken, Fingerprint};

/// Largest file that is looked into; what is larger was not made here.
const LARGEST: u64 = 1 << 30;

/// Returns whether nobody loses anything when the file at `path` is replaced by `content`.
pub(super) fn may_go(path: &Path, content: &Rendered<'_>, token: &Fingerprint) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
        // A link is somebody's, whatever it leads to.
        Ok(found) if !found.is_file() => return Ok(false),
        Ok(_) => {}
    }
    Ok(is_rest(path, content)? || holds(path, token)?)
}

/// Returns whether a file is what a power cut left of `content`: some of it, else zeros.
fn is_rest(path: &Path, content: &Rendered<'_>) -> io::Result<bool> {
    let mut file = regular::open(path)?;
    let length = file.metadata()?.len();
    if !usize::try_from(length).is_ok_and(|length| length <= content.len()) {
        return Ok(false);
    }
    let mut room = vec![0; BLOCK];
    for wanted in content.parts().flat_map(|part| part.chunks(BLOCK)) {
        let found = fill(&mut file, room.get_mut(..wanted.len()).unwrap_or_default())?;
        let found = room.get(..found).unwrap_or_default();
        if !found
            .iter()
            .zip(wanted)
            .all(|(found, wanted)| found == wanted || *found == 0)
        {
            return Ok(false);
        }
        if found.len() < wanted.len() {
            break;
        }
    }
    Ok(true)
}

/// Returns whether a file holds the token, whatever its format.
fn holds(path: &Path, token: &Fingerprint) -> io::Result<bool> {
    let bytes = match regular::read(path, LARGEST) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(false),
        Err(error) => return Err(error),
    };
    if stands_in(&bytes, token) {
        return Ok(true);
    }
    // Records of text, and blocks, part what is one value when it is loaded.
    let Ok(image) = Image::read(bytes.to_vec(), Hint::default()) else {
        return Ok(false);
    };
    let mut loaded = image.runs().into_iter();
    Ok(loaded.any(|run| image.bytes(run).is_ok_and(|bytes| stands_in(&bytes, token))))
}

/// Returns whether the token stands in `bytes`; it is known by its fingerprint alone.
fn stands_in(bytes: &[u8], token: &Fingerprint) -> bool {
    bytes
        .split(|byte| !AuthToken::allows(*byte))
        .flat_map(|run| run.windows(AuthToken::LEN))
        .filter_map(|text| AuthToken::parse(text).ok())
        .any(|found| found.fingerprint() == *token)
}
