//! Arrays of their own: one a document, or one for documents that were filled up to equal length.

use std::path::{Path, PathBuf};

use super::{EmbeddingsError, Raw, dim_of, need_floats};
use crate::array::{self, StoredArray, natural};
use crate::file_name;
use crate::npy::{NpyError, shape_text};

/// Endings of the files in a folder that hold arrays.
const ENDINGS: [&str; 5] = ["npy", "npz", "safetensors", "pt", "pth"];

const EITHER: &str = "[tokens, dim] or [documents, tokens, dim]";
const WITHOUT_LENGTHS: &str = "[documents, tokens, dim], or an array a document, \
    or doc_embeddings and doc_lens: two dimensions do not say where documents end";

pub(super) struct Blocks {
    pub(super) dim: usize,
    blocks: Vec<Block>,
    /// The first document of each block, and the number of documents.
    starts: Vec<u64>,
}

struct Block {
    array: StoredArray,
    /// What the file or the array is called; empty if it is not called anything.
    name: Box<str>,
    documents: u64,
    rows: u64,
}

/// What an array of two dimensions in a file of its own is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lone {
    /// One document or query.
    One,
    /// Vectors of which nobody knows to which documents they belong.
    Unclear,
}

impl Blocks {
    /// The arrays in the files of a folder, in the order of their names; `None` if no file is one
    /// of arrays.
    pub(super) fn of_folder(folder: &Path) -> Result<Option<Blocks>, EmbeddingsError> {
        let files = files(folder)?;
        if files.is_empty() {
            return Ok(None);
        }
        let mut blocks = Blocks::empty();
        for path in files {
            let arrays = array::read(&path)?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let only = arrays.len() == 1;
            for (name, array) in arrays {
                blocks.push(if only { &stem } else { &name }, array)?;
            }
        }
        blocks.finish(folder).map(Some)
    }

    /// The arrays of one file.
    pub(super) fn of_file(
        path: &Path,
        arrays: Vec<(String, StoredArray)>,
        lone: Lone,
    ) -> Result<Blocks, EmbeddingsError> {
        let mut blocks = Blocks::empty();
        if let [(_, array)] = &arrays[..]
            && array.shape().len() == 2
            && lone == Lone::Unclear
        {
            return Err(wrong_shape(array, WITHOUT_LENGTHS));
        }
        for (name, array) in arrays {
            blocks.push(&name, array)?;
        }
        blocks.finish(path)
    }

    fn empty() -> Blocks {
        Blocks {
            dim: 0,
            blocks: Vec::new(),
            starts: vec![0],
        }
    }

    fn push(&mut self, name: &str, array: StoredArray) -> Result<(), EmbeddingsError> {
        let (documents, rows, dim) = match *array.shape() {
            [rows, dim] => (1, rows, dim),
            [documents, rows, dim] => (documents, rows, dim),
            _ => return Err(wrong_shape(&array, EITHER)),
        };
        need_floats(&array.file(), array.dtype())?;
        let dim = dim_of(&array.file(), dim, EITHER)?;
        let first = self.starts.last().copied().unwrap_or_default();
        if self.dim != 0 && dim != self.dim {
            return Err(EmbeddingsError::Dimension {
                file: array.file(),
                document: first,
                expected: self.dim,
                got: dim,
            });
        }
        if u32::try_from(rows).is_err() {
            return Err(EmbeddingsError::Length {
                file: array.file(),
                document: first,
                got: rows.try_into().unwrap_or(i64::MAX),
            });
        }
        self.dim = dim;
        // No file has so many documents: a document of no rows takes no bytes.
        self.starts.push(first.saturating_add(documents));
        let name = match documents {
            1 => name.into(),
            _ => "".into(),
        };
        self.blocks.push(Block {
            array,
            name,
            documents,
            rows,
        });
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Blocks, EmbeddingsError> {
        match self.documents() {
            0 => Err(EmbeddingsError::NoDocuments {
                file: file_name(path).to_string(),
            }),
            _ => Ok(self),
        }
    }

    pub(super) fn documents(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// Rows, padding included.
    pub(super) fn rows(&self) -> u64 {
        let rows = self.blocks.iter();
        rows.map(|block| block.documents.saturating_mul(block.rows))
            .fold(0, u64::saturating_add)
    }

    /// The longest document, padding included.
    pub(super) fn longest(&self) -> u64 {
        self.blocks
            .iter()
            .map(|block| block.rows)
            .max()
            .unwrap_or(0)
    }

    /// What the documents are called, if all of them are called something.
    pub(super) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        let all = self.blocks.iter().all(|block| !block.name.is_empty());
        all.then(|| self.blocks.iter().map(|block| &*block.name))
    }

    fn find(&self, document: u64) -> Option<(&Block, u64)> {
        let at = self.starts.partition_point(|&start| start <= document);
        let at = at.checked_sub(1)?;
        Some((self.blocks.get(at)?, document - self.starts[at]))
    }

    /// The file of a document, and its rows there.
    pub(super) fn place(&self, document: u64) -> Option<(String, u64, u64)> {
        let (block, within) = self.find(document)?;
        let first = within * block.rows;
        Some((block.array.file(), first, first + block.rows))
    }

    /// Appends a document; whether it is there.
    pub(super) fn read(&self, document: u64, out: &mut Raw<'_>) -> Result<bool, EmbeddingsError> {
        let Some((block, within)) = self.find(document) else {
            return Ok(false);
        };
        // Its elements are fewer than the bytes of its file.
        let count = block.rows * self.dim as u64;
        let mut reader = block.array.open()?;
        reader.read_floats(within * count, count as usize, out.vectors)?;
        out.lens.push(block.rows as u32);
        Ok(true)
    }
}

fn wrong_shape(array: &StoredArray, expected: &'static str) -> EmbeddingsError {
    let (file, got) = (array.file(), shape_text(array.shape()));
    NpyError::WrongShape {
        file,
        expected,
        got,
    }
    .into()
}

/// The files of arrays in a folder, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, EmbeddingsError> {
    let unreadable = |source| array::unreadable(folder, source);
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            files.push(path);
        }
    }
    files.sort_by(|one, other| natural(&one.to_string_lossy(), &other.to_string_lossy()));
    Ok(files)
}
