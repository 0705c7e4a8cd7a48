//! Texts to token vectors.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::checkpoint::Checkpoint;
use crate::model::TokenPooling;
use crate::ops::{Backend, Batch, Parallelism};
use crate::text::Tokens;
use crate::{CheckpointInfo, EncoderError, EncoderOptions, TokenSpan};

/// Tokens encoded together on one thread: enough to amortize reading the weights, few enough to
/// spread batches over threads.
const BATCH_TOKENS: usize = 512;
/// As [`BATCH_TOKENS`], for a GPU, which needs many tokens at once.
const GPU_BATCH_TOKENS: usize = 16_384;

/// An open ColBERT checkpoint. Share one between threads: encoding takes `&self`.
pub struct Encoder {
    pub(crate) checkpoint: Checkpoint,
}

/// The vectors of a document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncodedDocument {
    /// `[n_tokens, dim]` f32 row-major, each of length one unless the checkpoint's modules say
    /// otherwise. Empty if the skiplist removes every token.
    pub vectors: Vec<f32>,
    /// Vocabulary id of each vector's token, `[n_tokens]`; for a pooled vector, of its first token.
    pub token_ids: Vec<u32>,
    /// Whether the document was longer than the document length, so that its end has no vectors.
    pub truncated: bool,
}

/// The vectors of a query.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EncodedQuery {
    /// `[n_tokens, dim]` f32 row-major, each of length one unless the checkpoint's modules say
    /// otherwise.
    pub vectors: Vec<f32>,
    /// The token of each vector, `[n_tokens]`.
    pub tokens: Vec<QueryToken>,
    /// Whether the query was longer than the query length.
    pub truncated: bool,
}

/// A token of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryToken {
    /// The token as written in the vocabulary.
    pub text: String,
    /// Its id in the vocabulary.
    pub id: u32,
    /// Start byte in the query's text; `start == end == 0` for markers, special tokens and
    /// expansion tokens.
    pub start: usize,
    /// End byte, exclusive.
    pub end: usize,
}

impl EncodedQuery {
    /// The vectors of these tokens, of all that the query has.
    pub fn new(vectors: Vec<f32>, tokens: Vec<QueryToken>) -> EncodedQuery {
        EncodedQuery {
            vectors,
            tokens,
            truncated: false,
        }
    }
}

impl QueryToken {
    /// A token of the vocabulary, and where it stands in the query's text.
    pub fn new(text: impl Into<String>, id: u32, bytes: Range<usize>) -> QueryToken {
        QueryToken {
            text: text.into(),
            id,
            start: bytes.start,
            end: bytes.end,
        }
    }
}

// Servers share one encoder between threads.
const _: () = {
    const fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Encoder>();
    is_shareable::<EncoderError>();
};

impl fmt::Debug for Encoder {
    /// Names the checkpoint; its tensors are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// Opens the checkpoint in the directory `path`.
    ///
    /// # Errors
    /// If it is no checkpoint, its architecture is not supported, or a file or tensor is missing
    /// or damaged; if the device is missing or does not compute at the precision; or if
    /// `COLIDX_KERNELS` names no instruction set of this processor.
    pub fn open(path: impl AsRef<Path>, options: &EncoderOptions) -> Result<Encoder, EncoderError> {
        let path = path.as_ref();
        colidx_kernels::selected().map_err(|error| EncoderError::InstructionSet {
            source: error.into(),
        })?;
        colidx_threads::ready();
        Ok(Encoder {
            checkpoint: Checkpoint::open(path, options, &Backend::of(options)?)?,
        })
    }

    /// Describes the checkpoint.
    pub fn info(&self) -> &CheckpointInfo {
        &self.checkpoint.info
    }

    /// Encodes documents, in the order given, on the threads of the current rayon pool.
    ///
    /// Memory beyond the result grows with the number of threads, not of texts. The vectors of a
    /// document do not depend on the other documents.
    ///
    /// # Errors
    /// If the tokenizer fails, or the model computes numbers that are not finite.
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
                    .positions
                    .iter()
                    .map(|&position| tokens.ids[position])
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
                tokens: (encoded.positions.iter())
                    .map(|&position| {
                        let (id, (start, end)) = (tokens.ids[position], tokens.spans[position]);
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

    /// The tokens of a document that have vectors, in the order of the vectors. A pooled vector is
    /// represented by its first token; then the document is encoded, otherwise only tokenized.
    ///
    /// # Errors
    /// If the tokenizer or the encoding fails.
    pub fn document_tokens(&self, text: &str) -> Result<Vec<TokenSpan>, EncoderError> {
        let mut tokens = [self.checkpoint.tokenizer.document_with_spans(text)?];
        let positions = match self.document_pooling() {
            None => kept_positions(&tokens[0]),
            pooling => {
                let encoded = self.vectors(&tokens, pooling)?.swap_remove(0);
                encoded.positions
            }
        };
        let [tokens] = &mut tokens;
        let span = |position: usize| {
            let (start, end) = tokens.spans[position];
            TokenSpan {
                id: tokens.ids[position],
                start,
                end,
            }
        };
        Ok(positions.into_iter().map(span).collect())
    }

    /// The number of tokens of a document that the transformer reads, including those on the
    /// skiplist. Only tokenizes.
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

    /// The vectors of each text, in the order of `texts`.
    fn vectors(
        &self,
        texts: &[Tokens],
        pooling: Option<&TokenPooling>,
    ) -> Result<Vec<Encoded>, EncoderError> {
        let checkpoint = &self.checkpoint;
        let (order, size) = match checkpoint.transformer.backend() {
            Backend::Native(_) => ((0..texts.len()).collect(), BATCH_TOKENS),
            // Candle's operations pad sequences, so texts of similar length should share a batch.
            Backend::Candle(_) => {
                let mut order: Vec<usize> = (0..texts.len()).collect();
                order.sort_by_key(|&i| texts[i].ids.len());
                (order, GPU_BATCH_TOKENS)
            }
        };
        let batches = batches(texts, &order, size);
        let run = |batch: &&[usize], parallelism| self.batch(texts, batch, pooling, parallelism);
        let encoded: Vec<Vec<Encoded>> = if batches.len() < rayon::current_num_threads() {
            // Entering the pool once is cheaper than waking a worker for every operation.
            rayon::scope(|_| {
                let batches = batches
                    .iter()
                    .map(|batch| run(batch, Parallelism::Parallel));
                batches.collect::<Result<_, _>>()
            })?
        } else {
            let batches = batches
                .par_iter()
                .map(|batch| run(batch, Parallelism::Sequential));
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
        parallelism: Parallelism,
    ) -> Result<Vec<Encoded>, EncoderError> {
        let Checkpoint {
            transformer,
            projection,
            ..
        } = &self.checkpoint;
        let sequences = batch
            .iter()
            .map(|&i| (&texts[i].ids[..], texts[i].attended));
        let packed = Batch::new(sequences, parallelism, transformer.backend())
            .map_err(EncoderError::compute)?;
        let states = transformer.forward(&packed)?;
        let mut kept: Vec<u32> = Vec::with_capacity(packed.ids.len());
        let mut start = 0;
        for &text in batch {
            kept.extend(texts[text].kept.iter().map(|position| start + position));
            start += texts[text].ids.len() as u32;
        }
        let project = || {
            let kept = Tensor::from_slice(&kept, kept.len(), states.device())?;
            projection.forward(states.index_select(&kept, 0)?, parallelism)
        };
        let vectors = project().map_err(EncoderError::compute)?;

        let dim = self.info().dim;
        let mut rest = vectors.as_slice();
        let mut result = Vec::with_capacity(batch.len());
        for &text in batch {
            let positions = kept_positions(&texts[text]);
            let (own, others) = rest.split_at(positions.len() * dim);
            rest = others;
            if !own.iter().all(|value| value.is_finite()) {
                return Err(EncoderError::NotFinite { text });
            }
            let own = own.to_vec();
            result.push(match pooling {
                None => Encoded {
                    vectors: own,
                    positions,
                },
                Some(pooling) => {
                    let (vectors, firsts) = pooling.pool(own, dim);
                    Encoded {
                        vectors,
                        positions: firsts.into_iter().map(|first| positions[first]).collect(),
                    }
                }
            });
        }
        Ok(result)
    }
}

/// The vectors of a text, and the position of each one's token.
#[derive(Clone, Default)]
struct Encoded {
    vectors: Vec<f32>,
    positions: Vec<usize>,
}

/// Positions of the tokens that get vectors.
fn kept_positions(tokens: &Tokens) -> Vec<usize> {
    tokens
        .kept
        .iter()
        .map(|&position| position as usize)
        .collect()
}

/// Splits `order` into runs of texts with about `size` tokens each.
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
