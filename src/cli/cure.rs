//! What helps against an error, by its stable name: exit code, next action and next step.
//!
//! Names of recipes, images and ledgers stand for their family, whose errors are put right in the
//! same few places. Those of scans, units and boards have rows of their own, and a test asks for
//! each.

use super::exit;
use super::next::Next;

/// What the table has of one name; the rest is its family's, or as the exit code says.
struct Row {
    code: Option<u8>,
    next: Option<Next>,
    hint: Option<&'static str>,
}

/// Makes the table: names, then exit code, next action and next step; `_` where it has none of its own.
macro_rules! table {
    ($($($name:literal)|+ => $code:tt $next:tt $hint:tt;)*) => {
        fn row(name: &str) -> Row {
            match name {
                $($($name)|+ => Row {
                    code: table!(@ $code, exit::$code),
                    next: table!(@ $next, Next::$next),
                    hint: table!(@ $hint, $hint),
                },)*
                _ => Row { code: None, next: None, hint: None },
            }
        }
    };
    (@ _, $($unused:tt)*) => { None };
    (@ $has:tt, $value:expr) => { Some($value) };
}

table! {
    "file" => _ _
        "look at the path and its rights: its folder must be there, and paths in a recipe begin \
         at the recipe's folder";
    "file-exists" => _ _ "write to another name, or replace it by --force";

    "run-simulated" => _ _ "eol-inject run --rehearse tries the line with nothing at stake";

    "recipe-absent" => _ _ BEGIN;
    "recipe-foreign" => _ _
        "a recipe names programs that are run: --recipe takes this one all the same";
    "recipe-format-refused" => _ _ "put pattern, case or strip right, or the format";
    "recipe-no-flash" => _ _
        "inject and batch make files and need none; eol-inject help flashing has its keys";
    "recipe-no-probe" => _ _ "eol-inject probes lists what is plugged in";
    "recipe-preprinted" => _ _ "when = \"after\" makes each label from its unit's record";
    "recipe-syntax" => _ _ "eol-inject help recipe lists every key";
    "recipe-unused" => _ _ "take it out, or write what it goes with: eol-inject help recipe";

    "image-no-base" => _ _ "say where it is loaded: base = 0x08000000 under [image], or --base";
    "image-uf2-families" => _ _ "say which one: family = 0x... under [image]";

    "nvs-occupied" | "nvs-outside" => IMAGE _ _;

    "patch-no-column" => _ _
        "put the list's header into value = \"column:HEADER\", or the column into the list";

    "slot-reserved" | "slot-too-small" | "slot-unreadable" | "slot-value-empty" |
        "slot-value-nul" => _ Misfit _;

    "pool-bad-serial" => _ _
        "put the serials of these rows right, or name another column as bind under [pool]";
    "pool-empty" => _ _ "export the tokens again: the file has a header at most";
    "pool-mixed-origin" | "pool-two-organisations" => _ _
        "take each list in by itself, into its own ledger";
    "pool-no-column" => _ _ "name the list's own header under [pool], or export that column too";
    "pool-read" => _ _ "put the list there, or name where it is: file = \"...\" under [pool]";

    "serial-format" => _ Scan
        "scan the unit's own serial; for serials that others give, source = \"scan\"";
    "serial-nest" => _ Scan _;
    "serial-no-uid" => _ Recipe _;
    "serial-none" | "serial-twice" => _ _ "put the list of serials right: one serial a line";
    "serial-pattern" => _ Scan
        "scan the unit's own serial, or put pattern, case or strip under [serial] right";
    "serial-text" => _ Scan "scan the unit's own serial";

    "scan-garbled" | "scan-long" => _ Scan _;

    "interrupted" => _ Scan _;

    "deliver-differs" => DIFFERS Once _;
    "deliver-folder" => _ Mend "make it a folder that this user may write, or name another";
    "deliver-foreign" => _ Mend
        "look at it first: eol-inject verify FILE tells what it is. Another name or folder \
         leaves it alone, and the unit keeps its token; --force replaces it";
    "deliver-image" => _ Recipe _;
    "deliver-no-sign" => _ Doubt _;
    "deliver-read-back" | "deliver-write" => _ Mend _;

    "program-busy" => _ Reach
        "it may still write: wait for it or end it, and look at the board that is there now";
    "program-differs" | "program-swapped" => DIFFERS Once _;
    "program-failed" => _ Seat _;
    "program-no-dump" | "program-no-number" | "program-short-dump" | "program-timed-out" => _ Tool _;
    "program-number-held" => _ Recipe _;
    "program-start" => _ Reach
        "install it, or write its path: commands are looked for in PATH, and ./NAME at the \
         recipe";
    "program-temporary" => _ Reach "point TMPDIR at a folder that this user may write";

    "probe-algorithm" => _ Tool _;
    "probe-busy" => REFUSED Later _;
    "probe-chip" => RECIPE Reach
        "chip under [flash] is the name that probe-rs has, as in \"nRF52840_xxAA\": eol-inject \
         help flashing";
    "probe-denied" => _ Reach "eol-inject help flashing has the udev rule";
    "probe-differs" => DIFFERS Once _;
    "probe-erase" | "probe-program" | "probe-protected" => _ Chip _;
    "probe-firmware" => DIFFERS Chip "mode = \"full\" writes the whole image";
    "probe-forget" => _ Mend _;
    "probe-halt" | "probe-link" | "probe-no-target" => _ Seat _;
    "probe-hangs" | "probe-waits" => _ Power _;
    "probe-image" | "probe-journal" | "probe-no-number" => _ Recipe _;
    "probe-locked" => _ Chip "unlock it outside of the line: that erases it";
    "probe-missing" => _ Reach "eol-inject probes lists what is plugged in";
    "probe-no-flash" => _ Recipe
        "is it this chip's image, at its base? What belongs into no flash at all is left out by \
         skip = [\"START..END\"] under [flash]";
    "probe-no-sim" | "probe-simulated" => _ Reach
        "eol-inject help flashing lists the simulated chips; run --rehearse needs none of them";
    "probe-no-usb" => _ Reach
        "a container sees no USB unless it is given: eol-inject help flashing";
    "probe-other-image" => _ Aside _;
    "probe-reserved" => _ Recipe
        "under [flash], also = [\"START..END\"] writes it and skip = [\"START..END\"] leaves it \
         out";
    "probe-selector" => RECIPE Reach "eol-inject probes shows each with its own text";
    "probe-several" => _ Reach "eol-inject probes shows each with its own text";
    "probe-skipped" | "probe-skipped-in-part" => RECIPE Recipe
        "take that place out of skip under [flash], or end it where a sector ends";
    "probe-speed" => _ Reach "a lower speed under [flash], or none: then it is the probe's own";
    "probe-stopped" => _ Scan _;
    "probe-unopened" => _ Reach
        "end the other program that uses it: a debugger, an IDE, another run";
    "probe-unplugged" => _ Reach "plug it in again; the unit resumes with the same token";
    "probe-unreadable" => _ Once _;
    "probe-values" => DIFFERS Chip _;
    "probe-wrong-chip" => _ Swap _;

    "label-auth-token" | "label-burnt" => _ Destroy _;
    "label-differs" | "label-not-finished" | "label-picture" | "label-too-long" => _ NoLabel _;
    "label-draw" | "label-remove" | "label-write" => _ Print _;
    "label-left-out" | "label-no-serial" => _ Pair _;
    "label-no-organisation" => _ Print
        "import the console's export with its pictures: eol-inject pool import FILE, then label \
         print; or, where bare labels are wanted, organisation = \"optional\" under [label]";
    "label-no-qr" => _ NoLabel
        "import a list with its QR Tokens or pictures: eol-inject pool import FILE; where units \
         get no label, when = \"none\" under [label] in the recipe";
    "label-other" | "label-twice" => _ TakeOff _;
    "label-unknown" => _ Scan _;

    "mes-failed" | "mes-timed-out" => _ Tool _;
    "mes-outbox" => LEDGER _ _;
    "mes-refused" => _ Aside _;
    "mes-start" => _ Mes "install it, or put its path right under [hook]: eol-inject help recipe";

    "unit-away" | "unit-unfinished" | "unit-void" => _ Aside _;
    "unit-board-made" => IN_DOUBT Off _;
    "unit-board-taken" => IN_DOUBT ThatUnit
        "where SERIAL has another board now, the line engineer: eol-inject ledger rework \
         --serial SERIAL --mode board-swapped --by NAME --reason TEXT";
    "unit-bound-elsewhere" => _ Aside
        "a list that binds another token to it helps: eol-inject pool request, then pool import";
    "unit-closed" => _ Tokens _;
    "unit-erased" => DIFFERS Aside
        "the line engineer: eol-inject ledger rework --serial SERIAL --mode same-board --by \
         NAME --reason TEXT; then scan it again";
    "unit-finished" => _ Aside
        "where it shall have this image, the line engineer: eol-inject ledger rework --serial \
         SERIAL --mode same-board --by NAME --reason TEXT";
    "unit-in-doubt" => IN_DOUBT Doubt IN_DOUBT;
    "unit-in-work" => _ Later _;
    "unit-made-elsewhere" => IN_DOUBT ItsBoard
        "where its board is lost, the line engineer: eol-inject ledger rework --serial SERIAL \
         --mode board-swapped --by NAME --reason TEXT, which burns its token; where this is its \
         board and was erased since, --mode same-board";
    "unit-not-listed" => _ Other
        "if the list is short of it: eol-inject pool import FILE, with a row for this serial";
    "unit-not-of-part" => _ Other _;
    "unit-other-board" => IN_DOUBT ItsBoard
        "where its board is lost, the line engineer: eol-inject ledger rework --serial SERIAL \
         --mode board-swapped --by NAME --reason TEXT";
    "unit-other-token" => IN_DOUBT Strange
        "whoever erases it outside of the line gives a token up: it may be a device's";
    "unit-part-open" => _ Aside
        "if that station did not make it: eol-inject ledger clear --serial SERIAL --by NAME \
         --reason TEXT";
    "unit-pool-empty" => POOL_EMPTY Tokens "import more tokens: eol-inject pool import FILE";
    "unit-quarantined" => _ Aside
        "eol-inject ledger clear --serial SERIAL --by NAME --reason TEXT";
    "unit-rehoused" => _ Renamed _;
    "unit-twice" => _ Scan _;

    "handoff-differs" => DIFFERS _ _;

    "ledger-absent" => _ _
        "look at url under [ledger]; the first import or unit makes it, ledger restore FILE \
         brings one back";
    "ledger-audit" => _ _
        "stop the line: eol-inject ledger audit names each; a backup or the mirror has what was";
    "ledger-busy" | "ledger-import-busy" | "ledger-occupied" | "ledger-still-open" => _ _
        "wait until that program has ended, then call again";
    "ledger-damaged" | "ledger-not-a-ledger" | "ledger-storage" | "ledger-unsealed" => _ _
        "stop the line and keep the file as it is: eol-inject ledger restore FILE brings a \
         backup back, ledger rebuild makes it from its mirror; eol-inject help ledger";
    "ledger-exposed" | "ledger-key-foreign" | "ledger-key-link" | "ledger-key-planted" => _ _
        "make it this user's own file, chmod 600: eol-inject help security";
    "ledger-file" => _ _
        "look at its path and rights: the folder that it is in must be there, with its disk";
    "ledger-forged" => _ _
        "stop the line: eol-inject ledger audit names what was changed; a backup or the mirror \
         has what was";
    "ledger-full" => _ _
        "make room on its disk and call again: what was begun goes on with the same token";
    "ledger-home-other" | "ledger-part-forged" | "ledger-part-unsigned" => _ _
        "set the file aside and ask home: eol-inject ledger split makes a part, ledger key \
         show-id tells who signs";
    "ledger-home-unknown" => _ _
        "ask home for its identity (eol-inject ledger key show-id there); if it is this one, \
         home = \"ID\" under [ledger]";
    "ledger-is-part" | "ledger-no-part" | "ledger-no-token" | "ledger-not-a-part" |
        "ledger-part-begun" | "ledger-part-other" | "ledger-part-serial" | "ledger-part-state"
        => REFUSED _ _;
    "ledger-key-before" | "ledger-key-damaged" | "ledger-key-retired" => _ _
        "bring the ledger's key back from where its copy is: eol-inject help ledger, \"A lost \
         key\"";
    "ledger-key-in-use" | "ledger-rotated" | "ledger-runs-live" => _ _
        "let every run of the ledger end, then call again";
    "ledger-key-missing" => _ _
        "without its key nobody reads a token of it, its makers neither: eol-inject help \
         ledger, \"A lost key\"";
    "ledger-key-unread" => _ _ "put the ledger's own key there: a new one opens nothing of it";
    "ledger-key-wrong" => _ _
        "put that key back; if the ledger's key was changed, bring the new one from where that \
         was done";
    "ledger-list-conflict" => RECIPE _
        "put that row of the list right, or export the list again: nothing of it was taken in";
    "ledger-list-undecided" => _ _
        "where none of them is on a unit: eol-inject pool import --unused FILE --by NAME \
         --reason TEXT; where they may be: pool import --used FILE, and a list that the lost \
         ledger never had as file under [pool]";
    "ledger-lists-since" | "ledger-mirror-product" | "ledger-row" | "ledger-tokens-missing" |
        "ledger-unbound" => RECIPE _ _;
    "ledger-lost" => _ _
        "eol-inject ledger restore FILE brings a backup back, ledger rebuild makes it from its \
         mirror. Where nothing brings it back: ledger new --by NAME --reason TEXT";
    "ledger-mirror" => _ _ "the line stops: a unit that no mirror knows is lost with the disk";
    "ledger-mirror-absent" | "ledger-mirror-damaged" | "ledger-mirror-other" => _ _
        "look at mirror under [ledger]: eol-inject help ledger tells how one is begun and used";
    "ledger-mirror-ahead" => _ _
        "eol-inject ledger restore, from a file or of a server, brings it up to date by the \
         mirror; or rebuild";
    "ledger-mirror-gone" => _ _
        "mount its disk again; a mirror on another one is another folder under mirror in \
         [ledger]";
    "ledger-next-number" => RECIPE _ "--next N, the first number that was never handed out";
    "ledger-no-rights" => _ _
        "eol-inject help ledger, \"PostgreSQL\", has the grants that it needs";
    "ledger-no-schema" => _ _ "the first import or unit makes it";
    "ledger-no-unit" => REFUSED Aside "eol-inject ledger list shows the units that there are";
    "ledger-not-labelled" | "ledger-not-releasable" | "ledger-not-reworkable" |
        "ledger-not-voidable" => REFUSED _
        "eol-inject ledger show SERIAL tells what became of it";
    "ledger-organisation-mixed" | "ledger-origin-mixed" => RECIPE _
        "another ledger is another url under [ledger], or on a server another schema";
    "ledger-overtaken" => _ _ "start again: what was in hand resumes where the record says";
    "ledger-part-conflict" => DIFFERS _ _;
    "ledger-part-for-station" => _ _ "take the part to its station, or bring this one's own key";
    "ledger-part-short" => POOL_EMPTY _ _;
    "ledger-read-only" => _ _ "give this user the right to write there: chown or chmod";
    "ledger-schema-newer" => _ _ "bring eol-inject up to date at this station";
    "ledger-schema-older" => _ _
        "begin another ledger: take the lists in, and what was made by eol-inject ledger adopt";
    "ledger-serials-used-up" => RECIPE _
        "give format under [serial] more digits, or begin another number: eol-inject help \
         recipe";
    "ledger-simulated-mixed" => _ _
        "eol-inject run --rehearse tries a line with nothing at stake; another ledger is \
         another url under [ledger], or on a server another schema";
    "ledger-unreachable" => _ _ "what was in hand resumes with the same token";
}

/// What a recipe begins with.
const BEGIN: &str = "\
--recipe FILE names one elsewhere; three lines begin a new one:
    product = \"NAME\"
    image   = { file = \"FIRMWARE\" }
    slot    = [{ value = \"auth-token\", symbol = \"SYMBOL\" }]
eol-inject inspect FIRMWARE shows what there is; eol-inject help recipe lists every key";

/// What decides about a unit whose board nothing tells from others.
pub(super) const IN_DOUBT: &str = "\
if this is its board: eol-inject run --serial SERIAL --same-board --by NAME --reason TEXT; if its \
board is lost: eol-inject ledger rework --serial SERIAL --mode board-swapped --by NAME --reason \
TEXT, which burns its token";

/// Returns the exit code of an error, by its stable name.
pub(crate) fn code(name: &str) -> u8 {
    row(name).code.unwrap_or_else(|| family(name).0)
}

/// Returns the next step for an error: its own, else its family's.
pub(crate) fn hint(name: &str) -> Option<&'static str> {
    row(name).hint.or_else(|| family(name).1)
}

/// Returns what is done after an error of this name that ends with `code`.
pub(crate) fn next(name: &str, code: u8) -> Next {
    row(name).next.unwrap_or(match code {
        exit::USAGE => Next::Call,
        exit::LEDGER => Next::Ledger,
        exit::POOL_EMPTY => Next::Tokens,
        exit::DELIVERY => Next::Tool,
        exit::DIFFERS => Next::Once,
        exit::REFUSED | exit::IN_DOUBT | exit::MES | exit::LABEL => Next::Aside,
        exit::UNLABELLED => Next::Print,
        _ => Next::Recipe,
    })
}

/// Returns the exit code and the next step of a whole family of errors.
fn family(name: &str) -> (u8, Option<&'static str>) {
    let (code, hint) = match name.split('-').next().unwrap_or_default() {
        "recipe" => (exit::RECIPE, "eol-inject help recipe lists every key"),
        "pool" | "picture" => (
            exit::RECIPE,
            "put the list right, or export it again: nothing of it was taken in",
        ),
        "nvs" => (
            exit::RECIPE,
            "put [nvs] or the slot's nvs right: eol-inject help recipe",
        ),
        "image" => (exit::IMAGE, IMAGE),
        "read" => (exit::DELIVERY, IMAGE),
        "slot" => (
            exit::SLOT,
            "put the firmware or its [[slot]] right: eol-inject inspect IMAGE proposes slots, eol-inject help slots explains each key",
        ),
        "checksum" => (
            exit::SLOT,
            "put its [[checksum]] right: eol-inject inspect IMAGE shows those that it finds, eol-inject help checksums explains each key",
        ),
        "master" => (
            exit::SLOT,
            "put the recipe or the firmware right: eol-inject help recipe",
        ),
        "handoff" => (
            exit::SLOT,
            "another --format may hold it: eol-inject ledger handoff --help",
        ),
        "ledger" => (
            exit::LEDGER,
            "eol-inject help ledger tells what it promises, and what helps after a loss",
        ),
        "confirm" | "serial" | "scan" => return (exit::RECIPE, None),
        "patch" => return (exit::SLOT, None),
        "verify" => return (exit::DIFFERS, None),
        "unit" => return (exit::REFUSED, None),
        "mes" => return (exit::MES, None),
        "label" => return (exit::UNLABELLED, None),
        _ => return (exit::DELIVERY, None),
    };
    (code, Some(hint))
}

/// What helps where an image is at fault.
const IMAGE: &str = "build or fetch the firmware again, or put [image] right: eol-inject inspect FILE shows what a file holds";

#[cfg(test)]
#[cfg_attr(
    not(feature = "probe"),
    allow(
        dead_code,
        unused_imports,
        unused_mut,
        reason = "the tables are shown with the names of probes only"
    )
)]
mod tests {
    use std::fmt::Write as _;

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

    use super::*;

    /// Names of errors that are met with a unit in hand.
    fn of_units() -> Vec<&'static str> {
        let mut names = [
            ScanError::VARIANTS,
            Misread::VARIANTS,
            Refusal::VARIANTS,
            TargetError::VARIANTS,
            ProgramError::VARIANTS,
            HookError::VARIANTS,
            LabelError::VARIANTS,
        ]
        .concat();
        #[cfg(feature = "probe")]
        names.extend(eol_inject::target::ProbeFault::names());
        names
    }

    /// Those that have a row each; the others have the names of what is in them.
    fn named() -> Vec<&'static str> {
        let mut names = of_units();
        names
            .retain(|name| !["deliver-program", "deliver-probe", "deliver-written"].contains(name));
        names
    }

    /// Shows a table, which lies with the words of the errors.
    fn shown(name: &str, table: &str) {
        insta::with_settings!({
            snapshot_path => "../../tests/it/messages/snapshots",
            prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!(name, table) });
    }

    #[test]
    fn every_error_of_a_scan_a_unit_or_a_board_has_its_next_action() {
        let mut missing = named();
        missing.retain(|name| row(name).next.is_none());
        assert!(missing.is_empty(), "no row for {missing:?}");
    }

    #[cfg(feature = "probe")]
    #[test]
    fn the_table_of_next_actions() {
        let mut table = String::new();
        let names = named().into_iter().chain(LedgerError::names());
        for name in names {
            let code = code(name);
            let next = next(name, code);
            let (action, sentence) = (next.action(), next.sentence());
            writeln!(table, "{name:<24} {code}  {action:<10}  {sentence}").unwrap();
        }
        shown("next_actions", &table);
    }

    #[test]
    fn a_run_ends_where_the_action_says_so_and_nowhere_else() {
        for name in named() {
            let next = next(name, code(name));
            assert_eq!(next.stops().is_some(), next.action() == "stop", "{name}");
        }
    }

    /// Those are met with a unit in hand, where its next action says it all; the others have a next
    /// step of their own.
    #[cfg(feature = "probe")]
    #[test]
    fn errors_without_a_next_step_are_those_with_a_next_action_alone() {
        let others = [
            RecipeError::VARIANTS,
            PoolError::VARIANTS,
            ImageError::VARIANTS,
            NvsError::VARIANTS,
            SlotError::VARIANTS,
            ChecksumError::VARIANTS,
            PatchError::VARIANTS,
            MasterError::VARIANTS,
            &LedgerError::names(),
            HandoffError::VARIANTS,
        ];
        let mut bare = [of_units(), others.concat()].concat();
        bare.retain(|name| hint(name).is_none());
        bare.sort_unstable();
        bare.dedup();
        shown("no_next_step", &bare.join("\n"));
    }
}
