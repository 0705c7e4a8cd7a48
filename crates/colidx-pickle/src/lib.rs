//! Python pickles, read as data.
//!
//! A pickle is a program. [`run`] knows the instructions that build plain values and remembers
//! calls without making them, so that no name in a pickle ever runs. [`torch`] and [`numpy`] find
//! tensors and arrays among the values, by the names they know.

#![forbid(unsafe_code)]

mod machine;
pub mod numpy;
pub mod torch;
mod value;

pub use machine::{PickleError, run};
pub use value::{Contents, Id, Value};
