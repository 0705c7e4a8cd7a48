//! Ways around the one place that prints and the one that writes files, looked for in the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Lines of the sources under `folders` with one of `words` in them, tests and comments left out.
fn lines_with(folders: &[&str], words: &[&str]) -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in folders {
        sources(&crates.join(folder), &mut files);
    }
    assert!(!files.is_empty());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let ends = [
            "#[cfg(test)]\nmod tests",
            "#[cfg(test)]\npub(crate) mod tests",
        ];
        let end = ends.iter().filter_map(|end| text.find(end)).min();
        let code = &text[..end.unwrap_or(text.len())];
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let line = line.replace("OutputFile::create", "");
            if words.iter().any(|word| line.contains(word)) {
                let file = file.strip_prefix(&crates).unwrap().display();
                found.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    found
}

const LIBRARIES: [&str; 7] = [
    "colidx/src",
    "colidx-core/src",
    "colidx-data/src",
    "colidx-encoder/src",
    "colidx-cluster/src",
    "colidx-kernels/src",
    "colidx-serve/src",
];

const PRINTING: [&str; 15] = [
    "println!",
    "print!",
    "dbg!",
    "io::stdout",
    "io::stderr",
    "/dev/tty",
    "ProgressDrawTarget",
    "ProgressBar::",
    "set_prefix",
    "set_message",
    "MultiProgress",
    "Cli::parse",
    ".get_matches",
    ".exit()",
    "ExternalPrinter",
];

#[test]
fn only_one_module_prints() {
    // A file that leads to standard output is opened as a file.
    let duplicates =
        |line: &String| line.starts_with("colidx-data/src/files/output/mod.rs: let (out, err)");
    let mut libraries = lines_with(&LIBRARIES, &PRINTING);
    libraries.retain(|line| !duplicates(line));
    assert_eq!(libraries, [""; 0]);
    let found = lines_with(&["colidx-cli/src"], &PRINTING);
    let (home, elsewhere): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|line| line.starts_with("colidx-cli/src/output/terminal.rs: "));
    // The test sees what it looks for.
    assert!(
        home.iter().any(|line| line.contains("io::stderr")),
        "{home:?}"
    );
    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn only_one_module_writes_files() {
    let writing = [
        "File::create",
        "File::options",
        "OpenOptions",
        "fs::write",
        "fs::rename",
        "fs::copy",
        "fs::hard_link",
        "fs::symlink",
        ".persist(",
        "save_history",
        "append_history",
    ];
    let found = lines_with(&["colidx-cli/src", "colidx-data/src"], &writing);
    let (home, elsewhere): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|line| line.starts_with("colidx-data/src/files/output/mod.rs: "));
    assert!(
        home.iter().any(|line| line.contains("fs::rename")),
        "{home:?}"
    );
    // The history of the prompt is no file that a person names.
    let known = |line: &String| {
        line.contains("interactive/lines.rs: .and_then(|()| editor.save_history(path))")
    };
    // Inputs are opened in one place, and only to be read.
    let read = |line: &String| line.starts_with("colidx-data/src/files/open.rs: ");
    let to_write = [".write(true", ".append(true", ".create(", ".truncate("];
    let inputs = lines_with(&["colidx-data/src"], &to_write);
    assert!(!inputs.iter().any(read), "{inputs:?}");
    let elsewhere = elsewhere.into_iter();
    let elsewhere: Vec<_> = elsewhere.filter(|l| !known(l) && !read(l)).collect();
    assert_eq!(elsewhere, [""; 0]);
}
