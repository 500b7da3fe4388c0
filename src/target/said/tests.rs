//! What stays and what does not: lines that tools print, and tokens in every way of showing them.

use super::*;
use crate::unit::{Digest, hex};

/// What was told to the tools below.
const TOLD: &str =
    "esptool --chip esp32 --port /dev/ttyUSB0 write-flash 0x10000 /tmp/x/image.bin stm32f407vg";

/// Last words of failed runs, as these tools print them.
const FAULTS: [&str; 58] = [
    "Erased 4 sectors",
    "timeout after 3 s",
    "E: chip not found (0x0BC11477)",
    "flash is write-protected",
    // esptool
    "A fatal error occurred: Failed to connect to ESP32: Timed out waiting for packet header",
    "A fatal error occurred: Failed to connect to ESP32: No serial data received.",
    "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.",
    "A fatal error occurred: This chip is ESP32-S3, not ESP32. Wrong chip argument?",
    "A fatal error occurred: Packet content transfer stopped (received 8 bytes)",
    "A fatal error occurred: Failed to write to target RAM (result was 0107: Operation timed out)",
    "A fatal error occurred: MD5 of file does not match data in flash!",
    "A fatal error occurred: Invalid head of packet (0x46): Possible serial noise or corruption.",
    "Failed to get PID of a device on /dev/ttyUSB0, using standard reset sequence.",
    "Writing at 0x00010000... (100 %)",
    "error: invalid value '0x40'",
    // OpenOCD
    "Error: open failed",
    "Error: init mode failed (unable to connect to the target)",
    "Error: JTAG scan chain interrogation failed: all ones",
    "Error: Trying to use configured scan chain anyway...",
    "Error: timed out while waiting for target halted",
    "Error: unable to find a matching CMSIS-DAP device",
    "Error: error writing to flash at address 0x08000000 at offset 0x00000000",
    "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS",
    "Error: No J-Link device found.",
    "Error: No Valid JTAG Interface Configured.",
    "Error: Target not examined yet",
    "Error: checksum mismatch - attempting binary compare",
    "** OpenOCD init failed **",
    "** Programming Failed **",
    // nrfjprog
    "ERROR: There is no debugger connected to the PC.",
    "ERROR: Unable to connect to a debugger.",
    "ERROR: JLinkARM DLL reported an error. Try again. If error condition",
    "ERROR: The operation attempted is unavailable due to readback protection in",
    "ERROR: An internal error has occurred, please try again.",
    // STM32CubeProgrammer
    "\u{1b}[31mError: No debug probe detected.\u{1b}[0m",
    "\u{1b}[31mError: failed to download Segment[0]\u{1b}[0m",
    "Error: Data mismatch found at address 0x08000000 (byte = 0xFF instead of 0x00)",
    "Error: ST-LINK error (DEV_TARGET_HELD_UNDER_RESET)",
    "Error: Unable to get core ID",
    "Error: failed to erase memory",
    "Error: Cannot connect to access port 0!",
    // J-Link
    "Cannot connect to target.",
    "****** Error: Failed to halt CPU.",
    "FAILED: Cannot connect to J-Link via USB.",
    "No emulators connected via USB.",
    "Error while programming flash: Programming failed.",
    "Target voltage too low (1.0 V).",
    // pyOCD
    "0000384 C Target type stm32f407vg not recognized. Use 'pyocd list --targets' to see currently available target types. [__main__]",
    "No available debug probes are connected",
    "0001210 C No ACK received [__main__]",
    "Memory transfer fault (FAULT ACK) @ 0x00000000-0x00000003",
    "flash program page failure (address 0x00000000; result code 0x1)",
    // a factory's system
    "step SMT missing",
    "AOI result NG, to rework station 3",
    // others
    "Error: No connected probes were found.",
    "dfu-util: No DFU capable USB device available",
    "avrdude: initialization failed, rc=-1",
    "Failed to parse flash type or unrecognized flash type",
];

#[test]
fn what_tools_say_of_a_fault_stays() {
    let lost = FAULTS
        .iter()
        .filter(|line| plain(line, TOLD) != uncoloured(line));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn words_of_other_languages_stay_where_no_token_can_be_in_them() {
    for line in ["工单已锁定", "Заказ 4711 заблокирован", "Gerät überprüfen"]
    {
        assert_eq!(plain(line, ""), line);
    }
    // Bytes of text that were taken for words of two bytes.
    let words = b"n5x628GDTFMk0hNa".chunks(2);
    let signs =
        words.map(|two| char::from_u32(u32::from(two[0]) * 256 + u32::from(two[1])).unwrap());
    assert!(is_dropped(&plain(&signs.collect::<String>(), "")));
}

#[test]
fn words_that_were_told_come_back() {
    let line = "GW00000019 of order 2026-0019-77431 is blocked";
    let told = "{\"serial\":\"GW00000019\",\"order\":\"2026-0019-77431\"}";
    assert_eq!(plain(line, told), line);
    assert!(is_dropped(&plain(line, "")));
}

#[test]
fn the_line_that_calls_itself_an_error_is_told_and_else_the_last() {
    let said = "connecting\nerror: invalid value '0x40'\n\nFor more, try '--help'.\n";
    assert_eq!(reason(said.as_bytes(), ""), "error: invalid value '0x40'");
    assert_eq!(reason(b"connecting\nno answer\n\n", ""), "no answer");
    assert_eq!(
        reason(b"Writing 10 %\rWriting 20 %\r\n", ""),
        "Writing 20 %"
    );
    assert_eq!(reason(b" \n", ""), "");
    assert_eq!(first(b"\nblocked\nmore", "").unwrap(), "blocked");
}

#[test]
fn no_more_than_five_characters_of_a_token_stay_however_it_is_shown() {
    for number in 0..500_u32 {
        let token = token(number);
        for (name, lines) in shown(&token) {
            for (line, characters) in lines {
                for line in [line.clone(), format!("error: found {line} there")] {
                    let kept = plain(&line, TOLD);
                    assert!(characters < 6 || is_dropped(&kept), "{name}: {kept}");
                }
            }
        }
    }
}

fn is_dropped(kept: &str) -> bool {
    kept.starts_with("a line of ") && kept.ends_with("which is not shown")
}

/// A token like any other.
fn token(number: u32) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let chance = *Digest::of(&number.to_be_bytes()).as_bytes();
    let pick = |byte: &u8| alphabet[usize::from(byte % 64)];
    chance.iter().map(pick).collect()
}

/// A line, and how many characters of the token it tells.
type Line = (String, usize);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One line of pieces, each made of so many bytes.
fn pieced(token: &[u8], size: usize, gap: &str, piece: impl Fn(&[u8]) -> String) -> Vec<Line> {
    let pieces: Vec<String> = token.chunks(size).map(piece).collect();
    vec![(pieces.join(gap), token.len())]
}

/// A line for each piece.
fn folded(token: &[u8], size: usize, piece: impl Fn(&[u8]) -> String) -> Vec<Line> {
    let line = |part: &[u8]| (piece(part), part.len());
    token.chunks(size).map(line).collect()
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        .collect();
    let six = |bits: &[u8]| {
        bits.iter()
            .fold(0, |value, bit| value * 2 + usize::from(*bit))
    };
    bits.chunks(6)
        .map(|bits| char::from(digits[six(bits)]))
        .collect()
}

fn little(bytes: &[u8]) -> String {
    hex(&bytes.iter().rev().copied().collect::<Vec<u8>>())
}

/// Every way that a careless tool may show 32 bytes of flash.
fn shown(token: &[u8]) -> Vec<(&'static str, Vec<Line>)> {
    let each = |part: &[u8], how: fn(u8) -> String| part.iter().map(|byte| how(*byte)).collect();
    let backwards: Vec<u8> = token.iter().rev().copied().collect();
    let percent = |part: &[u8]| each(part, |byte| format!("%{byte:02X}"));
    let binary = |part: &[u8]| each(part, |byte| format!("{byte:08b}"));
    vec![
        ("text", pieced(token, 32, "", text)),
        ("backwards", pieced(&backwards, 32, "", text)),
        ("letters", pieced(token, 1, " ", text)),
        ("pairs", pieced(token, 2, " ", text)),
        ("triples", pieced(token, 3, " ", text)),
        ("fours", pieced(token, 4, " ", text)),
        ("sevens", pieced(token, 7, ", ", text)),
        ("lines of eight", folded(token, 8, text)),
        ("lines of six", folded(token, 6, text)),
        ("a key", folded(token.get(..8).unwrap(), 8, text)),
        ("a cut", folded(token.get(..11).unwrap(), 11, text)),
        ("wide", pieced(token, 1, "\0", text)),
        ("hex", pieced(token, 32, "", hex)),
        ("hex bytes", pieced(token, 1, " ", hex)),
        (
            "hex array",
            pieced(token, 1, ", ", |byte| {
                format!("0x{}", hex(byte).to_uppercase())
            }),
        ),
        (
            "hex words",
            pieced(token, 4, " ", |word| format!("0x{}", hex(word))),
        ),
        ("lines of hex", folded(token, 8, hex)),
        ("little-endian words", pieced(token, 4, " ", little)),
        ("lines of little-endian words", folded(token, 8, little)),
        ("base64", pieced(token, 32, "", base64)),
        ("base64 of pieces", pieced(token, 6, "\t", base64)),
        (
            "decimals",
            pieced(token, 1, " ", |byte| byte[0].to_string()),
        ),
        (
            "decimal list",
            pieced(token, 1, ",", |byte| format!("{:03}", byte[0])),
        ),
        (
            "octal",
            pieced(token, 1, " ", |byte| format!("{:o}", byte[0])),
        ),
        (
            "escapes",
            pieced(token, 1, "", |byte| format!("\\x{}", hex(byte))),
        ),
        (
            "octal escapes",
            pieced(token, 1, "", |byte| format!("\\{:o}", byte[0])),
        ),
        ("percents", pieced(token, 32, "", percent)),
        (
            "entities",
            pieced(token, 1, "", |byte| format!("&#{};", byte[0])),
        ),
        ("bits", pieced(token, 32, "", binary)),
        ("bits of bytes", pieced(token, 1, " ", binary)),
        (
            "reversed words",
            pieced(token, 4, "", |word| {
                text(&word.iter().rev().copied().collect::<Vec<u8>>())
            }),
        ),
        (
            "dump",
            folded(token, 16, |row| {
                format!("00001000: {}  {}", hex(row), text(row))
            }),
        ),
        ("colours", pieced(token, 2, "\u{1b}[0m", text)),
    ]
}
