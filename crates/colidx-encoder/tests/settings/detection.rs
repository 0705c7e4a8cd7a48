//! Layouts, and the metadata of ColBERT.

use colidx_encoder::EncoderOptions;
use serde_json::{Value, json};

use crate::support::Copy;

/// Variants of ColBERT's metadata with the same meaning.
#[test]
fn metadata_of_colbert() {
    let name = "stanford-stale-modules-json";
    let text = ["The sun is a star, and the moon is none."];
    let expected = Copy::of(name).open().unwrap();
    let file = "artifact.metadata";
    for (key, value) in [
        ("similarity", json!("l2")),
        ("similarity", Value::Null),
        ("dim", Value::Null),
        ("query_token_id", Value::Null),
        ("query_token_id", json!({"val": "[unused0]"})),
        (
            "doc_token_id",
            json!({"__type": "AddedToken", "content": "[unused1]"}),
        ),
        ("mask_punctuation", Value::Null),
        ("attend_to_mask_tokens", Value::Null),
    ] {
        let found = Copy::of(name).set(file, key, value.clone()).open().unwrap();
        assert_eq!(
            found.encode_documents(&text).unwrap(),
            expected.encode_documents(&text).unwrap(),
            "{key} {value}"
        );
        assert_eq!(
            found.encode_query(text[0]).unwrap(),
            expected.encode_query(text[0]).unwrap(),
            "{key} {value}"
        );
    }
    // Null lengths belong to PyLate.
    let copy = Copy::of("stanford-no-metadata").set(file, "doc_maxlen", Value::Null);
    let info = copy.set(file, "query_maxlen", Value::Null).open().unwrap();
    assert_eq!(
        (info.info().document_length, info.info().query_length),
        (180, 32)
    );

    // The weights identify the layout even without any other file.
    let copy = Copy::of(name).without(file).json("config.json", |json| {
        json["architectures"] = json!(["BertModel"])
    });
    let error = copy.open().err().unwrap().to_string();
    assert!(
        error.contains("180") && error.contains("64 positions"),
        "{error}"
    );
    let options = EncoderOptions::default()
        .document_length(40)
        .query_length(12);
    let found = copy.open_with(&options).unwrap();
    assert_eq!(found.info().layout, "Stanford");
    assert_eq!(
        found.encode_documents(&text).unwrap(),
        expected.encode_documents(&text).unwrap()
    );
}

#[test]
fn layouts_are_detected() {
    for (name, layout, projected) in [
        ("mve-fresh-modernbert", "MultiVectorEncoder", true),
        ("tiny-bert", "PyLate", true),
        ("stanford-stale-modules-json", "Stanford", true),
        ("stanford-no-metadata", "Stanford", true),
        ("tiny-stanford-bin", "Stanford", true),
        ("flag-embedding", "FlagEmbedding", true),
        ("tiny-plain", "sentence-transformers", false),
    ] {
        let encoder = Copy::of(name).open().unwrap();
        let info = encoder.info();
        assert_eq!(
            (info.layout.as_str(), info.projected),
            (layout, projected),
            "{name}"
        );
    }
    // Detected by the mask alone, and by the model type alone.
    let settings = "config_sentence_transformers.json";
    let copy = Copy::of("mve-fresh-modernbert").without(settings);
    assert_eq!(copy.open().unwrap().info().layout, "MultiVectorEncoder");
    let copy = Copy::of("mve-fresh-modernbert").json("modules.json", |modules| {
        modules.as_array_mut().unwrap().remove(2);
    });
    let encoder = copy.open().unwrap();
    assert_eq!(encoder.info().layout, "MultiVectorEncoder");
    // Without a Normalize module, vectors are not scaled.
    let copy = copy.json("modules.json", |modules| {
        modules.as_array_mut().unwrap().remove(2);
    });
    let vectors = copy.open().unwrap().encode_documents(&["a star"]).unwrap();
    let length: f32 = vectors[0].vectors[..8].iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() > 1e-3, "{length}");
}
