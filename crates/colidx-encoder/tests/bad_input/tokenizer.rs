//! Damaged tokenizers, and vocabularies that do not match the model.

use colidx_encoder::EncoderError;

use crate::support::Copy;
use crate::{damaged, error_of};

/// Files on which the tokenizers library panics.
#[test]
fn tokenizers_that_make_the_library_panic_are_errors() {
    let file = "tokenizer.json";
    let cut_in_the_decoder = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let decoder = text.find("\"decoder\"").unwrap();
        bytes.truncate(decoder + text[decoder..].find(':').unwrap() + 8);
    };
    let error = error_of(damaged(file, cut_in_the_decoder), file);
    assert!(matches!(error, EncoderError::Tokenizer { .. }), "{error}");

    // A character table that claims 4 GiB, and one whose entries point outside of it.
    let with_table = |base64| {
        Copy::new().json(file, |json| {
            json["normalizer"] = serde_json::json!({
                "type": "Precompiled",
                "precompiled_charsmap": base64,
            })
        })
    };
    let error = error_of(with_table("/////w=="), file);
    assert!(
        error.to_string().contains("shorter than it says"),
        "{error}"
    );
    let copy = with_table("BAAAAP///38=");
    let path = copy.path(file);
    let error = copy
        .open()
        .and_then(|encoder| encoder.encode_documents(&["text"]).map(drop));
    let error = error.unwrap_err();
    assert!(matches!(error, EncoderError::Tokenizer { .. }), "{error}");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
}

#[test]
fn markers_outside_the_vocabulary_are_errors() {
    for setting in ["query_prefix", "document_prefix"] {
        let error = error_of(
            Copy::new().json("config_sentence_transformers.json", |json| {
                json[setting] = "[nope] ".into()
            }),
            "tokenizer.json",
        );
        let EncoderError::NoMarker {
            token,
            setting: named,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((token.as_str(), named.as_str()), ("[nope] ", setting));
    }
}

#[test]
fn tokens_without_an_embedding_are_errors() {
    let copy = Copy::new().json("tokenizer.json", |json| {
        json["model"]["vocab"]["zebra"] = 999.into()
    });
    let encoder = copy.open().unwrap();
    assert!(encoder.encode_documents(&["horse"]).is_ok());
    let error = encoder.encode_documents(&["zebra"]).unwrap_err();
    assert!(
        matches!(
            error,
            EncoderError::TokenWithoutEmbedding { id: 999, rows: 436 }
        ),
        "{error}"
    );
}
