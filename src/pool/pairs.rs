//! An export of several files: which is the list, and which picture belongs to which row.
//!
//! A picture belongs to the row whose AuthToken is its name; order says nothing.

use std::collections::HashMap;
use std::num::NonZero;
use std::thread;

use super::error::PoolError;
use super::item::{Item, is_zip};
use super::list::{List, Origin};
use super::shown::Contents;
use crate::qr::PictureError;
use crate::qr::picture::{self, Secrets};
use crate::unit::QrToken;

/// Files that file managers leave in folders and archives.
const LITTER: &[&str] = &[".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"];
/// Extensions of lists, where several files could be one.
const LISTS: &[&str] = &["csv", "json", "tsv"];

/// The files of an export, sorted by what they are.
pub(super) struct Export {
    pub list: Item,
    pub pictures: Vec<Item>,
    /// Whether `pool generate` made it.
    pub generated: bool,
}

impl Export {
    /// Finds the list by leaving out what is a picture, and litter.
    pub(super) fn sort(items: Vec<Item>) -> Result<Self, PoolError> {
        let (mut pictures, mut others, mut generated) = (Vec::new(), Vec::new(), false);
        for item in items {
            if is_ignored(&item.name) {
                continue;
            }
            if extension(&item.name) == "png" || picture::is_png(&item.bytes) {
                pictures.push(item);
            } else if file_name(&item.name) == Origin::FILE {
                generated = true;
            } else {
                others.push(item);
            }
        }
        let there = Contents::new(others.iter().map(|item| item.name.as_str()), pictures.len());
        let listed = |item: &Item| LISTS.contains(&extension(&item.name).as_str());
        if others.len() > 1 {
            others.retain(listed);
        }
        // An export inside another one is imported by itself.
        others.retain(|item| !is_zip(&item.bytes));
        let found = others.len();
        match others.pop() {
            Some(list) if found == 1 => Ok(Self {
                list,
                pictures,
                generated,
            }),
            _ => Err(PoolError::NotOneList { found, there }),
        }
    }
}

/// Returns whether a file is none of the export's own.
pub(super) fn is_ignored(name: &str) -> bool {
    let file = file_name(name);
    let mac = name.split('/').any(|part| part == "__MACOSX") || file.starts_with("._");
    mac || file.is_empty() || LITTER.contains(&file.to_ascii_lowercase().as_str())
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn extension(name: &str) -> String {
    let (_, extension) = file_name(name).rsplit_once('.').unwrap_or_default();
    extension.to_ascii_lowercase()
}

fn stem(name: &str) -> &str {
    let file = file_name(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Gives every row its picture and the QR Token in it; an export without pictures stays as it is.
pub(super) fn pair(list: &mut List, mut pictures: Vec<Item>) -> Result<(), PoolError> {
    if pictures.is_empty() {
        return Ok(());
    }
    let chosen = assign(list, &pictures)?;
    let codes = decode(list, &pictures, &chosen)?;
    for ((row, index), code) in list.rows.iter_mut().zip(chosen).zip(codes) {
        let item = pictures.get_mut(index);
        row.picture = item.map(|item| std::mem::take(&mut *item.bytes));
        row.qr = Some(code);
    }
    Ok(())
}

/// Finds each row's picture, by name.
fn assign(list: &List, pictures: &[Item]) -> Result<Vec<usize>, PoolError> {
    let rows: HashMap<&[u8], usize> = (list.rows.iter().enumerate())
        .map(|(index, row)| (row.token.expose().as_slice(), index))
        .collect();
    let mut chosen = vec![None; list.rows.len()];
    for (index, item) in pictures.iter().enumerate() {
        let row = rows.get(stem(&item.name).as_bytes());
        let row = row.ok_or(PoolError::PictureExtra { entry: index + 1 })?;
        if let Some(slot) = chosen.get_mut(*row)
            && slot.replace(index).is_some()
        {
            return Err(PoolError::PictureTwice {
                place: list.place(*row),
            });
        }
    }
    let missing = |row| PoolError::PictureMissing {
        place: list.place(row),
    };
    (chosen.into_iter().enumerate())
        .map(|(row, picture)| picture.ok_or_else(|| missing(row)))
        .collect()
}

/// Decodes all pictures on all cores; the first refusal is that of the first row.
fn decode(list: &List, pictures: &[Item], chosen: &[usize]) -> Result<Vec<QrToken>, PoolError> {
    let secrets: Secrets<'_> = list.rows.iter().map(|row| row.token.expose()).collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = chosen.len().div_ceil(threads).max(1);
    let one = |index: usize| {
        let bytes = pictures.get(index).map_or(&[][..], |item| &item.bytes);
        picture::read_safe(bytes, &secrets)
    };
    let work = |share: &[usize]| share.iter().map(|index| one(*index)).collect::<Vec<_>>();
    let found: Vec<Result<QrToken, PictureError>> = thread::scope(|scope| {
        let workers: Vec<_> = (chosen.chunks(share))
            .map(|share| (share.len(), scope.spawn(|| work(share))))
            .collect();
        let gone = |count| vec![Err(PictureError::Undecodable); count];
        (workers.into_iter())
            .flat_map(|(count, worker)| worker.join().unwrap_or_else(|_| gone(count)))
            .collect()
    });
    (found.into_iter().enumerate())
        .map(|(row, code)| agreed(list, row, code))
        .collect()
}

/// Compares a picture with its row.
fn agreed(
    list: &List,
    row: usize,
    code: Result<QrToken, PictureError>,
) -> Result<QrToken, PoolError> {
    let place = list.place(row);
    let code = code.map_err(|source| PoolError::Picture { place, source })?;
    let Some(listed) = list.rows.get(row).and_then(|row| row.qr.as_ref()) else {
        return Ok(code);
    };
    let organisations = [listed.organisation(), code.organisation()];
    let same = match organisations {
        [Some(one), Some(other)] => one == other,
        _ => true,
    };
    if listed.token() != code.token() || !same {
        return Err(PoolError::PictureDiffers { place });
    }
    // The picture says what a scanner reads; it stays byte for byte, and the row follows it.
    Ok(code)
}
