//! All output: results on standard output, messages on standard error, and files named by flags.
//!
//! Nothing else in this crate writes, so that two rules hold everywhere: printed text is made
//! harmless ([`harmless`](mod@harmless)), and only files that may be replaced are ([`OutputFile`]).

mod painted;
mod terminal;

pub use colidx_data::{OutputFile, Protected, harmless};
pub use painted::{Link, Painted};
#[cfg(feature = "serve")]
pub use terminal::note_json;
pub use terminal::{
    Stdout, bar, color, columns_of_stderr, columns_of_stdout, finish, note, note_painted, prompt,
    rows_of_stdout, set_color, stderr_is_terminal, stdout_is_terminal, tell, usage,
};
