//! Which engine wrote a folder.

use std::path::{Path, PathBuf};

use crate::engines::{Layout, pylate};
use crate::error::ImportError;
use crate::folder::{Folder, unreadable};

/// Entries of a folder that an error names.
const NAMED: usize = 8;

/// Folders of engines in those of PyLate.
const PYLATE: [(&str, Layout); 2] = [
    ("fast_plaid_index", Layout::FastPlaid),
    ("warp_index", Layout::XtrWarp),
];

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
    // colgrep's, RAGatouille's root and Stanford's experiment; and a folder of several.
    for inner in ["index", "colbert/indexes", "indexes", ""] {
        let inner = path.join(inner);
        if !inner.is_dir() {
            continue;
        }
        if let Some(found) = recognise(&inner)? {
            return Ok(found);
        }
        if let Some(found) = only(&inner)? {
            return Ok(found);
        }
    }
    unsupported(path)?;
    Err(not_recognised(path, listing(path)?))
}

/// The only index in the folders of a folder; an error if there are several.
fn only(path: &Path) -> Result<Option<Found>, ImportError> {
    let mut indexes = Vec::new();
    for folder in folders(path)? {
        if let Some(found) = recognise(&folder)? {
            indexes.push((folder, found));
        }
    }
    if indexes.len() > 1 {
        let folders: Vec<_> = indexes.into_iter().map(|(folder, _)| folder).collect();
        return Err(several(path, &folders));
    }
    Ok(indexes.pop().map(|(_, found)| found))
}

fn recognise(path: &Path) -> Result<Option<Found>, ImportError> {
    let mut inner = PYLATE
        .map(|(name, layout)| (path.join(name), layout))
        .to_vec();
    inner.retain(|(inner, _)| inner.is_dir());
    match &inner[..] {
        [] => {}
        [(inner, layout)] => return Ok(Some(in_pylate(inner, *layout, path))),
        _ => {
            let folders: Vec<_> = inner.into_iter().map(|(folder, _)| folder).collect();
            return Err(several(path, &folders));
        }
    }
    if let Some((layout, outer)) = pylate_around(path) {
        return Ok(Some(in_pylate(path, layout, &outer)));
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
        let named = has_names(path, Layout::Stanford);
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

/// An index in the folder `inner` of PyLate's folder `outer`.
fn in_pylate(inner: &Path, layout: Layout, outer: &Path) -> Found {
    Found {
        folder: Folder::new(inner, "PyLate"),
        layout,
        pylate: Some(Folder::new(outer, "PyLate")),
    }
}

/// PyLate's folder around that of an engine, if it has the names of the documents.
fn pylate_around(path: &Path) -> Option<(Layout, PathBuf)> {
    let path = path.canonicalize().ok()?;
    let outer = path.parent()?;
    let (_, layout) = PYLATE.into_iter().find(|(name, _)| path.ends_with(name))?;
    has_names(outer, layout).then(|| (layout, outer.to_owned()))
}

fn has_names(path: &Path, layout: Layout) -> bool {
    let stem = pylate::names(layout);
    let has = |end: &str| path.join(format!("{stem}.{end}")).is_file();
    has("pkl") || has("sqlite")
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

fn several(path: &Path, indexes: &[PathBuf]) -> ImportError {
    ImportError::Several {
        path: path.display().to_string(),
        indexes: names(indexes),
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
    Ok(match entries.is_empty() {
        true => "nothing".to_owned(),
        false => names(&entries),
    })
}

/// The names of the first paths.
fn names(paths: &[PathBuf]) -> String {
    let names = paths.iter().filter_map(|path| path.file_name());
    let names = names.map(|name| format!("`{}`", name.to_string_lossy()));
    let names: Vec<_> = names.take(NAMED).collect();
    let more = if paths.len() > names.len() {
        ", ..."
    } else {
        ""
    };
    format!("{}{more}", names.join(", "))
}
