//! Options of the caller, and the origins of settings.

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};

use crate::support::Copy;

#[test]
fn options_override_prompts_and_lengths() {
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
    // Byte ranges refer to the text without its prompt.
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
fn every_setting_has_its_origin() {
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
