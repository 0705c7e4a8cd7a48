//! Text in, hits out, with the tiny checkpoints of the encoder's tests.
#![cfg(feature = "text")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use colidx::encoder::EncoderOptions;
use colidx::text::{Reload, Silent};
use colidx::{
    BuildOptions, Model, NewDocument, SearchOptions, SearcherOptions, TextError, TextIndex,
    TextReader, TextSearcher,
};

const DOCUMENTS: [(&str, &str, &str); 3] = [
    (
        "moon",
        "The moon",
        "The moon and the earth go around the sun.",
    ),
    ("light", "", "Light is most of the energy of the sun."),
    ("sea", "The sea", "Water moves with the moon."),
];

fn checkpoint(name: &str) -> PathBuf {
    let fixtures = "../colidx-encoder/tests/fixtures";
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(fixtures)
        .join(name)
}

fn model(name: &str) -> Arc<Model> {
    let path = checkpoint(name).display().to_string();
    Arc::new(Model::open(&path, &EncoderOptions::default()).unwrap())
}

fn built(path: &Path, checkpoint: &str) -> TextIndex {
    let mut index =
        TextIndex::create_with(path, model(checkpoint), BuildOptions::default()).unwrap();
    for (key, title, text) in DOCUMENTS {
        let document = NewDocument::new(key).title(title).text(text);
        let metadata = format!(r#"{{"length":{}}}"#, text.len());
        index.add_document(&document.metadata(&metadata)).unwrap();
    }
    index.commit().unwrap();
    index
}

#[test]
fn a_document_is_found_by_its_own_words_and_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    drop(built(&path, "tiny-modernbert"));
    let searcher = TextSearcher::open(&path).unwrap();
    let hits = searcher.search(DOCUMENTS[1].2, 3).unwrap();
    assert_eq!(hits.len(), 3);
    assert_eq!(hits[0].key, "light");
    assert_eq!(hits[0].text, DOCUMENTS[1].2);
    assert_eq!(hits[0].metadata, r#"{"length":39}"#);
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn a_query_of_nothing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    let searcher = built(&path, "tiny-modernbert").searcher().unwrap();
    for query in ["", " ", "\t\n "] {
        let found = searcher.search(query, 3);
        assert!(
            matches!(found, Err(TextError::EmptyQuery)),
            "{query:?}: {found:?}"
        );
    }
}

#[test]
fn explanations_add_up_and_highlights_lie_in_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    let searcher = built(&path, "tiny-bert").searcher().unwrap();
    let options = SearchOptions::default().k(3);
    let answer = searcher.answer("water and the moon", &options).unwrap();
    for (at, hit) in answer.results.hits.iter().enumerate() {
        let matches = searcher
            .explain(answer.encoded.as_ref().unwrap(), hit.doc)
            .unwrap();
        let sum: f32 = matches.iter().map(|found| found.score).sum();
        assert!((sum - hit.score).abs() < 1e-3, "{sum} {}", hit.score);
        let matrix = searcher
            .matrix(answer.encoded.as_ref().unwrap(), hit.doc)
            .unwrap();
        assert_eq!(matrix.query_tokens.len(), matches.len());
        for (found, best) in matches.iter().zip(matrix.similarities.best()) {
            let (token, similarity) = best.unwrap();
            assert_eq!(similarity, found.score);
            assert_eq!(matrix.document_tokens[token].text, found.document_token);
        }
        let (found, highlights) = searcher.highlighted_hit(&answer, at).unwrap();
        assert_eq!(found.key, hit.key);
        let words = highlights
            .text
            .iter()
            .map(|token| &found.text[token.span.clone()]);
        assert!(words.clone().count() > 3 && words.clone().all(|word| !word.is_empty()));
    }
}

#[test]
fn changes_show_after_a_commit_and_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    drop(built(&path, "tiny-bert"));
    let reader = TextReader::open(&path, SearcherOptions::default()).unwrap();
    let before = reader.searcher();

    let mut index = TextIndex::open(&path).unwrap();
    assert!(index.delete("sea").unwrap());
    assert!(
        index
            .update(&NewDocument::new("moon").text("Cheese."))
            .unwrap()
    );
    assert!(
        !index
            .update(&NewDocument::new("new").text("Bread."))
            .unwrap()
    );
    index.commit().unwrap();

    let hour = Duration::from_secs(3600);
    assert_eq!(reader.reload_after(hour).unwrap(), Reload::Unchanged);
    assert_eq!(reader.searcher().index().num_documents(), 3);
    let keys = |searcher: &TextSearcher| {
        let hits = searcher.search("the moon", 9).unwrap();
        let mut keys: Vec<String> = hits.into_iter().map(|hit| hit.key).collect();
        keys.sort();
        keys
    };
    let now = Duration::ZERO;
    assert_eq!(reader.clone().reload_after(now).unwrap(), Reload::Commit);
    assert_eq!(reader.reload().unwrap(), Reload::Unchanged);
    assert_eq!(keys(&reader.searcher()), ["light", "moon", "new"]);
    assert_eq!(keys(&before), ["light", "moon", "sea"]);
}

#[test]
fn an_index_and_another_checkpoint_do_not_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.colidx");
    drop(built(&path, "tiny-bert"));
    let other = checkpoint("tiny-modernbert").display().to_string();
    let options = SearcherOptions::default().model(&other);
    let opened = TextSearcher::open_with(&path, options, &mut Silent);
    assert!(matches!(opened, Err(TextError::WrongModel { .. })));
    let index = colidx::Index::open(&path).unwrap();
    let brought = TextSearcher::new(index, model("tiny-modernbert"));
    assert!(matches!(brought, Err(TextError::WrongModel { .. })));
    let nowhere = TextIndex::create(folder.path().join("y"), "no/such/folder/at/all");
    assert!(matches!(nowhere, Err(TextError::NoModel { .. })));
    assert!(!folder.path().join("y").exists());
}

#[test]
fn handles_go_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<TextSearcher>();
    check::<TextReader>();
    check::<Model>();
    fn send<T: Send>() {}
    send::<TextIndex>();
}
