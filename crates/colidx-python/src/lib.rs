//! The extension module `colidx._colidx`: the crate `colidx` for Python.
//!
//! What callers see is the package in `python/colidx`, which gives arguments their Python forms.
//! Here each class holds one value of the crate and each method is one call. [`watch`] runs them
//! without the interpreter, [`arrays`] takes arrays, [`options`] names options, [`error`] chooses
//! exceptions.

#![forbid(unsafe_code)]

mod arrays;
mod command_line;
mod encoder;
mod error;
mod evaluate;
mod filter;
mod hit;
mod import;
mod index;
mod info;
mod open;
mod options;
mod pool;
mod search;
mod watch;
mod writer;

use pyo3::prelude::*;

#[pymodule]
mod _colidx {
    #[pymodule_export]
    use super::command_line::command_line;
    #[pymodule_export]
    use super::encoder::Encoder;
    #[pymodule_export]
    use super::evaluate::evaluate;
    #[pymodule_export]
    use super::hit::Hit;
    #[pymodule_export]
    use super::import::import_index;
    #[pymodule_export]
    use super::index::Index;
    #[pymodule_export]
    use super::pool::{set_threads, threads};
    #[pymodule_export]
    use super::writer::Writer;

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("FORMAT_VERSION", colidx::FORMAT_VERSION)
    }
}
