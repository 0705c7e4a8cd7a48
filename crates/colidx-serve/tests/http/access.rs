use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use colidx_serve::{Access, Limits, Log, Options, ServeError, Server};
use serde_json::{Value, json};

use crate::harness::{DOCUMENTS, Service, request, vectors_of};

const SEARCH: &str = "/v1/indexes/points/search";
const POINTS: &str = "/v1/indexes/points/documents";

fn with_keys() -> Options {
    Options {
        access: Access {
            keys: vec!["writer".to_owned()],
            read_only_keys: vec!["reader".to_owned()],
            ..Access::default()
        },
        ..Options::default()
    }
}

#[test]
fn keys_say_who_may_do_what() {
    let service = Service::of_vectors(with_keys());
    let body = json!({"vectors": vectors_of(1)}).to_string();
    let json_type = ("content-type", "application/json");
    let search =
        |key: (&str, &str)| service.send("POST", SEARCH, &[json_type, key], body.as_bytes());
    let refused = service.send("POST", SEARCH, &[json_type], body.as_bytes());
    refused.fails(401, "no_key");
    assert!(refused.head.contains("www-authenticate: bearer"));
    search(("authorization", "Bearer wrong")).fails(401, "no_key");
    search(("authorization", "Bearer reader")).ok();
    search(("api-key", "writer")).ok();
    let delete = |key| service.send("DELETE", &format!("{POINTS}/p1"), &[("api-key", key)], b"");
    delete("reader").fails(403, "read_only");
    service.get(&format!("{POINTS}/p1")).fails(401, "no_key");
    assert_eq!(delete("writer").ok()["deleted"], 1);
    for open in [
        "/healthz",
        "/health",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        assert_eq!(service.get(open).status, 200, "{open}");
    }
    assert!(!service.log().contains("reader"), "{}", service.log());
}

#[test]
fn an_address_that_others_reach_needs_a_key() {
    let service = Service::of_vectors(Options::default());
    let bind = |options| {
        let paths = [service.path("points.colidx")];
        Server::bind(&paths, ([0, 0, 0, 0], 0).into(), options, Log::new(|_| {}))
    };
    assert!(matches!(
        bind(Options::default()),
        Err(ServeError::Unprotected(_))
    ));
    assert!(bind(with_keys()).is_ok());
    let mut open = Options::default();
    open.access.no_auth = true;
    assert!(bind(open).is_ok());
}

#[test]
fn pages_of_other_sites_may_not_ask() {
    let mut options = Options::default();
    options.access.origins = vec!["https://example.org".to_owned()];
    let service = Service::of_vectors(options);
    let get = |headers: &[(&str, &str)]| service.send("GET", "/v1/indexes", headers, b"");
    get(&[("origin", "https://evil.example")]).fails(403, "cross_origin");
    get(&[("origin", "null")]).fails(403, "cross_origin");
    get(&[("origin", &format!("http://{}", service.address))]).ok();
    let allowed = get(&[("origin", "https://example.org")]);
    allowed.ok();
    assert!(
        allowed
            .head
            .contains("access-control-allow-origin: https://example.org")
    );
    get(&[("host", "evil.example")]).fails(403, "foreign_host");
    let preflight = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "DELETE"),
    ];
    let preflight = service.send("OPTIONS", &format!("{POINTS}/p1"), &preflight, b"");
    assert!(
        preflight.head.contains("access-control-allow-methods"),
        "{preflight:#?}"
    );
    // What a form of another site could send.
    let form = [("content-type", "text/plain")];
    service
        .send("POST", SEARCH, &form, b"{}")
        .fails(415, "not_json");
    let none = Service::of_vectors(Options::default());
    let plain = none.send("GET", "/v1/indexes", &[], b"");
    assert!(!plain.head.contains("access-control"), "{plain:#?}");
}

#[test]
fn too_much_is_refused_with_the_right_status() {
    let limits = Limits {
        body: 4096,
        batch: 3,
        ..Limits::default()
    };
    let service = Service::of_vectors(Options {
        limits,
        ..Options::default()
    });
    let large = json!({"vectors": vec![vectors_of(1)[0].clone(); 400]});
    service.post(SEARCH, &large).fails(413, "too_large");
    let keys = json!({"keys": ["a", "b", "c", "d"]});
    service
        .json("DELETE", POINTS, &keys)
        .fails(422, "invalid_request");
}

#[test]
fn a_busy_service_says_when_to_come_back() {
    let limits = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let service = Service::with(options).ready();
    let json_type = [("content-type", "application/json")];
    let path = "/v1/indexes/docs/documents";
    let began = Instant::now();
    let mut attempts = 0..1000;
    let (slow, busy) = loop {
        // A request that takes long, and some time for it to arrive.
        let attempt = attempts.next();
        let new = |n: usize| json!({"key": format!("{attempt:?}, {n}"), "text": DOCUMENTS[n % 4].2.repeat(30)});
        let documents: Vec<Value> = (0..1000).map(new).collect();
        let body = json!({"documents": documents}).to_string();
        let whole = request(service.address, "POST", path, &json_type, body.as_bytes());
        let mut slow = TcpStream::connect(service.address).unwrap();
        slow.write_all(&whole).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let reply = service.get("/v1/indexes");
        if reply.status == 429 {
            break (slow, reply);
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{reply:#?}");
    };
    busy.fails(429, "busy");
    assert!(busy.head.contains("retry-after: 1"), "{busy:#?}");
    assert_eq!(service.get("/healthz").status, 200);
    // When its client gives up, there is room again.
    drop(slow);
    while service.get("/v1/indexes").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(40));
    }
}

#[test]
fn bodies_that_come_slowly_keep_nobody_out() {
    let limits = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let service = Service::of_vectors(Options {
        limits,
        ..Options::default()
    });
    let json_type = [("content-type", "application/json")];
    let body = json!({"vectors": vectors_of(1), "k": 1}).to_string();
    let whole = request(service.address, "POST", SEARCH, &json_type, body.as_bytes());
    let begun = || {
        let mut socket = TcpStream::connect(service.address).unwrap();
        socket.write_all(&whole[..whole.len() - 4]).unwrap();
        socket
    };
    let slow: Vec<TcpStream> = (0..50).map(|_| begun()).collect();
    std::thread::sleep(Duration::from_millis(200));
    service
        .send("POST", SEARCH, &json_type, body.as_bytes())
        .ok();
    // Each is answered when it has come.
    for mut socket in slow {
        socket.write_all(&whole[whole.len() - 4..]).unwrap();
        let answer = rest(socket);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn a_request_that_takes_too_long_is_ended() {
    let limits = Limits {
        timeout: Duration::ZERO,
        ..Limits::default()
    };
    let service = Service::of_vectors(Options {
        limits,
        ..Options::default()
    });
    let body = json!({"vectors": vectors_of(1)});
    service.post(SEARCH, &body).fails(504, "timed_out");
}

#[test]
fn a_service_that_stops_finishes_what_is_under_way() {
    let mut service = Service::of_vectors(Options::default());
    let json_type = [("content-type", "application/json")];
    let new = json!({"documents": [{"key": "last", "vectors": vectors_of(77)}]}).to_string();
    let whole = request(service.address, "POST", POINTS, &json_type, new.as_bytes());
    let mut slow = TcpStream::connect(service.address).unwrap();
    slow.write_all(&whole[..whole.len() - 9]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    service.stop();
    let began = Instant::now();
    while !service.log().contains("stopping") {
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    // Whoever comes now is not let in, or hears that the service is not ready.
    if let Ok(mut late) = TcpStream::connect(service.address) {
        let _ = late.write_all(&request(service.address, "GET", "/readyz", &[], b""));
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut late, &mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    slow.write_all(&whole[whole.len() - 9..]).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut slow, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    service.stopped();
    let index = colidx::Index::open(service.path("points.colidx")).unwrap();
    assert!(index.find("last").unwrap().is_some());
}

#[test]
fn a_commit_that_does_not_finish_in_time_is_rolled_back() {
    let limits = Limits {
        grace: Duration::ZERO,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let mut service = Service::with(options).ready();
    let new = |n: usize| json!({"key": format!("n{n}"), "text": DOCUMENTS[n % 4].2.repeat(30)});
    let documents: Vec<Value> = (0..1000).map(new).collect();
    let body = json!({"documents": documents}).to_string();
    let json_type = [("content-type", "application/json")];
    let path = "/v1/indexes/docs/documents";
    let whole = request(service.address, "POST", path, &json_type, body.as_bytes());
    let mut socket = TcpStream::connect(service.address).unwrap();
    socket.write_all(&whole).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    service.stop();
    let began = Instant::now();
    service.stopped();
    assert!(began.elapsed() < Duration::from_secs(20));
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut socket, &mut answer);
    let committed = answer.starts_with(b"HTTP/1.1 200");
    let index = colidx::Index::open(service.path("docs.colidx")).unwrap();
    index.verify().unwrap();
    let added = if committed { documents.len() } else { 0 };
    assert_eq!(index.num_documents(), (DOCUMENTS.len() + added) as u64);
    let refused = String::from_utf8_lossy(&answer);
    assert!(
        committed || refused.is_empty() || refused.contains("stopping"),
        "{refused}"
    );
}

#[test]
fn a_refusal_arrives_though_the_request_was_not_read() {
    let service = Service::of_vectors(with_keys());
    let json_type = ("content-type", "application/json");
    let body = vec![b' '; 6 << 20];
    for _ in 0..20 {
        let refused = service.send("POST", SEARCH, &[json_type], &body);
        refused.fails(401, "no_key");
    }
    // A client is told not to reuse the connection.
    let whole = request(service.address, "POST", SEARCH, &[json_type], b"{\"k\": 1}");
    let whole = String::from_utf8(whole).unwrap();
    let mut socket = TcpStream::connect(service.address).unwrap();
    let open = whole.replace("connection: close\r\n", "");
    socket
        .write_all(&open.as_bytes()[..open.len() - 4])
        .unwrap();
    assert!(rest(socket).to_lowercase().contains("connection: close"));
    let body = vec![b' '; 40 << 20];
    let headers = [json_type, ("api-key", "reader")];
    let large = service.send("POST", SEARCH, &headers, &body);
    large.fails(413, "too_large");
}

/// A service that waits 300 ms for its clients.
fn impatient(connections: usize) -> Service {
    let limits = Limits {
        connections,
        idle: Duration::from_millis(300),
        ..Limits::default()
    };
    Service::of_vectors(Options {
        limits,
        ..Options::default()
    })
}

fn rest(mut socket: TcpStream) -> String {
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    let mut answer = String::new();
    let ended = std::io::Read::read_to_string(&mut socket, &mut answer);
    let reset = ended.is_err_and(|error| error.kind() != std::io::ErrorKind::ConnectionReset);
    assert!(!reset, "the connection stays open");
    answer
}

#[test]
fn clients_that_send_nothing_are_let_go() {
    let service = impatient(100);
    for sent in [
        "",
        "GET /healthz HT",
        "GET /healthz HTTP/1.1\r\nhost: local",
    ] {
        let mut slow = TcpStream::connect(service.address).unwrap();
        slow.write_all(sent.as_bytes()).unwrap();
        assert!(!rest(slow).contains(" 200 "), "{sent}");
    }
    let json_type = [("content-type", "application/json")];
    let whole = request(service.address, "POST", SEARCH, &json_type, b"{\"k\": 1}");
    let mut slow = TcpStream::connect(service.address).unwrap();
    slow.write_all(&whole[..whole.len() - 4]).unwrap();
    let answer = rest(slow);
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("slow_body"),
        "{answer}"
    );
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn connections_beyond_the_limit_wait_for_others_to_end() {
    let service = impatient(1);
    let idle = TcpStream::connect(service.address).unwrap();
    let began = Instant::now();
    assert_eq!(service.get("/healthz").status, 200);
    assert!(began.elapsed() > Duration::from_millis(100));
    drop(idle);
}
