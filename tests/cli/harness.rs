//! A folder to work in, the binary to run there, and what can be said about a run.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Four documents, each about something else, in words that the tiny checkpoint knows.
pub const CORPUS: &str = r#"{"_id": "rust", "title": "Rust", "text": "Rust is a fast language for computer code and system memory."}
{"_id": "tea", "title": "Tea", "text": "Tea and coffee are food for the body, and milk and sugar go with both."}
{"_id": "moon", "title": "The moon", "text": "The moon and the earth go around the sun, and light is most of the energy."}
{"_id": "cell", "title": "Cells", "text": "A cell is small. The protein and the gene have an effect on cancer and disease."}
"#;

/// A folder that goes away with the test.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// A place with [`CORPUS`] in `corpus.jsonl` and an index of it in `x.colidx`.
    pub fn with_index() -> Place {
        let place = Place::new();
        place.write("corpus.jsonl", CORPUS);
        place.build("corpus.jsonl").succeeds();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("folders can be made");
        fs::write(&path, content).expect("files can be written");
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command, ready to get more arguments.
    pub fn colidx(&self, arguments: &[&str]) -> Colidx {
        let mut command = binary();
        command.args(arguments);
        self.prepare(command)
    }

    /// The same through `sh`, where `"$0"` is the binary.
    pub fn shell(&self, script: &str) -> Colidx {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_colidx")]);
        self.prepare(command)
    }

    fn prepare(&self, mut command: Command) -> Colidx {
        command
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("MODEL", model())
            // No test asks the real hub, or looks at what this machine has from it.
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_HOME", self.path("hf"))
            .env_remove("HF_HUB_CACHE")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Colidx {
            command,
            input: None,
        }
    }

    /// Builds `x.colidx` from a corpus with the tiny checkpoint.
    pub fn build(&self, corpus: &str) -> Run {
        self.build_with(corpus, &[])
    }

    pub fn build_with(&self, corpus: &str, more: &[&str]) -> Run {
        self.colidx(&["build", corpus, "--index", "x.colidx", "--model"])
            .arg(model())
            .args(more)
            .run()
    }

    /// The keys of the hits of a query, best first.
    pub fn keys(&self, query: &str) -> Vec<String> {
        let run = self
            .colidx(&["search", "--index", "x.colidx", "--json", query])
            .run()
            .succeeds();
        run.json()
            .iter()
            .map(|hit| hit["key"].as_str().expect("a key is a string").to_owned())
            .collect()
    }

    /// That there is no index, not even a part of one.
    pub fn has_no_index(&self) {
        assert!(!self.path("x.colidx").exists(), "x.colidx was left behind");
    }
}

/// The binary, for which Ctrl-C means what it means at a terminal.
///
/// A shell makes background processes ignore SIGINT, and the binary keeps ignored signals ignored.
fn binary() -> Command {
    let path = env!("CARGO_BIN_EXE_colidx");
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The numbers of SIGHUP and SIGINT are 1 and 2.
    if ignored.unwrap_or(0) & 0b11 == 0 {
        return Command::new(path);
    }
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,HUP", path]);
    command
}

/// The tiny checkpoint.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../colidx-encoder/tests/fixtures/tiny-bert")
}

/// A call that was not made yet.
pub struct Colidx {
    pub command: Command,
    input: Option<Vec<u8>>,
}

impl Colidx {
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Colidx {
        self.command.arg(argument);
        self
    }

    pub fn args(mut self, arguments: &[&str]) -> Colidx {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Colidx {
        self.command.env(name, value);
        self
    }

    /// What standard input gives.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Colidx {
        self.command.stdin(Stdio::piped());
        self.input = Some(bytes.into());
        self
    }

    pub fn run(mut self) -> Run {
        let mut child = self.command.spawn().expect("the binary runs");
        let writer = self
            .input
            .take()
            .zip(child.stdin.take())
            .map(|(input, mut stdin)| {
                // A program that does not read its input to the end is no fault here.
                std::thread::spawn(move || drop(stdin.write_all(&input)))
            });
        let output = child.wait_with_output().expect("the binary ends");
        writer.map(|writer| writer.join());
        Run::new(output)
    }
}

/// A call that was made.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn new(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    #[track_caller]
    fn ends_with(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn succeeds(self) -> Run {
        self.ends_with(0)
    }

    #[track_caller]
    pub fn fails(self) -> Run {
        let run = self.ends_with(1);
        assert!(run.stderr.contains("colidx: "), "{run:#?}");
        run
    }

    /// That it stopped at Ctrl-C.
    #[track_caller]
    pub fn stops_at_ctrl_c(self) -> Run {
        self.ends_with(130).says(&["colidx: interrupted; "])
    }

    #[track_caller]
    pub fn refuses_usage(self) -> Run {
        self.ends_with(2)
    }

    /// That standard error has each of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Run {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing: {self:#?}");
        }
        self
    }

    /// The lines of standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
        };
        self.stdout.lines().map(parse).collect()
    }
}

/// The names of an object's fields, in the order in which they stand in the line.
pub fn fields(line: &str) -> Vec<String> {
    struct Names(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Names {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Names;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Names, A::Error> {
                    let mut names = Vec::new();
                    while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                        names.push(name);
                    }
                    Ok(Names(names))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Names>(line)
        .expect("the line is an object")
        .0
}
