//! What the fuzz targets do with their inputs: one function a target, each of which must return,
//! whatever the bytes are.
//!
//! The targets in `fuzz_targets` only call these, so `cargo test` can run them over seeds without
//! libFuzzer.

mod checkpoint;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../../crates/colidx-core/tests/common/mod.rs"]
mod common;
mod filter;
mod foreign;
mod index;
mod input;
mod lexical;
mod metadata;
mod pack;
mod requests;
mod scratch;
pub mod seeds;
mod word_query;
#[allow(dead_code, reason = "the tests of the import use the rest of it")]
#[path = "../../crates/colidx-import/tests/layouts/write.rs"]
mod write;

pub use checkpoint::{checkpoint_config, pickle, safetensors, tokenizer};
pub use filter::filter;
pub use foreign::{foreign_numpy, foreign_pickle, foreign_torch};
pub use index::{
    codebook, columns, deletions, documents, frame, index, index_raw, manifest, postings, text,
    vectors, words,
};
pub use input::{corpus, embeddings, npy, qrels, queries, vector_file};
pub use lexical::lexical;
pub use metadata::metadata;
pub use requests::requests;
pub use word_query::word_query;

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 30] = [
    ("frame", frame),
    ("index", index),
    ("index_raw", index_raw),
    ("manifest", manifest),
    ("codebook", codebook),
    ("documents", documents),
    ("vectors", vectors),
    ("postings", postings),
    ("deletions", deletions),
    ("text", text),
    ("columns", columns),
    ("words", words),
    ("filter", filter),
    ("metadata", metadata),
    ("lexical", lexical),
    ("word_query", word_query),
    ("npy", npy),
    ("embeddings", embeddings),
    ("vector_file", vector_file),
    ("corpus", corpus),
    ("queries", queries),
    ("qrels", qrels),
    ("checkpoint_config", checkpoint_config),
    ("safetensors", safetensors),
    ("pickle", pickle),
    ("tokenizer", tokenizer),
    ("foreign_torch", foreign_torch),
    ("foreign_numpy", foreign_numpy),
    ("foreign_pickle", foreign_pickle),
    ("requests", requests),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every seed, and every seed with one byte changed here and there.
    #[test]
    fn seeds_run() {
        for (name, target) in TARGETS {
            let seeds = seeds::of(name);
            assert!(!seeds.is_empty(), "{name}");
            for seed in seeds {
                target(&seed);
                let step = (seed.len() / 20).max(1);
                for at in (0..seed.len()).step_by(step) {
                    let mut changed = seed.clone();
                    changed[at] ^= 0x41;
                    target(&changed);
                    target(&seed[..at]);
                }
            }
        }
    }
}
