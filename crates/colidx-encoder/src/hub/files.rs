//! The files of a repository that an encoder reads.

use std::path::{Path, PathBuf};

use super::HubError;
use super::id::is_plain;
use crate::EncoderError;
use crate::files::inside;
use crate::layout::{
    FILES, Folder, METADATA, MODULES, Module, TOKENIZER, VOCABULARY, WEIGHTS, read_modules,
    read_shards,
};

/// Most modules or shards of a checkpoint: each costs a request, and each absent one a file in the
/// cache.
const MAX_NAMES: usize = 1000;

/// What a visit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether a file identifies a ColBERT checkpoint.
    pub layout: bool,
    /// Whether all weights were found.
    pub weights: bool,
}

/// Calls `get` for every file of a checkpoint that an encoder reads. `get` returns the file's path,
/// or none if there is no such file.
///
/// # Errors
/// Those of `get`, and if a file that lists others is damaged.
pub(super) fn visit(
    get: &mut dyn FnMut(&str) -> Result<Option<PathBuf>, HubError>,
) -> Result<Seen, HubError> {
    let modules = get(MODULES)?;
    let mut seen = Seen {
        layout: modules.is_some(),
        weights: true,
    };
    let modules: Vec<Module> = match &modules {
        Some(path) => {
            let modules = read_modules(path)?;
            check(path, modules.iter().map(|module| &module.path))?;
            modules
        }
        None => Vec::new(),
    };
    let transformer = modules.first().map_or("", |module| &module.path);
    let mut has_tokenizer = false;
    for file in FILES {
        let found = match (file.folder, file.name) {
            // Asked for already.
            (Folder::Checkpoint, MODULES) | (Folder::Module, _) => false,
            (_, VOCABULARY) if has_tokenizer => false,
            (Folder::Checkpoint, name) => get(name)?.is_some(),
            (Folder::Transformer, name) => get(&inside(transformer, name))?.is_some(),
        };
        seen.layout |= found && file.name == METADATA;
        has_tokenizer |= found && file.name == TOKENIZER;
    }
    seen.weights &= visit_weights(transformer, get)?;
    for module in modules.iter().skip(1) {
        for file in FILES.iter().filter(|file| file.folder == Folder::Module) {
            get(&inside(&module.path, file.name))?;
        }
        if module.has_weights() {
            seen.weights &= visit_weights(&module.path, get)?;
        }
    }
    Ok(seen)
}

fn visit_weights(
    folder: &str,
    get: &mut dyn FnMut(&str) -> Result<Option<PathBuf>, HubError>,
) -> Result<bool, HubError> {
    for [single, index] in WEIGHTS {
        if get(&inside(folder, single))?.is_some() {
            return Ok(true);
        }
        let Some(index) = get(&inside(folder, index))? else {
            continue;
        };
        let shards = read_shards(&index)?;
        check(&index, &shards)?;
        let mut all = true;
        for shard in shards {
            all &= get(&inside(folder, &shard))?.is_some();
        }
        return Ok(all);
    }
    Ok(false)
}

/// Checks that the `names` listed by the file at `path` are not too many and stay inside the
/// repository.
fn check<'a>(path: &Path, names: impl IntoIterator<Item = &'a String>) -> Result<(), HubError> {
    let refuse = |problem| {
        let path = path.to_owned();
        Err(EncoderError::Config { path, problem }.into())
    };
    for (count, name) in names.into_iter().enumerate() {
        if count == MAX_NAMES {
            return refuse(format!("expected at most {MAX_NAMES} names, got more"));
        }
        if !name.is_empty() && !name.split('/').all(is_plain) {
            let shown: String = name.chars().take(80).collect();
            return refuse(format!(
                "{shown:?} is no name of a file or folder in the repository"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::files::seen;
    use crate::tests::fixtures;
    use crate::{Encoder, EncoderOptions};

    /// The result of a visit to a repository of these files, and the files found, in order.
    fn visited(files: &[(&str, &str)]) -> (Seen, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let mut found = Vec::new();
        let seen = visit(&mut |name| {
            let path = folder.path().join(name);
            if !path.is_file() {
                return Ok(None);
            }
            found.push(name.to_owned());
            Ok(Some(path))
        });
        (seen.unwrap(), found)
    }

    const WHOLE: Seen = Seen {
        layout: true,
        weights: true,
    };

    #[test]
    fn module_folders_are_visited_and_other_formats_are_not() {
        let modules = r#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"path": "1_Dense", "type": "pylate.models.Dense.Dense"}]"#;
        let (seen, found) = visited(&[
            ("modules.json", modules),
            ("config.json", "{}"),
            ("tokenizer.json", "{}"),
            ("model.safetensors", ""),
            ("pytorch_model.bin", ""),
            ("1_Pooling/config.json", "{}"),
            ("1_Dense/config.json", "{}"),
            ("1_Dense/pytorch_model.bin", ""),
            ("onnx/model.onnx", ""),
            ("paper.pdf", ""),
        ]);
        assert_eq!(seen, WHOLE);
        assert_eq!(
            found,
            [
                "modules.json",
                "config.json",
                "tokenizer.json",
                "model.safetensors",
                "1_Pooling/config.json",
                "1_Dense/config.json",
                "1_Dense/pytorch_model.bin",
            ]
        );
    }

    /// A visit asks for every file that a layout reads or tests for existence, and a copy of the
    /// visited files is the same checkpoint.
    #[test]
    fn every_file_that_a_layout_reads_is_fetched() {
        for fixture in fixtures().into_iter().flatten() {
            let copy = tempfile::tempdir().unwrap();
            let mut asked = BTreeSet::new();
            visit(&mut |name| {
                asked.insert(PathBuf::from(name));
                let path = fixture.join(name);
                if !path.is_file() {
                    return Ok(None);
                }
                let to = copy.path().join(name);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(&path, to).unwrap();
                Ok(Some(path))
            })
            .unwrap();
            let [copied, whole] = [copy.path(), &fixture].map(|folder| {
                let encoder = Encoder::open(folder, &EncoderOptions::default());
                encoder.unwrap_or_else(|error| panic!("{}: {error}", fixture.display()))
            });
            let shown = fixture.display();
            for folder in [copy.path(), &fixture] {
                let read = seen::below(folder);
                assert!(read.contains(Path::new("modules.json")), "{shown}");
                let missed: Vec<_> = read.difference(&asked).collect();
                assert!(
                    missed.is_empty(),
                    "{shown}: {missed:?} would not be fetched"
                );
            }
            let [copied, whole] = [copied.info(), whole.info()];
            assert_eq!(copied.fingerprint, whole.fingerprint, "{shown}");
            assert_eq!(copied.settings, whole.settings, "{shown}");
            assert_eq!(copied.notes, whole.notes, "{shown}");
        }
    }

    #[test]
    fn shards_come_from_the_index() {
        let index = r#"{"weight_map": {
            "a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}"#;
        let mut files = vec![
            ("artifact.metadata", "{}"),
            ("model.safetensors.index.json", index),
            ("model-1.safetensors", ""),
            ("model-2.safetensors", ""),
            ("model-3.safetensors", ""),
        ];
        let (seen, found) = visited(&files);
        assert_eq!(seen, WHOLE);
        assert_eq!(
            found[2..],
            ["model-1.safetensors", "model-2.safetensors"].map(str::to_owned)
        );
        files.remove(3);
        assert!(!visited(&files).0.weights);
    }

    #[test]
    fn names_outside_the_repository_are_refused() {
        for modules in [
            r#"[{"path": "../../x", "type": "Transformer"}]"#,
            r#"[{"path": "/etc", "type": "Transformer"}]"#,
            &format!(
                "[{}{{\"path\": \"\", \"type\": \"x\"}}]",
                "{\"path\": \"a\", \"type\": \"Dense\"},".repeat(1000)
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(MODULES);
            fs::write(&path, modules).unwrap();
            let error = visit(&mut |name| Ok((name == MODULES).then(|| path.clone()))).unwrap_err();
            assert!(error.to_string().contains(MODULES), "{error}");
        }
    }
}
