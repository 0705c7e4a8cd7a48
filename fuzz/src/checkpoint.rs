//! Targets that open a checkpoint of which a file is the input, and encode with it.

use std::sync::LazyLock;

use colidx_encoder::{Encoder, EncoderOptions};

use crate::pack::Pieces;
use crate::scratch::Scratch;

/// Opens the checkpoint and, where it opens, encodes.
fn check(folder: &Scratch) {
    // Panics of the tokenizers library are caught, and libFuzzer's hook would abort at them. One
    // that is not caught still ends the run.
    static DEFAULT_HOOK: LazyLock<()> = LazyLock::new(|| drop(std::panic::take_hook()));
    LazyLock::force(&DEFAULT_HOOK);
    let Ok(encoder) = Encoder::open(folder.path(), &EncoderOptions::default()) else {
        return;
    };
    let dim = encoder.info().dim;
    let texts = ["The cat and the dog", "", "Étude [MASK] 1,234: 語!"];
    if let Ok(documents) = encoder.encode_documents(&texts) {
        for document in documents {
            assert_eq!(document.vectors.len(), document.token_ids.len() * dim);
        }
    }
    for text in texts {
        if let Ok(query) = encoder.encode_query(text) {
            assert_eq!(query.vectors.len(), query.tokens.len() * dim);
            assert!(
                query
                    .tokens
                    .iter()
                    .all(|token| text.get(token.start..token.end).is_some())
            );
        }
        let _ = encoder.document_tokens(text).map(|tokens| {
            assert!(
                tokens
                    .iter()
                    .all(|token| text.get(token.start..token.end).is_some())
            );
        });
    }
}

/// The small files of a checkpoint of PyLate's layout.
pub(crate) const SETTINGS: [&str; 6] = [
    "config.json",
    "config_sentence_transformers.json",
    "1_Dense/config.json",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
];

/// All settings of a checkpoint of PyLate's layout. The first byte says of which architecture.
pub fn checkpoint_config(data: &[u8]) {
    static FOLDERS: LazyLock<[Scratch; 5]> = LazyLock::new(|| {
        [
            "tiny-bert",
            "tiny-modernbert",
            "tiny-lfm2",
            "tiny-qwen3-causal",
            "tiny-gte",
        ]
        .map(Scratch::with_checkpoint)
    });
    let Some((&which, data)) = data.split_first() else {
        return;
    };
    let folder = &FOLDERS[usize::from(which) % FOLDERS.len()];
    let mut pieces = Pieces(data);
    for name in SETTINGS {
        folder.write(name, pieces.next());
    }
    check(folder);
}

/// The weights of a Dense module.
pub fn safetensors(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(|| Scratch::with_checkpoint("tiny-bert"));
    FOLDER.write("1_Dense/model.safetensors", data);
    check(&FOLDER);
}

/// Weights as torch saves them.
pub fn pickle(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> =
        LazyLock::new(|| Scratch::with_checkpoint("tiny-stanford-bin"));
    FOLDER.write("pytorch_model.bin", data);
    check(&FOLDER);
}

/// The tokenizer: `tokenizer.json`, or, where the first byte is even, `vocab.txt`.
pub fn tokenizer(data: &[u8]) {
    static JSON: LazyLock<Scratch> = LazyLock::new(|| Scratch::with_checkpoint("tiny-bert"));
    static VOCABULARY: LazyLock<Scratch> = LazyLock::new(|| Scratch::with_checkpoint("tiny-plain"));
    let Some((&which, data)) = data.split_first() else {
        return;
    };
    let (folder, name) = match which % 2 {
        0 => (&*VOCABULARY, "vocab.txt"),
        _ => (&*JSON, "tokenizer.json"),
    };
    folder.write(name, data);
    check(folder);
}
