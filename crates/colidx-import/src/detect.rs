//! Which engine wrote a folder.

use std::path::{Path, PathBuf};

use crate::engines::Layout;
use crate::error::ImportError;
use crate::folder::{Folder, unreadable};

/// Entries of a folder that an error names.
const NAMED: usize = 8;

/// An index that was found.
pub(crate) struct Found {
    /// The engine's folder.
    pub(crate) folder: Folder,
    pub(crate) layout: Layout,
    /// The folder with PyLate's names of the documents.
    pub(crate) pylate: Option<Folder>,
}

/// Finds the index in `path` or in a folder in it that engines are known to make.
pub(crate) fn detect(path: &Path) -> Result<Found, ImportError> {
    let metadata = path.metadata().map_err(|source| unreadable(path, source))?;
    if !metadata.is_dir() {
        return Err(not_recognised(path, "a file".to_owned()));
    }
    if let Some(found) = recognise(path)? {
        return Ok(found);
    }
    // colgrep's, RAGatouille's root and Stanford's experiment.
    for inner in ["index", "colbert/indexes", "indexes"] {
        let inner = path.join(inner);
        if !inner.is_dir() {
            continue;
        }
        if let Some(found) = recognise(&inner)? {
            return Ok(found);
        }
        if let [only] = &folders(&inner)?[..]
            && let Some(found) = recognise(only)?
        {
            return Ok(found);
        }
    }
    unsupported(path)?;
    Err(not_recognised(path, listing(path)?))
}

fn recognise(path: &Path) -> Result<Option<Found>, ImportError> {
    for (inner, layout, name) in [
        ("fast_plaid_index", Layout::FastPlaid, "PyLate"),
        ("warp_index", Layout::XtrWarp, "PyLate"),
    ] {
        let inner = path.join(inner);
        if inner.is_dir() {
            return Ok(Some(Found {
                folder: Folder::new(&inner, name),
                layout,
                pylate: Some(Folder::new(path, name)),
            }));
        }
    }
    let has = |name: &str| path.join(name).is_file();
    let found = |layout, name| Found {
        folder: Folder::new(path, name),
        layout,
        pylate: None,
    };
    if ["centroids.pt", "0.codes.pt", "ivf.pid.pt"]
        .into_iter()
        .any(has)
    {
        if has("pid_docid_map.json") {
            return Ok(Some(found(Layout::Ragatouille, "RAGatouille")));
        }
        let stanford = found(Layout::Stanford, "Stanford ColBERT");
        let named =
            has("plaid_ids_to_documents_ids.pkl") || has("plaid_ids_to_documents_ids.sqlite");
        let pylate = named.then(|| Folder::new(path, "PyLate"));
        return Ok(Some(Found { pylate, ..stanford }));
    }
    if has("codes.compacted.npy") || has("doclens.0.npy") {
        return Ok(Some(found(Layout::XtrWarp, "xtr-warp-rs")));
    }
    if has("metadata.json") && (has("centroids.npy") || has("doclens.0.json")) {
        let folder = Folder::new(path, "fast-plaid");
        let metadata = folder.settings("metadata.json")?;
        let next = metadata["next_plaid_compatible"] == true || has("embeddings_lengths.json");
        return Ok(Some(if next {
            found(Layout::NextPlaid, "next-plaid")
        } else {
            found(Layout::FastPlaid, "fast-plaid")
        }));
    }
    Ok(None)
}

/// Refuses what is known and not read.
fn unsupported(path: &Path) -> Result<(), ImportError> {
    let ids = [
        "documents_ids_to_embeddings.sqlite",
        "documents_ids_to_embeddings.pkl",
    ];
    for (name, engine, advice) in [
        (
            "index.voyager",
            "Voyager, as PyLate and RAGatouille use it",
            "encode the documents again",
        ),
        (ids[0], "PyLate without PLAID", "encode the documents again"),
        (ids[1], "PyLate without PLAID", "encode the documents again"),
        (
            "_versions",
            "Lance",
            "it holds the vectors themselves: export them to .npy with its own client, and build \
             from those",
        ),
    ] {
        if path.join(name).exists() {
            return Err(ImportError::Unsupported {
                path: path.display().to_string(),
                engine,
                advice,
            });
        }
    }
    Ok(())
}

fn not_recognised(path: &Path, found: String) -> ImportError {
    ImportError::NotRecognised {
        path: path.display().to_string(),
        found,
    }
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let io = |source| unreadable(path, source);
    let entries = path.read_dir().map_err(io)?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(io)?;
    paths.sort();
    Ok(paths)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let mut folders = entries(path)?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

/// The first entries of a folder, in words.
fn listing(path: &Path) -> Result<String, ImportError> {
    let entries = entries(path)?;
    let names: Vec<_> = (entries.iter())
        .filter_map(|path| path.file_name())
        .map(|name| format!("`{}`", name.to_string_lossy()))
        .take(NAMED)
        .collect();
    let more = if entries.len() > names.len() {
        ", ..."
    } else {
        ""
    };
    Ok(match &names[..] {
        [] => "nothing".to_owned(),
        names => format!("{}{more}", names.join(", ")),
    })
}
