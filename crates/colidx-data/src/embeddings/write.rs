//! Writing the folder that [`super::Embeddings`] reads.

use std::io::Write;
use std::path::Path;

use super::{EmbeddingsError, KEYS, LENGTHS, TOKEN_IDS, VECTORS};
use crate::file_name;
use crate::npy::{Dtype, NpyError, NpyWriter};
use crate::{CompletedFile, OutputFile, Protected};

/// Writes documents one by one. The files get their names in [`EmbeddingsWriter::finish`], so that
/// an interrupted run leaves nothing that looks whole.
pub struct EmbeddingsWriter {
    dim: usize,
    vectors: NpyWriter<OutputFile>,
    lengths: NpyWriter<OutputFile>,
    token_ids: Option<NpyWriter<OutputFile>>,
    keys: OutputFile,
    /// How messages call the files.
    vectors_name: String,
    keys_name: String,
}

impl EmbeddingsWriter {
    /// The names of the files, in the order in which they get them.
    pub const FILES: [&str; 4] = [VECTORS, TOKEN_IDS, KEYS, LENGTHS];

    /// Makes the folder if need be. `dtype`, f16 or f32, is the type of the vectors.
    ///
    /// # Errors
    /// `protected` does not let the folder or one of its files be written, or they cannot be.
    pub fn create(
        folder: &Path,
        dim: usize,
        dtype: Dtype,
        protected: &Protected,
    ) -> Result<Self, EmbeddingsError> {
        let mut writer = Self::without_token_ids(folder, dim, dtype, protected)?;
        let file = OutputFile::create(&protected.make_folder(folder)?.join(TOKEN_IDS), protected)?;
        let name = file_name(&folder.join(TOKEN_IDS));
        writer.token_ids = Some(NpyWriter::new(file, &name, Dtype::U32, &[])?);
        Ok(writer)
    }

    /// As [`EmbeddingsWriter::create`], without a file of token ids: those that are pushed must be
    /// none.
    ///
    /// # Errors
    /// As there.
    pub fn without_token_ids(
        folder: &Path,
        dim: usize,
        dtype: Dtype,
        protected: &Protected,
    ) -> Result<Self, EmbeddingsError> {
        let real = protected.make_folder(folder)?;
        let create = |name| OutputFile::create(&real.join(name), protected);
        let npy = |name, dtype, row: &[u64]| -> Result<_, EmbeddingsError> {
            let file = create(name)?;
            Ok(NpyWriter::new(
                file,
                &file_name(&folder.join(name)),
                dtype,
                row,
            )?)
        };
        Ok(EmbeddingsWriter {
            dim,
            vectors: npy(VECTORS, dtype, &[dim as u64])?,
            lengths: npy(LENGTHS, Dtype::I32, &[])?,
            token_ids: None,
            keys: create(KEYS)?,
            vectors_name: file_name(&folder.join(VECTORS)).to_string(),
            keys_name: file_name(&folder.join(KEYS)).to_string(),
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
        let tokens = match self.token_ids {
            Some(_) => token_ids.len(),
            None => vectors.len() / self.dim.max(1),
        };
        if vectors.len() != tokens * self.dim {
            return Err(EmbeddingsError::Mismatch {
                file: self.vectors_name.clone(),
                what: "a document",
                expected: (tokens * self.dim).to_string(),
                got: vectors.len(),
            });
        }
        if key.contains(['\n', '\r']) {
            return Err(EmbeddingsError::KeyWithLineEnd {
                key: key.to_owned(),
            });
        }
        self.vectors.write_floats(vectors)?;
        self.lengths.write_integers(&[tokens as u32])?;
        if let Some(writer) = &mut self.token_ids {
            writer.write_integers(token_ids)?;
        }
        writeln!(self.keys, "{key}").map_err(|source| NpyError::Unwritable {
            file: self.keys_name.clone(),
            source,
        })?;
        Ok(())
    }

    /// Completes the files and gives them their names, the lengths last.
    ///
    /// # Errors
    /// A failed write, or a name that something else has by now.
    pub fn finish(self) -> Result<(), EmbeddingsError> {
        for file in self.complete()? {
            file.publish()?;
        }
        Ok(())
    }

    /// Completes the files, which wait for their names, the lengths last.
    ///
    /// # Errors
    /// A failed write.
    pub fn complete(self) -> Result<Vec<CompletedFile>, EmbeddingsError> {
        let mut files = vec![self.vectors.finish()?.complete()?];
        if let Some(token_ids) = self.token_ids {
            files.push(token_ids.finish()?.complete()?);
        }
        files.extend([self.keys.complete()?, self.lengths.finish()?.complete()?]);
        Ok(files)
    }
}
