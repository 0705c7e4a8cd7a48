//! Whatever is sent, the service answers, and is not at fault.

use std::io::{Read, Write};
use std::net::TcpStream;

use colidx_serve::Options;
use serde_json::json;

use crate::harness::{Service, vectors_of};

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }
}

#[test]
fn mutated_bodies_are_no_fault_of_the_service() {
    let service = Service::start().ready();
    let vectors = vectors_of(3);
    let requests = [
        (
            "POST",
            "/v1/indexes/docs/search",
            json!({"query": "the moon", "k": 3, "exact": true, "explain": true,
                "effort": {"recall": 1, "n_probe": 2, "candidates": 5, "rerank": 7},
                "with": ["title", "highlights"]}),
        ),
        (
            "POST",
            "/v1/indexes/points/search",
            json!({"vectors": vectors, "k": 3, "explain": true}),
        ),
        (
            "POST",
            "/v1/indexes/points/search/many",
            json!({"searches": [{"vectors": vectors}, {"vectors": vectors, "k": 1}]}),
        ),
        (
            "POST",
            "/v1/indexes/docs/search",
            json!({"query": "+tea -\"the moon\"", "by": "hybrid", "weight": 0.5, "k": 3,
                "filter": "year >= 1999 AND NOT year IN (3, 4)", "keys": ["moon", "rust"],
                "with": ["snippet"]}),
        ),
        (
            "POST",
            "/v1/indexes/docs/facets",
            json!({"fields": ["year"], "filter": "year = 1999", "most": 3}),
        ),
        (
            "DELETE",
            "/v1/indexes/docs/documents",
            json!({"filter": "year > 3000"}),
        ),
        (
            "POST",
            "/v1/indexes/docs/explain",
            json!({"query": "tea", "key": "tea/green"}),
        ),
        (
            "POST",
            "/v1/indexes/points/explain",
            json!({"vectors": vectors, "key": "p3"}),
        ),
        (
            "PUT",
            "/v1/indexes/points/documents",
            json!({"documents": [{"key": "x", "title": "t", "metadata": {"a": [1]},
                "vectors": vectors, "token_ids": [3, 4]}]}),
        ),
        (
            "PUT",
            "/v1/indexes/docs/documents",
            json!({"documents": [{"key": "y", "text": "water and salt", "metadata": {"a": 1}}]}),
        ),
        (
            "DELETE",
            "/v1/indexes/points/documents",
            json!({"keys": ["p9", "nobody"]}),
        ),
        (
            "POST",
            "/v1/encode",
            json!({"texts": ["a", "b"], "input_type": "document"}),
        ),
        (
            "POST",
            "/rerank",
            json!({"query": "a", "documents": ["b", {"text": "c"}], "top_n": 1}),
        ),
        (
            "POST",
            "/rerank",
            json!({"query": "a", "texts": ["b", "c"], "raw_scores": true}),
        ),
    ];
    let pieces: [&[u8]; 12] = [
        b"\"",
        b"[",
        b"]",
        b"{}",
        b"null",
        b"-1",
        b"1e39",
        b"\xff",
        b"\\ud800",
        b"0",
        b",",
        b"18446744073709551616",
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let headers = [("content-type", "application/json")];
    for (method, path, body) in requests {
        assert!(
            service
                .send(method, path, &headers, body.to_string().as_bytes())
                .status
                < 500
        );
        for _ in 0..40 {
            let mut body = body.to_string().into_bytes();
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(body.len());
                match dice.below(4) {
                    0 => body[at] = dice.below(256) as u8,
                    1 => drop(body.remove(at)),
                    2 => body.truncate(at + 1),
                    _ => {
                        let piece = pieces[dice.below(pieces.len())];
                        body.splice(at..at + 1, piece.iter().copied());
                    }
                }
            }
            let reply = service.send(method, path, &headers, &body);
            let sent = String::from_utf8_lossy(&body);
            assert!(reply.status < 500, "{method} {path} {sent}: {reply:#?}");
        }
    }
    assert_eq!(service.get("/readyz").status, 200);
}

#[test]
fn odd_requests_get_errors_of_the_same_shape() {
    let service = Service::of_vectors(Options::default());
    service.get("/nothing").fails(404, "not_found");
    service
        .get("/v1/indexes/points/search")
        .fails(405, "method_not_allowed");
    service
        .get("/v1/indexes/..%2Fpoints")
        .fails(404, "unknown_index");
    service
        .get("/v1/indexes/points/documents/%ff")
        .fails(400, "bad_request");
    service
        .get("/v1/indexes/points/documents/p1?vectors=maybe")
        .fails(400, "bad_request");
    let json_type = [("content-type", "application/json")];
    let search = "/v1/indexes/points/search";
    service
        .send("POST", search, &json_type, b"")
        .fails(400, "invalid_json");
    service
        .send("POST", search, &json_type, b"{\"k\": 1")
        .fails(400, "invalid_json");
    service
        .send("POST", search, &json_type, b"[1]")
        .fails(422, "invalid_request");
    let deep = [b"{\"vectors\": ".as_slice(), &b"[".repeat(100_000)].concat();
    assert!(service.send("POST", search, &json_type, &deep).status < 500);
    for raw in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(service.address).unwrap();
        socket.write_all(raw).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(
            !String::from_utf8_lossy(&answer).contains(" 500 "),
            "{raw:?}"
        );
    }
    assert_eq!(service.get("/healthz").status, 200);
}

#[test]
fn what_the_client_can_mend_is_no_fault_of_the_service() {
    let service = Service::of_vectors(Options::default());
    let search = "/v1/indexes/points/search";
    let wide = vec![vec![1.0f32; 1 << 20]];
    service
        .post(search, &json!({ "vectors": wide }))
        .fails(422, "invalid_request");
    let words: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
    service
        .post(search, &json!({"query": words.join(" "), "by": "words"}))
        .fails(422, "invalid_request");
}
