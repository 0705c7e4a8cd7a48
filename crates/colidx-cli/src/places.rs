//! Places that are something else than a flag means: a file, an index, a checkpoint.

use std::path::{Path, PathBuf};

use colidx::Index;

use crate::args::{Command, IngestArgs, InputArgs, QueryFileArgs, ScopeArgs};
use crate::error::{Kind, PlaceError};

/// What stands at a path; `None` where there is nothing, or a pipe or device.
fn kind(path: &Path) -> Option<Kind> {
    if path.is_file() {
        return Some(Kind::File);
    }
    if !path.is_dir() {
        return None;
    }
    if Index::exists(path) {
        return Some(Kind::Index);
    }
    let has = |name: &str| path.join(name).is_file();
    let weights = [
        "model.safetensors",
        "pytorch_model.bin",
        "model.safetensors.index.json",
    ];
    if has("config.json") && weights.into_iter().any(has) {
        return Some(Kind::Checkpoint);
    }
    Some(Kind::Folder)
}

/// Checks the places that a command is given, as far as the libraries cannot know what was meant.
///
/// # Errors
/// One of them is of another kind.
pub fn check(command: &Command) -> Result<(), PlaceError> {
    match command {
        Command::Build(args) => {
            target(&args.index.path)?;
            input(&args.input)?;
            args.model.iter().try_for_each(|name| model(name))
        }
        Command::Import(args) => {
            target(&args.index.path)?;
            foreign(&args.foreign)?;
            (args.collection.iter()).try_for_each(|path| file(path, "a TSV collection"))?;
            args.model.iter().try_for_each(|name| model(name))
        }
        Command::Export(args) => {
            index(&args.index.path)?;
            out(&args.out)
        }
        Command::Add(args) => ingest(&args.ingest),
        Command::Update(args) => ingest(&args.ingest),
        Command::Delete(args) => {
            index(&args.index.path)?;
            keys(&args.keys)
        }
        Command::Compact(args) => {
            index(&args.index.path)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Search(args) => {
            index(&args.index.path)?;
            queries(&args.queries)?;
            scope(&args.scope)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Rerank(args) => {
            args.index.iter().try_for_each(|path| index(path))?;
            queries(&args.queries)?;
            (args.run.iter()).try_for_each(|path| file(path, "a TREC run"))?;
            args.texts.iter().try_for_each(|path| corpus(path))?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Eval(args) => {
            index(&args.index.path)?;
            queries(&args.queries)?;
            file(&args.qrels, "a file of judgements")?;
            scope(&args.scope)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Tune(args) => {
            index(&args.index.path)?;
            queries(&args.queries)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Bench(args) => {
            index(&args.index.path)?;
            queries(&args.queries)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Encode(args) => {
            args.corpus.iter().try_for_each(|path| corpus(path))?;
            out(&args.out)?;
            model(&args.model)
        }
        Command::Model(args) => model(&args.model),
        Command::Info(args) => index(&args.index.path),
        Command::Verify(args) => index(&args.index.path),
        Command::Explain(args) => {
            index(&args.index.path)?;
            vectors(&args.query_embeddings)?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        #[cfg(feature = "mcp")]
        Command::Mcp(args) => {
            args.indexes.iter().try_for_each(|path| index(path))?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
        Command::Agents(args) => args.indexes.iter().try_for_each(|path| index(path)),
        Command::Completions(_) => Ok(()),
        Command::Man(args) => out(&args.folder),
        #[cfg(feature = "serve")]
        Command::Serve(args) => {
            args.indexes.iter().try_for_each(|path| index(path))?;
            args.model.model.iter().try_for_each(|name| model(name))
        }
    }
}

/// Where `add` and `update` read and write.
fn ingest(args: &IngestArgs) -> Result<(), PlaceError> {
    index(&args.index.path)?;
    input(&args.input)?;
    args.model.model.iter().try_for_each(|name| model(name))
}

/// What is indexed.
fn input(args: &InputArgs) -> Result<(), PlaceError> {
    vectors(&args.vectors.embeddings)?;
    keys(&args.vectors.embedding_keys)?;
    args.corpus.iter().try_for_each(|path| corpus(path))
}

/// An index to open.
fn index(path: &Path) -> Result<(), PlaceError> {
    let advice = match kind(path) {
        Some(Kind::File) => {
            "build an index of it with `colidx build`, or give the directory of one"
        }
        Some(Kind::Checkpoint) => "name it with --model when you build an index",
        _ => return Ok(()),
    };
    wrong(path, "the directory of an index", advice)
}

/// An index to write.
fn target(path: &Path) -> Result<(), PlaceError> {
    match kind(path) {
        Some(Kind::File | Kind::Checkpoint) => wrong(
            path,
            "the directory of an index",
            "choose a directory that does not exist yet",
        ),
        _ => Ok(()),
    }
}

/// An index of another engine to read.
fn foreign(path: &Path) -> Result<(), PlaceError> {
    let advice = match kind(path) {
        Some(Kind::Index) => "it is one of colidx already: use it as it is",
        Some(Kind::Checkpoint) => "name it with --model, and the index that it made here",
        _ => return Ok(()),
    };
    wrong(path, "an index of another engine", advice)
}

/// A corpus to read.
fn corpus(path: &Path) -> Result<(), PlaceError> {
    let advice = match kind(path) {
        Some(Kind::Index) => "give the files that it was built from",
        Some(Kind::Checkpoint) => "give files or folders of documents",
        _ => return Ok(()),
    };
    wrong(path, "a corpus", advice)
}

/// Vectors to read.
fn vectors(path: &Option<PathBuf>) -> Result<(), PlaceError> {
    let Some(path) = path.as_deref() else {
        return Ok(());
    };
    let advice = match kind(path) {
        Some(Kind::Index) => "`colidx export` writes those of an index to files",
        Some(Kind::Checkpoint) => "give what `colidx encode` wrote with it",
        _ => return Ok(()),
    };
    wrong(path, "a file or directory of vectors", advice)
}

/// A checkpoint to open, unless it is a hub id.
fn model(name: &str) -> Result<(), PlaceError> {
    let path = Path::new(name);
    match kind(path) {
        Some(Kind::Index | Kind::File) => wrong(
            path,
            "a model checkpoint",
            "give the directory of a checkpoint, or a hub id",
        ),
        _ => Ok(()),
    }
}

/// Query files to read.
fn queries(args: &QueryFileArgs) -> Result<(), PlaceError> {
    (args.queries.iter()).try_for_each(|path| file(path, "a query file"))?;
    vectors(&args.query_embeddings)
}

/// A file to read.
fn file(path: &Path, expected: &'static str) -> Result<(), PlaceError> {
    match kind(path) {
        Some(Kind::Index | Kind::Checkpoint | Kind::Folder) => wrong(path, expected, "give a file"),
        _ => Ok(()),
    }
}

/// What a search is held to.
fn scope(args: &ScopeArgs) -> Result<(), PlaceError> {
    keys(&args.keys)
}

/// A file of keys to read.
fn keys(path: &Option<PathBuf>) -> Result<(), PlaceError> {
    path.iter()
        .try_for_each(|path| file(path, "a file of keys"))
}

/// A directory to write to.
fn out(path: &Path) -> Result<(), PlaceError> {
    match kind(path) {
        // What writes keeps clear of indexes itself.
        Some(Kind::Checkpoint) => wrong(
            path,
            "a directory to write to",
            "choose one that does not exist yet",
        ),
        _ => Ok(()),
    }
}

/// Says what stands at a path.
fn wrong(path: &Path, expected: &'static str, advice: &'static str) -> Result<(), PlaceError> {
    Err(PlaceError {
        path: path.to_owned(),
        found: kind(path).unwrap_or(Kind::Folder),
        expected,
        advice,
    })
}
