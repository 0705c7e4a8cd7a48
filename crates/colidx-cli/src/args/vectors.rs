//! Vectors that were made before, for the commands that add documents.

use std::path::PathBuf;

use clap::Args;

const HEADING: &str = "Reading vectors";

/// Flags about files of vectors.
#[derive(Debug, Args)]
pub struct VectorsArgs {
    /// Take vectors from files instead of encoding text: .npy, .npz, safetensors or .pt, one array
    /// per document or one for all with their lengths beside it, or JSON Lines with a field of
    /// vectors.
    ///
    /// PATH is a folder with doc_embeddings.npy and doc_lens.npy, as `colidx encode` writes it; a
    /// folder with one file per document; a file with one array per document; one array of three
    /// dimensions, whose rows of zeros are padding; JSON Lines; or a folder that `colidx export`
    /// wrote. A corpus named as well gives keys, titles, texts and metadata: by key where the
    /// vectors have keys, such as the names of files or arrays, else in the order of the vectors.
    #[arg(long, value_name = "PATH", conflicts_with = "model")]
    pub embeddings: Option<PathBuf>,

    /// JSON field or Parquet column with the vectors, an array of arrays of numbers.
    #[arg(
        long, help_heading = HEADING, value_name = "NAME", default_value = "vectors"
    )]
    pub vectors_field: String,

    /// File with the keys of the vectors, one per line [default: the keys stored with the vectors,
    /// or row numbers].
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    pub embedding_keys: Option<PathBuf>,
}
