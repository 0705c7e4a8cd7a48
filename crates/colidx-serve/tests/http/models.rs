use serde_json::{Value, json};

use crate::harness::{DOCUMENTS, Service, keys};

fn texts() -> Vec<&'static str> {
    DOCUMENTS.iter().map(|(_, _, text)| *text).collect()
}

#[test]
fn encoded_vectors_search_as_their_text_does() {
    let service = Service::start().ready();
    let request = json!({"texts": ["the moon", "tea"], "input_type": "query"});
    let encoded = service.post("/v1/encode", &request).ok();
    assert_eq!(encoded["model"], "tiny-modernbert");
    let dim = encoded["dim"].as_u64().unwrap() as usize;
    for (text, result) in ["the moon", "tea"]
        .iter()
        .zip(encoded["results"].as_array().unwrap())
    {
        let rows = result["vectors"].as_array().unwrap();
        assert_eq!(rows.len(), result["token_ids"].as_array().unwrap().len());
        assert!(rows.iter().all(|row| row.as_array().unwrap().len() == dim));
        let by_vectors = json!({"vectors": rows, "k": 4});
        let by_vectors = service.post("/v1/indexes/docs/search", &by_vectors).ok();
        let by_text = service
            .post("/v1/indexes/docs/search", &json!({"query": text, "k": 4}))
            .ok();
        assert_eq!(by_vectors["hits"], by_text["hits"]);
    }
    let documents = json!({"texts": texts(), "input_type": "document", "index": "docs"});
    let documents = service.post("/v1/encode", &documents).ok();
    assert_eq!(
        documents["results"].as_array().unwrap().len(),
        DOCUMENTS.len()
    );
    let of_vectors = json!({"texts": ["a"], "index": "points"});
    service
        .post("/v1/encode", &of_vectors)
        .fails(422, "invalid_request");
}

#[test]
fn reranking_has_the_shape_that_clients_expect() {
    let service = Service::start().ready();
    let request = json!({
        "model": "any-name", "query": DOCUMENTS[2].2, "documents": texts(), "top_n": 99,
        "return_documents": true, "max_chunks_per_doc": 10, "user": "somebody",
    });
    for path in ["/rerank", "/v1/rerank", "/v2/rerank"] {
        let reply = service.post(path, &request).ok();
        let results = reply["results"].as_array().unwrap();
        assert_eq!(results.len(), DOCUMENTS.len());
        assert_eq!(results[0]["index"], 2);
        assert_eq!(results[0]["document"]["text"], DOCUMENTS[2].2);
        let score = |result: &Value| result["relevance_score"].as_f64().unwrap();
        assert!(results.is_sorted_by(|a, b| score(a) >= score(b)), "{reply}");
        assert!(
            results
                .iter()
                .all(|result| (-1.0..=1.0001).contains(&score(result))),
            "{reply}"
        );
        let raw = results[0]["raw_score"].as_f64().unwrap();
        assert!(raw > score(&results[0]), "{reply}");
        assert!(reply["id"].is_string() && reply["usage"]["total_tokens"].as_u64() > Some(0));
    }
    let objects: Vec<Value> = texts().iter().map(|text| json!({"text": text})).collect();
    // More than are encoded at a time.
    let many: Vec<&str> = texts().into_iter().cycle().take(75).collect();
    let many = json!({"query": "the moon", "documents": many});
    let many = service.post("/rerank", &many).ok();
    let mut seen: Vec<u64> = (many["results"].as_array().unwrap().iter())
        .map(|result| result["index"].as_u64().unwrap())
        .collect();
    assert_eq!(
        many["results"][0]["relevance_score"],
        many["results"][1]["relevance_score"]
    );
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..75));
    let two = json!({"query": "the moon", "documents": objects, "top_n": 2});
    let two = service.post("/v1/rerank", &two).ok();
    assert_eq!(two["results"].as_array().unwrap().len(), 2);
    assert!(two["results"][0].get("document").is_none());
    service
        .post("/rerank", &json!({"query": "a", "documents": []}))
        .fails(422, "invalid_request");
    service
        .post("/rerank", &json!({"query": "a"}))
        .fails(422, "invalid_request");
    service
        .post("/rerank", &json!({"query": "", "documents": ["a"]}))
        .fails(422, "invalid_request");
}

#[test]
fn texts_are_answered_as_text_embeddings_inference_does() {
    let service = Service::start().ready();
    let request =
        json!({"query": "the moon", "texts": texts(), "return_text": true, "truncate": true});
    let reply = service.post("/rerank", &request).ok();
    let results = reply.as_array().unwrap();
    assert_eq!(results.len(), DOCUMENTS.len());
    for result in results {
        let index = result["index"].as_u64().unwrap() as usize;
        assert_eq!(result["text"], texts()[index]);
        assert!(result["score"].as_f64().unwrap() <= 1.0001);
    }
    let raw = json!({"query": "the moon", "texts": texts(), "raw_scores": true});
    let raw = service.post("/rerank", &raw).ok();
    assert!(raw[0]["score"].as_f64() > results[0]["score"].as_f64());
    assert!(raw[0].get("text").is_none());
}

#[test]
fn queries_at_the_same_time_get_their_own_answers() {
    let service = Service::start().ready();
    let answer = |text: &str| {
        let request = json!({"query": text, "k": 4});
        service.post("/v1/indexes/docs/search", &request).ok()["hits"].clone()
    };
    let expected: Vec<Value> = texts().iter().map(|text| answer(text)).collect();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let (expected, answer) = (&expected[n % 4], &answer);
            scope.spawn(move || assert_eq!(&answer(texts()[n % 4]), expected));
        }
    });
    assert_eq!(keys(&json!({"hits": expected[2]}))[0], "moon");
}
