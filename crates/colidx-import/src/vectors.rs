//! The token vectors of an index, a document at a time.

use std::fs::File;
use std::sync::Arc;

use colidx_data::npy::{Dtype, NpyReader};

use crate::array::Array;
use crate::codec::{Codec, NoCentroid};
use crate::error::ImportError;
use crate::originals;
use crate::places::Place;

/// Where vectors are and how they are stored.
#[derive(Debug)]
pub(crate) enum Stored {
    /// Codes and residuals.
    Codes { codec: Codec, chunks: Vec<Chunk> },
    /// The vectors that were given: an array for each number of a document.
    Originals { dim: usize, arrays: Vec<Array> },
}

/// Rows of codes and residuals in two files.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number of its first row, counted through all chunks.
    pub(crate) first: u64,
    pub(crate) codes: Array,
    pub(crate) residuals: Array,
}

impl Chunk {
    /// Checks shapes and types: `rows` of both, or with `padded` at least as many.
    pub(crate) fn new(
        first: u64,
        rows: u64,
        padded: bool,
        codec: &Codec,
        [codes, residuals]: [Array; 2],
    ) -> Result<Chunk, ImportError> {
        let fits = |got: u64| got == rows || padded && got > rows;
        let expected = format!("{rows} codes, the sum of the document lengths");
        let integers = matches!(codes.dtype(), Dtype::I32 | Dtype::I64);
        if !fits(codes.length(&expected)?) || !integers {
            return Err(codes.unfit(expected));
        }
        let expected = format!("u8 of shape [{rows}, {}]", codec.row);
        let [got, row] = residuals.rows(&expected)?;
        let bytes = residuals.dtype() == Dtype::U8;
        if !fits(got) || row != codec.row as u64 || !bytes {
            return Err(residuals.unfit(expected));
        }
        Ok(Chunk {
            first,
            codes,
            residuals,
        })
    }
}

impl Stored {
    pub(crate) fn dim(&self) -> usize {
        match self {
            Stored::Codes { codec, .. } => codec.dim,
            Stored::Originals { dim, .. } => *dim,
        }
    }
}

/// Reads the token vectors of documents. Holds the files of one chunk open; any order will do, the
/// order of the documents is the fastest.
pub struct VectorReader {
    stored: Arc<Stored>,
    places: Arc<[Place]>,
    open: Option<OpenChunk>,
    codes: Vec<i64>,
    residuals: Vec<u8>,
}

struct OpenChunk {
    number: usize,
    codes: NpyReader<File>,
    residuals: NpyReader<File>,
}

impl VectorReader {
    pub(crate) fn new(stored: Arc<Stored>, places: Arc<[Place]>) -> VectorReader {
        VectorReader {
            stored,
            places,
            open: None,
            codes: Vec::new(),
            residuals: Vec::new(),
        }
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.stored.dim()
    }

    /// Appends the vectors of a document, counted from 0, as `[tokens, dim]` f32 row-major; gives
    /// the number of tokens.
    ///
    /// # Errors
    /// There is no such document, a file cannot be read, or a code has no centroid.
    pub fn read(&mut self, document: usize, out: &mut Vec<f32>) -> Result<u32, ImportError> {
        let Some(&place) = self.places.get(document) else {
            return Err(ImportError::OutOfRange {
                asked: document,
                available: self.places.len(),
            });
        };
        let stored = Arc::clone(&self.stored);
        match &*stored {
            Stored::Originals { dim, arrays } => {
                let array = arrays.get(place.number as usize);
                let array = array.ok_or(ImportError::OutOfRange {
                    asked: document,
                    available: arrays.len(),
                })?;
                originals::read_unit(array, *dim, place.len, out)?;
            }
            Stored::Codes { codec, chunks } if place.len > 0 => {
                self.decode(codec, chunks, place, out)?;
            }
            Stored::Codes { .. } => {}
        }
        Ok(place.len)
    }

    fn decode(
        &mut self,
        codec: &Codec,
        chunks: &[Chunk],
        place: Place,
        out: &mut Vec<f32>,
    ) -> Result<(), ImportError> {
        let after = chunks.partition_point(|chunk| chunk.first <= place.first);
        let Some((number, chunk)) = chunks[..after].iter().enumerate().next_back() else {
            return Ok(()); // The first chunk begins with row 0.
        };
        let open = match &mut self.open {
            Some(open) if open.number == number => open,
            open => open.insert(OpenChunk {
                number,
                codes: chunk.codes.open()?,
                residuals: chunk.residuals.open()?,
            }),
        };
        let first = place.first - chunk.first;
        let (count, row) = (place.len as usize, codec.row);
        self.codes.clear();
        self.residuals.clear();
        open.codes.read_integers(first, count, &mut self.codes)?;
        open.residuals
            .read_bytes(first * row as u64, count * row, &mut self.residuals)?;
        codec
            .decode(&self.codes, &self.residuals, out)
            .map_err(|NoCentroid(at, code)| ImportError::Mismatch {
                file: chunk.codes.file(),
                expected: "the number of a centroid in every row".to_owned(),
                got: format!("{code} in row {}", first + at as u64),
            })
    }
}
