//! Damaged and foreign checkpoints: a typed error that names the file, never a panic.

mod support;

use std::fs;
use std::path::Path;

use colidx_encoder::{Encoder, EncoderError};
use serde_json::Value;
use support::Copy;

/// A copy of the tiny checkpoint with the bytes of one file changed.
fn damaged(file: &str, change: impl FnOnce(&mut Vec<u8>)) -> Copy {
    let copy = Copy::new();
    let mut bytes = fs::read(copy.path(file)).unwrap();
    change(&mut bytes);
    fs::write(copy.path(file), bytes).unwrap();
    copy
}

/// The error of opening `copy`, whose message names `file` and ends with advice.
fn error_of(copy: Copy, file: &str) -> EncoderError {
    let error = copy.open().err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains(copy.path(file).to_string_lossy().trim_end_matches('/')),
        "{message}"
    );
    assert!(message.contains("; "), "{message}");
    error
}

#[test]
fn the_copy_itself_is_sound() {
    assert!(Copy::new().open().is_ok());
}

#[test]
fn missing_files() {
    let error = Encoder::open(Path::new("/no/such/directory"))
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
    let error = error_of(
        Copy::new().without("tokenizer_config.json"),
        "tokenizer.json",
    );
    assert!(matches!(error, EncoderError::NoMask { .. }), "{error}");
}

#[test]
fn files_that_are_no_json() {
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

/// Where the tokenizers library takes it that a file is right, and panics when it is not.
#[test]
fn tokenizers_that_the_library_trusts() {
    let file = "tokenizer.json";
    let cut_in_the_decoder = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let decoder = text.find("\"decoder\"").unwrap();
        bytes.truncate(decoder + text[decoder..].find(':').unwrap() + 8);
    };
    let error = error_of(damaged(file, cut_in_the_decoder), file);
    assert!(matches!(error, EncoderError::Tokenizer { .. }), "{error}");

    // A table of characters that claims 4 GiB, and one that sends every search outside of itself.
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
fn configurations_that_contradict() {
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
        // Lengths too short are found once the tokenizer says how many special tokens it adds.
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
fn unknown_architectures() {
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
fn tensors_that_are_missing_or_of_another_shape() {
    let error = error_of(
        Copy::new().json("config.json", |json| json["num_hidden_layers"] = 3.into()),
        "model.safetensors",
    );
    let EncoderError::MissingTensor { tensor, shape, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        (tensor.as_str(), shape),
        ("encoder.layer.2.attention.self.query.weight", vec![32, 32])
    );

    let error = error_of(
        Copy::new().json("config.json", |json| json["intermediate_size"] = 65.into()),
        "model.safetensors",
    );
    let EncoderError::TensorShape {
        tensor,
        expected,
        found,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(tensor, "encoder.layer.0.intermediate.dense.weight");
    assert_eq!((expected, found), (vec![65, 32], vec![64, 32]));

    let error = error_of(
        Copy::new().json("1_Dense/config.json", |json| json["bias"] = true.into()),
        "1_Dense/model.safetensors",
    );
    assert!(
        matches!(error, EncoderError::MissingTensor { .. }),
        "{error}"
    );
}

#[test]
fn dense_modules_that_do_not_chain() {
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
fn markers_outside_the_vocabulary() {
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
        assert_eq!((token.as_str(), named), ("[nope] ", setting));
    }
}

#[test]
fn damaged_weights() {
    let file = "model.safetensors";
    for length in [0, 7, 100, 5000, 140_000] {
        let error = error_of(damaged(file, |bytes| bytes.truncate(length)), file);
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{length}: {error}"
        );
    }
    let error = error_of(damaged(file, |bytes| bytes[..8].fill(255)), file);
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");

    // A header that claims far more than the file holds.
    let claim = |bytes: &mut Vec<u8>| {
        let header = String::from_utf8_lossy(&bytes[8..8 + bytes[0] as usize]).into_owned();
        let header = header.replace("[16,32]", "[16,9999999999999]");
        let mut claimed = (header.len() as u64).to_le_bytes().to_vec();
        claimed.extend(header.bytes());
        claimed.extend(&bytes[8 + bytes[0] as usize..]);
        *bytes = claimed;
    };
    let file = "1_Dense/model.safetensors";
    let error = error_of(damaged(file, claim), file);
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");

    let nan = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    };
    let error = error_of(
        damaged("1_Dense/model.safetensors", nan),
        "1_Dense/model.safetensors",
    );
    let EncoderError::TensorNotFinite { tensor, index, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((tensor.as_str(), index), ("linear.weight", 16 * 32 - 1));
}

#[test]
fn weights_so_large_that_nothing_finite_comes_out() {
    let huge = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        for value in bytes[end - 16 * 32 * 4..].as_chunks_mut::<4>().0 {
            *value = f32::MAX.to_le_bytes();
        }
    };
    let copy = damaged("1_Dense/model.safetensors", huge);
    let error = copy
        .open()
        .unwrap()
        .encode_documents(&["a", "b"])
        .unwrap_err();
    assert!(
        matches!(error, EncoderError::NotFinite { text: 0 }),
        "{error}"
    );
}

#[test]
fn tokens_without_an_embedding() {
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

#[test]
fn a_fingerprint_changes_with_every_file_that_matters() {
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

/// A copy of a fixture, to be damaged.
fn copy_of(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    to
}

fn copy_folder(name: &str, inner: &str, to: &tempfile::TempDir) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
        .join(inner);
    fs::create_dir(to.path().join(inner)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(inner).join(entry.file_name())).unwrap();
    }
}

#[test]
fn damaged_torch_files_are_errors() {
    let folder = copy_of("tiny-stanford-bin");
    let path = folder.path().join("pytorch_model.bin");
    let whole = fs::read(&path).unwrap();
    assert!(Encoder::open(folder.path()).is_ok());
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Encoder::open(folder.path()).err()
    };
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        let error = open(&whole[..length]).unwrap();
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{length}: {error}"
        );
        assert!(error.to_string().contains("pytorch_model.bin"), "{error}");
    }
    // A flip may hit what is never read, or the weights themselves; it must not panic.
    let mut opened = 0;
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        opened += usize::from(open(&bytes).is_none());
    }
    assert!(opened < whole.len() / 97);

    // Pickles that torch does not write: the arguments of a tensor, or of its storage, are too few.
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    for name in ["short-tuple.bin", "short-storage.bin"] {
        let error = open(&fs::read(hostile.join(name)).unwrap()).unwrap();
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn what_a_stanford_checkpoint_lacks() {
    let metadata = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of("tiny-stanford");
        let path = folder.path().join("artifact.metadata");
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        Encoder::open(folder.path()).err().unwrap()
    };
    let error = metadata(&|value| value["similarity"] = "l2".into());
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
    let error = Encoder::open(folder.path()).err().unwrap();
    assert!(
        matches!(&error, EncoderError::MissingTensor { tensor, .. } if tensor == "linear.weight"),
        "{error}"
    );
}

#[test]
fn modernbert_configurations_that_contradict() {
    let config = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of("tiny-modernbert");
        let path = folder.path().join("config.json");
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        // The Dense folder is not copied: what is wrong must show before it is missed.
        Encoder::open(folder.path()).err().unwrap().to_string()
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
        Encoder::open(folder.path()).is_ok(),
        "an empty prompt changes nothing"
    );
    write(
        &folder,
        settings,
        r#"{"prompts": {"p": "query: "}, "default_prompt_name": "p"}"#,
    );
    let error = Encoder::open(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("default_prompt_name") && error.contains(settings),
        "{error}"
    );
    write(&folder, settings, r#"{"document_prefix": "[nowhere]"}"#);
    let error = Encoder::open(folder.path()).err().unwrap().to_string();
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
    let error = Encoder::open(folder.path()).err().unwrap();
    assert!(matches!(error, EncoderError::Unsupported { .. }), "{error}");
    fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    let error = Encoder::open(folder.path()).err().unwrap();
    assert!(matches!(error, EncoderError::NoTokenizer { .. }), "{error}");
}

#[test]
fn safetensors_are_preferred_and_a_transformers_directory_opens() {
    let folder = copy_of("tiny-plain");
    for name in ["modules.json", "sentence_bert_config.json"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("pytorch_model.bin"), "never read").unwrap();
    let encoder = Encoder::open(folder.path()).unwrap();
    let info = encoder.info();
    assert_eq!(
        (info.layout.as_str(), info.projected),
        ("transformers", false)
    );
    assert_eq!((info.document_length, info.positions), (64, 64));
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let error = Encoder::open(folder.path()).err().unwrap();
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");
}

/// Numbers that would take memory or time in proportion to them, and to nothing that the checkpoint holds.
#[test]
fn sizes_that_no_model_has() {
    let message = |name: &str, file: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let folder = copy_of(name);
        let path = folder.path().join(file);
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        Encoder::open(folder.path()).err().unwrap().to_string()
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
        let error = Encoder::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(field) && error.contains("65536"), "{error}");
    }
}

#[test]
fn paths_that_lead_out_of_the_checkpoint() {
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
