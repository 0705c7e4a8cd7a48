use serde_json::{Value, json};

use crate::harness::{DOCUMENTS, Service, VECTOR_DOCUMENTS, keys, vectors_of};

#[test]
fn indexes_are_listed_and_described() {
    let service = Service::start().ready();
    let all = service.get("/v1/indexes").ok();
    let names: Vec<&Value> = all["indexes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["name"])
        .collect();
    assert_eq!(names, ["docs", "points"]);
    let docs = service.get("/v1/indexes/docs").ok();
    assert_eq!(docs["documents"], DOCUMENTS.len());
    assert_eq!(docs["text"], true);
    assert_eq!(docs["model"]["name"], "tiny-modernbert");
    let points = service.get("/v1/indexes/points").ok();
    assert_eq!(points["documents"], VECTOR_DOCUMENTS);
    assert_eq!(
        (&points["text"], &points["generation"]),
        (&json!(false), &json!(1))
    );
    assert!(points.get("model").is_none());
    service.get("/v1/indexes/none").fails(404, "unknown_index");
}

#[test]
fn text_finds_the_document_with_its_words() {
    let service = Service::start().ready();
    let (key, title, text) = DOCUMENTS[2];
    let request = json!({
        "query": text, "k": 3, "explain": true,
        "with": ["title", "text", "metadata", "highlights"],
    });
    let answer = service.post("/v1/indexes/docs/search", &request).ok();
    assert_eq!(keys(&answer)[0], key);
    assert_eq!(answer["hits"].as_array().unwrap().len(), 3);
    let hit = &answer["hits"][0];
    assert_eq!(
        (hit["title"].as_str(), hit["text"].as_str()),
        (Some(title), Some(text))
    );
    assert_eq!(hit["metadata"], json!({"year": 1999}));
    let scores = hit["explain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["score"].as_f64().unwrap());
    let score = hit["score"].as_f64().unwrap();
    assert!((scores.sum::<f64>() - score).abs() < 1e-3, "{hit}");
    let lit = hit["highlights"]["text"].as_array().unwrap();
    assert!(!lit.is_empty());
    for word in lit {
        let range =
            word["start"].as_u64().unwrap() as usize..word["end"].as_u64().unwrap() as usize;
        assert!(
            text.get(range).is_some_and(|word| !word.is_empty()),
            "{word}"
        );
    }
    assert_eq!(answer["generation"], 1);
    let tokens = answer["query"]["tokens"].as_array().unwrap().len();
    assert_eq!(hit["explain"].as_array().unwrap().len(), tokens);
    assert!(answer["stats"]["encode_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_is_not_asked_for_is_not_told() {
    let service = Service::start().ready();
    let request = json!({"query": "moon", "with": []});
    let answer = service.post("/v1/indexes/docs/search", &request).ok();
    let hit = answer["hits"][0].as_object().unwrap();
    assert_eq!(hit.keys().collect::<Vec<_>>(), ["key", "score"]);
}

#[test]
fn vectors_find_their_own_document() {
    let service = Service::of_vectors(Default::default());
    for exact in [true, false] {
        let request = json!({"vectors": vectors_of(7), "k": 5, "exact": exact, "explain": true});
        let answer = service.post("/v1/indexes/points/search", &request).ok();
        assert_eq!(keys(&answer)[0], "p7");
        let hit = &answer["hits"][0];
        assert_eq!(hit["text"], "point 7");
        assert_eq!(hit["explain"][1]["document_index"], 1);
        assert!(
            answer["stats"]["documents_scored"].as_u64() >= Some(5),
            "{answer}"
        );
    }
    let request = json!({"vectors": vectors_of(7), "k": 5, "effort": {"n_probe": 4, "rerank": 9}});
    let answer = service.post("/v1/indexes/points/search", &request).ok();
    assert_eq!(keys(&answer)[0], "p7");
}

#[test]
fn many_searches_are_answered_in_their_order() {
    let service = Service::start().ready();
    let searches: Vec<Value> = DOCUMENTS
        .iter()
        .map(|d| json!({"query": d.2, "k": 1}))
        .collect();
    let many = service
        .post(
            "/v1/indexes/docs/search/many",
            &json!({"searches": searches}),
        )
        .ok();
    let results = many["results"].as_array().unwrap();
    for (search, result) in searches.iter().zip(results) {
        let one = service.post("/v1/indexes/docs/search", search).ok();
        assert_eq!(one["hits"], result["hits"]);
    }
    assert_eq!(results.len(), DOCUMENTS.len());
    let none = json!({"searches": []});
    service
        .post("/v1/indexes/docs/search/many", &none)
        .fails(422, "invalid_request");
}

#[test]
fn the_matrix_adds_up_to_the_score() {
    let service = Service::start().ready();
    let found = service
        .post(
            "/v1/indexes/docs/search",
            &json!({"query": "green tea", "k": 1}),
        )
        .ok();
    let key = &found["hits"][0]["key"];
    let request = json!({"query": "green tea", "key": key});
    let matrix = service.post("/v1/indexes/docs/explain", &request).ok();
    let score = found["hits"][0]["score"].as_f64().unwrap();
    assert!((matrix["score"].as_f64().unwrap() - score).abs() < 1e-3);
    let rows = matrix["similarities"].as_array().unwrap();
    assert_eq!(rows.len(), matrix["query_tokens"].as_array().unwrap().len());
    let columns = matrix["document_tokens"].as_array().unwrap().len();
    assert!(
        rows.iter()
            .all(|row| row.as_array().unwrap().len() == columns)
    );
    let nobody = json!({"query": "tea", "key": "nobody"});
    service
        .post("/v1/indexes/docs/explain", &nobody)
        .fails(404, "unknown_key");
}

#[test]
fn a_search_that_makes_no_sense_is_refused_with_a_reason() {
    let service = Service::start().ready();
    let refused = |index: &str, request: Value| {
        let reply = service.post(&format!("/v1/indexes/{index}/search"), &request);
        let body = reply.fails(422, "invalid_request");
        body["message"].as_str().unwrap().to_owned()
    };
    assert!(refused("docs", json!({})).contains("give query"));
    assert!(refused("docs", json!({"query": "a", "vectors": [[1.0]]})).contains("give one"));
    assert!(refused("docs", json!({"query": " "})).contains("at least one word"));
    assert!(refused("docs", json!({"query": "a", "k": 0})).contains("k is 0"));
    assert!(refused("docs", json!({"query": "a", "k": 100_000})).contains("1 to 1000"));
    assert!(refused("docs", json!({"query": "a", "limit": 3})).contains("unknown field `limit`"));
    assert!(refused("docs", json!({"query": "a", "effort": {"nprobe": 3}})).contains("nprobe"));
    let unknown = refused("docs", json!({"query": "a", "effort": {"recall": 0.9}}));
    assert!(
        unknown.contains("effort.recall: recall was never measured on it"),
        "{unknown}"
    );
    let share = refused("docs", json!({"query": "a", "effort": {"recall": 1.5}}));
    assert!(
        share.contains("recall is 1.5, but must be above 0 and at most 1"),
        "{share}"
    );
    assert!(refused("docs", json!({"query": 3})).contains("expected a string"));
    assert!(refused("points", json!({"query": "a"})).contains("give vectors"));
    assert!(refused("points", json!({"vectors": [[1.0, 2.0]]})).contains("2 values"));
    assert!(refused("points", json!({"vectors": [[1.0], [1.0, 2.0]]})).contains("as in the first"));
    assert!(refused("points", json!({"vectors": []})).contains("no token vectors"));
    let long = vec![vectors_of(1)[0].clone(); 5000];
    assert!(refused("points", json!({"vectors": long})).contains("1 to 4096"));
    let one = json!({"vectors": vectors_of(1), "k": 1000});
    let many = json!({"searches": vec![one; 11]});
    let many = service.post("/v1/indexes/points/search/many", &many);
    many.fails(422, "invalid_request");
    let highlights = json!({"vectors": vectors_of(1), "with": ["highlights"]});
    assert!(refused("points", highlights).contains("highlights"));
    let snippet = json!({"vectors": vectors_of(1), "with": ["snippet"]});
    assert!(refused("points", snippet).contains("snippets"));
}

#[test]
fn a_filter_that_is_wrong_says_where() {
    let service = Service::start().ready();
    let search = |filter: &str| {
        let request = json!({"query": "tea", "filter": filter});
        service.post("/v1/indexes/docs/search", &request)
    };
    assert_eq!(keys(&search("year = 1999").ok()).len(), DOCUMENTS.len());
    let unknown = search("yaer = 1999").fails(422, "invalid_filter");
    assert_eq!(unknown["details"]["start"], 0);
    assert_eq!(unknown["details"]["end"], 4);
    let problem = unknown["details"]["problem"].as_str().unwrap();
    assert!(
        problem.contains("year") && !problem.contains('\n'),
        "{problem}"
    );
    let half = search("year = ").fails(422, "invalid_filter");
    assert!(half["message"].as_str().unwrap().contains('^'), "{half}");
}

#[test]
fn ways_to_search_are_checked_against_each_other() {
    let service = Service::start().ready();
    let search = |more: Value| {
        let mut request = json!({"query": "tea and coffee"});
        request
            .as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
        service.post("/v1/indexes/docs/search", &request)
    };
    for fusion in ["convex", "rrf", "rerank"] {
        let found = search(json!({"by": "hybrid", "fusion": fusion})).ok();
        assert_eq!(keys(&found)[0], "tea/green", "{fusion}");
        let hit = &found["hits"][0];
        assert!(
            hit["bm25"].is_number() && hit["maxsim"].is_number(),
            "{hit}"
        );
    }
    let words = search(json!({"by": "words"})).ok();
    assert_eq!(keys(&words), ["tea/green"]);
    for wrong in [
        json!({"weight": 0.5}),
        json!({"by": "words", "weight": 0.5}),
        json!({"by": "hybrid", "fusion": "rrf", "weight": 0.5}),
        json!({"by": "words", "fusion": "rrf"}),
        json!({"by": "hybrid", "weight": 2}),
        json!({"by": "hybrid", "weight": -1}),
    ] {
        search(wrong).fails(422, "invalid_request");
    }
    let none = json!({"query": "tea", "by": "words"});
    let none = service.post("/v1/indexes/points/search", &none);
    assert!(keys(&none.ok()).is_empty());
}

#[test]
fn a_snippet_is_a_part_of_the_text() {
    let service = Service::start().ready();
    let request = json!({"query": "coffee", "with": ["text", "snippet"], "k": 1});
    let found = service.post("/v1/indexes/docs/search", &request).ok();
    let hit = &found["hits"][0];
    let (text, snippet) = (hit["text"].as_str().unwrap(), &hit["snippet"]);
    let start = snippet["start"].as_u64().unwrap() as usize;
    let part = snippet["text"].as_str().unwrap();
    assert!(!part.is_empty() && text[start..].starts_with(part), "{hit}");
    assert!(!snippet["words"].as_array().unwrap().is_empty(), "{hit}");
    assert!(hit.get("highlights").is_none());
}

#[test]
fn values_are_counted_with_the_filter_that_finds_them() {
    let service = Service::start().ready();
    let more = json!({"documents": [
        {"key": "a", "text": "salt", "metadata": {"year": 2001, "by": {"name": "O'Hara"}}},
        {"key": "b", "text": "salt", "metadata": {"year": 2001, "by": {"name": "Ann"}}},
    ]});
    service.post("/v1/indexes/docs/documents", &more).ok();
    let fields = service.get("/v1/indexes/docs/fields").ok();
    let paths: Vec<&str> = fields["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["by.name", "year"]);
    assert_eq!(fields["fields"][1]["integers"], DOCUMENTS.len() + 2);
    let facets = |request: Value| service.post("/v1/indexes/docs/facets", &request);
    let all = facets(json!({"fields": ["year", "by.name"]})).ok();
    assert_eq!(all["documents"], DOCUMENTS.len() + 2);
    let years = &all["facets"][0]["values"];
    assert_eq!(
        years[0],
        json!({"value": 1999, "documents": 4, "filter": "year = 1999"})
    );
    let names = &all["facets"][1]["values"];
    let filter = names[1]["filter"].as_str().unwrap();
    assert_eq!(names[1]["value"], "O'Hara");
    let within = facets(json!({"fields": ["year"], "filter": filter})).ok();
    assert_eq!(within["documents"], 1);
    assert_eq!(within["facets"][0]["values"][0]["value"], 2001);
    let counted = facets(json!({"fields": [], "keys": ["a", "moon", "nobody"]})).ok();
    assert_eq!(counted["documents"], 2);
    facets(json!({"fields": ["year"], "filter": "("})).fails(422, "invalid_filter");
    facets(json!({"fields": ["year"], "most": 0})).fails(422, "invalid_request");
    facets(json!({"fields": vec!["year"; 101]})).fails(422, "invalid_request");
}
