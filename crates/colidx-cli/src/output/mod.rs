//! All that leaves the program: results on standard output, everything else on standard error, and files that a person names.
//!
//! Nothing else in this crate holds one of the three, so that each has one rule: what is printed is made harmless
//! ([`harmless`](mod@harmless)), and what is written over was meant to be ([`OutputFile`]).

mod painted;
mod terminal;

pub use colidx_data::{Guard, OutputError, OutputFile, harmless};
pub use painted::Painted;
pub use terminal::{
    Stdout, bar, columns_of_stderr, columns_of_stdout, note, note_painted, prompt,
    stderr_is_terminal, stdout_is_terminal, tell, usage,
};
