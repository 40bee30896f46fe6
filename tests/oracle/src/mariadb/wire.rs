//! MariaDB's protocol, as far as experiments need it: texts of statements, prepared statements, and the bytes of rows.
//!
//! A client of its own rather than a general one because nothing is looked at of a row but its bytes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::wire::WireError;

/// What is asked for: the protocol of 4.1, several statements in a text, counts of the rows that were found.
const CAPABILITIES: u32 = 0x0200 | 0x8000 | 0x0008_0000 | 0x0001_0000 | 0x0002_0000 | 0x0004_0000 | 0x2;
/// More results come after this one.
const MORE: u16 = 0x0008;
/// `utf8mb4_general_ci`.
const CHARSET: u8 = 45;

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const CLOSE: u8 = 0x19;

/// A connection.
pub(super) struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    at: usize,
}

/// What a statement was answered with.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The error in which it ended.
    pub error: Option<(u16, String)>,
    /// How many rows it counts.
    pub affected: u64,
    /// Its rows, each as the bytes of its message.
    pub rows: Vec<Vec<u8>>,
}

/// A prepared statement.
pub(super) struct Prepared {
    id: u32,
    /// How many parameters it has.
    pub parameters: usize,
}

/// The value of a parameter.
pub(super) enum Value<'v> {
    Null,
    Number(i64),
    Text(&'v str),
}

impl Connection {
    pub(super) fn open(socket: &Path) -> Result<Connection, WireError> {
        let stream = UnixStream::connect(socket)?;
        let mut connection = Connection { stream, buffer: Vec::new(), at: 0 };
        let greeting = connection.packet()?;
        refused(&greeting)?;
        let mut hello = CAPABILITIES.to_le_bytes().to_vec();
        hello.extend(0x0100_0000_u32.to_le_bytes());
        hello.push(CHARSET);
        hello.extend([0; 23]);
        hello.extend(b"root\0\0mysql_native_password\0");
        connection.send(1, &hello)?;
        let mut answer = connection.packet()?;
        if answer.first() == Some(&0xFE) {
            // Another way to say who we are: nobody is asked for a word.
            connection.send(3, &[])?;
            answer = connection.packet()?;
        }
        refused(&answer)?;
        Ok(connection)
    }

    /// Runs statements without parameters, up to the first error.
    pub(super) fn query(&mut self, sql: &str) -> Result<Vec<Reply>, WireError> {
        self.command(QUERY, sql.as_bytes())?;
        let mut replies = Vec::new();
        loop {
            let (reply, more) = self.reply()?;
            replies.push(reply);
            if !more {
                return Ok(replies);
            }
        }
    }

    /// Prepares a statement, or says why it is refused.
    pub(super) fn prepare(&mut self, sql: &str) -> Result<Result<Prepared, (u16, String)>, WireError> {
        self.command(PREPARE, sql.as_bytes())?;
        let answer = self.packet()?;
        if let Some(error) = error(&answer) {
            return Ok(Err(error));
        }
        let mut cursor = Cursor { bytes: &answer, at: 1 };
        let id = cursor.number(4).ok_or_else(cut)?;
        let (columns, parameters) = (cursor.number(2).ok_or_else(cut)?, cursor.number(2).ok_or_else(cut)?);
        for count in [parameters, columns] {
            // Their descriptions, and what ends them.
            for _ in 0..if count > 0 { count + 1 } else { 0 } {
                self.packet()?;
            }
        }
        let id = u32::try_from(id).unwrap_or_default();
        Ok(Ok(Prepared { id, parameters: usize::try_from(parameters).unwrap_or_default() }))
    }

    /// Runs a prepared statement.
    pub(super) fn execute(&mut self, prepared: &Prepared, values: &[Value<'_>]) -> Result<Reply, WireError> {
        let mut body = prepared.id.to_le_bytes().to_vec();
        body.push(0);
        body.extend(1_u32.to_le_bytes());
        if !values.is_empty() {
            let mut nulls = vec![0_u8; values.len().div_ceil(8)];
            let (mut types, mut bytes) = (Vec::new(), Vec::new());
            for (at, value) in values.iter().enumerate() {
                match value {
                    Value::Null => {
                        if let Some(byte) = nulls.get_mut(at / 8) {
                            *byte |= 1 << (at % 8);
                        }
                        types.extend([0xFD, 0]);
                    }
                    Value::Number(number) => {
                        types.extend([0x08, 0]);
                        bytes.extend(number.to_le_bytes());
                    }
                    Value::Text(text) => {
                        types.extend([0xFD, 0]);
                        let length = u16::try_from(text.len()).map_err(|_| cut())?;
                        bytes.push(0xFC);
                        bytes.extend(length.to_le_bytes());
                        bytes.extend(text.as_bytes());
                    }
                }
            }
            body.extend(nulls);
            body.push(1);
            body.extend(types);
            body.extend(bytes);
        }
        self.command(EXECUTE, &body)?;
        let (reply, mut more) = self.reply()?;
        while more {
            more = self.reply()?.1;
        }
        Ok(reply)
    }

    /// Forgets a prepared statement.
    pub(super) fn close(&mut self, prepared: &Prepared) -> Result<(), WireError> {
        self.command(CLOSE, &prepared.id.to_le_bytes())
    }

    /// One result, and whether more come.
    fn reply(&mut self) -> Result<(Reply, bool), WireError> {
        let first = self.packet()?;
        let mut reply = Reply { error: error(&first), ..Reply::default() };
        if reply.error.is_some() {
            return Ok((reply, false));
        }
        let mut cursor = Cursor { bytes: &first, at: 0 };
        let columns = cursor.length().ok_or_else(cut)?;
        if columns == 0 {
            reply.affected = cursor.length().ok_or_else(cut)?;
            cursor.length();
            let status = cursor.number(2).ok_or_else(cut)?;
            return Ok((reply, status & u64::from(MORE) != 0));
        }
        for _ in 0..=columns {
            self.packet()?;
        }
        loop {
            let row = self.packet()?;
            if let Some(error) = error(&row) {
                reply.error = Some(error);
                return Ok((reply, false));
            }
            if row.first() == Some(&0xFE) && row.len() < 9 {
                let mut cursor = Cursor { bytes: &row, at: 3 };
                let status = cursor.number(2).ok_or_else(cut)?;
                return Ok((reply, status & u64::from(MORE) != 0));
            }
            reply.rows.push(row);
        }
    }

    fn command(&mut self, command: u8, body: &[u8]) -> Result<(), WireError> {
        let mut packet = vec![command];
        packet.extend(body);
        self.send(0, &packet)
    }

    fn send(&mut self, number: u8, body: &[u8]) -> Result<(), WireError> {
        let length = u32::try_from(body.len()).map_err(|_| cut())?;
        let [a, b, c, 0] = length.to_le_bytes() else { return Err(cut()) };
        let mut packet = vec![a, b, c, number];
        packet.extend(body);
        Ok(self.stream.write_all(&packet)?)
    }

    fn packet(&mut self) -> Result<Vec<u8>, WireError> {
        let head = self.take(4)?;
        let length = Cursor { bytes: &head, at: 0 }.number(3).ok_or_else(cut)?;
        self.take(usize::try_from(length).map_err(|_| cut())?)
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, WireError> {
        while self.buffer.len() - self.at < count {
            self.buffer.drain(..self.at);
            self.at = 0;
            let mut chunk = [0; 1 << 14];
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
            self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
        let taken = self.buffer.get(self.at..self.at + count).unwrap_or_default().to_vec();
        self.at += count;
        Ok(taken)
    }
}

/// The cells of a row of a text's result.
pub(super) fn cells(row: &[u8]) -> Vec<Option<String>> {
    let mut cursor = Cursor { bytes: row, at: 0 };
    let mut cells = Vec::new();
    while let Some(first) = row.get(cursor.at) {
        if *first == 0xFB {
            cursor.at += 1;
            cells.push(None);
            continue;
        }
        let text = cursor.length().and_then(|length| cursor.bytes(usize::try_from(length).ok()?));
        let Some(text) = text else { break };
        cells.push(Some(String::from_utf8_lossy(text).into_owned()));
    }
    cells
}

/// What a message says.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let found = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(found)
    }

    /// A number of so many bytes, the lowest first.
    fn number(&mut self, count: usize) -> Option<u64> {
        let bytes = self.bytes(count)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// A number whose first byte says how long it is.
    fn length(&mut self) -> Option<u64> {
        match self.number(1)? {
            0xFC => self.number(2),
            0xFD => self.number(3),
            0xFE => self.number(8),
            small => Some(small),
        }
    }
}

/// The error that a message is.
fn error(packet: &[u8]) -> Option<(u16, String)> {
    let (0xFF, rest) = packet.split_first().map(|(first, rest)| (*first, rest))? else { return None };
    let code = Cursor { bytes: rest, at: 0 }.number(2)?;
    let message = String::from_utf8_lossy(rest.get(2..)?).into_owned();
    let message = match message.strip_prefix('#') {
        Some(after) => after.get(5..).unwrap_or_default().to_owned(),
        None => message,
    };
    Some((u16::try_from(code).ok()?, message))
}

fn refused(packet: &[u8]) -> Result<(), WireError> {
    match error(packet) {
        Some((_, message)) => Err(WireError::Unsupported(message)),
        None => Ok(()),
    }
}

fn cut() -> WireError {
    WireError::Unsupported("a message of MariaDB is not as it must be".to_owned())
}
