//! The principle of reading a checkpoint: a setting that shapes vectors is read, or the checkpoint is refused by file and
//! key. What colidx does not know is refused or told.

mod support;

use std::fs;
use std::path::Path;

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};
use serde_json::{Value, json};
use support::Copy;

/// Adds a key that nobody has heard of to each file of settings, in every layout.
#[test]
fn no_file_has_a_key_that_is_passed_over_in_silence() {
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
fn what_colidx_does_not_do_is_refused_by_file_and_key() {
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
        // Where a token lies, and the side that texts are padded on, are found in the tokenizer.
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
fn modules_that_colidx_does_not_do_are_refused() {
    for (place, class) in [(1, "LayerNorm"), (3, "LSTM"), (2, "MultiVectorMask")] {
        let module = json!({"idx": 9, "name": "9", "path": "2_MultiVectorMask", "type": format!("a.b.{class}")});
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
    // PyLate passes them over, and so it is told.
    let copy = Copy::new().json("modules.json", |modules| {
        let module = json!({"idx": 2, "name": "2", "path": "1_Dense", "type": "a.LayerNorm"});
        modules.as_array_mut().unwrap().push(module)
    });
    assert!(copy.open().unwrap().info().notes[0].contains("LayerNorm"));
}

/// What the metadata of ColBERT's checkpoints may be, and means the same.
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
    // Null lengths are PyLate's.
    let copy = Copy::of("stanford-no-metadata").set(file, "doc_maxlen", Value::Null);
    let info = copy.set(file, "query_maxlen", Value::Null).open().unwrap();
    assert_eq!(
        (info.info().document_length, info.info().query_length),
        (180, 32)
    );

    // The weights tell the layout even where nothing else does.
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
fn prompts_and_lengths_are_set_and_emptied() {
    let text = "the sun is a star";
    let open = |name: &str, options: &EncoderOptions| Copy::of(name).open_with(options).unwrap();
    let ids = |encoder: &Encoder, text: &str| -> Vec<u32> {
        let query = encoder.encode_query(text).unwrap();
        query.tokens.iter().map(|token| token.id).collect()
    };
    let own = open("pylate-prompts-behind-markers", &EncoderOptions::default());
    assert_eq!(own.info().query_prompt, "search query: ");
    assert_eq!(own.info().document_prompt, "search document: ");
    let none = EncoderOptions::default()
        .query_prompt(String::new())
        .document_prompt(String::new());
    let bare = open("pylate-prompts-behind-markers", &none);
    assert_eq!(
        ids(&own, text),
        ids(&bare, &format!("search query: {text}"))
    );
    assert_ne!(ids(&own, text), ids(&bare, text));
    assert_eq!(
        own.encode_documents(&[text]).unwrap()[0],
        bare.encode_documents(&[&format!("search document: {text}")])
            .unwrap()[0]
    );
    // Places are those in the text alone.
    let spans = own.document_tokens(text).unwrap();
    let words: Vec<&str> = spans
        .iter()
        .map(|span| &text[span.start..span.end])
        .collect();
    assert_eq!(words.concat(), text.replace(' ', ""));

    for (name, expanded, length) in [
        ("pylate-prompts-behind-markers", true, 20),
        ("mve-prompts-min-modernbert", true, 18),
        ("mve-prompts-min-modernbert", true, 15),
        ("mve-resaved-modernbert", true, 20),
        ("mve-fresh-modernbert", false, 9),
    ] {
        let options = EncoderOptions::default()
            .query_length(length)
            .document_length(11);
        let encoder = open(name, &options);
        let info = encoder.info();
        assert_eq!((info.query_length, info.document_length), (length, 11));
        let long = "water ".repeat(40);
        assert_eq!(ids(&encoder, &long).len(), length, "{name}");
        let short = ids(&encoder, "").len();
        let least = if expanded {
            info.query_expansion_length
        } else {
            2
        };
        assert_eq!(short, least, "{name}");
        assert_eq!(
            least,
            if name.contains("-min-") {
                16.min(length)
            } else {
                least
            }
        );
        assert_eq!(encoder.document_token_count(&long).unwrap(), 11);
    }
    for (length, problem) in [(1000, "64 positions"), (3, "special tokens")] {
        let options = EncoderOptions::default().query_length(length);
        let error = Copy::new().open_with(&options).err().unwrap();
        assert!(matches!(error, EncoderError::Length { .. }), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn every_setting_tells_where_it_comes_from() {
    let from = |name: &str, setting: &str| {
        let encoder = Copy::of(name).open().unwrap();
        let settings = encoder.info().settings.iter();
        let found = settings.clone().find(|found| found.name == setting);
        let Some(found) = found else {
            panic!(
                "{name} has no {setting}: {:?}",
                settings.collect::<Vec<_>>()
            );
        };
        format!("{} < {}", found.value, found.origin)
    };
    for (name, setting, expected) in [
        (
            "mve-resaved-modernbert",
            "query prompt",
            "\"[Q] \" < config_sentence_transformers.json: prompts.query",
        ),
        (
            "mve-resaved-modernbert",
            "query length",
            "12 < sentence_bert_config.json: query_expansion: length",
        ),
        (
            "mve-resaved-modernbert",
            "document length",
            "48 < sentence_bert_config.json: document_length",
        ),
        (
            "mve-fresh-modernbert",
            "document length",
            "64 < tokenizer_config.json: model_max_length",
        ),
        (
            "mve-prompts-min-modernbert",
            "query skiplist",
            ". , < 2_MultiVectorMask/config.json: skiplist_words",
        ),
        (
            "mve-fresh-modernbert",
            "query skiplist",
            "none < default of sentence-transformers",
        ),
        (
            "tiny-bert",
            "document marker",
            "\"[unused1]\" < config_sentence_transformers.json: document_prefix",
        ),
        (
            "tiny-bert",
            "expansion token",
            "[MASK] < tokenizer_config.json: mask_token",
        ),
        (
            "bert-tokconf-mask-by-default",
            "expansion token",
            "[MASK] < default of the tokenizer class",
        ),
        (
            "bert-tokconf-cased",
            "tokenizer lower-cases",
            "no < tokenizer_config.json: do_lower_case",
        ),
        (
            "bert-tokconf-truncation-left",
            "long texts are cut",
            "at their beginning < tokenizer_config.json: truncation_side",
        ),
        (
            "roberta-tokconf-prefix-space",
            "space before a text",
            "yes < tokenizer_config.json: add_prefix_space",
        ),
        (
            "roberta-sentence-roberta-config",
            "lower-cased first",
            "yes < sentence_roberta_config.json: do_lower_case",
        ),
        (
            "stanford-no-metadata",
            "query marker",
            "\"[unused0]\" < default of PyLate for ColBERT's checkpoints",
        ),
    ] {
        assert_eq!(from(name, setting), expected);
    }
    let options = EncoderOptions::default().query_prompt("q: ".to_owned());
    let encoder = Copy::new().open_with(&options).unwrap();
    let prompt = encoder
        .info()
        .settings
        .iter()
        .find(|s| s.name == "query prompt")
        .unwrap();
    assert_eq!(
        (prompt.value.as_str(), prompt.origin.as_str()),
        ("\"q: \"", "option")
    );
}

#[test]
fn files_of_the_tokenizer_have_their_say() {
    let ids = |copy: &Copy, text: &str| {
        copy.open().unwrap().encode_documents(&[text]).unwrap()[0]
            .token_ids
            .clone()
    };
    // Tokens of the older file are tokens wherever they are written.
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

    // The older map of special tokens counts where the newer file lists no tokens; null is none.
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

    // Where transformers 4 and 5 disagree, tokenizer.json is taken and that is told.
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
    assert!(notes[0].contains("normaliser"), "{notes:?}");
}

#[test]
fn layouts_are_told_by_what_is_there() {
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
    // Told by the mask alone, and by the model type alone.
    let settings = "config_sentence_transformers.json";
    let copy = Copy::of("mve-fresh-modernbert").without(settings);
    assert_eq!(copy.open().unwrap().info().layout, "MultiVectorEncoder");
    let copy = Copy::of("mve-fresh-modernbert").json("modules.json", |modules| {
        modules.as_array_mut().unwrap().remove(2);
    });
    let encoder = copy.open().unwrap();
    assert_eq!(encoder.info().layout, "MultiVectorEncoder");
    // Without a module that scales vectors they are as they are.
    let copy = copy.json("modules.json", |modules| {
        modules.as_array_mut().unwrap().remove(2);
    });
    let vectors = copy.open().unwrap().encode_documents(&["a star"]).unwrap();
    let length: f32 = vectors[0].vectors[..8].iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() > 1e-3, "{length}");
}

/// Arrows go one way: model and text know nothing of the checkpoint's layouts.
#[test]
fn text_and_model_do_not_know_the_checkpoint() {
    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (folder, above) in [
        ("text", &["checkpoint", "model", "encoder"][..]),
        ("model", &["checkpoint", "text", "encoder"]),
        ("ops", &["checkpoint", "text", "model", "encoder"]),
        (
            "weights",
            &["checkpoint", "text", "model", "encoder", "ops"],
        ),
    ] {
        let mut files = Vec::new();
        sources(&source.join(folder), &mut files);
        assert!(files.len() > 2);
        for file in files {
            let code = fs::read_to_string(&file).unwrap();
            // A test may open a whole checkpoint.
            let code = code.split("#[cfg(test)]").next().unwrap();
            for module in above {
                assert!(
                    !code.contains(&format!("crate::{module}::")),
                    "{}: {module}",
                    file.display()
                );
            }
        }
    }
}
