use serde_json::{Value, json};
use std::time::{Duration, Instant};

use colidx::TextIndex;

use crate::harness::{DOCUMENTS, Service, VECTOR_DOCUMENTS, keys, vectors_of};

const DOCS: &str = "/v1/indexes/docs/documents";
const POINTS: &str = "/v1/indexes/points/documents";

#[test]
fn documents_come_back_whole() {
    let service = Service::start();
    let document = service.get(&format!("{DOCS}/tea%2Fgreen")).ok();
    let (key, title, text) = DOCUMENTS[1];
    let expected = json!({"key": key, "title": title, "text": text, "metadata": {"year": 1999}});
    assert_eq!(document, expected);
    assert_eq!(service.get(&format!("{DOCS}/tea/green")).ok(), expected);
    service
        .get(&format!("{DOCS}/none"))
        .fails(404, "unknown_key");
    let point = service.get(&format!("{POINTS}/p3?vectors=true")).ok();
    let stored = point["vectors"].as_array().unwrap();
    assert_eq!(stored.len(), 2);
    let dot = |n: usize| -> f64 {
        let row = stored[n]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap());
        row.zip(&vectors_of(3)[n])
            .map(|(a, &b)| a * f64::from(b))
            .sum()
    };
    assert!(dot(0) > 0.95 && dot(1) > 0.95, "{point}");
}

#[test]
fn text_is_added_found_replaced_and_deleted() {
    let service = Service::start().ready();
    let search = |query: &str| {
        let request = json!({"query": query, "k": 1});
        keys(&service.post("/v1/indexes/docs/search", &request).ok())
    };
    let document = |text: &str| {
        let new =
            json!({"key": "sea", "title": "The sea", "text": text, "metadata": {"deep": true}});
        json!({"documents": [new]})
    };
    let text = "Water moves with the moon, and fish live in it.";
    let added = service.post(DOCS, &document(text)).ok();
    assert_eq!(
        added,
        json!({"added": 1, "replaced": 0, "deleted": 0, "generation": 2, "truncated": []})
    );
    assert_eq!(search(text), ["sea"]);
    service.post(DOCS, &document(text)).fails(409, "key_exists");
    let other = "Salt is in the water.";
    let replaced = service.json("PUT", DOCS, &document(other)).ok();
    assert_eq!(
        (&replaced["added"], &replaced["replaced"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(service.get(&format!("{DOCS}/sea")).ok()["text"], other);
    let deleted = service
        .send("DELETE", &format!("{DOCS}/sea"), &[], b"")
        .ok();
    assert_eq!(deleted["deleted"], 1);
    assert_ne!(search(text), ["sea"]);
    service
        .send("DELETE", &format!("{DOCS}/sea"), &[], b"")
        .fails(404, "unknown_key");
    let many = json!({"keys": ["moon", "cell", "nobody"]});
    assert_eq!(service.json("DELETE", DOCS, &many).ok()["deleted"], 2);
    assert_eq!(
        service.post("/v1/indexes/docs/compact", &json!({})).ok()["deleted"],
        0
    );
    let docs = service.get("/v1/indexes/docs").ok();
    assert_eq!(
        (&docs["documents"], &docs["deleted_documents"]),
        (&json!(2), &json!(0))
    );
}

#[test]
fn the_answer_names_documents_that_are_longer_than_the_model_reads() {
    let service = Service::start().ready();
    let long = "Water moves with the moon. ".repeat(1_000);
    let document = |key: &str, text: &str| json!({"key": key, "text": text});
    let many: Vec<Value> = (0..8)
        .map(|n| document(&format!("long {n}"), &long))
        .collect();
    let added = service.post(DOCS, &json!({"documents": many})).ok();
    let keys: Vec<String> = (0..8).map(|n| format!("long {n}")).collect();
    assert_eq!(added["truncated"], json!(keys));
    let both = [document("short", "Water."), document("long 3", &long)];
    let updated = service.json("PUT", DOCS, &json!({"documents": both})).ok();
    assert_eq!(updated["truncated"], json!(["long 3"]));
}

#[test]
fn a_request_changes_all_or_nothing() {
    let service = Service::of_vectors(Default::default());
    let new = |key: &str, vectors: Value| json!({"key": key, "vectors": vectors});
    let good = new("good", json!(vectors_of(50)));
    for (bad, status, code) in [
        (new("p3", json!(vectors_of(1))), 409, "key_exists"),
        (new("", json!(vectors_of(1))), 422, "invalid_request"),
        (new("short", json!([[1.0, 0.0]])), 422, "invalid_request"),
        (
            new("long", json!([[9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])),
            422,
            "invalid_request",
        ),
        (new("ids", json!(vectors_of(1))), 422, "invalid_request"),
        (
            json!({"key": "words", "text": "no checkpoint"}),
            422,
            "invalid_request",
        ),
    ] {
        let mut bad = bad;
        if bad["key"] == "ids" {
            bad["token_ids"] = json!([1, 2, 3]);
        }
        let request = json!({"documents": [good, bad]});
        service.post(POINTS, &request).fails(status, code);
    }
    let points = service.get("/v1/indexes/points").ok();
    assert_eq!(
        (&points["documents"], &points["generation"]),
        (&json!(VECTOR_DOCUMENTS), &json!(1))
    );
    service.post(POINTS, &json!({"documents": [good]})).ok();
    let found = json!({"vectors": vectors_of(50), "k": 1});
    assert_eq!(
        keys(&service.post("/v1/indexes/points/search", &found).ok()),
        ["good"]
    );
}

#[test]
fn writers_and_readers_do_not_disturb_each_other() {
    let service = Service::of_vectors(Default::default());
    let (writers, each) = (6, 8);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let service = &service;
            scope.spawn(move || {
                for n in 0..each {
                    let key = format!("w{writer}-{n}");
                    let vectors = vectors_of(100 + writer * each + n);
                    let request = json!({"documents": [{"key": key, "vectors": vectors}]});
                    assert_eq!(service.post(POINTS, &request).ok()["added"], 1);
                    // Whoever was answered finds what was written.
                    assert_eq!(service.get(&format!("{POINTS}/{key}")).ok()["key"], *key);
                    if n % 3 == 0 {
                        let gone = service.send("DELETE", &format!("{POINTS}/{key}"), &[], b"");
                        assert_eq!(gone.ok()["deleted"], 1);
                    }
                }
            });
            scope.spawn(move || {
                for n in 0..3 * each {
                    let request = json!({"vectors": vectors_of(n), "k": 1});
                    let answer = service.post("/v1/indexes/points/search", &request).ok();
                    let score = answer["hits"][0]["score"].as_f64().unwrap();
                    assert!(score > 1.8, "{answer}");
                }
            });
        }
    });
    let left = VECTOR_DOCUMENTS + writers * (each - each.div_ceil(3));
    let points = service.get("/v1/indexes/points").ok();
    assert_eq!(points["documents"], left);
    // Those that waited for each other were committed together.
    assert!(
        points["generation"].as_u64().unwrap() < (writers * 2 * each) as u64,
        "{points}"
    );
    colidx::Index::open(service.path("points.colidx"))
        .unwrap()
        .verify()
        .unwrap();
}

#[test]
fn commits_of_other_programs_are_seen() {
    let service = Service::start().ready();
    let mut other = TextIndex::open(service.path("docs.colidx")).unwrap();
    other.add("new", "Gold and silver are metals.").unwrap();
    other.commit().unwrap();
    let reload = service.post("/v1/indexes/docs/reload", &json!({})).ok();
    assert_eq!(reload["generation"], 2);
    assert_eq!(service.get(&format!("{DOCS}/new")).ok()["key"], "new");
    other.delete("new").unwrap();
    other.commit().unwrap();
    let began = Instant::now();
    while service.get(&format!("{DOCS}/new")).status == 200 {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(50));
    }
    // A writer that keeps the index is waited for, a while.
    let busy = service.send("DELETE", &format!("{DOCS}/moon"), &[], b"");
    busy.fails(503, "locked");
    assert!(busy.head.contains("retry-after"));
    drop(other);
    assert_eq!(
        service
            .send("DELETE", &format!("{DOCS}/moon"), &[], b"")
            .ok()["deleted"],
        1
    );
}

#[test]
fn documents_are_deleted_by_their_metadata() {
    let service = Service::start().ready();
    let delete = |request: Value| service.json("DELETE", DOCS, &request);
    let new = json!({"documents": [{"key": "new", "text": "salt", "metadata": {"year": 2001}}]});
    service.post(DOCS, &new).ok();
    assert_eq!(delete(json!({"filter": "year > 2000"})).ok()["deleted"], 1);
    service
        .get(&format!("{DOCS}/new"))
        .fails(404, "unknown_key");
    assert_eq!(delete(json!({"filter": "year > 2000"})).ok()["deleted"], 0);
    delete(json!({"filter": "yaer > 2000"})).fails(422, "invalid_filter");
    delete(json!({})).fails(422, "invalid_request");
    delete(json!({"filter": "TRUE", "keys": ["moon"]})).fails(422, "invalid_request");
    service.get(&format!("{DOCS}/moon")).ok();
}
