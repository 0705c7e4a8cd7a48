//! Texts to token vectors.

use std::path::Path;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::checkpoint::Checkpoint;
use crate::model::TokenPooling;
use crate::ops::{Batch, Placement, Threads};
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
    /// `[n_tokens, dim]` f32 row-major, each of length one unless the checkpoint's modules leave it otherwise. There may be
    /// none, if the skiplist takes every token.
    pub vectors: Vec<f32>,
    /// The vocabulary id of each vector's token, or of the first one that a pooled vector stands for, `[n_tokens]`.
    pub token_ids: Vec<u32>,
    /// Whether the document was longer than the checkpoint reads, and its end has no vectors.
    pub truncated: bool,
}

/// The vectors of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedQuery {
    /// `[n_tokens, dim]` f32 row-major, each of length one unless the checkpoint's modules leave it otherwise.
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
    /// As [`open`](Self::open), or if `COLIDX_KERNELS` names no instruction set of this processor, or the device is not there or cannot compute at that precision.
    pub fn open_with(path: &Path, options: &EncoderOptions) -> Result<Encoder, EncoderError> {
        colidx_kernels::selected()?;
        colidx_threads::ready();
        Ok(Encoder {
            checkpoint: Checkpoint::open(path, options, &Placement::of(options)?)?,
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
        colidx_threads::ready();
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens: Vec<Tokens> = texts
            .par_iter()
            .map(|text| tokenizer.document(text))
            .collect::<Result<_, _>>()?;
        let vectors = self.vectors(&tokens, self.document_pooling())?;
        let documents = tokens.into_iter().zip(vectors);
        Ok(documents
            .map(|(tokens, encoded)| EncodedDocument {
                vectors: encoded.vectors,
                truncated: tokens.truncated,
                token_ids: encoded
                    .places
                    .iter()
                    .map(|&place| tokens.ids[place])
                    .collect(),
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
        colidx_threads::ready();
        let tokenizer = &self.checkpoint.tokenizer;
        let tokens: Vec<Tokens> = texts
            .par_iter()
            .map(|text| tokenizer.query(text))
            .collect::<Result<_, _>>()?;
        let pooling = self.checkpoint.pooling.as_ref();
        let vectors = self.vectors(&tokens, pooling.filter(|pooling| pooling.queries))?;
        let queries = tokens.into_iter().zip(vectors);
        Ok(queries
            .map(|(tokens, encoded)| EncodedQuery {
                vectors: encoded.vectors,
                truncated: tokens.truncated,
                tokens: (encoded.places.iter())
                    .map(|&place| {
                        let (id, (start, end)) = (tokens.ids[place], tokens.spans[place]);
                        QueryToken {
                            text: tokenizer.token(id),
                            id,
                            start,
                            end,
                        }
                    })
                    .collect(),
            })
            .collect())
    }

    /// The tokens of a document that get vectors, in the order of the vectors. Where vectors are pooled each stands for
    /// several tokens, of which this gives the first, and the document is encoded; else tokenisation alone tells.
    ///
    /// # Errors
    /// If the tokenizer fails, or encoding does.
    pub fn document_tokens(&self, text: &str) -> Result<Vec<TokenSpan>, EncoderError> {
        let mut tokens = [self.checkpoint.tokenizer.document_with_spans(text)?];
        let places = match self.document_pooling() {
            None => places_of(&tokens[0]),
            pooling => {
                let encoded = self.vectors(&tokens, pooling)?.swap_remove(0);
                encoded.places
            }
        };
        let [tokens] = &mut tokens;
        let span = |place: usize| {
            let (start, end) = tokens.spans[place];
            TokenSpan {
                id: tokens.ids[place],
                start,
                end,
            }
        };
        Ok(places.into_iter().map(span).collect())
    }

    /// How many tokens of a document the transformer reads, those of the skiplist included, from tokenisation alone.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn document_token_count(&self, text: &str) -> Result<usize, EncoderError> {
        Ok(self.checkpoint.tokenizer.document(text)?.ids.len())
    }

    fn document_pooling(&self) -> Option<&TokenPooling> {
        let pooling = self.checkpoint.pooling.as_ref();
        pooling.filter(|pooling| pooling.documents)
    }

    /// The vectors of each text.
    fn vectors(
        &self,
        texts: &[Tokens],
        pooling: Option<&TokenPooling>,
    ) -> Result<Vec<Encoded>, EncoderError> {
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
        let run = |batch: &&[usize], threads| self.batch(texts, batch, pooling, threads);
        let encoded: Vec<Vec<Encoded>> = if batches.len() < rayon::current_num_threads() {
            // Inside the pool from the start: every operation would else wake a thread and wait for it.
            rayon::scope(|_| {
                let batches = batches.iter().map(|batch| run(batch, Threads::All));
                batches.collect::<Result<_, _>>()
            })?
        } else {
            let batches = batches.par_iter().map(|batch| run(batch, Threads::One));
            batches.collect::<Result<_, _>>()?
        };
        let mut vectors = vec![Encoded::default(); texts.len()];
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
        pooling: Option<&TokenPooling>,
        threads: Threads,
    ) -> Result<Vec<Encoded>, EncoderError> {
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
        let mut kept: Vec<u32> = Vec::with_capacity(packed.ids.len());
        let mut start = 0;
        for &text in batch {
            kept.extend(texts[text].kept.iter().map(|place| start + place));
            start += texts[text].ids.len() as u32;
        }
        let count = kept.len();
        let kept = Tensor::from_vec(kept, count, states.device())?;
        let states = states.index_select(&kept, 0)?;
        let vectors = projection.forward(states, threads)?;

        let dim = self.info().dim;
        let mut rest = vectors.as_slice();
        let mut result = Vec::with_capacity(batch.len());
        for &text in batch {
            let places = places_of(&texts[text]);
            let (own, others) = rest.split_at(places.len() * dim);
            rest = others;
            if !own.iter().all(|value| value.is_finite()) {
                return Err(EncoderError::NotFinite { text });
            }
            let own = own.to_vec();
            result.push(match pooling {
                None => Encoded {
                    vectors: own,
                    places,
                },
                Some(pooling) => {
                    let (vectors, firsts) = pooling.pool(own, dim);
                    Encoded {
                        vectors,
                        places: firsts.into_iter().map(|first| places[first]).collect(),
                    }
                }
            });
        }
        Ok(result)
    }
}

/// The vectors of a text, and the place of the token that each stands for.
#[derive(Clone, Default)]
struct Encoded {
    vectors: Vec<f32>,
    places: Vec<usize>,
}

/// Places of the tokens that get vectors.
fn places_of(tokens: &Tokens) -> Vec<usize> {
    tokens.kept.iter().map(|&place| place as usize).collect()
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
                checkpoint: {
                    let path = folder.as_ref().unwrap().path();
                    Checkpoint::open(&path, &EncoderOptions::default(), &placement).unwrap()
                },
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
        assert!(names >= 46);
    }
}
