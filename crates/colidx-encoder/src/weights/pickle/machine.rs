//! A virtual machine for pickles, without the instructions that run code.
//!
//! Values refer to each other by id. Copies would let a file of a few hundred bytes demand any
//! amount of memory, and nested values any stack depth.

use std::collections::HashMap;

/// The index of a value.
pub(super) type Id = usize;

/// A value. Text borrows from the pickle.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Int(i64),
    Text(&'a str),
    /// A name in a Python module.
    Global(&'a str, &'a str),
    Tuple(Vec<Id>),
    /// Its items in insertion order.
    Dict(Vec<(Id, Id)>),
    /// A callable applied to arguments, not evaluated.
    Call(Id, Id),
    /// A persistent id: refers to data outside the pickle.
    PersistentId(Id),
    /// A value that no tensor needs.
    Other,
}

/// The values of a pickle.
pub(super) struct Contents<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Contents<'a> {
    pub(super) fn root(&self) -> &Value<'a> {
        &self.values[self.root]
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }
}

/// Why a pickle cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("it ends at byte {0}, in the middle")]
    End(usize),
    #[error("instruction {code:#04x} at byte {at} is not known")]
    Unknown { code: u8, at: usize },
    #[error("the instruction at byte {0} takes more than there is, or something else")]
    Operands(usize),
    #[error("the text at byte {0} is not UTF-8")]
    Text(usize),
}

/// Runs a pickle of protocol 2, the one that torch writes.
pub(super) fn run(pickle: &[u8]) -> Result<Contents<'_>, Problem> {
    let mut machine = Machine {
        pickle,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let at = machine.at;
        let code = machine.byte()?;
        if code == b'.' {
            let root = machine.stack.pop().ok_or(Problem::Operands(at))?;
            let values = machine.values;
            return Ok(Contents { values, root });
        }
        machine.step(code, at)?;
    }
}

struct Machine<'a> {
    pickle: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Height of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, code: u8, at: usize) -> Result<(), Problem> {
        let missing = Problem::Operands(at);
        match code {
            // Protocol.
            0x80 => {
                self.byte()?;
            }
            b'N' | b']' | 0x88 | 0x89 => self.push(Value::Other),
            b'G' => {
                self.take(8)?;
                self.push(Value::Other);
            }
            b'K' => {
                let value = self.byte()?.into();
                self.push(Value::Int(value));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?).into();
                self.push(Value::Int(value));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?).into();
                self.push(Value::Int(value));
            }
            0x8a => {
                let length = self.byte()?.into();
                let value = long(self.take(length)?).map_or(Value::Other, Value::Int);
                self.push(value);
            }
            b'X' => {
                let length = self.number()?;
                let text = self.take(length as usize)?;
                let text = std::str::from_utf8(text).map_err(|_| Problem::Text(at))?;
                self.push(Value::Text(text));
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(module, name));
            }
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => {
                let items = self.above_mark().ok_or(missing)?;
                self.push(Value::Tuple(items));
            }
            0x85..=0x87 => {
                let height = self.stack.len().checked_sub(usize::from(code - 0x84));
                let items = self.stack.split_off(height.ok_or(missing)?);
                self.push(Value::Tuple(items));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b's' => {
                let height = self.stack.len().checked_sub(2);
                let item = self.stack.split_off(height.ok_or(missing)?);
                self.put(&item, at)?;
            }
            b'u' => {
                let items = self.above_mark().ok_or(missing)?;
                self.put(&items, at)?;
            }
            // Appends to a list, which is not kept: no tensor is in one.
            b'a' => {
                self.stack.pop().ok_or(missing)?;
            }
            b'e' => {
                self.above_mark().ok_or(missing)?;
            }
            // Sets the state of an object: torch stores its format version there.
            b'b' => {
                self.stack.pop().ok_or(missing)?;
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.stack.pop(), self.stack.pop());
                let (callable, arguments) = callable.zip(arguments).ok_or(missing)?;
                let value = match self.values[callable] {
                    Value::Global("collections", "OrderedDict") => Value::Dict(Vec::new()),
                    _ => Value::Call(callable, arguments),
                };
                self.push(value);
            }
            b'Q' => {
                let name = self.stack.pop().ok_or(missing)?;
                self.push(Value::PersistentId(name));
            }
            b'q' | b'r' => {
                let slot = self.slot(code == b'q')?;
                let &value = self.stack.last().ok_or(missing)?;
                self.memo.insert(slot, value);
            }
            b'h' | b'j' => {
                let slot = self.slot(code == b'h')?;
                let &value = self.memo.get(&slot).ok_or(missing)?;
                self.stack.push(value);
            }
            code => return Err(Problem::Unknown { code, at }),
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    /// Pops the values above the last mark.
    fn above_mark(&mut self) -> Option<Vec<Id>> {
        let height = self.marks.pop()?;
        (height <= self.stack.len()).then(|| self.stack.split_off(height))
    }

    /// Puts alternating keys and values into the dict on top of the stack.
    fn put(&mut self, items: &[Id], at: usize) -> Result<(), Problem> {
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(Problem::Operands(at));
        };
        let top = self.stack.last().map(|&id| &mut self.values[id]);
        match top {
            Some(Value::Dict(dict)) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            // An object of an unknown class.
            Some(_) => {}
            None => return Err(Problem::Operands(at)),
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let rest = &self.pickle[self.at..];
        let taken = rest.get(..length).ok_or(Problem::End(self.pickle.len()))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let end = Problem::End(self.pickle.len());
        self.take(N)?.try_into().map_err(|_| end)
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads an index into the memo.
    fn slot(&mut self, short: bool) -> Result<u32, Problem> {
        if short {
            self.byte().map(u32::from)
        } else {
            self.number()
        }
    }

    fn line(&mut self) -> Result<&'a str, Problem> {
        let at = self.at;
        let rest = &self.pickle[at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(length.ok_or(Problem::End(self.pickle.len()))?)?;
        self.at += 1;
        std::str::from_utf8(line).map_err(|_| Problem::Text(at))
    }
}

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
