//! Reading the token vectors of documents, in order or at random.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use super::lengths::Lengths;
use super::{EmbeddingsError, KEYS, LENGTHS, TOKEN_IDS, VECTORS, not_finite};
use crate::files::{Lines, LinesError};
use crate::files::{Waiting, open};
use crate::npy::{NpyError, NpyReader};
use crate::{DEFAULT_LINE_LIMIT, InputError, LineFault, Place, file_name};

/// A folder of token vectors, open for reading.
///
/// Holds a few bytes for every thousand documents; vectors are read from the files when they are
/// asked for.
pub struct Embeddings {
    vectors: NpyReader<File>,
    dim: usize,
    lengths: Lengths,
    token_ids: Option<NpyReader<File>>,
    keys: Option<std::path::PathBuf>,
    integers: Vec<i64>,
}

impl Embeddings {
    /// Opens a folder and checks that its files fit together: every length, the sum of the lengths
    /// against the rows, and the number of token ids and keys. Vectors are checked when they are
    /// read.
    ///
    /// # Errors
    /// A file is missing, damaged, of another type or shape, or does not fit the others.
    pub fn open(folder: &Path) -> Result<Embeddings, EmbeddingsError> {
        if folder.exists() && !folder.is_dir() {
            let file = file_name(folder).to_string();
            let expected = "a folder with doc_embeddings.npy and doc_lens.npy";
            return Err(InputError::NotFolder { file, expected }.into());
        }
        let vectors = NpyReader::open(&folder.join(VECTORS))?;
        let shape = "[total_tokens, dim]";
        let [rows, dim] = vectors.dimensions(shape)?;
        need_floats(&vectors)?;
        let Some(dim) = usize::try_from(dim).ok().filter(|&dim| dim > 0) else {
            return Err(EmbeddingsError::NoDimensions {
                file: vectors.file().to_owned(),
                expected: shape,
            });
        };
        let lengths = Lengths::open(&folder.join(LENGTHS))?;
        if lengths.rows() != rows {
            return Err(EmbeddingsError::Rows {
                lengths: lengths.file().to_owned(),
                promised: lengths.rows(),
                documents: lengths.documents(),
                vectors: vectors.file().to_owned(),
                rows,
            });
        }
        let path = folder.join(TOKEN_IDS);
        let token_ids = if path.exists() {
            Some(NpyReader::open(&path)?)
        } else {
            None
        };
        if let Some(reader) = &token_ids {
            let [got] = reader.dimensions("[total_tokens]")?;
            if got != rows {
                let (file, vectors) = (reader.file().to_owned(), vectors.file().to_owned());
                return Err(EmbeddingsError::TokenIds {
                    file,
                    got,
                    vectors,
                    rows,
                });
            }
            let got = reader.header().dtype;
            if got.is_float() {
                let (file, expected) = (reader.file().to_owned(), "i32, i64 or u32");
                return Err(NpyError::WrongType {
                    file,
                    expected,
                    got,
                }
                .into());
            }
        }
        let keys = Some(folder.join(KEYS)).filter(|path| path.exists());
        let embeddings = Embeddings {
            vectors,
            dim,
            lengths,
            token_ids,
            keys,
            integers: Vec::new(),
        };
        embeddings.check_keys()?;
        Ok(embeddings)
    }

    /// The number of documents.
    pub fn documents(&self) -> u64 {
        self.lengths.documents()
    }

    /// The number of vectors of all documents.
    pub fn total_tokens(&self) -> u64 {
        self.lengths.rows()
    }

    /// The number of dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Whether there are token ids.
    pub fn has_token_ids(&self) -> bool {
        self.token_ids.is_some()
    }

    /// The number of vectors of a document, counted from 0.
    ///
    /// # Errors
    /// No such document, or a failed read.
    pub fn length(&mut self, document: u64) -> Result<u32, EmbeddingsError> {
        let (start, end) = self.lengths.rows_of(document)?;
        Ok((end - start) as u32)
    }

    /// The keys of all documents in order: the lines of `doc_keys.txt`, or the row numbers. Key `n`
    /// (from 0) stands on line `n + 1`.
    ///
    /// # Errors
    /// The file of keys cannot be opened.
    pub fn keys(&self) -> Result<Keys, EmbeddingsError> {
        let Some(path) = &self.keys else {
            return Ok(Keys(Source::Numbers(0..self.documents())));
        };
        let file = file_name(path);
        let opened = open(path).map_err(|source| InputError::Unreadable {
            file: file.to_string(),
            source,
        })?;
        Ok(Keys(Source::File {
            lines: Lines::new(BufReader::new(Waiting(opened)), DEFAULT_LINE_LIMIT),
            file,
        }))
    }

    /// Appends documents, named by number from 0 in any order: their vectors ([n, dim] row-major),
    /// how many each has, and the token id of each vector where there are token ids. Neighbours
    /// that follow each other are read in one go.
    ///
    /// # Errors
    /// No such document, a number that is not finite, a token id out of range, or a failed read.
    /// What was appended until then is of no use.
    pub fn read(
        &mut self,
        documents: &[u64],
        vectors: &mut Vec<f32>,
        lens: &mut Vec<u32>,
        token_ids: &mut Vec<u32>,
    ) -> Result<(), EmbeddingsError> {
        for run in documents.chunk_by(|before, after| before.checked_add(1) == Some(*after)) {
            let from = lens.len();
            let first_row = self.lengths.rows_of(run[0])?.0;
            let mut end_row = first_row;
            for &document in run {
                let (start, end) = self.lengths.rows_of(document)?;
                lens.push((end - start) as u32);
                end_row = end;
            }
            let place = Run {
                first_document: run[0],
                first_row,
                lens: &lens[from..],
            };
            let rows = (end_row - first_row) as usize;
            let start = vectors.len();
            self.vectors
                .read_floats(first_row * self.dim as u64, rows * self.dim, vectors)?;
            if let Some((row, column, got)) = not_finite(&vectors[start..], self.dim) {
                let (document, vector) = place.of(row);
                return Err(EmbeddingsError::NotFinite {
                    file: self.vectors.file().to_owned(),
                    document,
                    vector,
                    row: first_row + row as u64,
                    column,
                    got,
                });
            }
            self.read_token_ids(&place, rows, token_ids)?;
        }
        Ok(())
    }

    fn read_token_ids(
        &mut self,
        run: &Run<'_>,
        rows: usize,
        out: &mut Vec<u32>,
    ) -> Result<(), EmbeddingsError> {
        let Some(reader) = &mut self.token_ids else {
            return Ok(());
        };
        self.integers.clear();
        reader.read_integers(run.first_row, rows, &mut self.integers)?;
        for (row, &got) in self.integers.iter().enumerate() {
            match u32::try_from(got) {
                Ok(id) if id < u32::MAX => out.push(id),
                _ => {
                    let (document, _) = run.of(row);
                    let (file, row) = (reader.file().to_owned(), run.first_row + row as u64);
                    return Err(EmbeddingsError::TokenId {
                        file,
                        row,
                        document,
                        got,
                    });
                }
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), EmbeddingsError> {
        let Some(path) = &self.keys else {
            return Ok(());
        };
        let mut got = 0;
        for key in self.keys()? {
            key?;
            got += 1;
        }
        if got != self.documents() {
            return Err(EmbeddingsError::KeyCount {
                file: file_name(path).to_string(),
                got,
                lengths: self.lengths.file().to_owned(),
                documents: self.documents(),
            });
        }
        Ok(())
    }
}

pub(super) fn need_floats(reader: &NpyReader<File>) -> Result<(), NpyError> {
    match reader.header().dtype {
        dtype if dtype.is_float() => Ok(()),
        got => Err(NpyError::WrongType {
            file: reader.file().to_owned(),
            expected: "f16 or f32",
            got,
        }),
    }
}

/// Documents that follow each other.
struct Run<'a> {
    first_document: u64,
    first_row: u64,
    lens: &'a [u32],
}

impl Run<'_> {
    /// The document of a row of the run, and the row's number within it.
    fn of(&self, row: usize) -> (u64, u64) {
        let mut left = row as u64;
        for (document, &len) in (self.first_document..).zip(self.lens) {
            if left < u64::from(len) {
                return (document, left);
            }
            left -= u64::from(len);
        }
        (self.first_document + self.lens.len() as u64, left)
    }
}

/// The keys of all documents, in order.
pub struct Keys(Source);

enum Source {
    Numbers(std::ops::Range<u64>),
    File {
        lines: Lines<BufReader<Waiting>>,
        file: Arc<str>,
    },
}

impl Iterator for Keys {
    type Item = Result<String, EmbeddingsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Numbers(numbers) => numbers.next().map(|number| Ok(number.to_string())),
            Source::File { lines, file } => next_key(lines, file)
                .map_err(EmbeddingsError::Input)
                .transpose(),
        }
    }
}

fn next_key(
    lines: &mut Lines<impl BufRead>,
    file: &Arc<str>,
) -> Result<Option<String>, InputError> {
    let at = |line, fault| InputError::Line {
        place: Place {
            file: Arc::clone(file),
            line,
        },
        fault,
    };
    match lines.next_line() {
        Ok(None) => Ok(None),
        Ok(Some((line, key))) if key.trim().is_empty() => Err(at(
            line,
            LineFault::EmptyKey {
                field: "the key".to_owned(),
            },
        )),
        Ok(Some((_, key))) => Ok(Some(key.to_owned())),
        Err(LinesError::Fault(fault)) => Err(at(lines.number(), fault)),
        Err(LinesError::Io(source)) => Err(InputError::Unreadable {
            file: file.to_string(),
            source,
        }),
    }
}
