//! A virtual machine for pickles, without the instructions that run code.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek};

use crate::value::{Contents, Id, Value};

/// Why a pickle cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// It ends early.
    #[error("it ends at byte {0}, in the middle")]
    End(u64),
    /// An instruction that is not on the list.
    #[error("instruction {code:#04x} at byte {at} is not known")]
    Unknown {
        /// The instruction.
        code: u8,
        /// Where it stands.
        at: u64,
    },
    /// An instruction that the values before it do not fit.
    #[error("the instruction at byte {0} takes more than there is, or something else")]
    Operands(u64),
    /// Text that is not UTF-8.
    #[error("the text at byte {0} is not UTF-8")]
    Text(u64),
    /// More instructions than the reader allows.
    #[error("it has more than {0} instructions")]
    Long(usize),
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a pickle of protocols 2 to 5 from where `reader` stands. Memory is bound by the bytes of
/// its texts and by `limit`, the most instructions that it may have.
///
/// # Errors
/// It is damaged, has instructions of other kinds, or more than `limit`.
pub fn run<R: Read + Seek>(mut reader: R, limit: usize) -> Result<Contents, PickleError> {
    let at = reader.stream_position()?;
    let end = reader.seek(io::SeekFrom::End(0))?;
    reader.seek(io::SeekFrom::Start(at))?;
    let mut machine = Machine {
        reader: BufReader::new(reader),
        at,
        end,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        memoized: 0,
    };
    for _ in 0..limit {
        let at = machine.at;
        let code = machine.byte()?;
        if code == b'.' {
            let root = machine.stack.pop().ok_or(PickleError::Operands(at))?;
            let values = machine.values;
            return Ok(Contents { values, root });
        }
        machine.step(code, at)?;
    }
    Err(PickleError::Long(limit))
}

struct Machine<R> {
    reader: BufReader<R>,
    at: u64,
    end: u64,
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Height of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// The next slot of the memo where instructions do not say.
    memoized: u32,
}

impl<R: Read + Seek> Machine<R> {
    fn step(&mut self, code: u8, at: u64) -> Result<(), PickleError> {
        match code {
            // Protocol, frame.
            0x80 => self.byte().map(drop),
            0x95 => self.array::<8>().map(drop),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::True),
            0x89 => self.push(Value::False),
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Value::Float(value))
            }
            b'K' | b'M' | b'J' | 0x8a => self.integer(code),
            b'X' | 0x8c | 0x8d => self.text(code, at),
            b'B' | b'C' | 0x8e | 0x96 => self.bytes(code),
            b'c' | 0x93 => self.global(code, at),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b')' => self.push(Value::Tuple(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b't' | 0x85..=0x87 => {
                let items = match code {
                    b't' => self.above_mark(at)?,
                    code => self.top(usize::from(code - 0x84), at)?,
                };
                self.push(Value::Tuple(items))
            }
            b's' | b'u' => {
                let items = match code {
                    b's' => self.top(2, at)?,
                    _ => self.above_mark(at)?,
                };
                self.put(&items, at)
            }
            b'a' | b'e' => {
                let items = match code {
                    b'a' => self.top(1, at)?,
                    _ => self.above_mark(at)?,
                };
                self.append(items, at)
            }
            b'R' | 0x81 => self.call(at),
            b'b' => self.build(at),
            b'Q' => {
                let name = self.pop(at)?;
                self.push(Value::PersistentId(name))
            }
            b'q' | b'r' | 0x94 => self.memoize(code, at),
            b'h' | b'j' => {
                let slot = self.slot(code == b'h')?;
                let &value = self.memo.get(&slot).ok_or(PickleError::Operands(at))?;
                self.stack.push(value);
                Ok(())
            }
            code => Err(PickleError::Unknown { code, at }),
        }
    }

    fn integer(&mut self, code: u8) -> Result<(), PickleError> {
        let value = match code {
            b'K' => Value::Int(self.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            _ => {
                let length = self.byte()?.into();
                let bytes = self.take(length)?;
                match long(&bytes) {
                    Some(value) => Value::Int(value),
                    None => Value::BigInt(decimal(bytes).into()),
                }
            }
        };
        self.push(value)
    }

    fn text(&mut self, code: u8, at: u64) -> Result<(), PickleError> {
        let length = self.length(code == 0x8c, code == 0x8d)?;
        let text = self.take(length)?;
        let text = String::from_utf8(text).map_err(|_| PickleError::Text(at))?;
        self.push(Value::Text(text.into()))
    }

    fn bytes(&mut self, code: u8) -> Result<(), PickleError> {
        let length = self.length(code == b'C', matches!(code, 0x8e | 0x96))?;
        let start = self.advance(length)?;
        // Within the file, whose length a seek can name.
        self.reader.seek_relative(length.cast_signed())?;
        self.push(Value::Bytes(start..self.at))
    }

    fn global(&mut self, code: u8, at: u64) -> Result<(), PickleError> {
        if code == b'c' {
            let (module, name) = (self.line(at)?, self.line(at)?);
            return self.push(Value::Global(module, name));
        }
        let items = self.top(2, at)?;
        let mut text = items.iter().map(|&id| match &self.values[id.0 as usize] {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(PickleError::Operands(at)),
        });
        match (text.next(), text.next()) {
            (Some(module), Some(name)) => {
                let value = Value::Global(module?, name?);
                self.push(value)
            }
            _ => Err(PickleError::Operands(at)),
        }
    }

    fn call(&mut self, at: u64) -> Result<(), PickleError> {
        let (arguments, callable) = (self.pop(at)?, self.pop(at)?);
        let value = match &self.values[callable.0 as usize] {
            Value::Global(module, name) if (&**module, &**name) == ORDERED_DICT => {
                Value::Dict(Vec::new())
            }
            _ => Value::Call {
                callable,
                arguments,
                state: None,
            },
        };
        self.push(value)
    }

    /// Gives the object on top of the stack its state. That of a dict is of no use: torch keeps its
    /// format version there.
    fn build(&mut self, at: u64) -> Result<(), PickleError> {
        let built = self.pop(at)?;
        if let Some(&top) = self.stack.last()
            && let Value::Call { state, .. } = &mut self.values[top.0 as usize]
        {
            *state = Some(built);
        }
        Ok(())
    }

    fn memoize(&mut self, code: u8, at: u64) -> Result<(), PickleError> {
        let slot = match code {
            0x94 => self.memoized,
            code => self.slot(code == b'q')?,
        };
        let &value = self.stack.last().ok_or(PickleError::Operands(at))?;
        self.memo.insert(slot, value);
        self.memoized = self.memoized.saturating_add(1);
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        let count = self.values.len();
        let id = u32::try_from(count).map_err(|_| PickleError::Long(count))?;
        self.stack.push(Id(id));
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self, at: u64) -> Result<Id, PickleError> {
        self.stack.pop().ok_or(PickleError::Operands(at))
    }

    fn top(&mut self, count: usize, at: u64) -> Result<Vec<Id>, PickleError> {
        let height = self.stack.len().checked_sub(count);
        let height = height.ok_or(PickleError::Operands(at))?;
        Ok(self.stack.split_off(height))
    }

    /// Pops the values above the last mark.
    fn above_mark(&mut self, at: u64) -> Result<Vec<Id>, PickleError> {
        let height = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self
            .stack
            .split_off(height.ok_or(PickleError::Operands(at))?))
    }

    /// Puts alternating keys and values into the dict on top of the stack.
    fn put(&mut self, items: &[Id], at: u64) -> Result<(), PickleError> {
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(PickleError::Operands(at));
        };
        let &top = self.stack.last().ok_or(PickleError::Operands(at))?;
        // Anything else is an object of an unknown class.
        if let Value::Dict(dict) = &mut self.values[top.0 as usize] {
            dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>, at: u64) -> Result<(), PickleError> {
        let &top = self.stack.last().ok_or(PickleError::Operands(at))?;
        if let Value::List(list) = &mut self.values[top.0 as usize] {
            list.extend(items);
        }
        Ok(())
    }

    /// Moves on by `length` bytes that are there, and gives where they start.
    fn advance(&mut self, length: u64) -> Result<u64, PickleError> {
        let start = self.at;
        let end = start.checked_add(length).filter(|&end| end <= self.end);
        self.at = end.ok_or(PickleError::End(self.end))?;
        Ok(start)
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, PickleError> {
        self.advance(length)?;
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(PickleError::End(self.end))
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        self.advance(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    /// Reads a length of one, eight or four bytes.
    fn length(&mut self, short: bool, long: bool) -> Result<u64, PickleError> {
        match (short, long) {
            (true, _) => self.byte().map(u64::from),
            (_, true) => self.array().map(u64::from_le_bytes),
            _ => self.array().map(|bytes| u32::from_le_bytes(bytes).into()),
        }
    }

    /// Reads an index into the memo.
    fn slot(&mut self, short: bool) -> Result<u32, PickleError> {
        if short {
            self.byte().map(u32::from)
        } else {
            self.array().map(u32::from_le_bytes)
        }
    }

    fn line(&mut self, at: u64) -> Result<Box<str>, PickleError> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte => line.push(byte),
            }
        }
        let line = String::from_utf8(line).map_err(|_| PickleError::Text(at))?;
        Ok(line.into())
    }
}

const ORDERED_DICT: (&str, &str) = ("collections", "OrderedDict");

/// An integer of up to eight bytes in two's complement.
fn long(bytes: &[u8]) -> Option<i64> {
    let filler = match bytes.last() {
        Some(&last) if last >= 0x80 => 0xff,
        _ => 0,
    };
    let mut all = [filler; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(all))
}

/// An integer in two's complement, little end first, in decimal.
fn decimal(mut bytes: Vec<u8>) -> String {
    let negative = bytes.last().is_some_and(|&last| last >= 0x80);
    if negative {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(carry.into());
        }
    }
    let mut digits = Vec::new();
    while bytes.iter().any(|&byte| byte > 0) {
        let mut rest = 0u16;
        for byte in bytes.iter_mut().rev() {
            let value = rest << 8 | u16::from(*byte);
            // Below 256, as the rest is below 10.
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    if digits.is_empty() {
        digits.push(b'0');
    }
    if negative {
        digits.push(b'-');
    }
    digits.into_iter().rev().map(char::from).collect()
}

#[cfg(test)]
mod tests;
