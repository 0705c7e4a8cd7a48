//! The dependencies between the modules of this crate.

use std::fs;
use std::path::{Path, PathBuf};

/// Collects the source files of a module.
fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        sources(&entry.unwrap().path(), found);
    }
}

/// A module uses only those listed for it, tests included.
#[test]
fn modules_depend_only_on_those_below() {
    const MODULES: [(&str, &[&str]); 9] = [
        ("files.rs", &[]),
        ("layout.rs", &["files"]),
        ("settings.rs", &["files"]),
        ("weights", &["files", "layout"]),
        ("ops", &[]),
        ("text", &["files", "layout", "settings"]),
        ("model", &["layout", "ops", "settings", "weights"]),
        (
            "checkpoint",
            &[
                "files", "layout", "model", "ops", "settings", "text", "weights",
            ],
        ),
        ("encoder.rs", &["checkpoint", "model", "ops", "text"]),
    ];
    let all: Vec<&str> = (MODULES.iter())
        .map(|(name, _)| name.trim_end_matches(".rs"))
        .collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (name, below) in MODULES {
        let mut files = Vec::new();
        sources(&source.join(name), &mut files);
        let own = name.trim_end_matches(".rs");
        for file in files {
            let code = fs::read_to_string(&file).unwrap();
            for module in &all {
                let uses = ["crate::", "use crate::{"].iter().any(|prefix| {
                    code.contains(&format!("{prefix}{module}::"))
                        || code.contains(&format!("{prefix}{module};"))
                });
                assert!(
                    !uses || *module == own || below.contains(module),
                    "{} uses {module}",
                    file.display()
                );
            }
        }
    }
}
