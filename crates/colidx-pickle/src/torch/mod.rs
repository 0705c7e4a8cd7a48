//! Tensors in a file of `torch.save`: a zip archive with a pickle that describes the tensors, and
//! one entry per storage. torch before 1.6 wrote another form, which is not read.

mod tensor;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use crate::machine::{self, PickleError};
use tensor::Tensor;

pub use tensor::{Element, TensorError};

/// Suffix of the archive entry that describes the tensors.
const CONTENTS: &str = "data.pkl";

/// Largest pickle in bytes: a tensor takes about 150. Its values take many times that in memory.
const MAX_PICKLE: u64 = 2 << 20;
/// Bytes read of the archive's directory.
const MAX_DIRECTORY: u64 = 16 << 20;

/// A tensor of a file, not read yet.
#[derive(Debug)]
pub struct StoredTensor {
    tensor: Tensor,
    /// Where its storage lies in the file.
    storage: Range<u64>,
}

impl StoredTensor {
    /// The type of its elements.
    pub fn element(&self) -> &Element {
        &self.tensor.element
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    /// Bytes of its storage, of which it may be a part.
    pub fn storage_bytes(&self) -> u64 {
        self.storage.end - self.storage.start
    }

    /// Where its bytes lie in the file; `None` if they would not lie in its storage.
    pub fn bytes(&self) -> Option<Range<u64>> {
        let inner = self.tensor.bytes()?;
        let fits = inner.end <= self.storage_bytes();
        fits.then(|| self.storage.start + inner.start..self.storage.start + inner.end)
    }

    /// Whether its elements lie one after the other in row-major order.
    pub fn is_contiguous(&self) -> bool {
        self.tensor.is_contiguous()
    }

    /// Appends its elements, row-major, given the bytes at [`bytes`](Self::bytes). Elements that
    /// are not floats are left out.
    pub fn append_floats(&self, bytes: &[u8], out: &mut Vec<f32>) {
        self.tensor.append_floats(bytes, out);
    }
}

/// Why a file is not one of `torch.save`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// It is no zip archive.
    #[error("{0}")]
    Archive(#[from] zip::result::ZipError),
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// An entry of the archive is wrong.
    #[error("its entry `{name}` {what}")]
    Entry {
        /// The entry.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The archive describes no tensors.
    #[error("it has no entry `{CONTENTS}`")]
    NoContents,
    /// The description is no pickle.
    #[error("its `{CONTENTS}` was not written by torch.save: {0}")]
    Pickle(#[from] PickleError),
    /// The description is a pickle of something else.
    #[error("its `{CONTENTS}` was not written by torch.save: {0}")]
    Tensor(#[from] TensorError),
    /// There are no tensors.
    #[error("it holds no named tensors")]
    NoTensors,
    /// The description is too long.
    #[error("its `{CONTENTS}` has {0} bytes, and at most {MAX_PICKLE} are read")]
    LongContents(u64),
}

/// A file with a limit on the bytes read: the list of entries takes memory in proportion.
struct LimitedReader {
    file: File,
    left: u64,
}

impl Read for LimitedReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let problem = format!("more than {MAX_DIRECTORY} bytes say where its tensors lie");
            std::io::Error::other(problem)
        })?;
        Ok(read)
    }
}

impl Seek for LimitedReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

type Archive = ZipArchive<BufReader<LimitedReader>>;

/// The tensors of a file by name: those of a dict, the items of a tuple or list as `0`, `1` and so
/// on, or a single one under the empty name.
///
/// # Errors
/// The file is damaged, was not written by `torch.save`, or holds no tensors.
pub fn read(file: File) -> Result<BTreeMap<String, StoredTensor>, TorchError> {
    let length = file.metadata()?.len();
    let reader = LimitedReader {
        file,
        left: MAX_DIRECTORY,
    };
    // A small buffer, because the reader seeks to every entry.
    let mut archive = ZipArchive::new(BufReader::with_capacity(512, reader))?;
    let contents = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.ends_with(CONTENTS))
        .ok_or(TorchError::NoContents)?
        .into_owned();
    let entry = find(&mut archive, &contents, length)?;
    let size = entry.end - entry.start;
    if size > MAX_PICKLE {
        return Err(TorchError::LongContents(size));
    }
    let mut pickle = Vec::with_capacity(size as usize);
    archive.by_name(&contents)?.read_to_end(&mut pickle)?;

    let folder = contents.trim_end_matches(CONTENTS);
    let mut tensors = BTreeMap::new();
    let contents = machine::run(Cursor::new(pickle), MAX_PICKLE as usize)?;
    for (name, tensor) in tensor::named(&contents)? {
        let entry = format!("{folder}data/{}", tensor.storage);
        let storage = find(&mut archive, &entry, length)?;
        tensors.insert(name, StoredTensor { tensor, storage });
    }
    if tensors.is_empty() {
        return Err(TorchError::NoTensors);
    }
    Ok(tensors)
}

/// The byte range of an entry in a file of `length` bytes.
fn find(archive: &mut Archive, name: &str, length: u64) -> Result<Range<u64>, TorchError> {
    let problem = |what| TorchError::Entry {
        name: name.to_owned(),
        what,
    };
    let index = archive
        .index_for_name(name)
        .ok_or_else(|| problem("is missing"))?;
    let file = archive.by_index_raw(index)?;
    if file.compression() != CompressionMethod::Stored || file.encrypted() {
        return Err(problem("is compressed or encrypted, as torch saves none"));
    }
    file.data_start()
        .and_then(|start| Some(start..start.checked_add(file.size())?))
        .filter(|range| range.end <= length)
        .ok_or_else(|| problem("goes beyond the end of the file"))
}

#[cfg(test)]
mod tests;
