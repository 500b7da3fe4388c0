//! The next step for errors that whole families share: what is wrong with a file, a recipe, a list
//! or a ledger is put right in the same few places.

/// Returns the next step for an error that has none of its own, by its stable name.
pub(crate) fn of(name: &str) -> Option<&'static str> {
    match name {
        // The disk and the system are at fault, no list.
        "pool-write" | "pool-random" | "pool-request" => None,
        _ => own(name).or_else(|| family(name)),
    }
}

/// Errors whose cure is not their family's.
fn own(name: &str) -> Option<&'static str> {
    Some(match name {
        "file" => {
            "look at the path and its rights: its folder must be there, and paths in a recipe begin at \
             the recipe's folder"
        }
        "ledger-file" => {
            "look at its path and rights: the folder that it is in must be there, with its disk"
        }
        "ledger-absent" => {
            "look at url under [ledger]; the first import or unit makes it, ledger restore FILE brings \
             one back"
        }
        "ledger-read-only" => "give this user the right to write there: chown or chmod",
        "ledger-damaged" | "ledger-storage" | "ledger-not-a-ledger" | "ledger-unsealed" => {
            "stop the line and keep the file as it is: eol-inject ledger restore FILE brings a backup \
             back, ledger rebuild makes it from its mirror; eol-inject help ledger"
        }
        "ledger-audit" => {
            "stop the line: eol-inject ledger audit names each; a backup or the mirror has what was"
        }
        "ledger-mirror-gone" => {
            "mount its disk again; a mirror on another one is another folder under mirror in [ledger]"
        }
        "ledger-mirror-absent" | "ledger-mirror-damaged" | "ledger-mirror-other" => {
            "look at mirror under [ledger]: eol-inject help ledger tells how one is begun and used"
        }
        "ledger-busy" | "ledger-occupied" | "ledger-still-open" | "ledger-import-busy" => {
            "wait until that program has ended, then call again"
        }
        "ledger-exposed" | "ledger-key-foreign" | "ledger-key-link" | "ledger-key-planted" => {
            "make it this user's own file, chmod 600: eol-inject help security"
        }
        "ledger-key-damaged" | "ledger-key-before" | "ledger-key-retired" => {
            "bring the ledger's key back from where its copy is: eol-inject help ledger, \"A lost key\""
        }
        "ledger-key-in-use" | "ledger-runs-live" | "ledger-rotated" => {
            "let every run of the ledger end, then call again"
        }
        "ledger-schema-newer" => "bring eol-inject up to date at this station",
        "ledger-serials-used-up" => {
            "give format under [serial] more digits, or begin another number: eol-inject help recipe"
        }
        "probe-chip" => {
            "chip under [flash] is the name that probe-rs has, as in \"nRF52840_xxAA\": eol-inject help \
             flashing"
        }
        "probe-simulated" | "probe-no-sim" => {
            "eol-inject help flashing lists the simulated chips; run --rehearse needs none of them"
        }
        "probe-selector" | "probe-several" => "eol-inject probes shows each with its own text",
        "probe-unopened" => "end the other program that uses it: a debugger, an IDE, another run",
        "probe-speed" => "a lower speed under [flash], or none: then it is the probe's own",
        "program-start" => {
            "install it, or write its path: commands are looked for in PATH, and ./NAME at the recipe"
        }
        "program-temporary" => "point TMPDIR at a folder that this user may write",
        "recipe-no-probe" => "eol-inject probes lists what is plugged in",
        "recipe-no-flash" => {
            "inject and batch make files and need none; eol-inject help flashing has its keys"
        }
        "patch-no-column" => {
            "put the list's header into value = \"column:HEADER\", or the column into the list"
        }
        "probe-skipped" | "probe-skipped-in-part" => {
            "take that place out of skip under [flash], or end it where a sector ends"
        }
        "mes-start" => "install it, or put its path right under [hook]: eol-inject help recipe",
        "serial-twice" | "serial-none" => "put the list of serials right: one serial a line",
        "ledger-no-unit" => "eol-inject ledger list shows the units that there are",
        "ledger-not-voidable"
        | "ledger-not-releasable"
        | "ledger-not-reworkable"
        | "ledger-not-labelled" => "eol-inject ledger show SERIAL tells what became of it",
        _ => return None,
    })
}

/// What stands for a whole family.
fn family(name: &str) -> Option<&'static str> {
    let (family, _) = name.split_once('-')?;
    Some(match family {
        "image" | "read" => {
            "build or fetch the firmware again, or put [image] right: eol-inject inspect FILE shows \
             what a file holds"
        }
        "slot" => {
            "put the firmware or its [[slot]] right: eol-inject inspect IMAGE proposes slots, \
             eol-inject help slots explains each key"
        }
        "checksum" => {
            "put its [[checksum]] right: eol-inject inspect IMAGE shows those that it finds, \
             eol-inject help checksums explains each key"
        }
        "master" => "put the recipe or the firmware right: eol-inject help recipe",
        "nvs" => "put [nvs] or the slot's nvs right: eol-inject help recipe",
        "recipe" => "eol-inject help recipe lists every key",
        "pool" | "picture" => {
            "export the list again, or put it right, or [pool] in the recipe: eol-inject help recipe"
        }
        "handoff" => "another --format may hold it: eol-inject ledger handoff --help",
        "ledger" => "eol-inject help ledger tells what it promises, and what helps after a loss",
        _ => return None,
    })
}

#[cfg(all(test, feature = "probe"))]
mod tests {
    use eol_inject::checksum::ChecksumError;
    use eol_inject::handoff::HandoffError;
    use eol_inject::image::ImageError;
    use eol_inject::label::LabelError;
    use eol_inject::ledger::{LedgerError, Refusal};
    use eol_inject::master::{MasterError, PatchError};
    use eol_inject::mes::HookError;
    use eol_inject::nvs::NvsError;
    use eol_inject::pool::PoolError;
    use eol_inject::recipe::{RecipeError, ScanError};
    use eol_inject::scan::Misread;
    use eol_inject::slot::SlotError;
    use eol_inject::target::{ProgramError, TargetError};
    use strum::VariantNames as _;

    use crate::cli::error::{CliError, exit};

    /// Names of all errors of the library.
    fn all() -> Vec<&'static str> {
        let mut names = [
            RecipeError::VARIANTS,
            ScanError::VARIANTS,
            PoolError::VARIANTS,
            ImageError::VARIANTS,
            NvsError::VARIANTS,
            SlotError::VARIANTS,
            ChecksumError::VARIANTS,
            PatchError::VARIANTS,
            MasterError::VARIANTS,
            TargetError::VARIANTS,
            ProgramError::VARIANTS,
            LedgerError::VARIANTS,
            Refusal::VARIANTS,
            HandoffError::VARIANTS,
            LabelError::VARIANTS,
            HookError::VARIANTS,
            Misread::VARIANTS,
        ]
        .concat();
        names.extend(eol_inject::target::ProbeFault::VARIANTS);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Those are met with a unit in hand, where its next action says it all; the others have a next
    /// step of their own.
    #[test]
    fn errors_without_a_next_step_are_those_with_a_next_action_alone() {
        let mut bare = all();
        bare.retain(|name| CliError::new(exit::RECIPE, name, "").hint.is_none());
        // It lies with the words of the errors.
        insta::with_settings!({
            snapshot_path => "../../tests/it/messages/snapshots",
            prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!("no_next_step", bare.join("\n")) });
    }
}
