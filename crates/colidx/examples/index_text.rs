//! Indexes a few notes: `cargo run --example index_text -- INDEX MODEL`, where MODEL is the
//! directory of a ColBERT checkpoint or an id on the model hub.

use std::error::Error;

use colidx::{NewDocument, TextIndex};

const NOTES: [(&str, &str); 4] = [
    (
        "Paris",
        "Paris is the capital of France and its largest city.",
    ),
    ("Moon", "The moon goes around the earth once in 27 days."),
    (
        "Memory maps",
        "A memory map reads a file as if it were memory.",
    ),
    (
        "Bread",
        "Flour, water, salt and time are all that bread needs.",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(model)) = (arguments.next(), arguments.next()) else {
        return Err("usage: index_text INDEX MODEL".into());
    };
    let mut index = TextIndex::create(&path, &model)?;
    for (number, (title, text)) in NOTES.iter().enumerate() {
        let key = format!("note-{number}");
        let metadata = format!(r#"{{"words": {}}}"#, text.split(' ').count());
        let note = NewDocument::new(&key).title(title).text(text);
        index.add_document(&note.metadata(&metadata))?;
    }
    let report = index.commit()?;
    println!(
        "{path}: {} documents, {} token vectors",
        report.added, report.vectors
    );
    Ok(())
}
