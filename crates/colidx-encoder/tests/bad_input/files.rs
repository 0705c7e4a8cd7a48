//! Files that are missing, malformed, or outside the checkpoint.

use std::fs;
use std::path::Path;

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};

use crate::support::Copy;
use crate::{copy_of, damaged, error_of};

#[test]
fn an_unchanged_copy_opens() {
    assert!(Copy::new().open().is_ok());
}

#[test]
fn missing_files_are_errors() {
    let error = Encoder::open(Path::new("/no/such/directory"), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(
        matches!(error, EncoderError::NoCheckpoint { .. }),
        "{error}"
    );
    for (file, named) in [
        ("model.safetensors", ""),
        ("1_Dense/model.safetensors", "1_Dense"),
    ] {
        let error = error_of(Copy::new().without(file), named);
        assert!(matches!(error, EncoderError::NoWeights { .. }), "{error}");
    }
    for file in ["config.json", "1_Dense/config.json"] {
        let error = error_of(Copy::new().without(file), file);
        assert!(matches!(error, EncoderError::Io { .. }), "{error}");
    }
    let error = error_of(Copy::new().without("tokenizer.json"), "");
    assert!(matches!(error, EncoderError::NoTokenizer { .. }), "{error}");
    // BERT's tokenizers have a mask token by default; one without a class has none.
    let copy = Copy::new().without("tokenizer_config.json");
    assert_eq!(copy.open().unwrap().info().mask_token, "[MASK]");
    let generic = r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#;
    fs::write(copy.path("tokenizer_config.json"), generic).unwrap();
    let error = error_of(copy, "tokenizer.json");
    assert!(matches!(error, EncoderError::NoMask { .. }), "{error}");
}

#[test]
fn malformed_json_is_an_error() {
    for file in [
        "modules.json",
        "config.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "1_Dense/config.json",
        "tokenizer_config.json",
    ] {
        let error = error_of(damaged(file, |bytes| bytes.truncate(9)), file);
        assert!(matches!(error, EncoderError::Json { .. }), "{error}");
    }
    let error = error_of(
        damaged("tokenizer.json", |bytes| bytes.truncate(100)),
        "tokenizer.json",
    );
    assert!(matches!(error, EncoderError::Tokenizer { .. }), "{error}");
}

#[test]
fn the_fingerprint_covers_every_file_that_matters() {
    let fingerprint = |copy: Copy| copy.open().unwrap().info().fingerprint.clone();
    let sound = fingerprint(Copy::new());
    assert_eq!(fingerprint(Copy::new()), sound);
    let flip = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        bytes[end - 4] ^= 1;
    };
    for changed in [
        damaged("model.safetensors", flip),
        damaged("1_Dense/model.safetensors", flip),
        Copy::new().json("config_sentence_transformers.json", |json| {
            json["query_length"] = 15.into()
        }),
        Copy::new().json("tokenizer.json", |json| {
            json["model"]["max_input_chars_per_word"] = 99.into()
        }),
    ] {
        assert_ne!(fingerprint(changed), sound);
    }
}

#[test]
fn incomplete_stanford_checkpoints_are_errors() {
    let metadata = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of("tiny-stanford");
        let path = folder.path().join("artifact.metadata");
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        Encoder::open(folder.path(), &EncoderOptions::default())
            .err()
            .unwrap()
    };
    let error = metadata(&|value| value["similarity"] = "dot".into());
    assert!(matches!(error, EncoderError::Unsupported { .. }), "{error}");
    let error = metadata(&|value| value["dim"] = 9.into());
    assert!(
        matches!(&error, EncoderError::TensorShape { tensor, .. } if tensor == "linear.weight"),
        "{error}"
    );
    let error = metadata(&|value| value["query_token_id"] = "[nowhere]".into());
    assert!(matches!(error, EncoderError::NoMarker { .. }), "{error}");
    let error = metadata(&|value| value["doc_maxlen"] = 1000.into());
    assert!(error.to_string().contains("artifact.metadata"), "{error}");
    let folder = copy_of("tiny-plain");
    fs::write(folder.path().join("artifact.metadata"), "{}").unwrap();
    fs::remove_file(folder.path().join("modules.json")).unwrap();
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(
        matches!(&error, EncoderError::MissingTensor { tensor, .. } if tensor == "linear.weight"),
        "{error}"
    );
}

#[test]
fn safetensors_are_preferred_and_a_transformers_directory_opens() {
    let folder = copy_of("tiny-plain");
    for name in ["modules.json", "sentence_bert_config.json"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("pytorch_model.bin"), "never read").unwrap();
    let encoder = Encoder::open(folder.path(), &EncoderOptions::default()).unwrap();
    let info = encoder.info();
    assert_eq!(
        (info.layout.as_str(), info.projected),
        ("transformers", false)
    );
    assert_eq!((info.document_length, info.positions), (64, 64));
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");
}

#[test]
fn paths_outside_the_checkpoint_are_errors() {
    for path in ["/dev", "../elsewhere", "a/../../b"] {
        let copy = Copy::new().json("modules.json", |modules| modules[1]["path"] = path.into());
        let error = error_of(copy, "modules.json");
        assert!(error.to_string().contains(path), "{error}");
        let copy = Copy::new().without("model.safetensors");
        let index = serde_json::json!({"weight_map": {"x": path}}).to_string();
        fs::write(copy.path("model.safetensors.index.json"), index).unwrap();
        let error = error_of(copy, "model.safetensors.index.json");
        assert!(error.to_string().contains(path), "{error}");
    }
}
