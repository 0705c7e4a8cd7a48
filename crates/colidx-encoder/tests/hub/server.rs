//! A hub on loopback whose replies can be changed, and a second server as a target of redirects.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The one repository, and its one commit.
pub const ID: &str = "owner/name";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The token that no other server may see.
pub const TOKEN: &str = "hf_secret";

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Including the query.
    pub path: String,
    pub host: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

impl Request {
    /// The name of the requested file, or nothing.
    pub fn file(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or("");
        let file = [COMMIT, "main"]
            .into_iter()
            .find_map(|revision| path.split_once(&format!("/resolve/{revision}/")));
        file.map_or("", |(_, name)| name)
    }

    pub fn is_list(&self) -> bool {
        self.path.starts_with("/api/")
    }

    /// Whether more than the first byte of a file is requested.
    pub fn wants_body(&self) -> bool {
        self.method == "GET" && self.range.as_deref() != Some("bytes=0-0")
    }

    /// The requested range: its first byte, and its last one if given.
    fn span(&self) -> Option<(usize, Option<usize>)> {
        let (start, end) = self
            .range
            .as_ref()?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        Some((start.parse().ok()?, end.parse().ok()))
    }
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// Names and values, sent unchanged.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub end: End,
}

/// What follows the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closes the connection.
    Close,
    /// Sends nothing more, and keeps the connection open.
    Stall,
    /// Sends a byte now and then.
    Trickle,
    /// Sends zeros without end.
    Endless,
}

impl Reply {
    pub fn new(status: u16, body: &[u8]) -> Reply {
        let reply = Reply {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
            end: End::Close,
        };
        reply.with("Content-Length", body.len().to_string())
    }

    pub fn redirect(location: impl Into<Vec<u8>>) -> Reply {
        Reply::new(302, b"").with("Location", location)
    }

    /// Sets a header.
    pub fn with(self, name: &str, value: impl Into<Vec<u8>>) -> Reply {
        let mut reply = self.without(name);
        reply.headers.push((name.to_owned(), value.into()));
        reply
    }

    pub fn without(mut self, name: &str) -> Reply {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Truncates the body, but not the announced length.
    pub fn cut(mut self, len: usize) -> Reply {
        self.body.truncate(len);
        self
    }

    pub fn ends(mut self, end: End) -> Reply {
        self.end = end;
        self
    }
}

/// The files of the repository.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A small checkpoint in ColBERT's own layout, with its weights in large file storage.
pub fn files() -> Files {
    let mut state = 1u32;
    let weights = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    BTreeMap::from([
        ("artifact.metadata".to_owned(), b"{}".to_vec()),
        (
            "config.json".to_owned(),
            b"{\"model_type\": \"bert\"}".to_vec(),
        ),
        (
            "tokenizer.json".to_owned(),
            b"{\"version\": \"1.0\"}".to_vec(),
        ),
        (
            "model.safetensors".to_owned(),
            weights.take(100_000).collect(),
        ),
        ("README.md".to_owned(), b"# name".to_vec()),
    ])
}

/// A hub and the requests it received.
pub struct Server {
    pub endpoint: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// A hub whose honest replies are changed by `change`, which also receives the addresses.
    pub fn new(
        change: impl Fn(&Request, Reply, &Addresses) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::of(files(), change)
    }

    pub fn of(
        files: Files,
        change: impl Fn(&Request, Reply, &Addresses) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listeners = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [home, other] =
            [&listeners[0], &listeners[1]].map(|listener| listener.local_addr().unwrap().port());
        let addresses = Arc::new(Addresses {
            home: format!("http://127.0.0.1:{home}"),
            other_port: format!("http://127.0.0.1:{other}"),
            other_name: format!("http://localhost:{home}"),
        });
        let asked = Arc::new(Mutex::new(Vec::new()));
        let change = Arc::new(change);
        let files = Arc::new(files);
        for listener in listeners {
            let (asked, change) = (Arc::clone(&asked), Arc::clone(&change));
            let (files, addresses) = (Arc::clone(&files), Arc::clone(&addresses));
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (asked, change) = (Arc::clone(&asked), Arc::clone(&change));
                    let (files, addresses) = (Arc::clone(&files), Arc::clone(&addresses));
                    thread::spawn(move || {
                        let Some(request) = read(&stream) else { return };
                        asked.lock().unwrap().push(request.clone());
                        let reply = change(&request, good(&files, &request), &addresses);
                        // The client may have disconnected.
                        let _ = write(stream, &request, &reply);
                    });
                }
            });
        }
        Server {
            endpoint: addresses.home.clone(),
            asked,
        }
    }

    /// The requests since the last call.
    pub fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// The addresses of the servers.
pub struct Addresses {
    pub home: String,
    /// The other server, on another port.
    pub other_port: String,
    /// The same server under another host name.
    pub other_name: String,
}

/// The ETag that an honest hub sends for a file.
pub fn etag(name: &str, content: &[u8]) -> String {
    let digest = if name.ends_with(".safetensors") {
        Sha256::digest(content).to_vec()
    } else {
        let header = format!("blob {}\0", content.len());
        Sha1::new_with_prefix(header)
            .chain_update(content)
            .finalize()
            .to_vec()
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The reply of an honest hub.
fn good(files: &Files, request: &Request) -> Reply {
    if request.is_list() {
        let names = files
            .keys()
            .map(|name| serde_json::json!({ "rfilename": name }));
        let names: Vec<_> = names.collect();
        let list = serde_json::json!({ "id": ID, "sha": COMMIT, "siblings": names });
        return Reply::new(200, list.to_string().as_bytes());
    }
    let Some(content) = files.get(request.file()) else {
        return Reply::new(404, b"").with("X-Error-Code", "EntryNotFound");
    };
    let reply = match request.span() {
        None => Reply::new(200, content),
        Some((start, _)) if start >= content.len() => {
            Reply::new(416, b"").with("Content-Range", format!("bytes */{}", content.len()))
        }
        Some((start, end)) => {
            let end = end.map_or(content.len(), |end| content.len().min(end + 1));
            let range = format!("bytes {start}-{}/{}", end - 1, content.len());
            Reply::new(206, &content[start..end]).with("Content-Range", range)
        }
    };
    reply
        .with("ETag", format!("\"{}\"", etag(request.file(), content)))
        .with("X-Repo-Commit", COMMIT)
}

/// A redirect of a file, as the real hub sends for large file storage.
pub fn linked(reply: &Reply, request: &Request, location: String) -> Reply {
    let header = |name: &str| {
        let found = reply.headers.iter().find(|(known, _)| known == name);
        found.unwrap().1.clone()
    };
    Reply::redirect(location)
        .with("X-Repo-Commit", COMMIT)
        .with("X-Linked-ETag", header("ETag"))
        .with("X-Linked-Size", files()[request.file()].len().to_string())
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let mut request = Request {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        host: String::new(),
        range: None,
        authorization: None,
    };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return Some(request);
        };
        match name.to_ascii_lowercase().as_str() {
            "host" => request.host = value.to_owned(),
            "range" => request.range = Some(value.to_owned()),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
}

fn write(mut stream: TcpStream, request: &Request, reply: &Reply) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {} Status\r\nConnection: close\r\n",
        reply.status
    )?;
    for (name, value) in &reply.headers {
        write!(stream, "{name}: ")?;
        stream.write_all(value)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    if request.method == "HEAD" {
        return Ok(());
    }
    stream.write_all(&reply.body)?;
    loop {
        match reply.end {
            End::Close => return Ok(()),
            End::Stall => thread::sleep(Duration::from_secs(60)),
            End::Endless => stream.write_all(&[0; 1 << 16])?,
            End::Trickle => {
                thread::sleep(Duration::from_millis(100));
                stream.write_all(b"0")?;
            }
        }
    }
}
