//! Unknown keys and unsupported settings.

use colidx_encoder::Encoder;
use serde_json::{Value, json};

use crate::support::Copy;

/// Adds an unknown key to each settings file of every layout.
#[test]
fn no_unknown_key_is_ignored_silently() {
    const KEY: &str = "unheard_of";
    for (name, files) in [
        (
            "mve-pooled-modernbert",
            &[
                "config.json",
                "tokenizer_config.json",
                "sentence_bert_config.json",
                "config_sentence_transformers.json",
                "1_Dense/config.json",
                "2_MultiVectorMask/config.json",
                "3_Normalize/config.json",
                "4_HierarchicalTokenPooling/config.json",
            ][..],
        ),
        (
            "tiny-bert",
            &[
                "config.json",
                "tokenizer_config.json",
                "sentence_bert_config.json",
                "config_sentence_transformers.json",
                "1_Dense/config.json",
            ],
        ),
        (
            "stanford-stale-modules-json",
            &["config.json", "artifact.metadata", "tokenizer_config.json"],
        ),
        ("tiny-plain", &["config.json", "sentence_bert_config.json"]),
        ("tiny-distilbert", &["config.json"]),
        ("tiny-roberta", &["config.json"]),
    ] {
        let notes = |encoder: Encoder| encoder.info().notes.clone();
        let before = notes(Copy::of(name).open().unwrap());
        assert!(
            before.len() <= usize::from(name == "stanford-stale-modules-json"),
            "{name}: {before:?}"
        );
        for file in files {
            let told = match Copy::of(name).set(file, KEY, json!(7)).open() {
                Err(error) => error.to_string(),
                Ok(encoder) => notes(encoder).join("\n"),
            };
            assert!(
                told.contains(KEY) && told.contains(file),
                "{name}, {file}: {told:?}"
            );
        }
    }
    let copy = Copy::of("mve-resaved-modernbert");
    let copy = copy.json("sentence_bert_config.json", |json| {
        json["query_expansion"][KEY] = 7.into()
    });
    let told = copy.open().err().unwrap().to_string();
    assert!(told.contains(KEY), "{told}");
}

#[test]
fn unsupported_settings_are_refused_by_file_and_key() {
    let tokenizer = "tokenizer_config.json";
    let sentence = "sentence_bert_config.json";
    let mask = "2_MultiVectorMask/config.json";
    for (name, file, key, value) in [
        ("tiny-bert", "config.json", "is_decoder", json!(true)),
        (
            "tiny-bert",
            "config.json",
            "pruned_heads",
            json!({"0": [1]}),
        ),
        (
            "tiny-bert",
            "config.json",
            "quantization_config",
            json!({"bits": 4}),
        ),
        (
            "tiny-modernbert",
            "config.json",
            "rope_scaling",
            json!({"type": "yarn", "factor": 2.0}),
        ),
        (
            "tiny-modernbert-bias",
            "config.json",
            "global_rope_theta",
            Value::Null,
        ),
        (
            "tiny-modernbert",
            "config.json",
            "rope_parameters",
            json!({"rope_theta": 5.0}),
        ),
        ("tiny-bert", "adapter_config.json", "adapter", json!({})),
        ("tiny-bert", tokenizer, "padding_side", json!("left")),
        ("tiny-bert", tokenizer, "truncation_side", json!("both")),
        ("tiny-bert", tokenizer, "split_special_tokens", json!(true)),
        (
            "tiny-bert",
            tokenizer,
            "tokenizer_class",
            json!("BertJapaneseTokenizer"),
        ),
        (
            "tiny-bert",
            tokenizer,
            "added_tokens_decoder",
            json!({"9": {"content": "elsewhere"}}),
        ),
        ("tiny-bert", sentence, "query_length", json!(9)),
        (
            "tiny-bert",
            sentence,
            "config_args",
            json!({"hidden_act": "relu"}),
        ),
        (
            "tiny-bert",
            sentence,
            "tokenizer_args",
            json!({"do_lower_case": true}),
        ),
        (
            "mve-fresh-modernbert",
            sentence,
            "processing_kwargs",
            json!({"text": {"max_length": 9}}),
        ),
        (
            "mve-fresh-modernbert",
            sentence,
            "transformer_task",
            json!("text-generation"),
        ),
        (
            "mve-fresh-modernbert",
            sentence,
            "module_output_name",
            json!("sentence_embedding"),
        ),
        (
            "mve-fresh-modernbert",
            sentence,
            "query_expansion",
            json!({"strategy": "max", "length": 8}),
        ),
        (
            "mve-fresh-modernbert",
            sentence,
            "query_expansion",
            json!({"strategy": "fixed"}),
        ),
        (
            "mve-prompts-min-modernbert",
            sentence,
            "query_length",
            json!(10),
        ),
        (
            "mve-fresh-modernbert",
            "1_Dense/config.json",
            "module_input_name",
            json!("sentence_embedding"),
        ),
        (
            "mve-fresh-modernbert",
            "3_Normalize/config.json",
            "module_input_name",
            Value::Null,
        ),
        ("mve-fresh-modernbert", mask, "skiplist_words", json!(7)),
        (
            "mve-pooled-modernbert",
            "4_HierarchicalTokenPooling/config.json",
            "pool_factor",
            json!(0.5),
        ),
        (
            "mve-fresh-modernbert",
            "config_sentence_transformers.json",
            "similarity_fn_name",
            json!("dot"),
        ),
        (
            "mve-fresh-modernbert",
            "config_sentence_transformers.json",
            "default_prompt_name",
            json!("q"),
        ),
        (
            "mve-fresh-modernbert",
            "config_sentence_transformers.json",
            "document_prefix",
            json!("[D] "),
        ),
        (
            "stanford-stale-modules-json",
            "artifact.metadata",
            "query_token_id",
            json!({"id": 1}),
        ),
        (
            "stanford-stale-modules-json",
            "artifact.metadata",
            "similarity",
            json!("dot"),
        ),
        (
            "stanford-stale-modules-json",
            "config_sentence_transformers.json",
            "query_length",
            json!(9),
        ),
    ] {
        let copy = Copy::of(name).set(file, key, value.clone());
        let Some(error) = copy.open().err() else {
            panic!("{name} opens with {file}: {key} {value}");
        };
        let message = error.to_string();
        // Keys of tokens and of the padding side are recognized by the tokenizer.
        let file = match key {
            "padding_side" | "added_tokens_decoder" => "tokenizer.json",
            _ => file,
        };
        assert!(message.contains(file), "{file}: {key}: {message}");
        assert!(message.contains("; "), "{message}");
        if !["adapter", "rope_parameters"].contains(&key) {
            assert!(
                message.contains(key) || message.contains("token vectors"),
                "{key}: {message}"
            );
        }
    }
}

#[test]
fn unsupported_modules_are_refused() {
    for (place, class) in [(1, "LayerNorm"), (3, "LSTM"), (2, "MultiVectorMask")] {
        let class_path = format!("a.b.{class}");
        let module =
            json!({"idx": 9, "name": "9", "path": "2_MultiVectorMask", "type": class_path});
        let copy = Copy::of("mve-fresh-modernbert").json("modules.json", |modules| {
            modules.as_array_mut().unwrap().insert(place, module)
        });
        let error = copy.open().err().unwrap().to_string();
        assert!(
            error.contains(class) && error.contains("modules.json"),
            "{error}"
        );
    }
    let copy = Copy::of("mve-pooled-modernbert").json("modules.json", |modules| {
        modules.as_array_mut().unwrap().swap(3, 4)
    });
    let error = copy.open().err().unwrap().to_string();
    assert!(error.contains("Normalize behind"), "{error}");
    let copy = Copy::of("mve-resaved-modernbert").json("modules.json", |modules| {
        modules.as_array_mut().unwrap().remove(2);
    });
    let error = copy.open().err().unwrap().to_string();
    assert!(error.contains("query_expansion without"), "{error}");
    let copy = Copy::of("mve-fresh-modernbert").json("modules.json", |modules| {
        modules[0]["type"] = "sentence_transformers.base.modules.Router".into()
    });
    let error = copy.open().err().unwrap().to_string();
    assert!(error.contains("Router"), "{error}");
    // PyLate ignores these modules, so a note says so.
    let copy = Copy::new().json("modules.json", |modules| {
        let module = json!({"idx": 2, "name": "2", "path": "1_Dense", "type": "a.LayerNorm"});
        modules.as_array_mut().unwrap().push(module)
    });
    assert!(copy.open().unwrap().info().notes[0].contains("LayerNorm"));
}
