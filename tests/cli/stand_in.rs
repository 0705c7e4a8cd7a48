//! A model hub on loopback: the few routes that a download uses, with the headers of the real one.
//!
//! Small files are served directly; weights are redirected to another host, as on the real hub.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The one commit of the repository.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The repository's id.
pub const ID: &str = "owner/tiny-bert";
/// What opens the repository when it is gated.
pub const TOKEN: &str = "hf_stand_in";

/// How the hub misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Files are for those with a token.
    Gated,
    /// Every answer with a body breaks off after this many bytes of it.
    Breaks(usize),
    /// Ranges are ignored where they do not begin at 0.
    NoRanges,
    /// Nothing works.
    Down,
}

/// The hub; it ends with the test's process.
pub struct Hub {
    pub endpoint: String,
    state: Arc<State>,
}

struct State {
    files: BTreeMap<String, Vec<u8>>,
    storage: String,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<String>>,
}

struct Request {
    path: String,
    /// Where the range begins, and where it ends if it says so.
    range: Option<(usize, Option<usize>)>,
    token: Option<String>,
}

impl Hub {
    /// Serves the files of `folder` as [`ID`].
    pub fn of(folder: &Path) -> Hub {
        let mut files = BTreeMap::new();
        collect(folder, "", &mut files);
        // What an encoder has no use for, and must not be downloaded.
        files.insert("onnx/model.onnx".to_owned(), vec![0; 1000]);
        files.insert("README.md".to_owned(), b"# tiny".to_vec());
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be listened to");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State {
            files,
            storage: format!("http://localhost:{}/storage/", address.port()),
            mood: Mutex::default(),
            asked: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Hub {
            endpoint: format!("http://{address}"),
            state,
        }
    }

    pub fn set(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    /// The paths asked for since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.asked.lock().unwrap())
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("the checkpoint can be read") {
        let path = entry.expect("the checkpoint can be read").path();
        let name = path.file_name().expect("it has a name").to_string_lossy();
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).expect("the checkpoint can be read"));
        }
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) {
        while let Some(request) = read(&stream) {
            self.asked.lock().unwrap().push(request.path.clone());
            let whole = self.answer(&request, &mut stream).is_ok();
            if !whole {
                return;
            }
        }
    }

    fn answer(&self, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Down {
            return refuse(stream, 503, "");
        }
        if let Some(rest) = request.path.strip_prefix("/api/models/") {
            return match rest.split_once("/revision/") {
                Some((ID, "main" | "v1" | COMMIT)) => {
                    let names = self.files.keys().map(|name| json!({ "rfilename": name }));
                    let names: Vec<_> = names.collect();
                    let body = json!({ "id": ID, "sha": COMMIT, "siblings": names }).to_string();
                    head(stream, "200 OK", body.len(), "")?;
                    stream.write_all(body.as_bytes())
                }
                Some((ID, _)) => refuse(stream, 404, "RevisionNotFound"),
                _ => refuse(stream, 401, "RepoNotFound"),
            };
        }
        if let Some(name) = request.path.strip_prefix("/storage/") {
            assert_eq!(request.token, None, "the storage is shown the token");
            return self.file(name, request, mood, stream);
        }
        if mood == Mood::Gated && request.token.as_deref() != Some(TOKEN) {
            return refuse(stream, 401, "GatedRepo");
        }
        let resolve = format!("/{ID}/resolve/{COMMIT}/");
        match request.path.strip_prefix(&resolve) {
            Some(name) if name.ends_with(".safetensors") => {
                let Some(content) = self.files.get(name) else {
                    return refuse(stream, 404, "EntryNotFound");
                };
                let (etag, size) = (etag(name, content), content.len());
                let headers = format!(
                    "Location: {}{name}\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {size}\r\n",
                    self.storage
                );
                head(stream, "302 Found", 0, &headers)
            }
            Some(name) => self.file(name, request, mood, stream),
            None => refuse(stream, 404, "EntryNotFound"),
        }
    }

    fn file(
        &self,
        name: &str,
        request: &Request,
        mood: Mood,
        stream: &mut TcpStream,
    ) -> std::io::Result<()> {
        let Some(content) = self.files.get(name) else {
            return refuse(stream, 404, "EntryNotFound");
        };
        let total = content.len();
        let (start, end) = request.range.unwrap_or((0, None));
        let start = if mood == Mood::NoRanges { 0 } else { start };
        if start >= total {
            return refuse(stream, 416, "");
        }
        let end = end.map_or(total, |end| total.min(end + 1));
        let headers = format!(
            "Content-Range: bytes {start}-{}/{total}\r\nX-Repo-Commit: {COMMIT}\r\nETag: \"{}\"\r\n",
            end - 1,
            etag(name, content)
        );
        let body = &content[start..end];
        head(stream, "206 Partial Content", body.len(), &headers)?;
        match mood {
            Mood::Breaks(bytes) if body.len() > bytes => {
                stream.write_all(&body[..bytes])?;
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            _ => stream.write_all(body),
        }
    }
}

/// The hash of a file that the hub gives: SHA-256 for weights, git's for others.
fn etag(name: &str, content: &[u8]) -> String {
    let digest = if name.ends_with(".safetensors") {
        Sha256::digest(content).to_vec()
    } else {
        let header = format!("blob {}\0", content.len());
        let digest = Sha1::new_with_prefix(header).chain_update(content);
        digest.finalize().to_vec()
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut request = Request {
        path: line.split(' ').nth(1)?.to_owned(),
        range: None,
        token: None,
    };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Some(request);
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let (start, end) = value.strip_prefix("bytes=")?.split_once('-')?;
                request.range = Some((start.parse().ok()?, end.parse().ok()));
            }
            "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
}

fn refuse(stream: &mut TcpStream, status: u16, code: &str) -> std::io::Result<()> {
    let code = match code {
        "" => String::new(),
        code => format!("X-Error-Code: {code}\r\n"),
    };
    head(stream, &format!("{status} No"), 0, &code)
}

fn head(stream: &mut TcpStream, status: &str, length: usize, more: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}
