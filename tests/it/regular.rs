//! Files that are opened by name.

use std::path::Path;
use std::{fs, io};

use eol_inject::regular::read;

fn refused(path: &Path) -> String {
    read(path, 1 << 20).unwrap_err().to_string()
}

#[test]
fn a_pipe_or_device_is_neither_waited_for_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    for path in [&pipe, &link, Path::new("/dev/zero")] {
        assert!(refused(path).starts_with("it is no regular file"));
    }
    assert_eq!(refused(folder.path()), "is a directory");
}

#[test]
fn no_more_than_the_limit_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [7; 10]).unwrap();
    assert_eq!(read(&path, 10).unwrap(), [7; 10]);
    let error = read(&path, 9).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(
        error.to_string(),
        "it has 10 bytes or more, at most 9 are read"
    );
}
