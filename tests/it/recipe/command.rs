//! Commands with placeholders.

use eol_inject::recipe::CommandLine;

fn line(parts: &[&str]) -> Result<CommandLine, String> {
    CommandLine::try_from(
        parts
            .iter()
            .map(|part| (*part).to_owned())
            .collect::<Vec<_>>(),
    )
}

#[test]
fn placeholders_are_filled_in() {
    let line = line(&["tool", "--file={image}", "{{raw}}", "{address}"]).unwrap();
    assert!(line.names("image") && line.names("address") && !line.names("raw"));
    let filled = line.filled(&|name| name.to_uppercase());
    assert_eq!(filled, ["tool", "--file=IMAGE", "{raw}", "ADDRESS"]);
}

#[test]
fn a_place_in_a_script_is_refused_and_one_behind_it_is_not() {
    for parts in [
        &["sh", "-c", "tool {serial}"] as &[&str],
        &["/bin/bash", "-eu", "-c", "tool {serial}", "x"],
        &["bash", "-o", "pipefail", "-lc", "tool {serial}"],
        &["env", "A=b", "sh", "-c", "tool '{serial}'"],
        &["sudo", "-u", "line", "busybox", "sh", "-c", "tool {serial}"],
        &["env", "-S", "tool {serial}"],
        &["cmd.exe", "/c", "tool", "{serial}"],
        &[
            "C:\\\\Windows\\\\PowerShell.EXE",
            "-Command",
            "tool",
            "{serial}",
        ],
        &["python3", "-c", "print('{serial}')"],
        &["perl", "-ne", "print '{serial}'"],
        &["ssh", "host", "tool", "{serial}"],
        &["su", "line", "-c", "tool {serial}"],
        &["eval", "{serial}"],
    ] {
        let error = line(parts).unwrap_err();
        assert!(error.contains("behind the script"), "{parts:?}: {error}");
    }
    for parts in [
        &["sh", "-c", "tool \"$1\"", "sh", "{serial}"] as &[&str],
        &["bash", "script.sh", "{serial}"],
        &["python3", "-m", "tool", "{serial}"],
        &["python3", "tool.py", "-c", "{serial}"],
        &["esptool", "-c", "{probe}", "{image}"],
    ] {
        assert!(line(parts).is_ok(), "{parts:?}");
    }
}

#[test]
fn what_is_no_placeholder_is_refused() {
    let error = line(&["tool", "{token}"]).unwrap_err();
    assert!(error.starts_with("`{token}` is no placeholder"), "{error}");
    assert!(line(&["tool", "{image"]).is_err());
    assert!(line(&["tool", "image}"]).is_err());
    assert!(line(&[]).is_err());
    assert!(line(&[" "]).is_err());
}
