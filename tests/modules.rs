//! Checks the dependencies between the modules of a crate, for the tests of crates.

use std::fs;
use std::path::{Path, PathBuf};

/// Collects the source files of a module.
fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
        return;
    }
    let entries = fs::read_dir(path).into_iter().flatten();
    for entry in entries {
        sources(&entry.unwrap().path(), found);
    }
}

/// A module of the crate in `root` uses only those listed for it, tests included.
pub fn use_only(root: &str, modules: &[(&str, &[&str])]) {
    let source = Path::new(root).join("src");
    for (own, below) in modules {
        let mut files = Vec::new();
        sources(&source.join(own), &mut files);
        sources(&source.join(format!("{own}.rs")), &mut files);
        assert!(!files.is_empty(), "no module {own}");
        for file in files {
            let code = fs::read_to_string(&file).unwrap();
            for (module, _) in modules {
                let uses = ["crate::", "use crate::{"].iter().any(|prefix| {
                    code.contains(&format!("{prefix}{module}::"))
                        || code.contains(&format!("{prefix}{module};"))
                });
                assert!(
                    !uses || module == own || below.contains(module),
                    "{} uses {module}",
                    file.display()
                );
            }
        }
    }
}
