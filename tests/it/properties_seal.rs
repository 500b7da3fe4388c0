use std::fmt::Write as _;

use eol_inject::checksum::{ChecksumError, State, findings};
use eol_inject::image::{Address, Edits, Hint, Image, Span};
use eol_inject::master::{Master, MasterError, apply};
use eol_inject::recipe::SlotSpec;
use eol_inject::seal::seal;
use eol_inject::slot::{Content, found, locate};
use proptest::prelude::*;

use super::craft::{self, bin, esp, mcuboot, recipe, values};

/// What one byte of a token may be.
const ALPHABET: &[u8; 64] = b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const KINDS: [&str; 12] = [
    "kind = \"crc\"\nalgorithm = \"CRC-32/ISO-HDLC\"",
    "kind = \"crc\"\nalgorithm = \"CRC-16/IBM-3740\"",
    "kind = \"crc\"\nalgorithm = \"CRC-24/BLE\"",
    "kind = \"crc\"\nalgorithm = \"CRC-64/XZ\"",
    "kind = \"crc\"\nalgorithm = { width = 13, poly = 0x1CF5, init = 0x5, refin = true }",
    "kind = \"sum32\"",
    "kind = \"sum16\"",
    "kind = \"xor8\"",
    "kind = \"adler32\"",
    "kind = \"fletcher16\"",
    "kind = \"sha256\"",
    "kind = \"md5\"",
];

/// Bytes that a field may take: the longest, SHA-256.
const FIELD: usize = 32;

/// One checksum: family, first and last place of its range, and how things count.
#[derive(Debug, Clone)]
struct Check {
    kind: usize,
    from: usize,
    to: usize,
    own: Option<u8>,
    unit: u8,
    complement: &'static str,
    big: bool,
    blank: u8,
}

/// An image of fields in a random order, with noise between them.
#[derive(Debug, Clone)]
struct Case {
    noise: Vec<u8>,
    /// Bytes of noise in front of each part.
    gaps: Vec<usize>,
    /// Which part comes where: token, serial, column, then the checksums.
    order: Vec<usize>,
    checks: Vec<Check>,
    token: [u8; 32],
    hex: bool,
}

fn check() -> impl Strategy<Value = Check> {
    let complement = prop_oneof![Just("none"), Just("ones"), Just("twos")];
    let own = prop_oneof![
        Just(None),
        Just(Some(0)),
        Just(Some(0xFF)),
        Just(Some(0x5A))
    ];
    let unit = prop_oneof![4 => Just(1u8), 1 => Just(2), 1 => Just(4)];
    let blank = prop_oneof![Just(0u8), Just(0xFF)];
    (
        0..KINDS.len(),
        0usize..4096,
        0usize..4096,
        own,
        unit,
        complement,
        any::<bool>(),
        blank,
    )
        .prop_map(
            |(kind, from, to, own, unit, complement, big, blank)| Check {
                kind,
                from,
                to,
                own,
                unit,
                complement,
                big,
                blank,
            },
        )
}

fn token() -> impl Strategy<Value = [u8; 32]> {
    prop::array::uniform32(0usize..64).prop_map(|letters| letters.map(|letter| ALPHABET[letter]))
}

fn case() -> impl Strategy<Value = Case> {
    prop::collection::vec(check(), 0..5).prop_flat_map(|checks| {
        let parts = 3 + checks.len();
        let noise = prop::collection::vec(any::<u8>(), 2048);
        let gaps = prop::collection::vec(0usize..70, parts + 1);
        let order = Just((0..parts).collect::<Vec<_>>()).prop_shuffle();
        (noise, gaps, order, Just(checks), token(), any::<bool>()).prop_map(
            |(noise, gaps, order, checks, token, hex)| Case {
                noise,
                gaps,
                order,
                checks,
                token,
                hex,
            },
        )
    })
}

impl Case {
    /// Lays the parts out; gives the bytes and the places of the parts.
    fn lay(&self) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut places = vec![0; self.order.len()];
        let mut noise = self.noise.iter().copied().cycle();
        for (part, gap) in self.order.iter().zip(&self.gaps) {
            // Words stay aligned.
            let gap = gap.next_multiple_of(4);
            bytes.extend(noise.by_ref().take(gap));
            places[*part] = bytes.len();
            let (len, blank) = match part {
                0 => (40, 0xFF),
                1 | 2 => (24, 0x00),
                check => (FIELD, self.checks[check - 3].blank),
            };
            bytes.resize(bytes.len() + len, blank);
        }
        bytes.extend(noise.take(self.gaps.last().unwrap().next_multiple_of(4) + 4));
        (bytes, places)
    }

    /// Writes the recipe; `initial` is that of all checksums.
    fn recipe(&self, places: &[usize], len: usize, initial: &str) -> String {
        let mut text = String::new();
        for (value, place, size) in [
            ("auth-token", 0, 40),
            ("serial", 1, 24),
            ("column:MAC", 2, 24),
        ] {
            let at = places[place];
            writeln!(
                text,
                "[[slot]]\nvalue = \"{value}\"\naddress = {at}\nsize = {size}"
            )
            .unwrap();
        }
        for (check, at) in self.checks.iter().zip(&places[3..]) {
            let (from, to) = (check.from % (len / 4), check.to % (len / 4));
            let (from, to) = (from.min(to) * 4, from.max(to) * 4 + 4);
            let kind = KINDS[check.kind];
            writeln!(text, "[[checksum]]\n{kind}\nover = [\"{from}..{to}\"]").unwrap();
            writeln!(text, "at = {{ address = {at} }}\ninitial = \"{initial}\"").unwrap();
            if let Some(own) = check.own {
                writeln!(text, "own = {own}").unwrap();
            }
            if !kind.contains("sha256") && !kind.contains("md5") {
                writeln!(text, "complement = \"{}\"", check.complement).unwrap();
                let endian = if check.big { "big" } else { "little" };
                writeln!(text, "endian = \"{endian}\"").unwrap();
            }
            writeln!(text, "unit = {}", check.unit).unwrap();
        }
        text
    }

    /// Reads a container of this case's format.
    fn read(&self, container: Vec<u8>) -> Image {
        let base = (!self.hex).then_some(Address::new(0));
        Image::read(
            container,
            Hint {
                base,
                ..Hint::default()
            },
        )
        .unwrap()
    }

    fn image(&self, bytes: &[u8]) -> Image {
        if !self.hex {
            return bin(bytes);
        }
        let records = bytes
            .chunks(16)
            .zip((0u16..).step_by(16))
            .map(|(value, offset)| {
                let value = value.to_vec();
                ihex::Record::Data { offset, value }
            });
        let mut records: Vec<_> = records.collect();
        records.push(ihex::Record::EndOfFile);
        let text = ihex::create_object_file_representation(&records).unwrap();
        Image::read(text.into_bytes(), Hint::default()).unwrap()
    }
}

/// Proves; none for graphs that the plan refuses for a good reason.
fn prove(case: &Case, image: Image, recipe_text: &str) -> Option<Master> {
    match Master::prove(image, &recipe(recipe_text)) {
        Ok(master) => Some(master),
        Err(MasterError::Checksum(ChecksumError::Cycle { .. } | ChecksumError::Unit { .. })) => {
            None
        }
        Err(other) => panic!("{}: {other:?} {case:?}", other.name()),
    }
}

fn whole(image: &Image) -> Span {
    let runs = image.runs();
    assert_eq!(runs.len(), 1);
    runs[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn only_slots_and_checksums_change_and_all_become_true(case in case(), other in token()) {
        let (bytes, places) = case.lay();
        let text = case.recipe(&places, bytes.len(), "unset");
        let Some(master) = prove(&case, case.image(&bytes), &text) else {
            return Ok(());
        };
        let sealed = seal(apply(&master, &values(&case.token, "GW000001")).unwrap()).unwrap();
        let container = sealed.container().unwrap();
        prop_assert_eq!(container.len(), master.image().container().len());
        let unit = case.read(container.clone());
        let new = unit.bytes(whole(&unit)).unwrap();

        // Only slots and checksums differ, and as many bytes as it says.
        let changes = master.changes();
        let mut differ = 0;
        for (at, (old, new)) in (0u64..).zip(bytes.iter().zip(new.iter())) {
            let inside = |span: &Span| span.contains(Span::new(Address::new(at), 1).unwrap());
            prop_assert!(old == new || changes.iter().any(inside), "{at:#x}");
            differ += u64::from(old != new);
        }
        prop_assert_eq!(sealed.changed_bytes(), differ);

        // Every checksum is true, from scratch, and says what it stored.
        for (checksum, stored) in master.plan().checksums().iter().zip(sealed.checksums()) {
            let computed = checksum.compute(&unit, &Edits::new()).unwrap();
            prop_assert_eq!(&computed, &checksum.stored(&unit).unwrap());
            prop_assert_eq!(&computed, &stored.bytes);
        }

        // Every slot reads back.
        let wanted = [&case.token[..], b"GW000001", b"02:00:00:00:00:01"];
        for (slot, wanted) in master.slots().iter().zip(wanted) {
            let content = slot.read(&unit.bytes(slot.span()).unwrap());
            prop_assert_eq!(content, Content::Filled(wanted.to_vec().into()));
        }

        // The same values give the same bytes; the Master does not remember other units.
        seal(apply(&master, &values(&other, "GW000002")).unwrap()).unwrap();
        let again = seal(apply(&master, &values(&case.token, "GW000001")).unwrap()).unwrap();
        prop_assert_eq!(again.container().unwrap(), container);
    }

    #[test]
    fn an_unsealed_image_is_noticed(case in case()) {
        let (bytes, places) = case.lay();
        let text = case.recipe(&places, bytes.len(), "unset");
        let Some(master) = prove(&case, case.image(&bytes), &text) else {
            return Ok(());
        };
        let sealed = seal(apply(&master, &values(&case.token, "GW000001")).unwrap()).unwrap();
        let mut slots = Edits::new();
        for (start, new) in sealed.edits().iter() {
            if master.slots().iter().any(|slot| slot.span().start() == start) {
                slots.put(start, new);
            }
        }
        let container = master.image().render(&slots).unwrap();
        let wrong = master.plan().checksums().iter().any(|checksum| {
            let computed = checksum.compute(master.image(), &slots).unwrap();
            computed != checksum.stored(master.image()).unwrap()
        });
        prop_assert_eq!(wrong, container != sealed.container().unwrap());
    }

    #[test]
    fn the_values_of_unset_fields_prove_as_valid(case in case()) {
        let (bytes, places) = case.lay();
        let text = case.recipe(&places, bytes.len(), "unset");
        let Some(master) = prove(&case, case.image(&bytes), &text) else {
            return Ok(());
        };
        let mut edits = Edits::new();
        for checksum in master.plan().checksums() {
            let State::Unset(value) = checksum.state() else {
                panic!("{checksum:?}");
            };
            edits.put(checksum.at().start(), value);
        }
        let sealed = master.image().render(&edits).unwrap();
        let image = case.read(sealed);
        let text = case.recipe(&places, bytes.len(), "valid");
        let master = Master::prove(image, &recipe(&text)).unwrap();
        prop_assert!(master.plan().checksums().iter().all(|one| *one.state() == State::Proved));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in broken()) {
        let image = bin(&bytes);
        let _ = findings(&image);
        let _ = found(&image);
        for keys in [
            "eolslot = true",
            "blnkopt = true",
            "blnkopt = true\nset = { ssid = \"s\" }",
            "marker = \"PLACE\"\nsize = 33",
            "address = 0\nsize = 40\nblank = \"any\"",
        ] {
            let spec: SlotSpec = toml::from_str(&format!("value = \"auth-token\"\n{keys}")).unwrap();
            if let Ok(slot) = locate(&image, &spec) {
                let filled = slot.encode(craft::TOKEN).unwrap();
                prop_assert_eq!(slot.read(&filled), Content::Filled(craft::TOKEN.to_vec().into()));
                let _ = slot.read(&bytes);
                let len = usize::try_from(slot.span().len()).unwrap();
                let _ = slot.read(bytes.get(bytes.len() - len..).unwrap());
            }
        }
    }
}

/// Structures that are nearly right: cut, with bytes changed, on noise.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let seed = prop_oneof![
        Just(mcuboot(&[7; 60], 0, &[(0x24, &[1; 64])])),
        Just(esp(&[&[1; 32], &[2; 16]])),
        Just(craft::esp_signed(&esp(&[&[1; 32]]))),
        Just([b"EOLSLOT1\x01\0\x20\0\xFF\xFF\0\0".as_slice(), &[0xFF; 36]].concat()),
        Just(
            b"blnkopt\0ssid\0PlaceholderPlaceholderPlaceholderPlaceholder\0port\x00443\0\0\0"
                .to_vec()
        ),
        Just(b"PLACEHOLDER".repeat(4)),
        prop::collection::vec(any::<u8>(), 1..300),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (seed, changes, any::<prop::sample::Index>(), 0usize..3).prop_map(
        |(mut bytes, changes, cut, copies)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if copies == 0 {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
            bytes.repeat(copies.max(1))
        },
    )
}
