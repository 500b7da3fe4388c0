//! What `inspect` proposes, against the recipes that are known to be right.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use eol_inject::image::{Address, Hint, Image};
use eol_inject::master::{Master, MasterError};
use eol_inject::propose::{self, Proposal, Standing};
use eol_inject::recipe::{Recipe, SlotSpec, SlotValue};
use eol_inject::slot;
use proptest::prelude::*;

/// Reads all recipes of the fixtures that have an image of their own.
fn recipes() -> Vec<(String, Recipe)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folder = fs::read_dir(root.join("recipes")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.push(root.join("gw100/recipe.toml"));
    files.retain(|file| file.extension().is_some_and(|it| it == "toml"));
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let recipe = Recipe::parse(&text, file.parent().unwrap()).unwrap();
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            recipe.nvs.is_none().then_some((name, recipe))
        })
        .collect()
}

/// Reads an image as the recipe has it, with names where it names an ELF.
fn image(recipe: &Recipe) -> Image {
    let bytes = fs::read(recipe.path(recipe.image.file.as_ref().unwrap())).unwrap();
    let image = Image::read(bytes, recipe.image.hint()).unwrap();
    match &recipe.image.symbols {
        Some(names) => {
            let bytes = fs::read(recipe.path(names)).unwrap();
            let program = Image::read(bytes, Hint::default()).unwrap();
            let fields = |image: &Image| eol_inject::checksum::fields(image, &recipe.checksums);
            image.with_names_but(&program, fields).unwrap()
        }
        None => image,
    }
}

fn standing(proposal: &Proposal) -> &'static str {
    match proposal.standing {
        Standing::Sure => "sure",
        Standing::Candidate => "candidate",
        Standing::Refused(_) => "refused",
    }
}

#[test]
fn proposals_agree_with_the_recipes() {
    let mut table = String::new();
    for (name, recipe) in recipes() {
        let image = image(&recipe);
        let proposals = propose::slots(&image);
        for spec in &recipe.slots {
            let slot = slot::locate(&image, spec).unwrap();
            let mine = |one: &&Proposal| one.span.start() == slot.span().start();
            let found = proposals.iter().find(mine);
            let told = found.map_or("none".to_owned(), |one| {
                assert!(slot.span().contains(one.span), "{name}");
                format!("{} {}", standing(one), one.lines.get(1).unwrap())
            });
            writeln!(table, "{name}: {}, {}: {told}", spec.value, slot.place()).unwrap();
            // A place is never taken for another value.
            let value = found.map(|one| one.value.clone());
            let same = matches!(
                (&value, &spec.value),
                (Some(SlotValue::Column(_)), SlotValue::Column(_)) | (None, _)
            );
            assert!(same || value.as_ref() == Some(&spec.value), "{name}");
        }
        // What is sure is a slot of the recipe, but for a serial that the recipe does without.
        for one in proposals
            .iter()
            .filter(|one| one.standing == Standing::Sure)
        {
            let known = recipe
                .slots
                .iter()
                .any(|spec| slot::locate(&image, spec).unwrap().span().start() == one.span.start());
            assert!(known || one.value == SlotValue::Serial, "{name}: {one:?}");
        }
    }
    insta::assert_snapshot!(table);
}

/// Whatever is not refused, pasted in place of the recipe's own slots, makes a Master.
#[test]
fn a_pasted_proposal_is_accepted() {
    for (name, recipe) in recipes() {
        let image = image(&recipe);
        for one in propose::slots(&image) {
            if matches!(one.standing, Standing::Refused(_)) {
                continue;
            }
            let spec: SlotSpec = toml::from_str(&one.lines.join("\n")).unwrap();
            let slot = slot::locate(&image, &spec).unwrap();
            assert_eq!(slot.span(), one.span, "{name}");
            slot::alone(&image, &[slot]).unwrap();
            let mut whole = recipe.clone();
            whole.slots = vec![spec];
            if one.value != SlotValue::AuthToken {
                continue;
            }
            match Master::prove(image.clone(), &whole) {
                Ok(_) => {}
                // Keys are read at the program's edge.
                Err(MasterError::Checksum(error)) if error.name() == "checksum-key" => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
}

fn flat(bytes: Vec<u8>) -> Image {
    let base = Some(Address::new(0));
    Image::read(
        bytes,
        Hint {
            format: Some(eol_inject::image::Format::Bin),
            base,
            ..Hint::default()
        },
    )
    .unwrap()
}

fn proposed(bytes: &[u8]) -> Vec<Proposal> {
    propose::slots(&flat(bytes.to_vec()))
}

#[test]
fn what_only_looks_like_a_placeholder_is_none() {
    for text in [
        "<input type='password' placeholder='Enter the password of your network here'>",
        "please set a placeholder, the token is unset",
        "PLACEHOLDER_WIFI_PASSWORD_PLACEHOLDER_PLACEHOLDER",
        "--------------------------------",
        "0123456789abcdef0123456789abcdef",
        "Serial number is unset",
        "PLACEHOLDER_too_short",
    ] {
        let bytes = [&[0; 64], text.as_bytes(), &[0; 64]].concat();
        assert_eq!(proposed(&bytes), [], "{text}");
    }
}

#[test]
fn of_two_placeholders_none_is_sure() {
    let one = b"PLACEHOLDER_PLACEHOLDER_PLACEHOLD\0";
    let other = b"PLACEHOLDER-of-another-thing-here\0";
    let bytes = [&[0; 64], &one[..], &[1; 64], other, &[0; 64]].concat();
    let found = proposed(&bytes);
    assert_eq!(
        found.iter().map(standing).collect::<Vec<_>>(),
        ["candidate"; 2]
    );
    let other = b"YOUR_AUTH_TOKEN_YOUR_AUTH_TOKEN_X\0";
    let bytes = [&[0; 64], &one[..], &[1; 64], other, &[0; 64]].concat();
    let found = proposed(&bytes);
    assert_eq!(
        found.iter().map(standing).collect::<Vec<_>>(),
        ["candidate", "sure"]
    );
}

#[test]
fn a_token_in_the_shared_image_is_not_repeated() {
    let token = b"-fake-TOKEN_0123456789abcdefghij\0";
    let bytes = [&[0; 64], &token[..], &[0; 64]].concat();
    assert_eq!(proposed(&bytes), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_image_without_a_slot_gets_no_proposal(
        bytes in prop::collection::vec(any::<u8>(), 1..4096)
    ) {
        prop_assert_eq!(proposed(&bytes), []);
    }

    /// Text of any kind around a placeholder never makes a proposal that is not accepted.
    #[test]
    fn whatever_stands_around_a_placeholder_a_proposal_is_accepted(
        before in "[ -~]{0,40}",
        text in "(PLACEHOLDER_){2,4}|X{30,36}|your_auth_token[a-z]{0,30}|UNSET-SERIAL",
        behind in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let bytes = [&[0u8; 8], before.as_bytes(), text.as_bytes(), &behind, &[0; 4]].concat();
        let image = flat(bytes);
        for one in propose::slots(&image) {
            if matches!(one.standing, Standing::Refused(_)) {
                continue;
            }
            let spec: SlotSpec = toml::from_str(&one.lines.join("\n")).unwrap();
            let slot = slot::locate(&image, &spec).unwrap();
            prop_assert_eq!(slot.span(), one.span);
            prop_assert!(slot::alone(&image, &[slot]).is_ok());
        }
    }
}
