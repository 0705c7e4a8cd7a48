use super::*;

#[test]
fn sorted_and_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in [
        "b.md",
        "a/z.txt",
        "a/.hidden.md",
        ".git/x.md",
        "a/b/c.markdown",
        "a.png",
        "c.jsonl",
        "c.json",
        "d.md.gz",
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let mut walk = Walk::new(root, &CorpusOptions::new()).unwrap();
    let found: Vec<_> = walk
        .by_ref()
        .map(|path| path.unwrap().strip_prefix(root).unwrap().to_owned())
        .collect();
    assert_eq!(
        found,
        ["a/b/c.markdown", "a/z.txt", "b.md", "c.jsonl", "d.md.gz"].map(PathBuf::from)
    );
    let counts = [
        SkipReason::Format,
        SkipReason::SharedEnding,
        SkipReason::Hidden,
    ]
    .map(|r| walk.skipped.count(r));
    assert_eq!(counts, [1, 1, 2]);
    // A chosen format holds for every file.
    let found: Vec<_> = Walk::new(root, &CorpusOptions::new().format(Format::TEXT))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let all = [
        "a/b/c.markdown",
        "a/z.txt",
        "a.png",
        "b.md",
        "c.json",
        "c.jsonl",
        "d.md.gz",
    ];
    assert_eq!(found, all.map(|name| root.join(name)));
}

#[cfg(unix)]
#[test]
fn links_stay_within_the_folder_and_nothing_comes_twice() {
    use std::os::unix::fs::symlink;
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret.txt"), "x").unwrap();
    let root = outer.path().join("folder");
    for path in [
        "a.md",
        "sub/b.md",
        ".store/c.md",
        ".store/deep/d.md",
        "blob.bin",
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    for (target, link) in [
        // Out of the folder, by any way.
        ("../secret.txt", "out1.txt"),
        ("/etc", "out2"),
        ("sub/../../secret.txt", "out3.txt"),
        ("../..", "sub/out4"),
        // To nothing.
        ("nowhere", "nothing.md"),
        ("self.md", "self.md"),
        // To what is read anyway, or was.
        (".", "loop"),
        ("../", "sub/up"),
        ("a.md", "link.md"),
        ("../a.md", "sub/link.md"),
        ("deep", ".store/again"),
        (".", ".store/loop"),
        // To what is not.
        (".store", "store"),
        ("blob.bin", "blob.txt"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    // Many folders that all link to each other are each read once.
    for from in 0..12 {
        fs::create_dir(root.join(format!("n{from}"))).unwrap();
        fs::write(root.join(format!("n{from}/x.md")), "x").unwrap();
        for to in 0..12 {
            symlink(format!("../n{to}"), root.join(format!("n{from}/l{to}"))).unwrap();
        }
    }
    let mut walk = Walk::new(&root, &CorpusOptions::new()).unwrap();
    let found: Vec<_> = walk.by_ref().map(Result::unwrap).collect();
    let found = found.iter().map(|path| path.strip_prefix(&root).unwrap());
    let found: Vec<&Path> = found.collect();
    let (many, few): (Vec<&Path>, Vec<&Path>) =
        found.iter().partition(|path| path.ends_with("x.md"));
    assert_eq!(many.len(), 12);
    let expected = [
        "a.md",
        "blob.txt",
        "store/again/d.md",
        "store/c.md",
        "store/deep/d.md",
        "sub/b.md",
    ];
    assert_eq!(few, expected.map(Path::new));
    let counts = [SkipReason::Outside, SkipReason::Dangling, SkipReason::Twice]
        .map(|r| walk.skipped.count(r));
    assert_eq!(counts, [4, 2, 5 + 144]);
}

/// What ignore files and hidden names leave out, by the files of a folder and what is read of it.
#[test]
fn ignore_files_and_hidden_names_are_left_out_as_ripgrep_leaves_them() {
    let plain = CorpusOptions::new;
    let cases: &[(&[&str], CorpusOptions, &[&str])] = &[
        (
            &[".gitignore: /target", "target/a.rs", "b/target/c.rs"],
            plain(),
            &["b/target/c.rs"],
        ),
        (
            &[".gitignore: *.log", "a.log", "b/c.log", "b/d.rs"],
            plain(),
            &["b/d.rs"],
        ),
        (&[".ignore: x/", "x/a.rs", "b.rs"], plain(), &["b.rs"]),
        // The nearer file counts, and `.ignore` before `.gitignore`.
        (
            &[
                ".gitignore: *.c",
                "a/.gitignore: !keep.c",
                "a/keep.c",
                "a/b.c",
            ],
            plain(),
            &["a/keep.c"],
        ),
        (
            &[".gitignore: a.c", ".ignore: !a.c", "a.c"],
            plain(),
            &["a.c"],
        ),
        (&[".git/info/exclude: a.c", "a.c", "b.c"], plain(), &["b.c"]),
        (&[".github/ci.yml", ".env", "a.c"], plain(), &["a.c"]),
        (
            &[".github/ci.yml", ".git/HEAD", "a.c"],
            plain().hidden(true),
            &[".github/ci.yml", "a.c"],
        ),
        (
            &[".gitignore: a.c", "a.c", ".hidden.c"],
            plain().ignore_files(false),
            &["a.c"],
        ),
        (
            &[".git/HEAD", ".gitignore: a.c", "a.c"],
            plain().ignore_files(false).hidden(true),
            &[".git/HEAD", ".gitignore", "a.c"],
        ),
    ];
    for (files, options, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        for file in *files {
            let (name, content) = file.split_once(": ").unwrap_or((file, "x"));
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let mut walk = Walk::new(folder.path(), options).unwrap();
        let found = walk.by_ref().map(Result::unwrap);
        let found: Vec<PathBuf> = found
            .map(|path| path.strip_prefix(folder.path()).unwrap().to_owned())
            .collect();
        assert_eq!(
            found,
            expected.iter().map(PathBuf::from).collect::<Vec<_>>(),
            "{files:?}"
        );
        // What did not come is counted, and the ignore files are hidden names themselves.
        let skipped = [SkipReason::Ignored, SkipReason::Hidden].map(|r| walk.skipped.count(r));
        let hidden = options.hidden;
        assert!(skipped[0] + skipped[1] > 0 || hidden, "{files:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_ignore_file_that_is_a_pipe_is_an_error() {
    use nix::sys::stat::Mode;
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join("sub");
    fs::create_dir(&sub).unwrap();
    fs::write(folder.path().join("a.c"), "x").unwrap();
    nix::unistd::mkfifo(&sub.join(".gitignore"), Mode::S_IRWXU).unwrap();
    for path in [folder.path(), &sub] {
        let walk = Walk::new(path, &CorpusOptions::new());
        let error = walk.and_then(|mut walk| walk.find_map(Result::err).map_or(Ok(()), Err));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(".gitignore: cannot be read: it is no regular file"),
            "{error}"
        );
        let options = CorpusOptions::new().ignore_files(false);
        assert!(
            Walk::new(path, &options)
                .unwrap()
                .all(|found| found.is_ok())
        );
    }
}

#[test]
fn an_ignore_file_without_end_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".ignore"), "a\n".repeat(1 << 20)).unwrap();
    let error = Walk::new(folder.path(), &CorpusOptions::new())
        .err()
        .unwrap();
    let error = error.to_string();
    assert!(
        error.contains(".ignore: cannot be read: it is larger than 1 MiB"),
        "{error}"
    );
}
