//! The values of a pickle.

use std::ops::Range;

/// The number of a value.
///
/// Values refer to each other by number. Copies would let a file of a few hundred bytes demand any
/// amount of memory, and nested values any stack depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(pub(crate) u32);

/// A value.
#[derive(Debug)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A whole number of more than 64 bits, in decimal.
    BigInt(Box<str>),
    /// A number that need not be whole.
    Float(f64),
    /// A text.
    Text(Box<str>),
    /// Where bytes lie in the file; they are not read.
    Bytes(Range<u64>),
    /// A name in a Python module: module, name.
    Global(Box<str>, Box<str>),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// Keys and values in the order of insertion.
    Dict(Vec<(Id, Id)>),
    /// A callable with its arguments, not called.
    Call {
        /// What would be called.
        callable: Id,
        /// A tuple.
        arguments: Id,
        /// The state that the result would be given.
        state: Option<Id>,
    },
    /// Refers to data outside the pickle.
    PersistentId(Id),
    /// The truth value False.
    False,
    /// The truth value True.
    True,
    /// None.
    None,
}

/// All values of a pickle.
#[derive(Debug)]
pub struct Contents {
    pub(crate) values: Vec<Value>,
    pub(crate) root: Id,
}

impl Contents {
    /// The number of the value that was pickled.
    pub fn root_id(&self) -> Id {
        self.root
    }

    /// The value that was pickled.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// A value.
    pub fn get(&self, id: Id) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The items of a tuple.
    pub(crate) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A text.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number that is not negative.
    pub(crate) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            &Value::Int(value) => usize::try_from(value).ok(),
            _ => None,
        }
    }

    /// A tuple of numbers that are not negative.
    pub(crate) fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.tuple(id)?.iter().map(|&id| self.size(id)).collect()
    }

    /// Module and name of a global.
    pub(crate) fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.get(id) {
            Value::Global(module, name) => Some((module, name)),
            _ => None,
        }
    }
}
