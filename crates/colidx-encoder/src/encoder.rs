//! Texts to token vectors.

use std::path::Path;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::checkpoint::Checkpoint;
use crate::ops::{Batch, Placement, Threads, normalize};
use crate::text::Tokens;
use crate::{CheckpointInfo, EncoderError, EncoderOptions, TokenSpan};

/// Tokens that are encoded together: enough to use weights well once they are in cache, few enough to spread over threads.
const BATCH_TOKENS: usize = 512;
/// The same for a GPU, which is busy with many tokens at once.
const DEVICE_TOKENS: usize = 16_384;

/// A ColBERT checkpoint, ready to encode. Shared freely between threads.
pub struct Encoder {
    checkpoint: Checkpoint,
}

/// The vectors of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedDocument {
    /// `[n_tokens, dim]` f32 row-major, each of length one. There may be none, if the skiplist takes every token.
    pub vectors: Vec<f32>,
    /// The vocabulary id of each vector's token, `[n_tokens]`.
    pub token_ids: Vec<u32>,
    /// Whether the document was longer than the checkpoint reads, and its end has no vectors.
    pub truncated: bool,
}

/// The vectors of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedQuery {
    /// `[n_tokens, dim]` f32 row-major, each of length one.
    pub vectors: Vec<f32>,
    /// The token of each vector, `[n_tokens]`.
    pub tokens: Vec<QueryToken>,
    /// Whether the query was longer than the checkpoint reads.
    pub truncated: bool,
}

/// A token of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryToken {
    /// The token as the vocabulary writes it.
    pub text: String,
    /// Its id in the vocabulary.
    pub id: u32,
    /// First byte in the query's text; `start == end == 0` for markers, special tokens and query expansion.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
}

impl Encoder {
    /// Opens the checkpoint in directory `path` with the default options.
    ///
    /// # Errors
    /// If it is no checkpoint, its architecture is not supported, or a file or tensor is missing or damaged.
    pub fn open(path: &Path) -> Result<Encoder, EncoderError> {
        Encoder::open_with(path, &EncoderOptions::default())
    }

    /// Opens the checkpoint in directory `path`.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if the device is not there or cannot compute at that precision.
    pub fn open_with(path: &Path, options: &EncoderOptions) -> Result<Encoder, EncoderError> {
        Ok(Encoder {
            checkpoint: Checkpoint::open(path, &Placement::of(options)?)?,
        })
    }

    /// What the checkpoint is.
    pub fn info(&self) -> &CheckpointInfo {
        &self.checkpoint.info
    }

    /// Encodes documents, in the order given, on the threads of the current rayon pool.
    ///
    /// Memory beyond the result is bounded by the number of threads, not by the number of texts. A document's vectors do
    /// not depend on the others.
    ///
    /// # Errors
    /// If the tokenizer fails, or the model gives numbers that are not finite.
    pub fn encode_documents(&self, texts: &[&str]) -> Result<Vec<EncodedDocument>, EncoderError> {
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens: Vec<Tokens> = texts
            .par_iter()
            .map(|text| tokenizer.document(text))
            .collect::<Result<_, _>>()?;
        let keep = |id| tokenizer.is_kept(id);
        let vectors = self.vectors(&tokens, &keep)?;
        let documents = tokens.into_iter().zip(vectors);
        Ok(documents
            .map(|(tokens, vectors)| EncodedDocument {
                vectors,
                truncated: tokens.truncated,
                token_ids: tokens.ids.into_iter().filter(|&id| keep(id)).collect(),
            })
            .collect())
    }

    /// Encodes a query on all threads of the current rayon pool.
    ///
    /// # Errors
    /// As [`encode_documents`](Self::encode_documents).
    pub fn encode_query(&self, text: &str) -> Result<EncodedQuery, EncoderError> {
        let mut queries = self.encode_queries(&[text])?;
        Ok(queries.swap_remove(0))
    }

    /// Encodes queries, in the order given.
    ///
    /// # Errors
    /// As [`encode_documents`](Self::encode_documents).
    pub fn encode_queries(&self, texts: &[&str]) -> Result<Vec<EncodedQuery>, EncoderError> {
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens: Vec<Tokens> = texts
            .par_iter()
            .map(|text| tokenizer.query(text))
            .collect::<Result<_, _>>()?;
        let vectors = self.vectors(&tokens, &|_| true)?;
        let queries = tokens.into_iter().zip(vectors);
        Ok(queries
            .map(|(tokens, vectors)| EncodedQuery {
                vectors,
                truncated: tokens.truncated,
                tokens: (tokens.ids.into_iter().zip(tokens.spans))
                    .map(|(id, (start, end))| QueryToken {
                        text: tokenizer.token(id),
                        id,
                        start,
                        end,
                    })
                    .collect(),
            })
            .collect())
    }

    /// The tokens of a document that get vectors, in the order of the vectors, from tokenisation alone.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn document_tokens(&self, text: &str) -> Result<Vec<TokenSpan>, EncoderError> {
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens = tokenizer.document_with_spans(text)?;
        Ok((tokens.ids.into_iter().zip(tokens.spans))
            .filter(|&(id, _)| tokenizer.is_kept(id))
            .map(|(id, (start, end))| TokenSpan { id, start, end })
            .collect())
    }

    /// How many tokens of a document the transformer reads, those of the skiplist included, from tokenisation alone.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn document_token_count(&self, text: &str) -> Result<usize, EncoderError> {
        Ok(self.checkpoint.tokenizer.document(text)?.ids.len())
    }

    /// The vectors of each text's tokens that `keep` takes.
    fn vectors(
        &self,
        texts: &[Tokens],
        keep: &(dyn Fn(u32) -> bool + Sync),
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        let checkpoint = &self.checkpoint;
        let (order, size) = match checkpoint.transformer.placement() {
            Placement::Kernels(_) => ((0..texts.len()).collect(), BATCH_TOKENS),
            // Candle's operations pad: neighbours should be of one length, and a GPU takes many at once.
            Placement::Tensors(_) => {
                let mut order: Vec<usize> = (0..texts.len()).collect();
                order.sort_by_key(|&i| texts[i].ids.len());
                (order, DEVICE_TOKENS)
            }
        };
        let batches = batches(texts, &order, size);
        let run = |batch: &&[usize], threads| self.batch(texts, batch, keep, threads);
        let encoded: Vec<Vec<Vec<f32>>> = if batches.len() < rayon::current_num_threads() {
            // Inside the pool from the start: every operation would else wake a thread and wait for it.
            rayon::scope(|_| {
                let batches = batches.iter().map(|batch| run(batch, Threads::All));
                batches.collect::<Result<_, _>>()
            })?
        } else {
            let batches = batches.par_iter().map(|batch| run(batch, Threads::One));
            batches.collect::<Result<_, _>>()?
        };
        let mut vectors = vec![Vec::new(); texts.len()];
        for (i, encoded) in order.iter().zip(encoded.into_iter().flatten()) {
            vectors[*i] = encoded;
        }
        Ok(vectors)
    }

    /// The vectors of the texts that `batch` lists.
    fn batch(
        &self,
        texts: &[Tokens],
        batch: &[usize],
        keep: &(dyn Fn(u32) -> bool + Sync),
        threads: Threads,
    ) -> Result<Vec<Vec<f32>>, EncoderError> {
        let Checkpoint {
            transformer,
            projection,
            ..
        } = &self.checkpoint;
        let sequences = batch
            .iter()
            .map(|&i| (&texts[i].ids[..], texts[i].attended));
        let packed = Batch::new(sequences, threads, transformer.placement())?;
        let states = transformer.forward(&packed)?;
        let kept: Vec<u32> = (0..)
            .zip(&packed.ids)
            .filter_map(|(row, &id)| keep(id).then_some(row))
            .collect();
        let count = kept.len();
        let kept = Tensor::from_vec(kept, count, states.device())?;
        let states = states.index_select(&kept, 0)?;
        let mut vectors = projection
            .forward(states, threads)?
            .flatten_all()?
            .to_vec1::<f32>()?;

        let dim = self.info().dim;
        let mut rest = vectors.as_mut_slice();
        let mut result = Vec::with_capacity(batch.len());
        for &text in batch {
            let count = texts[text].ids.iter().filter(|&&id| keep(id)).count();
            let (own, others) = rest.split_at_mut(count * dim);
            rest = others;
            own.chunks_exact_mut(dim).for_each(normalize);
            if !own.iter().all(|value| value.is_finite()) {
                return Err(EncoderError::NotFinite { text });
            }
            result.push(own.to_vec());
        }
        Ok(result)
    }
}

/// Runs of `order` whose texts have about `size` tokens together.
fn batches<'a>(texts: &[Tokens], order: &'a [usize], size: usize) -> Vec<&'a [usize]> {
    let mut batches = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (i, &text) in order.iter().enumerate() {
        let length = texts[text].ids.len();
        if i > start && tokens + length > size {
            batches.push(&order[start..i]);
            (start, tokens) = (i, 0);
        }
        tokens += length;
    }
    if start < order.len() {
        batches.push(&order[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::Precision;

    const TEXTS: [&str; 5] = [
        "The cat and the dog",
        "",
        "water water water water water water water water water water water water water water water",
        "Protein-protein interactions (PPI) in human cells: a study of 1,234 patients.",
        ".",
    ];

    /// Candle's own operations are what a GPU runs; here they run on the processor.
    #[test]
    fn tensors_and_kernels_give_the_same_vectors() {
        let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut names = 0;
        for folder in std::fs::read_dir(fixtures).unwrap() {
            let open = |placement: Placement| Encoder {
                checkpoint: Checkpoint::open(&folder.as_ref().unwrap().path(), &placement).unwrap(),
            };
            let kernels = open(Placement::Kernels(Precision::F32));
            let tensors = open(Placement::Tensors(candle_core::Device::Cpu));
            let name = &kernels.info().name;
            let close = |a: &[f32], b: &[f32]| {
                assert_eq!(a.len(), b.len());
                for (a, b) in a.iter().zip(b) {
                    assert!((a - b).abs() < 2e-5, "{name}: {a} {b}");
                }
            };
            let expected = kernels.encode_documents(&TEXTS).unwrap();
            for (expected, found) in expected
                .iter()
                .zip(tensors.encode_documents(&TEXTS).unwrap())
            {
                assert_eq!(found.token_ids, expected.token_ids);
                close(&found.vectors, &expected.vectors);
            }
            let expected = kernels.encode_queries(&TEXTS).unwrap();
            for (expected, found) in expected.iter().zip(tensors.encode_queries(&TEXTS).unwrap()) {
                close(&found.vectors, &expected.vectors);
            }
            names += 1;
        }
        assert!(names >= 20);
    }
}
