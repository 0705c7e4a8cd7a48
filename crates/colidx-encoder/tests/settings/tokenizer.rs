//! The files of a tokenizer.

use serde_json::{Value, json};

use crate::support::Copy;

#[test]
fn tokenizer_files_apply() {
    let ids = |copy: &Copy, text: &str| {
        copy.open().unwrap().encode_documents(&[text]).unwrap()[0]
            .token_ids
            .clone()
    };
    // Tokens of the older file are recognized anywhere in a text.
    let plain = Copy::of("tiny-plain");
    assert!(!ids(&plain, "x [unused1] x").contains(&2));
    let added = plain.set("added_tokens.json", "[unused1]", json!(2));
    assert!(ids(&added, "x [unused1] x").contains(&2));
    let wrong = added.set("added_tokens.json", "[unused1]", json!(3));
    let error = wrong.open().err().unwrap().to_string();
    assert!(
        error.contains("added_tokens.json") && error.contains("[unused1]"),
        "{error}"
    );

    // The older map of special tokens counts if the newer file lists no tokens; null means none.
    let mask = |copy: Copy| copy.open().map(|encoder| encoder.info().mask_token.clone());
    let map = "special_tokens_map.json";
    let other = json!({"content": "[SEP]", "lstrip": false});
    assert_eq!(
        mask(Copy::new().set(map, "mask_token", other.clone())).unwrap(),
        "[SEP]"
    );
    let listed = json!({"6": {"content": "[MASK]", "special": true}});
    let copy = Copy::new().set(map, "mask_token", other);
    let copy = copy.set("tokenizer_config.json", "added_tokens_decoder", listed);
    assert_eq!(mask(copy).unwrap(), "[MASK]");
    let copy = Copy::new().set("tokenizer_config.json", "mask_token", Value::Null);
    assert_eq!(
        mask(copy).unwrap(),
        "[MASK]",
        "the padding token of this fixture"
    );

    // If transformers 4 and 5 disagree, tokenizer.json is used, and a note says so.
    let copy =
        Copy::of("tiny-modernbert").set("tokenizer_config.json", "add_prefix_space", json!(true));
    let notes = copy.open().unwrap().info().notes.clone();
    assert!(notes[0].contains("add_prefix_space"), "{notes:?}");
    assert_eq!(
        ids(&copy, "a star"),
        ids(&Copy::of("tiny-modernbert"), "a star")
    );
    let copy = Copy::new()
        .set(
            "tokenizer_config.json",
            "tokenizer_class",
            json!("BertTokenizerFast"),
        )
        .json("tokenizer.json", |json| {
            json["normalizer"] = json!({"type": "NFC"})
        });
    let notes = copy.open().unwrap().info().notes.clone();
    assert!(notes[0].contains("normalizer"), "{notes:?}");
}
