//! Configurations that contradict each other, or need what is missing.

use std::fs;

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};
use serde_json::Value;

use crate::support::Copy;
use crate::{copy_folder, copy_of, error_of};

#[test]
fn contradicting_configurations_are_errors() {
    let settings = "config_sentence_transformers.json";
    let changes: [(&str, &str, Value); 10] = [
        ("config.json", "num_attention_heads", 5.into()),
        ("config.json", "num_attention_heads", 0.into()),
        ("config.json", "hidden_size", 0.into()),
        (settings, "document_length", 65.into()),
        (settings, "document_length", 0.into()),
        (settings, "query_length", 1000.into()),
        ("1_Dense/config.json", "out_features", 0.into()),
        ("config.json", "hidden_act", "mish".into()),
        (
            "config.json",
            "position_embedding_type",
            "relative_key".into(),
        ),
        (
            "1_Dense/config.json",
            "activation_function",
            "torch.nn.Mish".into(),
        ),
    ];
    for (file, key, value) in changes {
        // Too short a length is detected once the tokenizer tells how many special tokens it adds.
        let named = if value == 0 && file == settings {
            "tokenizer.json"
        } else {
            file
        };
        let error = error_of(
            Copy::new().json(file, |json| json[key] = value.clone()),
            named,
        );
        assert!(
            matches!(
                error,
                EncoderError::Config { .. } | EncoderError::Unsupported { .. }
            ),
            "{error}"
        );
        let message = error.to_string();
        assert!(message.contains(key), "{message}");
    }
    let error = error_of(
        Copy::new().json("modules.json", |json| {
            json[0]["type"] = "sentence_transformers.models.CLIPModel".into()
        }),
        "modules.json",
    );
    assert!(matches!(error, EncoderError::Config { .. }), "{error}");
}

#[test]
fn unknown_architectures_are_errors() {
    for model_type in ["t5", ""] {
        let error = error_of(
            Copy::new().json("config.json", |json| json["model_type"] = model_type.into()),
            "config.json",
        );
        let EncoderError::UnknownArchitecture { found, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(found, model_type);
    }
}

#[test]
fn dense_modules_that_do_not_chain_are_errors() {
    let file = "1_Dense/config.json";
    let error = error_of(
        Copy::new().json(file, |json| json["in_features"] = 31.into()),
        file,
    );
    let EncoderError::DenseChain {
        expected, found, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((expected, found), (32, 31));
}

#[test]
fn contradicting_modernbert_configurations_are_errors() {
    let config = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of("tiny-modernbert");
        let path = folder.path().join("config.json");
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        // The Dense folder is not copied: the error must come before it is missed.
        Encoder::open(folder.path(), &EncoderOptions::default())
            .err()
            .unwrap()
            .to_string()
    };
    for (named, change) in [
        (
            "layer_types",
            &(|v: &mut serde_json::Value| v["layer_types"] = serde_json::json!(["full_attention"]))
                as &dyn Fn(&mut serde_json::Value),
        ),
        ("layer type `chunked`", &|v| {
            v["layer_types"] = vec!["chunked"; 4].into()
        }),
        ("rope_type `yarn`", &|v| {
            v["rope_parameters"]["full_attention"]["rope_type"] = "yarn".into()
        }),
        ("rope_theta", &|v| {
            v["rope_parameters"]["sliding_attention"]["rope_theta"] = (-1.0).into()
        }),
        ("num_attention_heads", &|v| {
            v["num_attention_heads"] = 3.into()
        }),
        ("even number", &|v| v["num_attention_heads"] = 16.into()),
        ("hidden_activation", &|v| {
            v["hidden_activation"] = "mish".into()
        }),
        ("vocab_size", &|v| v["vocab_size"] = 0.into()),
    ] {
        let message = config(change);
        assert!(
            message.contains(named) && message.contains("config.json"),
            "{named}: {message}"
        );
    }
}

#[test]
fn settings_that_would_be_ignored_are_refused() {
    let write = |folder: &tempfile::TempDir, name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
    };
    let settings = "config_sentence_transformers.json";
    let folder = copy_of("tiny-plain");
    write(
        &folder,
        settings,
        r#"{"prompts": {"p": ""}, "default_prompt_name": "p"}"#,
    );
    assert!(
        Encoder::open(folder.path(), &EncoderOptions::default()).is_ok(),
        "an empty prompt changes nothing"
    );
    write(
        &folder,
        settings,
        r#"{"prompts": {"p": "query: "}, "default_prompt_name": "p"}"#,
    );
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("default_prompt_name") && error.contains(settings),
        "{error}"
    );
    write(&folder, settings, r#"{"document_prefix": "[nowhere]"}"#);
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("vocab.txt") && error.contains("[Q]"),
        "{error}"
    );

    let folder = copy_of("tiny-plain");
    write(
        &folder,
        "tokenizer_config.json",
        r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#,
    );
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, EncoderError::NeedsMecab { .. }), "{error}");
    // A tokenizer.json does not help: transformers ignores it.
    write(&folder, "tokenizer.json", "{}");
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, EncoderError::NeedsMecab { .. }), "{error}");
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    write(
        &folder,
        "tokenizer_config.json",
        r#"{"tokenizer_class": "FlaubertTokenizer"}"#,
    );
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, EncoderError::Unsupported { .. }), "{error}");
    write(&folder, "tokenizer_config.json", "{}");
    fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, EncoderError::NoTokenizer { .. }), "{error}");
}

/// Numbers that would take memory or time in proportion to them, whatever the checkpoint contains.
#[test]
fn absurd_sizes_are_errors() {
    let message = |name: &str, file: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of(name);
        let path = folder.path().join(file);
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        Encoder::open(folder.path(), &EncoderOptions::default())
            .err()
            .unwrap()
            .to_string()
    };
    for (name, field) in [
        ("tiny-plain", "num_hidden_layers"),
        ("tiny-distilbert", "n_layers"),
        ("tiny-modernbert", "num_hidden_layers"),
    ] {
        let error = message(name, "config.json", &|v| {
            v[field] = u64::MAX.into();
            v["layer_types"] = serde_json::Value::Null;
        });
        assert!(error.contains(field) && error.contains("1024"), "{error}");
    }
    for field in ["intermediate_size", "hidden_size", "vocab_size"] {
        for size in [u64::MAX, 1 << 63, 1 << 62, (1 << 32) + 64] {
            let error = message("tiny-modernbert", "config.json", &|v| {
                v[field] = size.into()
            });
            assert!(!error.is_empty());
        }
    }
    for field in ["query_length", "document_length"] {
        let folder = copy_of("tiny-modernbert");
        copy_folder("tiny-modernbert", "1_Dense", &folder);
        for (file, field) in [
            ("config.json", "max_position_embeddings"),
            ("config_sentence_transformers.json", field),
        ] {
            let path = folder.path().join(file);
            let mut value: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            value[field] = (1u64 << 40).into();
            fs::write(path, value.to_string()).unwrap();
        }
        let error = Encoder::open(folder.path(), &EncoderOptions::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(field) && error.contains("65536"), "{error}");
    }
}
