//! A service on a free port of this machine, and a client that speaks plain HTTP over a socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use colidx::{BuildOptions, IndexWriter, NewDocument, NoProgress, NoVectors, TextIndex};
use colidx_serve::{Line, Log, Options, ServeError, Server};
use serde_json::Value;
use tokio::sync::Notify;

/// Documents in words that the tiny checkpoint knows.
pub const DOCUMENTS: [(&str, &str, &str); 4] = [
    (
        "rust",
        "Rust",
        "Rust is a fast language for computer code and system memory.",
    ),
    (
        "tea/green",
        "Tea",
        "Tea and coffee are food for the body, and milk goes with both.",
    ),
    (
        "moon",
        "The moon",
        "The moon and the earth go around the sun.",
    ),
    (
        "cell",
        "",
        "A cell is small. The protein and the gene have an effect on disease.",
    ),
];

/// Values in a vector of the index of vectors, and its documents.
pub const DIM: usize = 8;
pub const VECTOR_DOCUMENTS: usize = 40;

/// A service, which ends with the test.
pub struct Service {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    stop: Arc<Notify>,
    lines: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Service {
    /// Serves the index of text `docs` and the index of vectors `points`.
    pub fn start() -> Service {
        Service::with(Options::default())
    }

    pub fn with(options: Options) -> Service {
        let folder = tempfile::tempdir().unwrap();
        build_text(&folder.path().join("docs.colidx"));
        build_vectors(&folder.path().join("points.colidx"));
        Service::of(folder, options)
    }

    /// Serves the index of vectors alone, which opens no checkpoint.
    pub fn of_vectors(options: Options) -> Service {
        let folder = tempfile::tempdir().unwrap();
        build_vectors(&folder.path().join("points.colidx"));
        Service::of(folder, options)
    }

    fn of(folder: tempfile::TempDir, options: Options) -> Service {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let log = Log::new(move |line| {
            let (Line::Text(line) | Line::Json(line)) = line;
            written.lock().unwrap().push(line.to_owned());
        });
        let paths = [folder.path().to_owned()];
        let server = Server::bind(&paths, ([127, 0, 0, 1], 0).into(), options, log).unwrap();
        let address = server.address();
        let stop = Arc::new(Notify::new());
        let told = Arc::clone(&stop);
        let stopped = move || {
            let told = Arc::clone(&told);
            async move { told.notified().await }
        };
        let thread = std::thread::spawn(move || server.run(stopped));
        Service {
            address,
            folder,
            stop,
            lines,
            thread: Some(thread),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the service has logged.
    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Asks the service to stop.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until it has stopped.
    pub fn stopped(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the service does not panic").unwrap();
        }
    }

    /// Waits until checkpoints are open.
    pub fn ready(self) -> Service {
        let began = Instant::now();
        while self.get("/readyz").status != 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.json("POST", path, body)
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        send(self.address, method, path, headers, body)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The bytes of a request.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let length = body.len();
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {length}\r\n\r\n");
    [request.as_bytes(), body].concat()
}

pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut socket = TcpStream::connect(address).unwrap();
    // A service that refuses a large body may close before it has read all of it.
    let _ = socket.write_all(&request(address, method, path, headers, body));
    let mut bytes = Vec::new();
    let _ = socket.read_to_end(&mut bytes);
    Reply::parse(&bytes)
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Reply {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// That it is an error of the shape of all errors.
    #[track_caller]
    pub fn fails(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        assert_eq!(body["code"], code, "{self:#?}");
        assert!(
            body["message"].as_str().is_some_and(|m| !m.is_empty()),
            "{self:#?}"
        );
        body
    }
}

/// The keys of the hits of an answer.
pub fn keys(answer: &Value) -> Vec<String> {
    let hits = answer["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| hit["key"].as_str().unwrap().to_owned())
        .collect()
}

/// The token vectors of the `n`-th document of the index of vectors: two of unit length.
pub fn vectors_of(n: usize) -> Vec<Vec<f32>> {
    let vector = |salt: usize| {
        let value = |i: usize| {
            let x = ((n * 64 + salt * 8 + i) as u32).wrapping_mul(0x9e37_79b9);
            (x ^ x >> 15).wrapping_mul(0x85eb_ca6b) as f32 / u32::MAX as f32 - 0.5
        };
        let values: Vec<f32> = (0..DIM).map(value).collect();
        let length = values.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
        values.iter().map(|x| x / length).collect()
    };
    vec![vector(1), vector(5)]
}

fn build_text(path: &Path) {
    let model = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../colidx-encoder/tests/fixtures/tiny-modernbert");
    let mut index = TextIndex::create(path, &model.display().to_string()).unwrap();
    for (key, title, text) in DOCUMENTS {
        let document = NewDocument::new(key).title(title).text(text);
        index
            .add_document(&document.metadata(r#"{"year": 1999}"#))
            .unwrap();
    }
    index.commit().unwrap();
}

fn build_vectors(path: &Path) {
    let mut writer = IndexWriter::create(path, BuildOptions::default().dim(DIM)).unwrap();
    for n in 0..VECTOR_DOCUMENTS {
        let key = format!("p{n}");
        let text = format!("point {n}");
        let metadata = format!(r#"{{"image": "p{n}.png"}}"#);
        let document = NewDocument::new(&key).text(&text).metadata(&metadata);
        writer
            .add_vectors(document, &vectors_of(n).concat(), &[])
            .unwrap();
    }
    writer.commit(&mut NoVectors, &NoProgress).unwrap();
}
