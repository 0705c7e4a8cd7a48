//! Bodies of requests to a service of an index of text and one of vectors.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use colidx::{BuildOptions, IndexWriter, NewDocument, NoProgress, NoVectors, TextIndex};
use colidx_serve::{Limits, Log, Options, Server};

use crate::scratch::{Scratch, checkpoint};

const DIM: usize = 8;

/// What may be asked, with a body that is good.
const ROUTES: [(&str, &str, &str); 12] = [
    (
        "POST",
        "/v1/indexes/docs/search",
        r#"{"query": "the moon", "k": 3, "explain": true,
        "effort": {"n_probe": 2, "candidates": 5, "rerank": 7}, "filter": "year > 1998",
        "with": ["title", "highlights", "metadata"]}"#,
    ),
    (
        "POST",
        "/v1/indexes/docs/search",
        r#"{"query": "+moon -\"a cell\"", "by": "words"}"#,
    ),
    (
        "POST",
        "/v1/indexes/docs/search",
        r#"{"query": "moon", "by": "hybrid",
        "weight": 0.5, "keys": ["moon", "nobody"]}"#,
    ),
    (
        "POST",
        "/v1/indexes/points/search",
        r#"{"vectors": [[1,0,0,0,0,0,0,1e-3]], "exact": true}"#,
    ),
    (
        "POST",
        "/v1/indexes/points/search/many",
        r#"{"searches": [{"vectors": [[1,0,0,0,0,0,0,0]]}, {"vectors": [[0,1,0,0,0,0,0,0]], "k": 1}]}"#,
    ),
    (
        "POST",
        "/v1/indexes/docs/explain",
        r#"{"query": "moon", "key": "moon"}"#,
    ),
    (
        "PUT",
        "/v1/indexes/points/documents",
        r#"{"documents": [{"key": "x", "title": "t",
        "metadata": {"a": [1]}, "vectors": [[0,1,0,0,0,0,0,0]], "token_ids": [3]}]}"#,
    ),
    (
        "PUT",
        "/v1/indexes/docs/documents",
        r#"{"documents": [{"key": "y", "text": "water and salt", "metadata": {"a": 1}}]}"#,
    ),
    (
        "DELETE",
        "/v1/indexes/points/documents",
        r#"{"keys": ["x", "nobody"]}"#,
    ),
    (
        "POST",
        "/v1/encode",
        r#"{"texts": ["a", "b"], "input_type": "document"}"#,
    ),
    (
        "POST",
        "/rerank",
        r#"{"query": "a", "documents": ["b", {"text": "c"}], "top_n": 1}"#,
    ),
    ("POST", "/v1/indexes/points/reload", ""),
];

/// The route by its number, and its body.
pub(crate) fn requests_seeds() -> Vec<Vec<u8>> {
    let seed = |(at, route): (u8, &(&str, &str, &str))| [&[at], route.2.as_bytes()].concat();
    (0..).zip(&ROUTES).map(seed).collect()
}

/// A byte chooses the route. The service answers, is not at fault, and says what is wrong as JSON.
pub fn requests(data: &[u8]) {
    static SERVICE: LazyLock<SocketAddr> = LazyLock::new(serve);
    static CONNECTION: Mutex<Option<BufReader<TcpStream>>> = Mutex::new(None);
    let Some((&which, body)) = data.split_first() else {
        return;
    };
    let (method, path, _) = ROUTES[usize::from(which) % ROUTES.len()];
    let mut connection = CONNECTION.lock().unwrap_or_else(PoisonError::into_inner);
    let mut socket = connection.take().unwrap_or_else(|| connect(*SERVICE));
    let reply = ask(&mut socket, method, path, body);
    let sent = || String::from_utf8_lossy(body);
    assert!(reply.status < 500, "{method} {path} {}: {reply:?}", sent());
    if reply.status >= 400 {
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        assert!(
            body["message"].is_string(),
            "{method} {path} {}: {reply:?}",
            sent()
        );
    }
    if !reply.closes {
        *connection = Some(socket);
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let socket = TcpStream::connect(address).expect("the service listens");
    socket.set_nodelay(true).expect("it is a socket");
    BufReader::new(socket)
}

#[derive(Debug)]
struct Reply {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

fn ask(socket: &mut BufReader<TcpStream>, method: &str, path: &str, body: &[u8]) -> Reply {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    let request = [head.as_bytes(), body].concat();
    socket
        .get_mut()
        .write_all(&request)
        .expect("the service reads");
    let mut line = String::new();
    socket.read_line(&mut line).expect("the service answers");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut reply = Reply {
        status: status.unwrap_or_else(|| panic!("{line}")),
        closes: false,
        body: Vec::new(),
    };
    loop {
        line.clear();
        socket.read_line(&mut line).expect("the service answers");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name {
            "content-length" => reply.body.resize(value.parse().expect("a number"), 0),
            "connection" => reply.closes = value == "close",
            _ => {}
        }
    }
    socket
        .read_exact(&mut reply.body)
        .expect("the service answers");
    reply
}

/// A service that lives as long as the process.
fn serve() -> SocketAddr {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::new);
    let folder = &*FOLDER;
    build_text(&folder.path().join("docs.colidx"));
    build_vectors(&folder.path().join("points.colidx"));
    let mut options = Options::default();
    options.limits = Limits {
        threads: 1,
        ..Limits::default()
    };
    let log = Log::new(|_| {});
    let paths = [folder.path().to_owned()];
    let server = Server::bind(&paths, ([127, 0, 0, 1], 0).into(), options, log)
        .expect("the indexes are good");
    let address = server.address();
    std::thread::spawn(move || server.run(std::future::pending::<()>));
    while ask(&mut connect(address), "GET", "/readyz", b"").status != 200 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    address
}

fn build_text(path: &Path) {
    let model = checkpoint("tiny-modernbert").display().to_string();
    let mut index = TextIndex::create(path, &model).expect("the checkpoint is good");
    for (key, text) in [
        ("moon", "The moon and the sun."),
        ("cell", "A cell is small."),
    ] {
        let document = NewDocument::new(key)
            .text(text)
            .metadata(r#"{"year": 1999}"#);
        index.add_document(&document).expect("it is good");
    }
    index.commit().expect("it is good");
}

fn build_vectors(path: &Path) {
    let options = BuildOptions::default().dim(DIM);
    let mut writer = IndexWriter::create(path, options).expect("the folder is there");
    for n in 0..DIM {
        let mut vector = [0.0; DIM];
        vector[n] = 1.0;
        let key = format!("p{n}");
        writer
            .add_vectors(&key[..], &vector, &[])
            .expect("it is good");
    }
    writer
        .commit(&mut NoVectors, &NoProgress)
        .expect("it is good");
}
