//! The command line end to end: the real binary, a tiny real checkpoint and small corpora.

mod advice;
mod bad_input;
mod build;
mod change;
mod compact;
mod embeddings;
mod folders;
mod harness;
mod hostile_text;
mod hub;
mod import;
mod inspect;
#[cfg(unix)]
mod interrupt;
mod kernels;
#[cfg(unix)]
mod kill;
mod measure;
mod memory;
mod model;
mod nothing;
mod output;
mod output_files;
mod places;
mod prompt;
#[cfg(unix)]
mod resume;
mod scope;
mod search;
#[cfg(all(unix, feature = "serve"))]
mod serve;
mod shell;
mod stand_in;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
mod threads;
mod trust;
mod usage;
mod vectors;
mod ways_out;
mod words;
