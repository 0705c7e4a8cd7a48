//! Reading the token vectors of documents, in order or at random.

use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::{Blocks, Lone};
use super::joined::Joined;
use super::lines::Lines as JsonLines;
#[cfg(feature = "parquet")]
use super::parquet::Table;
use super::{EmbeddingsError, FIELD, KEYS, LENGTHS, Raw, TABLES, TOKEN_IDS, VECTORS, not_finite};
use crate::array::{self, Kind, StoredArray};
use crate::files::{Lines, LinesError, Waiting, open};
use crate::npy::NpyReader;
use crate::{DEFAULT_LINE_LIMIT, InputError, LineFault, Place, file_name};

/// Token vectors in files, open for reading: see the [module](super) for the forms.
///
/// Holds a few bytes for every thousand documents where one array has the vectors of all, and about
/// a hundred bytes a document where each has an array or a line of its own. Vectors are read from
/// the files when they are asked for.
pub struct Embeddings {
    layout: Layout,
    dim: usize,
    keys: Option<PathBuf>,
    padding: Padding,
}

enum Layout {
    Joined(Box<Joined>),
    Blocks(Blocks),
    Lines(JsonLines),
    #[cfg(feature = "parquet")]
    Parquet(Box<Table>),
}

/// Rows of zeros, each counted once.
#[derive(Default)]
struct Padding {
    rows: u64,
    /// A bit for each document that was read.
    seen: Vec<u64>,
}

impl Padding {
    fn count(&mut self, document: u64, rows: usize) {
        let (word, bit) = ((document / 64) as usize, 1 << (document % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.rows += rows as u64;
        }
    }
}

impl Embeddings {
    /// Opens a file or folder of vectors and checks that its parts fit together: shapes, lengths
    /// and the number of token ids and keys. Vectors are checked when they are read.
    ///
    /// # Errors
    /// A file is missing, damaged, of another type or shape, or does not fit the others.
    pub fn open(path: &Path) -> Result<Embeddings, EmbeddingsError> {
        Embeddings::open_field(path, FIELD)
    }

    /// As [`Embeddings::open`]; of JSON Lines, `field` is the field that has the vectors.
    ///
    /// # Errors
    /// As [`Embeddings::open`].
    pub fn open_field(path: &Path, field: &str) -> Result<Embeddings, EmbeddingsError> {
        Embeddings::open_as(path, field, Lone::Unclear)
    }

    pub(super) fn open_as(path: &Path, field: &str, lone: Lone) -> Result<Self, EmbeddingsError> {
        if !path.is_dir() {
            return Embeddings::new(Layout::of_file(path, field, lone)?, None);
        }
        let vectors = path.join(VECTORS);
        if !vectors.exists() && !path.join(LENGTHS).exists() {
            return Embeddings::new(Layout::of_folder(path, field, lone)?, None);
        }
        let token_ids = path.join(TOKEN_IDS);
        let joined = Joined::new(
            NpyReader::open(&vectors)?,
            NpyReader::open(&path.join(LENGTHS))?,
            match token_ids.exists() {
                true => Some(NpyReader::open(&token_ids)?),
                false => None,
            },
        )?;
        let keys = Some(path.join(KEYS)).filter(|path| path.exists());
        Embeddings::new(Layout::Joined(Box::new(joined)), keys)
    }

    fn new(layout: Layout, keys: Option<PathBuf>) -> Result<Embeddings, EmbeddingsError> {
        let dim = match &layout {
            Layout::Joined(joined) => joined.dim,
            Layout::Blocks(blocks) => blocks.dim,
            Layout::Lines(lines) => lines.dim,
            #[cfg(feature = "parquet")]
            Layout::Parquet(table) => table.dim,
        };
        let embeddings = Embeddings {
            layout,
            dim,
            keys,
            padding: Padding::default(),
        };
        embeddings.check_keys()?;
        Ok(embeddings)
    }

    /// Takes the keys from a file, one a line.
    ///
    /// # Errors
    /// The file cannot be read, or has not one key for each document.
    pub fn with_keys(mut self, file: &Path) -> Result<Embeddings, EmbeddingsError> {
        self.keys = Some(file.to_owned());
        self.check_keys()?;
        Ok(self)
    }

    /// The number of documents.
    pub fn documents(&self) -> u64 {
        match &self.layout {
            Layout::Joined(joined) => joined.documents(),
            Layout::Blocks(blocks) => blocks.documents(),
            Layout::Lines(lines) => lines.documents(),
            #[cfg(feature = "parquet")]
            Layout::Parquet(table) => table.documents(),
        }
    }

    /// The number of rows of all documents, padding included; `None` for JSON Lines and Parquet,
    /// where only reading tells.
    pub fn rows(&self) -> Option<u64> {
        match &self.layout {
            Layout::Joined(joined) => Some(joined.rows()),
            Layout::Blocks(blocks) => Some(blocks.rows()),
            Layout::Lines(_) => None,
            #[cfg(feature = "parquet")]
            Layout::Parquet(_) => None,
        }
    }

    /// The number of dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Whether there are token ids.
    pub fn has_token_ids(&self) -> bool {
        matches!(&self.layout, Layout::Joined(joined) if joined.has_token_ids())
    }

    /// How many rows of zeros, which are padding, were left out of the documents read so far.
    pub fn padding(&self) -> u64 {
        self.padding.rows
    }

    /// The file of JSON Lines that the vectors lie in, and the name of the field: its records have
    /// the keys and perhaps texts.
    pub fn records(&self) -> Option<(&Path, &str)> {
        match &self.layout {
            Layout::Lines(lines) => Some((lines.path(), lines.field())),
            _ => None,
        }
    }

    /// The file that says how many documents there are, for messages.
    pub fn file(&self) -> String {
        match &self.layout {
            Layout::Joined(joined) => joined.lengths_file().to_owned(),
            Layout::Blocks(blocks) => blocks.place(0).unwrap_or_default().0,
            Layout::Lines(lines) => lines.name(),
            #[cfg(feature = "parquet")]
            Layout::Parquet(table) => table.name(),
        }
    }

    /// Where the key of a document, counted from 0, stands, for messages.
    pub fn key_place(&self, document: u64) -> String {
        match (&self.keys, &self.layout) {
            (Some(path), _) => format!("{}:{}", file_name(path), document + 1),
            (None, Layout::Blocks(blocks)) => blocks.place(document).unwrap_or_default().0,
            _ => format!("{}: document {document}", self.file()),
        }
    }

    /// Whether the documents have keys of their own and not only numbers.
    pub fn has_keys(&self) -> bool {
        let named = match &self.layout {
            Layout::Blocks(blocks) => blocks.names().is_some(),
            #[cfg(feature = "parquet")]
            Layout::Parquet(table) => table.keys.is_some(),
            _ => false,
        };
        named || self.keys.is_some()
    }

    /// The keys of all documents in order: the lines of the file of keys, the names of arrays or
    /// their files where each is one document, or else the numbers from 0. Those of JSON Lines are
    /// in its [records](Embeddings::records), and here numbers.
    ///
    /// # Errors
    /// The file of keys cannot be opened.
    pub fn keys(&self) -> Result<Keys, EmbeddingsError> {
        let Some(path) = &self.keys else {
            let names: Option<Vec<String>> = match &self.layout {
                Layout::Blocks(blocks) => {
                    let names = blocks.names();
                    names.map(|names| names.map(str::to_owned).collect())
                }
                #[cfg(feature = "parquet")]
                Layout::Parquet(table) => table.keys.clone(),
                _ => None,
            };
            return Ok(Keys(match names {
                Some(names) => Source::Names(names.into_iter()),
                None => Source::Numbers(0..self.documents()),
            }));
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
    /// how many each has, and the token id of each vector where there are token ids. Rows that are
    /// all zero are padding and left out. Neighbours that follow each other are read in one go.
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
            let begin = Begin {
                vectors: vectors.len(),
                lens: lens.len(),
                token_ids: token_ids.len(),
            };
            let mut out = Raw {
                vectors,
                lens,
                token_ids,
            };
            match &mut self.layout {
                Layout::Joined(joined) => joined.read(run, &mut out)?,
                Layout::Blocks(blocks) => {
                    for &document in run {
                        if !blocks.read(document, &mut out)? {
                            return Err(self.out_of_range(document));
                        }
                    }
                }
                Layout::Lines(lines) => {
                    for &document in run {
                        lines.read(document, &mut out)?;
                    }
                }
                #[cfg(feature = "parquet")]
                Layout::Parquet(table) => {
                    for &document in run {
                        table.read(document, &mut out)?;
                    }
                }
            }
            self.clean(run, &begin, &mut out)?;
        }
        Ok(())
    }

    /// Checks the numbers of a run, and leaves padding out.
    fn clean(
        &mut self,
        run: &[u64],
        begin: &Begin,
        out: &mut Raw<'_>,
    ) -> Result<(), EmbeddingsError> {
        let dim = self.dim;
        let has_ids = out.token_ids.len() > begin.token_ids;
        let (mut from, mut to) = (0, 0);
        for (&document, len) in run.iter().zip(&mut out.lens[begin.lens..]) {
            let rows = *len as usize;
            let first = begin.vectors + from * dim;
            let values = &out.vectors[first..first + rows * dim];
            if let Some((vector, column, got)) = not_finite(values, dim) {
                return Err(self.not_finite(document, vector as u64, column, got));
            }
            let kept = to;
            for row in from..from + rows {
                let at = begin.vectors + row * dim;
                if out.vectors[at..at + dim].iter().all(|&value| value == 0.0) {
                    continue;
                }
                if to != row {
                    let target = begin.vectors + to * dim;
                    out.vectors.copy_within(at..at + dim, target);
                    if has_ids {
                        let id = out.token_ids[begin.token_ids + row];
                        out.token_ids[begin.token_ids + to] = id;
                    }
                }
                to += 1;
            }
            from += rows;
            *len = (to - kept) as u32;
            self.padding.count(document, rows - (to - kept));
        }
        out.vectors.truncate(begin.vectors + to * dim);
        if has_ids {
            out.token_ids.truncate(begin.token_ids + to);
        }
        Ok(())
    }

    fn not_finite(
        &mut self,
        document: u64,
        vector: u64,
        column: usize,
        got: f32,
    ) -> EmbeddingsError {
        let place = match &mut self.layout {
            Layout::Joined(joined) => joined.place(document).ok(),
            Layout::Blocks(blocks) => blocks.place(document),
            Layout::Lines(lines) => Some((lines.name(), 0, 0)),
            #[cfg(feature = "parquet")]
            Layout::Parquet(table) => Some((table.name(), 0, 0)),
        };
        let (file, first, _) = place.unwrap_or_default();
        EmbeddingsError::NotFinite {
            file,
            document,
            vector,
            row: first + vector,
            column,
            got,
        }
    }

    fn out_of_range(&self, asked: u64) -> EmbeddingsError {
        EmbeddingsError::OutOfRange {
            file: self.file(),
            asked,
            available: self.documents(),
        }
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
                lengths: self.file(),
                documents: self.documents(),
            });
        }
        Ok(())
    }

    /// The longest document in rows, padding included; 0 where only reading tells.
    pub(super) fn longest(&self) -> u64 {
        match &self.layout {
            Layout::Blocks(blocks) => blocks.longest(),
            _ => 0,
        }
    }
}

/// Where what is appended begins.
struct Begin {
    vectors: usize,
    lens: usize,
    token_ids: usize,
}

impl Layout {
    fn of_folder(folder: &Path, field: &str, lone: Lone) -> Result<Layout, EmbeddingsError> {
        if let Some(blocks) = Blocks::of_folder(folder)? {
            return Ok(Layout::Blocks(blocks));
        }
        let mut tables = TABLES.iter().map(|name| folder.join(name));
        match tables.find(|path| path.exists()) {
            Some(path) => Layout::of_file(&path, field, lone),
            None => Err(EmbeddingsError::NoFiles {
                folder: file_name(folder).to_string(),
            }),
        }
    }

    fn of_file(path: &Path, field: &str, lone: Lone) -> Result<Layout, EmbeddingsError> {
        match Kind::of(path)? {
            Kind::Json => return Ok(Layout::Lines(JsonLines::open(path, field)?)),
            #[cfg(feature = "parquet")]
            Kind::Parquet => {
                let table = Table::open(path, field)?;
                return Ok(Layout::Parquet(Box::new(table)));
            }
            _ => {}
        }
        let mut arrays = array::read(path)?;
        let mut take = |name: &str| {
            let name = name.trim_end_matches(".npy");
            let at = arrays.iter().position(|(found, _)| found == name)?;
            Some(arrays.remove(at).1)
        };
        let [vectors, lengths, token_ids] = [VECTORS, LENGTHS, TOKEN_IDS].map(&mut take);
        match (vectors, lengths) {
            (Some(vectors), Some(lengths)) => {
                let ids = token_ids.as_ref().map(StoredArray::open).transpose()?;
                let joined = Joined::new(vectors.open()?, lengths.open()?, ids)?;
                Ok(Layout::Joined(Box::new(joined)))
            }
            (vectors, lengths) => {
                let names = [VECTORS, LENGTHS, TOKEN_IDS].map(|name| name.trim_end_matches(".npy"));
                let taken = names.into_iter().zip([vectors, lengths, token_ids]);
                arrays.extend(taken.filter_map(|(name, array)| Some((name.to_owned(), array?))));
                Ok(Layout::Blocks(Blocks::of_file(path, arrays, lone)?))
            }
        }
    }
}

/// The keys of all documents, in order.
pub struct Keys(Source);

enum Source {
    Numbers(Range<u64>),
    Names(std::vec::IntoIter<String>),
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
            Source::Names(names) => names.next().map(Ok),
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

#[cfg(test)]
mod tests;
