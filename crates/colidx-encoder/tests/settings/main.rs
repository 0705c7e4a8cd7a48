//! Every setting that affects vectors is applied, or the checkpoint is refused by file and key.
//! Unknown settings are refused or reported.

mod detection;
mod options;
mod refused;
#[path = "../support/mod.rs"]
mod support;
mod tokenizer;
