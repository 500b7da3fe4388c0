//! Where a command hands text to something that runs it: a shell, or an interpreter.
//!
//! What is filled in there would be run as well: a serial is what somebody scanned.

/// Shells whose script is the argument behind an option with `c`; what follows are its arguments.
const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh",
];
/// Programs that put all that follows together and run it.
const ALL: &[&str] = &[
    "cmd",
    "powershell",
    "pwsh",
    "ssh",
    "su",
    "eval",
    "script",
    "watch",
];
/// Interpreters, with the letters of the options behind which a program stands.
const INTERPRETERS: &[(&str, &[char])] = &[
    ("python", &['c']),
    ("perl", &['e', 'E']),
    ("ruby", &['e']),
    ("node", &['e', 'p']),
    ("php", &['r']),
    ("lua", &['e']),
    ("awk", &[]),
    ("gawk", &[]),
];
/// Programs that start another one, which is named among their arguments.
const WRAPPERS: &[&str] = &[
    "env",
    "sudo",
    "doas",
    "nice",
    "ionice",
    "timeout",
    "nohup",
    "setsid",
    "stdbuf",
    "time",
    "busybox",
    "chrt",
    "taskset",
    "flock",
    "xargs",
    "runuser",
    "systemd-run",
    "exec",
    "command",
];

/// Returns what would run a filled-in placeholder, if anything would.
pub fn with_a_place(parts: &[String], has_place: &dyn Fn(&str) -> bool) -> Option<String> {
    let (program, rest) = parts.split_first()?;
    let name = name(program);
    let named = |found: bool| found.then(|| name.clone());
    if ALL.contains(&name.as_str()) {
        return named(rest.iter().any(|part| has_place(part)));
    }
    if SHELLS.contains(&name.as_str()) {
        return named(script(rest, &['c']).is_some_and(has_place));
    }
    if let Some((_, letters)) = INTERPRETERS.iter().find(|(own, _)| is(own, &name)) {
        return match letters {
            // Its first argument is the program.
            [] => named(
                rest.iter()
                    .find(|part| !part.starts_with('-'))
                    .is_some_and(|part| has_place(part)),
            ),
            letters => named(script(rest, letters).is_some_and(has_place)),
        };
    }
    if !WRAPPERS.contains(&name.as_str()) {
        return None;
    }
    // `env -S` splits one text into a command.
    let split = |part: &String| part.starts_with("-S") || part.starts_with("--split-string");
    if name == "env" && rest.iter().any(split) {
        return named(rest.iter().any(|part| has_place(part)));
    }
    // Which argument is the command depends on the wrapper's options: any may be.
    (0..rest.len()).find_map(|at| with_a_place(rest.get(at..)?, has_place))
}

/// Returns what stands behind the first option with one of these letters; options come first.
fn script<'p>(parts: &'p [String], letters: &[char]) -> Option<&'p str> {
    let mut parts = parts.iter();
    while let Some(part) = parts.next() {
        let Some(options) = part.strip_prefix(['-', '+']) else {
            return None;
        };
        if !part.starts_with("--") && options.contains(letters) {
            return parts
                .find(|part| !part.starts_with('-'))
                .map(String::as_str);
        }
        // `-o pipefail`, `-O extglob`, `-W ignore`: a value follows.
        if options.ends_with(['o', 'O', 'W', 'X']) {
            parts.next();
        }
    }
    None
}

/// Returns a program's name without folder and extension.
fn name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

/// Returns whether a program is this interpreter: with a version behind its name too.
fn is(interpreter: &str, name: &str) -> bool {
    name.strip_prefix(interpreter).is_some_and(|rest| {
        rest.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}
