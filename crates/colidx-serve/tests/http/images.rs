//! Images that documents name, and how vectors of a query meet those of a page.

use colidx_serve::{Access, Log, Options, ServeError, Server};
use serde_json::json;

use crate::harness::{DIM, Service, vectors_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand more";
const IMAGES: &str = "/v1/indexes/points/images";

fn service(access: Access) -> (tempfile::TempDir, Service) {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("images");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(around.path().join("secret.png"), PNG).unwrap();
    std::fs::write(folder.join("p1.png"), PNG).unwrap();
    std::fs::write(folder.join("p2.png"), "<script>alert(1)</script>").unwrap();
    let options = Options {
        images: Some(folder),
        access,
        ..Options::default()
    };
    (around, Service::of_vectors(options))
}

#[test]
fn an_image_of_a_document_is_served() {
    let (_around, service) = service(Access::default());
    let image = service.get(&format!("{IMAGES}/p1"));
    assert_eq!(image.status, 200, "{image:#?}");
    for header in [
        "content-type: image/png",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; sandbox",
        "cache-control: private",
    ] {
        assert!(image.head.contains(header), "{header}: {image:#?}");
    }
    assert!(image.body.ends_with("and more"));
    assert_eq!(service.get("/v1/indexes/points").ok()["images"], true);
    let not_one = service.get(&format!("{IMAGES}/p2"));
    not_one.fails(404, "no_image");
    assert!(!not_one.body.contains("script"));
    service.get(&format!("{IMAGES}/p3")).fails(404, "no_image");
    service
        .get(&format!("{IMAGES}/no"))
        .fails(404, "unknown_key");
}

#[test]
fn documents_lead_nowhere_else() {
    let (around, service) = service(Access::default());
    let secret = around.path().join("secret.png");
    for name in [
        "../secret.png",
        "../images/../secret.png",
        secret.to_str().unwrap(),
        "http://127.0.0.1/p1.png",
        "",
    ] {
        let new = json!({"key": "new", "vectors": vectors_of(3), "metadata": {"image": name}});
        let documents = json!({ "documents": [new] });
        service
            .json("PUT", "/v1/indexes/points/documents", &documents)
            .ok();
        let refused = service.get(&format!("{IMAGES}/new"));
        refused.fails(404, "no_image");
    }
    // A path asks for a document, not for a file.
    for path in ["p1.png", "..%2Fp1", "..%2Fsecret.png"] {
        let none = service.get(&format!("{IMAGES}/{path}"));
        none.fails(404, "unknown_key");
    }
}

#[test]
fn images_need_a_folder_and_a_key() {
    let service_without = Service::of_vectors(Options::default());
    let none = service_without.get(&format!("{IMAGES}/p1"));
    none.fails(404, "no_image");
    let described = service_without.get("/v1/indexes/points").ok();
    assert_eq!(described["images"], false);
    let access = Access {
        read_only_keys: vec!["reader".to_owned()],
        ..Access::default()
    };
    let (around, service) = service(access);
    let path = format!("{IMAGES}/p1");
    service.get(&path).fails(401, "no_key");
    let reader = [("api-key", "reader")];
    assert_eq!(service.send("GET", &path, &reader, b"").status, 200);
    let options = Options {
        images: Some(around.path().join("nothing")),
        ..Options::default()
    };
    let paths = [service.path("points.colidx")];
    let bound = Server::bind(
        &paths,
        ([127, 0, 0, 1], 0).into(),
        options,
        Log::new(|_| {}),
    );
    assert!(matches!(bound, Err(ServeError::Folder { .. })));
}

#[test]
fn vectors_are_explained_as_text_is() {
    let service = Service::of_vectors(Options::default());
    let explain = "/v1/indexes/points/explain";
    let vectors = vectors_of(5);
    let search = json!({"vectors": vectors, "k": 1, "explain": true});
    let hit = &service.post("/v1/indexes/points/search", &search).ok()["hits"][0];
    let told = service.post(explain, &json!({"vectors": vectors, "key": hit["key"]}));
    let told = told.ok();
    let rows = told["similarities"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let mut sum = 0.0;
    for (row, best) in rows.iter().zip(hit["explain"].as_array().unwrap()) {
        let values: Vec<f64> = serde_json::from_value(row.clone()).unwrap();
        let largest = values.iter().copied().fold(f64::MIN, f64::max);
        let index = best["document_index"].as_u64().unwrap();
        assert_eq!(values[index as usize], largest);
        sum += largest;
    }
    assert!((sum - told["score"].as_f64().unwrap()).abs() < 1e-5);
    assert!((sum - hit["score"].as_f64().unwrap()).abs() < 1e-5);
    assert_eq!(told["document_tokens"], json!([]));
    for wrong in [
        json!({"key": "p1"}),
        json!({"key": "p1", "query": "a", "vectors": vectors}),
        json!({"key": "p1", "vectors": []}),
        json!({"key": "p1", "vectors": [vec![1.0; DIM + 1]]}),
        json!({"key": "p1", "vectors": vec![vec![1.0; DIM]; 4097]}),
    ] {
        service.post(explain, &wrong).fails(422, "invalid_request");
    }
    let unknown = json!({"key": "no", "vectors": vectors});
    service.post(explain, &unknown).fails(404, "unknown_key");
}
