//! Where each document's vectors lie, without holding a number for each document.

use std::fs::File;

use super::EmbeddingsError;
use crate::npy::NpyReader;

/// Documents whose lengths are held at once; only the first row of each such block is always held.
const BLOCK: u64 = 1024;

pub(super) struct Lengths {
    reader: NpyReader<File>,
    documents: u64,
    rows: u64,
    block_starts: Vec<u64>,
    /// The block that was read last, and the first row of each of its documents and of the one
    /// behind them.
    block: Option<u64>,
    starts: Vec<u64>,
}

impl Lengths {
    /// Reads the array once, checking every length.
    pub(super) fn new(reader: NpyReader<File>) -> Result<Lengths, EmbeddingsError> {
        let [documents] = reader.dimensions("[documents]")?;
        let mut lengths = Lengths {
            reader,
            documents,
            rows: 0,
            block_starts: Vec::new(),
            block: None,
            starts: Vec::new(),
        };
        let mut rows = 0;
        for block in 0..documents.div_ceil(BLOCK) {
            lengths.block_starts.push(rows);
            lengths.load(block)?;
            rows = lengths.starts.last().copied().unwrap_or(rows);
        }
        lengths.rows = rows;
        Ok(lengths)
    }

    pub(super) fn file(&self) -> &str {
        self.reader.file()
    }

    pub(super) fn documents(&self) -> u64 {
        self.documents
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The first row of a document and of the document behind it.
    pub(super) fn rows_of(&mut self, document: u64) -> Result<(u64, u64), EmbeddingsError> {
        if document >= self.documents {
            let (file, available) = (self.file().to_owned(), self.documents);
            return Err(EmbeddingsError::OutOfRange {
                file,
                asked: document,
                available,
            });
        }
        let block = document / BLOCK;
        if self.block != Some(block) {
            self.load(block)?;
        }
        let at = (document % BLOCK) as usize;
        // Had the file changed under us, its rows could now lie anywhere.
        let end = self.starts[at + 1].min(self.rows);
        Ok((self.starts[at].min(end), end))
    }

    fn load(&mut self, block: u64) -> Result<(), EmbeddingsError> {
        self.block = None;
        let first = block * BLOCK;
        let count = BLOCK.min(self.documents - first) as usize;
        let mut values = Vec::with_capacity(count);
        self.reader.read_integers(first, count, &mut values)?;
        let mut row = self.block_starts[block as usize];
        self.starts.clear();
        self.starts.push(row);
        for (document, got) in (first..).zip(values) {
            let length = u32::try_from(got).map_err(|_| EmbeddingsError::Length {
                file: self.reader.file().to_owned(),
                document,
                got,
            })?;
            row = row.saturating_add(u64::from(length));
            self.starts.push(row);
        }
        self.block = Some(block);
        Ok(())
    }
}
