//! Writing the folder that [`super::Embeddings`] reads.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{EmbeddingsError, KEYS, LENGTHS, TOKEN_IDS, VECTORS};
use crate::input::file_name;
use crate::input::npy::{Dtype, NpyError, NpyWriter};

/// Writes documents one by one. The files have the ending `.partial` until [`EmbeddingsWriter::finish`], so that an
/// interrupted run leaves nothing that looks whole; dropped unfinished, they are removed.
pub struct EmbeddingsWriter {
    dim: usize,
    parts: Option<Parts>,
    pending: Pending,
}

struct Parts {
    vectors: NpyWriter<File>,
    lengths: NpyWriter<File>,
    token_ids: NpyWriter<File>,
    keys: BufWriter<File>,
}

impl EmbeddingsWriter {
    /// Creates the folder if need be. `dtype`, f16 or f32, is the type of the vectors.
    ///
    /// # Errors
    /// The folder holds embeddings already and `replace` is not set, or it cannot be written.
    pub fn create(
        folder: &Path,
        dim: usize,
        dtype: Dtype,
        replace: bool,
    ) -> Result<Self, EmbeddingsError> {
        if !replace
            && let Some(path) = FILES
                .map(|name| folder.join(name))
                .into_iter()
                .find(|path| path.exists())
        {
            return Err(EmbeddingsError::Exists { path });
        }
        fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
        let pending = Pending {
            folder: folder.to_owned(),
        };
        let keys = pending.path(KEYS);
        let parts = Parts {
            vectors: NpyWriter::create(&pending.path(VECTORS), dtype, &[dim as u64])?,
            lengths: NpyWriter::create(&pending.path(LENGTHS), Dtype::I32, &[])?,
            token_ids: NpyWriter::create(&pending.path(TOKEN_IDS), Dtype::U32, &[])?,
            keys: BufWriter::new(File::create(&keys).map_err(|source| unwritable(&keys, source))?),
        };
        Ok(EmbeddingsWriter {
            dim,
            parts: Some(parts),
            pending,
        })
    }

    /// Appends one document: its vectors ([n, dim] row-major) and the token id of each; n may be 0.
    ///
    /// # Errors
    /// Vectors and ids do not fit together, the key has a line end in it, or a failed write.
    pub fn push(
        &mut self,
        key: &str,
        vectors: &[f32],
        token_ids: &[u32],
    ) -> Result<(), EmbeddingsError> {
        if vectors.len() != token_ids.len() * self.dim {
            return Err(EmbeddingsError::Mismatch {
                file: file_name(&self.pending.path(VECTORS)).to_string(),
                what: "a document",
                expected: (token_ids.len() * self.dim).to_string(),
                got: vectors.len(),
            });
        }
        if key.contains(['\n', '\r']) {
            return Err(EmbeddingsError::KeyWithLineEnd {
                key: key.to_owned(),
            });
        }
        let Some(parts) = &mut self.parts else {
            return Ok(());
        };
        parts.vectors.write_floats(vectors)?;
        parts.lengths.write_integers(&[token_ids.len() as u32])?;
        parts.token_ids.write_integers(token_ids)?;
        let path = self.pending.path(KEYS);
        writeln!(parts.keys, "{key}").map_err(|source| unwritable(&path, source))?;
        Ok(())
    }

    /// Completes the files and gives them their names, the lengths last.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self) -> Result<(), EmbeddingsError> {
        let Some(parts) = self.parts.take() else {
            return Ok(());
        };
        let keys = self.pending.path(KEYS);
        let keys_file = parts
            .keys
            .into_inner()
            .map_err(|error| unwritable(&keys, error.into_error()))?;
        let files = [
            (VECTORS, parts.vectors.finish()?),
            (TOKEN_IDS, parts.token_ids.finish()?),
            (KEYS, keys_file),
            (LENGTHS, parts.lengths.finish()?),
        ];
        for (name, file) in &files {
            let path = self.pending.path(name);
            file.sync_all()
                .map_err(|source| unwritable(&path, source))?;
        }
        for (name, file) in files {
            drop(file);
            let (from, to) = (self.pending.path(name), self.pending.folder.join(name));
            fs::rename(&from, &to).map_err(|source| unwritable(&to, source))?;
        }
        Ok(())
    }
}

const FILES: [&str; 4] = [VECTORS, TOKEN_IDS, KEYS, LENGTHS];

fn unwritable(path: &Path, source: std::io::Error) -> EmbeddingsError {
    NpyError::Unwritable {
        file: file_name(path).to_string(),
        source,
    }
    .into()
}

/// Removes the files that did not get their names.
struct Pending {
    folder: PathBuf,
}

impl Pending {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.partial"))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for name in FILES {
            // Gone already after a finish; if it cannot be removed there is nobody left to tell.
            let _ = fs::remove_file(self.path(name));
        }
    }
}
