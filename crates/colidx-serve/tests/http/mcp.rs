//! The Model Context Protocol at /mcp, by hand.

use colidx_serve::{Access, Options};
use serde_json::{Value, json};

use crate::harness::{DOCUMENTS, Service};

const ACCEPT: &str = "application/json, text/event-stream";

fn call(service: &Service, headers: &[(&str, &str)], method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let all = [("content-type", "application/json"), ("accept", ACCEPT)];
    let all = [&all, headers].concat();
    let reply = service.send("POST", "/mcp", &all, body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{reply:#?}");
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(answer["id"], 7);
    answer["result"].clone()
}

fn tool(service: &Service, name: &str, arguments: Value) -> (String, bool) {
    let params = json!({"name": name, "arguments": arguments});
    let result = call(service, &[], "tools/call", params);
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    (text, result["isError"] == true)
}

#[test]
fn tools_only_read_and_have_plain_parameters() {
    let service = Service::start().ready();
    let client = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let hello = call(&service, &[], "initialize", client);
    assert_eq!(hello["serverInfo"]["name"], "colidx");
    let list = call(&service, &[], "tools/list", json!({}));
    let tools = list["tools"].as_array().unwrap();
    let mut names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["get_document", "index_info", "search"]);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        let more = &tool["inputSchema"]["additionalProperties"];
        assert_eq!(more, false, "a mistyped argument is refused: {tool}");
        for (name, property) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(
                property["type"].is_string(),
                "{name} is no plain parameter: {property}"
            );
        }
    }
}

#[test]
fn tools_find_and_read() {
    let service = Service::start().ready();
    let (key, title, text) = DOCUMENTS[2];
    let (found, failed) = tool(&service, "search", json!({"query": text, "k": 2}));
    assert!(
        !failed && found.starts_with(&format!("1. key: {key}  score: ")),
        "{found}"
    );
    assert!(found.contains(title) && found.contains(text) && found.contains("2. key: "));
    let (short, _) = tool(
        &service,
        "search",
        json!({"query": text, "max_characters": 200}),
    );
    assert!(short.chars().count() <= 201, "{short}");
    let filtered = json!({"query": "tea", "filter": "year = 1999", "by": "words"});
    let (filtered, failed) = tool(&service, "search", filtered);
    assert!(
        !failed && filtered.contains("1. key: tea/green"),
        "{filtered}"
    );
    for (name, value) in [("filter", "yaer = 1"), ("by", "magic")] {
        let (why, failed) = tool(&service, "search", json!({"query": "tea", name: value}));
        assert!(
            failed && (why.contains("year") || why.contains("hybrid")),
            "{why}"
        );
    }
    let (document, _) = tool(&service, "get_document", json!({"key": key}));
    assert!(
        document.ends_with(text) && document.contains("1999"),
        "{document}"
    );
    let part = json!({"key": key, "start": 3, "max_characters": 10});
    let (part, _) = tool(&service, "get_document", part);
    assert!(
        part.contains("start = 13") && !part.contains(text),
        "{part}"
    );
    let (info, _) = tool(&service, "index_info", json!({}));
    assert!(
        info.contains("\"docs\"") && info.contains("\"points\"") && info.contains("\"year\""),
        "{info}"
    );
    let (why, failed) = tool(&service, "get_document", json!({"key": "nobody"}));
    assert!(failed && why.contains("nobody"), "{why}");
    let (why, failed) = tool(&service, "search", json!({"query": "a", "index": "points"}));
    assert!(failed && why.contains("vectors"), "{why}");
}

#[test]
fn a_key_is_asked_for_here_too() {
    let access = Access {
        read_only_keys: vec!["reader".to_owned()],
        ..Access::default()
    };
    let service = Service::of_vectors(Options {
        access,
        ..Options::default()
    });
    let headers = [("content-type", "application/json"), ("accept", ACCEPT)];
    service
        .send("POST", "/mcp", &headers, b"{}")
        .fails(401, "no_key");
    let list = call(&service, &[("api-key", "reader")], "tools/list", json!({}));
    assert_eq!(list["tools"].as_array().unwrap().len(), 3);
}
