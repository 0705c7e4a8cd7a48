use colidx_serve::{AccessLog, Options};
use serde_json::{Value, json};

use crate::harness::{Service, vectors_of};

#[test]
fn metrics_count_by_route_and_not_by_key() {
    let service = Service::of_vectors(Options {
        commit: "abc1234",
        ..Options::default()
    });
    let search = json!({"vectors": vectors_of(1)});
    service.post("/v1/indexes/points/search", &search).ok();
    service.get("/v1/indexes/points/documents/p1").ok();
    service
        .get("/v1/indexes/points/documents/secret")
        .fails(404, "unknown_key");
    service.get("/nothing").fails(404, "not_found");
    let text = service.get("/metrics").body;
    for line in [
        r#"colidx_http_requests_total{route="/v1/indexes/{name}/search",code="200"} 1"#,
        r#"colidx_http_requests_total{route="unknown",code="404"} 1"#,
        r#"colidx_http_request_duration_seconds_count{route="/v1/indexes/{name}/search"} 1"#,
        r#"colidx_search_stage_seconds_count{stage="exact"} 1"#,
        r#"colidx_documents{index="points"} 40"#,
        r#"colidx_vectors{index="points"} 80"#,
        r#"colidx_index_generation{index="points"} 1"#,
        r#"colidx_encode_queue 0"#,
        r#"git="abc1234""#,
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("colidx_index_bytes") && text.contains("colidx_resident_memory_bytes"));
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_access_log_names_requests_and_not_what_was_searched_for() {
    let service = Service::of_vectors(Options {
        access_log: AccessLog::Json,
        ..Options::default()
    });
    let reply = service.send(
        "GET",
        "/healthz?q=private",
        &[("x-request-id", "mine")],
        b"",
    );
    assert!(reply.head.contains("x-request-id: mine"), "{reply:#?}");
    let line: Value = serde_json::from_str(service.log().lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["path"], &line["status"]),
        (&json!("/healthz"), &json!(200))
    );
    assert_eq!(
        (&line["id"], &line["client"]),
        (&json!("mine"), &json!("127.0.0.1"))
    );
    let text = Service::of_vectors(Options::default());
    text.get("/v1/indexes/none");
    assert!(
        text.log().contains("GET /v1/indexes/none 404 "),
        "{}",
        text.log()
    );
}

#[test]
fn routes_describe_themselves() {
    let service = Service::of_vectors(Options::default());
    let description = service.get("/openapi.json").ok();
    let paths = description["paths"].as_object().unwrap();
    for (path, method) in [
        ("/v1/indexes/{name}/search", "post"),
        ("/v1/indexes/{name}/documents", "put"),
        ("/v1/indexes/{name}/documents/{key}", "get"),
        ("/v1/indexes/{name}/documents/{key}", "delete"),
        ("/v1/rerank", "post"),
        ("/readyz", "get"),
    ] {
        assert!(
            paths[path].get(method).is_some(),
            "{path} {method}: {:?}",
            paths.keys()
        );
    }
    let search = &description["components"]["schemas"]["SearchRequest"]["properties"];
    assert_eq!(search["k"]["default"], 10);
}

/// A change of the interface is to be seen in a review.
#[test]
fn the_description_is_the_one_in_the_repository() {
    let service = Service::of_vectors(Options::default());
    let described = service.get("/openapi.json").body;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("COLIDX_UPDATE").is_some() {
        std::fs::write(path, &described).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let differs = known
        .lines()
        .zip(described.lines())
        .find(|(known, now)| known != now);
    assert!(
        known == described,
        "{path} is not what /openapi.json says: {differs:?}; if it should change, run this test \
         with COLIDX_UPDATE=1"
    );
}

#[test]
fn pages_load_nothing_from_elsewhere() {
    let service = Service::of_vectors(Options::default());
    for (path, kind) in [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/page/page.js", "text/javascript"),
        ("/page/matrix.js", "text/javascript"),
        ("/page/page.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let page = service.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.head.contains(&format!("content-type: {kind}")),
            "{}",
            page.head
        );
        assert!(
            page.head
                .contains("content-security-policy: default-src 'none'")
        );
        assert!(page.head.contains("x-content-type-options: nosniff"));
        let foreign = page.body.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !foreign.contains("http://") && !foreign.contains("https://"),
            "{path}"
        );
        // What the policy forbids anyway must not be needed.
        for inline in ["innerHTML", "style=\"", " onclick", "eval("] {
            assert!(!page.body.contains(inline), "{path} has {inline}");
        }
    }
}
