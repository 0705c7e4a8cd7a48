//! Finding a checkpoint: a directory, or a hub id that has been fetched before.

use std::path::{Path, PathBuf};

use crate::error::CliError;

/// The directory that `model` names.
///
/// A directory is taken as it is. Anything else of the form `owner/name` is looked up among the checkpoints that the model
/// hub's own tools keep on this machine (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface`). Nothing is fetched.
///
/// # Errors
/// [`CliError::NoModel`] when there is no such directory and no such checkpoint.
pub fn locate(model: &str) -> Result<PathBuf, CliError> {
    let path = PathBuf::from(model);
    if path.is_dir() {
        return Ok(path);
    }
    let Some((owner, name)) = model
        .split_once('/')
        .filter(|(owner, name)| is_hub_part(owner) && is_hub_part(name))
    else {
        let reason = "there is no such directory; name a directory with config.json, tokenizer.json and model.safetensors";
        return Err(CliError::NoModel {
            path,
            reason: reason.to_owned(),
        });
    };
    let cache = hub_cache(|name| std::env::var_os(name).map(PathBuf::from));
    cache.as_deref().and_then(|cache| snapshot(cache, owner, name)).ok_or_else(|| {
        let place = cache.map_or_else(|| "the hub cache".to_owned(), |cache| cache.display().to_string());
        let reason = format!(
            "there is no such directory, and no checkpoint of that name in {place}; fetch it with scripts/fetch-model and name its directory"
        );
        CliError::NoModel { path, reason }
    })
}

fn is_hub_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed)
}

fn hub_cache(get: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    get("HF_HUB_CACHE")
        .or_else(|| get("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| get("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| get("HOME").map(|home| home.join(".cache/huggingface/hub")))
}

/// The snapshot that `refs/main` names, in the hub's cache layout.
fn snapshot(cache: &Path, owner: &str, name: &str) -> Option<PathBuf> {
    let repository = cache.join(format!("models--{owner}--{name}"));
    let revision = std::fs::read_to_string(repository.join("refs/main")).ok()?;
    let directory = repository.join("snapshots").join(revision.trim());
    directory.is_dir().then_some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            locate(&folder.path().display().to_string()).unwrap(),
            folder.path()
        );
    }

    #[test]
    fn a_hub_id_is_found_in_the_cache() {
        let cache = tempfile::tempdir().unwrap();
        let repository = cache.path().join("models--owner--small-v1");
        std::fs::create_dir_all(repository.join("snapshots/abc123")).unwrap();
        assert_eq!(snapshot(cache.path(), "owner", "small-v1"), None);
        std::fs::create_dir_all(repository.join("refs")).unwrap();
        std::fs::write(repository.join("refs/main"), "abc123\n").unwrap();
        assert_eq!(
            snapshot(cache.path(), "owner", "small-v1"),
            Some(repository.join("snapshots/abc123"))
        );
    }

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let get = |set: &'static [(&str, &str)]| {
            move |name: &str| {
                set.iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| PathBuf::from(v))
            }
        };
        assert_eq!(
            hub_cache(get(&[("HF_HOME", "/h"), ("HOME", "/u")])),
            Some("/h/hub".into())
        );
        assert_eq!(
            hub_cache(get(&[("HOME", "/u")])),
            Some("/u/.cache/huggingface/hub".into())
        );
        assert_eq!(hub_cache(get(&[])), None);
    }

    #[test]
    fn what_is_neither_says_what_to_do() {
        let message = locate("no/such/directory").unwrap_err().to_string();
        assert!(message.contains("model.safetensors"), "{message}");
        let message = locate("../nowhere").unwrap_err().to_string();
        assert!(message.contains("model.safetensors"), "{message}");
    }
}
