//! Serves a board to foreign probe-rs programs, in the protocol that probe-rs' own driver for the
//! Glasgow Interface Explorer speaks over TCP.
//!
//! The server listens on the loopback interface only; still, every user of the machine can reach the
//! board, so a token in it is not private while a server runs. It must not know probe-rs.
//!
//! Protocol (read off the driver's behaviour, version `probe-rs,v01`): COBS frames (Cheshire and
//! Baker 1999) end in a zero byte; the first byte inside picks the endpoint. The driver never
//! notices a closed connection, so a server lasts as long as its clients; it serves one at a time.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::board::{Ack, Board, Request, SharedBoard};

/// A running server; it ends with the program.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// Listens on `port` of 127.0.0.1, 0 for any free one, and serves `board` from a thread.
    ///
    /// `after_client` runs whenever a client has gone, to save the board for example.
    ///
    /// # Errors
    /// That of the operating system if the port cannot be had.
    pub fn start(
        board: SharedBoard,
        port: u16,
        mut after_client: impl FnMut(&SharedBoard) + Send + 'static,
    ) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        thread::Builder::new()
            .name("glasgow".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // A broken connection ends that client, and the next one is served.
                    let _ = serve_client(stream, &board);
                    after_client(&board);
                }
            })?;
        Ok(Server { address })
    }

    /// Returns where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what a probe-rs program takes as `--probe`.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("20b7:9db1:tcp:{}", self.address)
    }
}

const ENDPOINT_ROOT: u8 = 0;
const ENDPOINT_SWD: u8 = 1;

const IDENTIFY: u8 = 0x00;
const GET_REFERENCE_CLOCK: u8 = 0x10;
const GET_DIVISOR: u8 = 0x11;
const SET_DIVISOR: u8 = 0x12;
const ASSERT_RESET: u8 = 0x20;
const CLEAR_RESET: u8 = 0x21;
const IDENTIFIER: &[u8] = b"probe-rs,v01";
const REFERENCE_CLOCK: u32 = 48_000_000;

/// A command byte with this bit is a line sequence, else a transfer.
const SEQUENCE: u8 = 0x20;
const SEQUENCE_LENGTH: u8 = 0x1f;
const TRANSFER_ACCESS_PORT: u8 = 1;
const TRANSFER_READ: u8 = 1 << 1;
const TRANSFER_REGISTER: u8 = 0xc;

const DATA_OK: u8 = 0x01;
const NO_DATA_OK: u8 = 0x11;
const NO_DATA_WAIT: u8 = 0x12;
const NO_DATA_FAULT: u8 = 0x14;
const NO_ANSWER: u8 = 0x20;

const WAIT_RETRIES: u32 = 100;
const LINE_RESET_CYCLES: u32 = 50;
const JTAG_TO_SWD: u32 = 0xe79e;
/// A frame cannot be longer than what one driver call queues; more is not this protocol.
const LONGEST_FRAME: usize = 16 << 20;

fn serve_client(mut stream: TcpStream, board: &SharedBoard) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut client = Client::default();
    let mut buffer = vec![0; 65_536];
    loop {
        let received = stream.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..received).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        client.receive(bytes)?;
        let mut out = Vec::new();
        let mut board = board.lock();
        frame(&mut out, ENDPOINT_ROOT, &client.root(&mut board));
        frame(&mut out, ENDPOINT_SWD, &client.swd(&mut board));
        drop(board);
        stream.write_all(&out)?;
    }
}

/// Bytes of one client that wait for the rest of their frame or command.
#[derive(Default)]
struct Client {
    frame: Vec<u8>,
    root: Vec<u8>,
    swd: Vec<u8>,
    divisor: [u8; 2],
    /// High cycles in a row over the 32-bit pieces in which sequences arrive.
    high_cycles: u32,
}

impl Client {
    /// Takes bytes off the wire and sorts complete frames to their endpoints.
    fn receive(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            if *byte != 0 {
                self.frame.push(*byte);
                continue;
            }
            let decoded = decode(&self.frame);
            self.frame.clear();
            match decoded.split_first() {
                Some((&ENDPOINT_ROOT, rest)) => self.root.extend_from_slice(rest),
                Some((&ENDPOINT_SWD, rest)) => self.swd.extend_from_slice(rest),
                _ => {}
            }
        }
        if self.frame.len() > LONGEST_FRAME {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(())
    }

    fn root(&mut self, board: &mut Board) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut rest = self.root.as_slice();
        while let Some((command, tail)) = rest.split_first() {
            rest = tail;
            match *command {
                IDENTIFY => answer.extend_from_slice(IDENTIFIER),
                GET_REFERENCE_CLOCK => answer.extend_from_slice(&REFERENCE_CLOCK.to_le_bytes()),
                GET_DIVISOR => answer.extend_from_slice(&self.divisor),
                SET_DIVISOR => {
                    let Some((divisor, tail)) = rest.split_first_chunk() else {
                        self.root = vec![SET_DIVISOR];
                        return answer;
                    };
                    self.divisor = *divisor;
                    rest = tail;
                }
                ASSERT_RESET => board.set_nreset(true),
                CLEAR_RESET => board.set_nreset(false),
                _ => {}
            }
        }
        self.root.clear();
        answer
    }

    fn swd(&mut self, board: &mut Board) -> Vec<u8> {
        let queue = std::mem::take(&mut self.swd);
        let mut answer = Vec::new();
        let mut rest = queue.as_slice();
        while let Some((command, tail)) = rest.split_first() {
            let has_operand = command & SEQUENCE != 0 || command & TRANSFER_READ == 0;
            let (operand, tail) = match tail.split_first_chunk() {
                Some((operand, tail)) if has_operand => (u32::from_le_bytes(*operand), tail),
                None if has_operand => break,
                _ => (0, tail),
            };
            rest = tail;
            if command & SEQUENCE != 0 {
                self.sequence(board, command & SEQUENCE_LENGTH, operand);
            } else {
                self.high_cycles = 0;
                transfer(board, *command, operand, &mut answer);
            }
        }
        self.swd = rest.to_vec();
        answer
    }

    /// One piece of at most 32 cycles; a line reset comes in two.
    fn sequence(&mut self, board: &mut Board, length: u8, bits: u32) {
        if length == 16 && bits & 0xffff == JTAG_TO_SWD {
            board.swj_sequence(16, u64::from(JTAG_TO_SWD));
            self.high_cycles = 0;
            return;
        }
        let length = if length == 0 { 32 } else { u32::from(length) };
        for index in 0..length {
            if bits >> index & 1 == 0 {
                self.high_cycles = 0;
                continue;
            }
            self.high_cycles = self.high_cycles.saturating_add(1);
            if self.high_cycles == LINE_RESET_CYCLES {
                board.line_reset();
            }
        }
    }
}

fn transfer(board: &mut Board, command: u8, data: u32, answer: &mut Vec<u8>) {
    let request = Request {
        access_port: command & TRANSFER_ACCESS_PORT != 0,
        read: command & TRANSFER_READ != 0,
        register: command & TRANSFER_REGISTER,
    };
    let mut ack = board.transfer(request, data);
    for _ in 0..WAIT_RETRIES {
        if ack != Ack::Wait {
            break;
        }
        ack = board.transfer(request, data);
    }
    match ack {
        Ack::Ok(value) if request.read => {
            answer.push(DATA_OK);
            answer.extend_from_slice(&value.to_le_bytes());
        }
        Ack::Ok(_) => answer.push(NO_DATA_OK),
        Ack::Wait => answer.push(NO_DATA_WAIT),
        Ack::Fault => answer.push(NO_DATA_FAULT),
        Ack::None => answer.push(NO_ANSWER),
    }
}

/// Decodes a COBS frame without its final zero: a count, count - 1 bytes, and a zero in between.
fn decode(frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len());
    let mut rest = frame;
    while let Some((count, tail)) = rest.split_first() {
        let length = usize::from(*count).saturating_sub(1).min(tail.len());
        let (run, tail) = tail.split_at(length);
        out.extend_from_slice(run);
        if *count != 0xff && !tail.is_empty() {
            out.push(0);
        }
        rest = tail;
    }
    out
}

/// Appends `data` for `endpoint` as a COBS frame, or nothing if there is no data.
fn frame(out: &mut Vec<u8>, endpoint: u8, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let mut plain = vec![endpoint];
    plain.extend_from_slice(data);
    // Each run up to a zero is cut in pieces of 254; only the last piece stands for the zero.
    for run in plain.split(|byte| *byte == 0) {
        let mut pieces = run.chunks(254).peekable();
        if pieces.peek().is_none() {
            out.push(1);
        }
        while let Some(piece) = pieces.next() {
            let count = u8::try_from(piece.len() + 1).unwrap_or(u8::MAX);
            out.push(count);
            out.extend_from_slice(piece);
            if count == u8::MAX && pieces.peek().is_none() {
                out.push(1);
            }
        }
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::{decode, frame};

    #[test]
    fn a_frame_is_encoded_as_in_the_paper() {
        let mut out = Vec::new();
        frame(&mut out, 0x11, &[0x22, 0x00, 0x33]);
        assert_eq!(out, [0x03, 0x11, 0x22, 0x02, 0x33, 0x00]);
    }

    #[test]
    fn data_of_every_length_survives_the_framing() {
        for length in 1..1_100_usize {
            for zero_every in [1, 7, 254, 255, 5_000] {
                let byte = |at: usize| {
                    if at.is_multiple_of(zero_every) {
                        0
                    } else {
                        0x55
                    }
                };
                let data: Vec<u8> = (1..=length).map(byte).collect();
                let mut out = Vec::new();
                frame(&mut out, 1, &data);
                assert_eq!(out.pop(), Some(0));
                assert!(!out.contains(&0));
                let decoded = decode(&out);
                assert_eq!(decoded.split_first(), Some((&1, data.as_slice())));
            }
        }
    }
}
