//! Every key of config.json that changes vectors is applied, or the checkpoint is refused.

#[allow(dead_code, reason = "other tests change copies in other ways")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A copy of a fixture whose config.json is changed.
fn with(name: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    support::copy(&fixtures().join(name), to.path());
    let path = to.path().join("config.json");
    let mut config = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(path, config.to_string()).unwrap();
    to
}

fn vectors(folder: &Path) -> Vec<f32> {
    let encoder = Encoder::open(folder, &EncoderOptions::default()).unwrap();
    let documents = encoder.encode_documents(&["The cat and the dog: 1,234 patients!"]);
    documents.unwrap().swap_remove(0).vectors
}

#[test]
fn an_unknown_key_is_refused_by_its_name_in_every_architecture() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for value in [json!(1), json!(false), json!("x"), json!({"a": 1})] {
            let folder = with(&name, |config| config["unheard_of_setting"] = value);
            match Encoder::open(folder.path(), &EncoderOptions::default()).err() {
                Some(EncoderError::UnknownSetting { path, key, .. }) => {
                    assert!(path.ends_with("config.json"), "{name}");
                    assert_eq!(key, "unheard_of_setting", "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        // Null counts as absent. The origin of a file and the training have no effect.
        let folder = with(&name, |config| {
            config["unheard_of_setting"] = Value::Null;
            config["_name_or_path"] = "somewhere".into();
            config["some_new_dropout"] = 0.5.into();
            config["boi_token_id"] = 7.into();
            config["transformers_version"] = "9.0.0".into();
        });
        Encoder::open(folder.path(), &EncoderOptions::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn settings_that_cannot_be_computed_are_refused_by_name() {
    let every = [
        ("is_decoder", json!(true)),
        ("is_causal", json!("perhaps")),
        ("add_cross_attention", json!(true)),
        ("is_encoder_decoder", json!(true)),
        ("pruned_heads", json!({"0": [1]})),
        (
            "quantization_config",
            json!({"quant_method": "bitsandbytes"}),
        ),
    ];
    for entry in fs::read_dir(fixtures()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for (key, value) in &every {
            refused(&name, key, value.clone());
        }
    }
    let scaled = |kind: &str| json!({"rope_type": kind, "factor": 2.0, "rope_theta": 10000.0});
    for (name, key, value) in [
        (
            "tiny-bert",
            "position_embedding_type",
            json!("relative_key"),
        ),
        ("tiny-bert", "hidden_act", json!("mish")),
        ("tiny-roberta", "position_embedding_type", json!("rotary")),
        ("tiny-modernbert", "rope_scaling", scaled("linear")),
        ("tiny-modernbert", "rope_scaling", scaled("yarn")),
        ("tiny-modernbert", "global_rope_theta", Value::Null),
        ("tiny-modernbert", "causal_mask", json!(true)),
        ("tiny-modernbert", "is_causal", json!(true)),
        ("tiny-modernbert", "sliding_window", json!(5)),
        ("tiny-eurobert", "rope_parameters", scaled("llama3")),
        ("tiny-eurobert", "rope_scaling", scaled("dynamic")),
        (
            "tiny-eurobert",
            "rope_parameters",
            json!({"rope_type": "linear"}),
        ),
        (
            "tiny-eurobert",
            "rope_parameters",
            json!({"rope_theta": 1.0, "beta_fast": 32}),
        ),
        ("tiny-eurobert", "partial_rotary_factor", json!(0.5)),
        ("tiny-eurobert", "is_causal", json!(true)),
        ("tiny-eurobert", "num_key_value_heads", json!(3)),
        ("tiny-eurobert", "num_key_value_heads", json!(0)),
        ("tiny-eurobert", "head_dim", json!(u64::MAX)),
        ("tiny-eurobert", "clip_qkv", json!(8.0)),
        ("tiny-lfm2", "block_use_swiglu", json!(false)),
        ("tiny-lfm2", "conv_L_cache", json!(0)),
        ("tiny-lfm2", "intermediate_size", json!(0)),
        ("tiny-lfm2", "num_experts", json!(8)),
        ("tiny-qwen3", "use_bidirectional_attention", json!(false)),
        ("tiny-qwen3-causal", "sliding_window", json!(0)),
        ("tiny-gte", "layer_norm_type", json!("rms_norm")),
        ("tiny-gte", "logn_attention_scale", json!(true)),
        ("tiny-nomic-bert", "head_dim", json!(4)),
        ("tiny-nomic-bert", "rotary_emb_fraction", json!(0.5)),
        (
            "tiny-jina-v3",
            "lora_adaptations",
            json!(["retrieval.query"]),
        ),
    ] {
        refused(name, key, value);
    }
    // If versions of transformers disagree, nothing is guessed.
    for (name, key) in [
        ("tiny-eurobert", "rope_parameters"),
        ("tiny-qwen3", "rope_parameters"),
        ("tiny-gte", "rope_parameters"),
    ] {
        let folder = with(name, |config| {
            drop(config.as_object_mut().unwrap().remove(key))
        });
        let error = Encoder::open(folder.path(), &EncoderOptions::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("rope_theta"), "{error}");
    }
    let folder = with("tiny-qwen3", |config| {
        config.as_object_mut().unwrap().remove("is_causal");
    });
    let error = Encoder::open(folder.path(), &EncoderOptions::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("is_causal") && error.contains("add"),
        "{error}"
    );
}

fn refused(name: &str, key: &str, value: Value) {
    let folder = with(name, |config| config[key] = value.clone());
    match Encoder::open(folder.path(), &EncoderOptions::default()).err() {
        None => panic!("{name} opens with {key}: {value}"),
        Some(error) => {
            let error = error.to_string();
            assert!(
                error.contains(key) && error.contains("config.json"),
                "{key}: {error}"
            );
        }
    }
}

#[test]
fn older_keys_mean_the_same() {
    let same = |name: &str, change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let folder = with(name, |config| change(config.as_object_mut().unwrap()));
        assert_eq!(
            vectors(folder.path()),
            vectors(&fixtures().join(name)),
            "{name}"
        );
    };
    same("tiny-eurobert", &|config| {
        config.remove("rope_parameters");
        config.insert("rope_theta".into(), json!(250));
        config.insert("rope_scaling".into(), Value::Null);
    });
    same("tiny-eurobert-bias", &|config| {
        config.remove("rope_parameters");
        config.insert("rope_theta".into(), json!(250.0));
        config.insert(
            "rope_scaling".into(),
            json!({"type": "linear", "factor": 2}),
        );
    });
    same("tiny-lfm2", &|config| {
        config.remove("rope_parameters");
        config.insert("rope_theta".into(), json!(5000.0));
        config.remove("layer_types");
        config.insert("full_attn_idxs".into(), json!([1, 3]));
        let size = config.remove("intermediate_size").unwrap();
        config.insert("block_ff_dim".into(), size);
        config.insert("block_use_swiglu".into(), json!(true));
        config.insert("conv_dim".into(), json!(16));
    });
    same("tiny-qwen3", &|config| {
        config.insert("model_type".into(), json!("bidirectional_pplx_qwen3"));
        config.remove("is_causal");
        config.insert("use_bidirectional_attention".into(), json!(true));
    });
    // The keys of jina-colbert-v2, whose code came with the checkpoint.
    same("tiny-jina-v3", &|config| {
        config.insert("model_type".into(), json!("xlm-roberta"));
        config.insert("position_embedding_type".into(), json!("rotary"));
        config.remove("rope_parameters");
        config.insert("rotary_emb_base".into(), json!(20000.0));
        config.insert("use_flash_attn".into(), json!(true));
    });
    same("tiny-gte", &|config| {
        config.insert("model_type".into(), json!("new"));
        config.insert("pack_qkv".into(), json!(true));
        config.insert("position_embedding_type".into(), json!("rope"));
    });
    same("tiny-modernbert", &|config| {
        config.insert("position_embedding_type".into(), json!("sans_pos"));
        config.insert("layer_norm_eps".into(), json!(1e-3));
    });
    same("tiny-modernbert-bias", &|config| {
        config.insert("rope_scaling".into(), json!({"rope_type": "default"}));
    });
    same("tiny-bert", &|config| {
        config.insert("hidden_act".into(), json!("gelu_python"));
    });
    // Null meant the global base in transformers 4.
    let null = with("tiny-modernbert-bias", |config| {
        config["local_rope_theta"] = Value::Null
    });
    let equal = with("tiny-modernbert-bias", |config| {
        config["local_rope_theta"] = config["global_rope_theta"].clone();
    });
    assert_eq!(vectors(null.path()), vectors(equal.path()));
    assert_ne!(
        vectors(null.path()),
        vectors(&fixtures().join("tiny-modernbert-bias"))
    );
}
