//! Tensors in a file of `torch.save`.

mod machine;
mod tensor;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zip::{CompressionMethod, ZipArchive};

use super::{TensorMeta, damaged};
use crate::EncoderError;
use crate::files;
use tensor::Tensor;

/// Suffix of the archive entry that describes the tensors.
const CONTENTS: &str = "data.pkl";

/// Largest pickle in bytes: a tensor takes about 150. Its values take many times that in memory.
const MAX_PICKLE: u64 = 2 << 20;
/// Bytes read of the archive's directory.
const MAX_DIRECTORY: u64 = 16 << 20;

/// An archive with a Python pickle that describes the tensors, and one entry per storage. The
/// pickle is read as data; none of its code runs. Candle's own reader trusts the lengths in the
/// file.
pub(super) struct Pickle {
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
    /// Bytes of the file, and bytes of tensors read so far. A model reads each tensor once, so more
    /// means that tensors overlap, by which a small file could fill any memory.
    length: u64,
    read: AtomicU64,
}

struct StoredTensor {
    tensor: Tensor,
    entry: Entry,
}

/// The byte range of an archive entry.
struct Entry {
    start: u64,
    length: u64,
}

impl Pickle {
    pub(super) fn open(path: PathBuf) -> Result<Pickle, EncoderError> {
        let file = files::open(&path)?;
        let length = file
            .metadata()
            .map_err(|source| files::io(&path, source))?
            .len();
        let tensors = read(file, length).map_err(|problem| damaged(&path, problem.to_string()))?;
        Ok(Pickle {
            path,
            tensors,
            length,
            read: AtomicU64::new(0),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn find(&self, name: &str) -> Option<TensorMeta> {
        self.tensors.get(name).map(meta)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = TensorMeta> {
        self.tensors.values().map(meta)
    }

    /// Appends the elements of `name`, which exists and holds floats, to `out`.
    pub(super) fn append(&self, name: &str, out: &mut Vec<f32>) -> Result<(), EncoderError> {
        let Some(StoredTensor { tensor, entry }) = self.tensors.get(name) else {
            return Ok(());
        };
        let Some(range) = tensor.bytes().filter(|range| range.end <= entry.length) else {
            let problem = format!(
                "tensor `{name}`: its shape, strides and offset do not fit in the {} bytes of its \
                 storage",
                entry.length
            );
            return Err(damaged(&self.path, problem));
        };
        let size = range.end - range.start;
        if self.read.fetch_add(size, Ordering::Relaxed) + size > self.length {
            let problem = format!("tensor `{name}` and others lie in one another");
            return Err(damaged(&self.path, problem));
        }
        let io = |source| files::io(&self.path, source);
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let mut file = files::open(&self.path)?;
        file.seek(SeekFrom::Start(entry.start + range.start))
            .map_err(io)?;
        file.read_exact(&mut bytes).map_err(io)?;
        tensor.append_floats(&bytes, out);
        Ok(())
    }
}

fn meta(stored: &StoredTensor) -> TensorMeta {
    TensorMeta {
        shape: stored.tensor.shape.clone(),
        element: stored.tensor.element.name().to_owned(),
    }
}

/// Why a file is not one of `torch.save`.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("its entry `{name}` {what}")]
    Entry { name: String, what: &'static str },
    #[error("it has no entry `{CONTENTS}`")]
    NoContents,
    #[error("its `{CONTENTS}` was not written by torch.save: {0}")]
    Machine(#[from] machine::Problem),
    #[error("its `{CONTENTS}` was not written by torch.save: {0}")]
    Tensor(#[from] tensor::Problem),
    #[error("it holds no named tensors")]
    NoTensors,
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

fn read(file: File, length: u64) -> Result<BTreeMap<String, StoredTensor>, Problem> {
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
        .ok_or(Problem::NoContents)?
        .into_owned();
    let entry = find(&mut archive, &contents, length)?;
    if entry.length > MAX_PICKLE {
        return Err(Problem::LongContents(entry.length));
    }
    let mut pickle = Vec::with_capacity(entry.length as usize);
    archive.by_name(&contents)?.read_to_end(&mut pickle)?;

    let folder = contents.trim_end_matches(CONTENTS);
    let mut tensors = BTreeMap::new();
    for (name, tensor) in tensor::named(&machine::run(&pickle)?)? {
        let storage = format!("{folder}data/{}", tensor.storage);
        let entry = find(&mut archive, &storage, length)?;
        tensors.insert(name, StoredTensor { tensor, entry });
    }
    if tensors.is_empty() {
        return Err(Problem::NoTensors);
    }
    Ok(tensors)
}

/// The byte range of an entry in a file of `length` bytes.
fn find(archive: &mut Archive, name: &str, length: u64) -> Result<Entry, Problem> {
    let problem = |what| Problem::Entry {
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
    let entry = file.data_start().map(|start| Entry {
        start,
        length: file.size(),
    });
    entry
        .filter(|entry| {
            let end = entry.start.checked_add(entry.length);
            end.is_some_and(|end| end <= length)
        })
        .ok_or_else(|| problem("goes beyond the end of the file"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use half::f16;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A tensor over one storage of ten halves, from 0 to 9.
    fn tensor(offset: u8, shape: [u8; 2], strides: [u8; 2]) -> Result<Vec<f32>, String> {
        let mut pickle = b"\x80\x02}X\x06\0\0\0tensorctorch._utils\n_rebuild_tensor_v2\n".to_vec();
        pickle
            .extend(b"((X\x07\0\0\0storagectorch\nHalfStorage\nX\x01\0\0\0aX\x03\0\0\0cpuK\x0atQ");
        pickle.extend([b'K', offset]);
        for [rows, columns] in [shape, strides] {
            pickle.extend([b'K', rows, b'K', columns, 0x86]);
        }
        pickle.extend(b"\x89NtRs.");
        let storage: Vec<u8> = (0..10u8).flat_map(|n| f16::from(n).to_le_bytes()).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.bin");
        let mut archive = ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in [("m/data.pkl", pickle), ("m/data/a", storage)] {
            let options =
                SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            archive.start_file(name, options).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        archive.finish().unwrap();
        let weights = Pickle::open(path).map_err(|error| error.to_string())?;
        assert_eq!(
            weights.find("tensor").unwrap().shape,
            shape.map(usize::from)
        );
        let mut values = Vec::new();
        let read = weights.append("tensor", &mut values);
        read.map(|()| values).map_err(|error| error.to_string())
    }

    #[test]
    fn tensors_may_be_any_view_of_a_storage() {
        let rows = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(tensor(0, [2, 3], [3, 1]).unwrap(), rows);
        assert_eq!(tensor(4, [2, 3], [3, 1]).unwrap(), rows.map(|n| n + 4.0));
        // Transposed, and with a stride of 2.
        assert_eq!(
            tensor(0, [3, 2], [1, 3]).unwrap(),
            [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
        );
        assert_eq!(tensor(1, [2, 2], [4, 2]).unwrap(), [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(tensor(9, [1, 1], [200, 200]).unwrap(), [9.0]);
        assert_eq!(tensor(0, [0, 3], [3, 1]).unwrap(), [0.0; 0]);
    }

    #[test]
    fn tensors_outside_their_storage_are_refused() {
        for (offset, shape, strides) in [
            (5, [2, 3], [3, 1]),
            (0, [2, 6], [5, 1]),
            // One element, repeated without end.
            (0, [200, 200], [0, 0]),
        ] {
            let error = tensor(offset, shape, strides).unwrap_err();
            assert!(error.contains("the 20 bytes of its storage"), "{error}");
        }
    }
}
