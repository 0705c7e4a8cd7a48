//! Names of checkpoints on the hub.

use std::fmt;
use std::str::FromStr;

use super::hash::is_hex;

/// The default revision.
const MAIN: &str = "main";
/// Longest name that the hub allows.
const MAX_LENGTH: usize = 96;

/// A repository of the hub and a revision: `owner/name` or `owner/name@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    repository: String,
    revision: String,
}

/// A text that cannot name a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no hub id; write owner/name or owner/name@revision")]
pub struct InvalidModelId(String);

impl ModelId {
    /// `owner/name`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// A branch, a tag or a commit; `main` by default.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

impl FromStr for ModelId {
    type Err = InvalidModelId;

    fn from_str(text: &str) -> Result<ModelId, InvalidModelId> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        // Both become parts of addresses and of paths in the cache, so only names that the hub
        // allows are valid. Two dashes would map two repositories to one folder.
        let valid = repository.split('/').count() == 2
            && repository.split('/').all(is_plain)
            && repository
                .split('/')
                .all(|name| !name.ends_with(['-', '.']))
            && !["--", ".."].iter().any(|pair| repository.contains(pair))
            && repository.len() <= MAX_LENGTH
            && revision.len() <= MAX_LENGTH
            && revision.split('/').all(is_plain);
        if !valid {
            return Err(InvalidModelId(text.to_owned()));
        }
        Ok(ModelId {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
        })
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if self.revision == MAIN {
            return Ok(());
        }
        write!(f, "@{}", self.revision)
    }
}

/// A commit of 40 hexadecimal digits, safe as a folder name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commit(String);

impl Commit {
    pub(super) fn parse(text: &str) -> Option<Commit> {
        (text.len() == 40 && is_hex(text)).then(|| Commit(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `part` is safe as one segment of an address or a path.
pub(super) fn is_plain(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_and_print() {
        for text in [
            "owner/name",
            "o-w.n_er/Name-v1.5",
            "owner/name@v2",
            "owner/name@refs/pr/3",
            "owner/name@be1703c55532145a844da800eea4c9a692d7e267",
        ] {
            let id: ModelId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
        }
        let id: ModelId = "owner/name@main".parse().unwrap();
        assert_eq!(id, "owner/name".parse().unwrap());
    }

    #[test]
    fn paths_are_not_ids() {
        for text in [
            "",
            "name",
            "/name",
            "owner/",
            "./name",
            "../name",
            "a/b/c",
            "owner/name@",
            "owner/name@../x",
            "owner/na me",
            "C:\\models",
            "~/name",
            // Two repositories would share a folder of the cache.
            "a--b/c",
            "a/b--c",
            "a-/b",
            "a/b..c",
            "a/b.",
            &format!("a/{}", "b".repeat(95)),
            &format!("a/b@{}", "c".repeat(97)),
        ] {
            assert!(text.parse::<ModelId>().is_err(), "{text}");
        }
    }

    #[test]
    fn commits_are_forty_digits() {
        assert!(Commit::parse(&"0123456789abcdef".repeat(3)[..40]).is_some());
        for text in [
            "",
            "main",
            "../../../x",
            &"a".repeat(39),
            &"A".repeat(40),
            &"../".repeat(14)[..40],
        ] {
            assert_eq!(Commit::parse(text), None, "{text}");
        }
    }
}
