//! What a ledger keeps beside it is made by this program for this user: nothing else is opened,
//! changed or removed there, and no link is followed to somewhere else.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::regular;

/// What has a name of the program's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    File,
    Folder,
}

/// Looks at what lies at `path`; `None` when there is nothing.
///
/// Links, other users' things and things of another sort are refused, whatever their mode is.
pub(crate) fn metadata(path: &Path, sort: Sort) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => check(&found, sort).map(|()| Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check(found: &Metadata, sort: Sort) -> io::Result<()> {
    let right = match sort {
        Sort::File => found.is_file(),
        Sort::Folder => found.is_dir(),
    };
    if found.is_symlink() {
        return Err(foreign("it is a link, and nothing is done through it"));
    }
    if !right {
        return Err(foreign(match sort {
            Sort::File => "it is no plain file",
            Sort::Folder => "it is no folder",
        }));
    }
    mine(found)
}

/// Refuses what another user has.
fn mine(found: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(found) != rustix::process::geteuid().as_raw() {
        return Err(foreign("it belongs to another user"));
    }
    let _ = found;
    Ok(())
}

fn foreign(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

/// Opens a file of the program's own with these options, never through a link.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // A link is said to be one; opened, it would only be one level too many.
    metadata(path, Sort::File)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A pipe that was laid there meanwhile would keep the program waiting.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path)?;
    check(&file.metadata()?, Sort::File)?;
    Ok(file)
}

/// Reads a file of the program's own whole, if it has no more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    regular::whole(open(path, OpenOptions::new().read(true))?, most)
}

/// Makes a folder that only its owner may enter, or takes the one that is there; permissions that
/// are wider are taken back.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    narrow_folder(path)
}

/// Refuses to lead secrets away: a folder that is a link is taken only where this user made the
/// link, and the folder that it leads to is this user's too.
pub(crate) fn straight(folder: &Path) -> io::Result<()> {
    // A slash at the end would follow the link.
    let folder = folder.components().as_path();
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_symlink() => {
            mine(&found)?;
            mine(&fs::metadata(folder)?)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn narrow_folder(path: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    metadata(path, Sort::Folder)?;
    // What is narrowed is what was looked at: the folder itself is in hand.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let found = folder.metadata()?;
    check(&found, Sort::Folder)?;
    match std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 {
        0 => Ok(()),
        _ => Ok(rustix::fs::fchmod(&folder, Mode::from_raw_mode(0o700))?),
    }
}

#[cfg(not(unix))]
fn narrow_folder(path: &Path) -> io::Result<()> {
    metadata(path, Sort::Folder).map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o777)
    }

    #[test]
    fn a_link_is_refused_and_what_it_leads_to_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        let (there, link) = (place.path().join("there"), place.path().join("link"));
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&there, &link).unwrap();
        let error = folder(&link).unwrap_err();
        assert!(error.to_string().contains("a link"), "{error}");
        assert_eq!(mode(&there).unwrap(), 0o755);
        fs::write(place.path().join("file"), "x").unwrap();
        fs::remove_file(&link).unwrap();
        symlink(place.path().join("file"), &link).unwrap();
        let error = open(&link, OpenOptions::new().read(true)).unwrap_err();
        assert!(error.to_string().contains("a link"), "{error}");
    }

    #[test]
    fn no_secret_goes_through_a_link_of_others_or_to_their_folder() {
        let place = tempfile::tempdir().unwrap();
        let (there, link) = (place.path().join("there"), place.path().join("link"));
        fs::create_dir(&there).unwrap();
        symlink(&there, &link).unwrap();
        for folder in [&there, &link, &place.path().join("none")] {
            straight(folder).unwrap();
        }
        match rustix::process::geteuid().is_root() {
            true => std::os::unix::fs::lchown(&link, Some(1), None).unwrap(),
            false => {
                fs::remove_file(&link).unwrap();
                symlink("/", &link).unwrap();
            }
        }
        for folder in [link.clone(), link.join("")] {
            let error = straight(&folder).unwrap_err();
            assert_eq!(error.to_string(), "it belongs to another user");
        }
    }

    #[test]
    fn a_folder_of_ones_own_is_narrowed_and_a_file_is_none() {
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("there");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        folder(&there).unwrap();
        assert_eq!(mode(&there).unwrap(), 0o700);
        fs::write(place.path().join("file"), "x").unwrap();
        let error = folder(&place.path().join("file")).unwrap_err();
        assert!(error.to_string().contains("no folder"), "{error}");
    }
}
