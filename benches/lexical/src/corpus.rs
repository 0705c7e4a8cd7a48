//! Passages in BEIR's layout, and queries made of their titles.

use anyhow::{Context, Result};
use std::io::BufRead;

#[derive(serde::Deserialize)]
pub struct Document {
    #[serde(default)]
    pub title: String,
    pub text: String,
}

pub fn read(path: &str) -> Result<Vec<Document>> {
    let file = std::fs::File::open(path).with_context(|| path.to_owned())?;
    let lines = std::io::BufReader::new(zstd::Decoder::new(file)?).lines();
    lines
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect()
}

/// Titles of 3 to 8 words of letters, spread over the documents, each once.
pub fn titles(documents: &[Document], most: usize) -> Vec<String> {
    let mut titles: Vec<String> = documents
        .iter()
        .map(|document| {
            let words = document.title.split(|c: char| !c.is_alphanumeric());
            words
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|title| (3..=8).contains(&title.split(' ').count()))
        .collect();
    titles.sort_unstable();
    titles.dedup();
    let step = (titles.len() / most).max(1);
    titles.into_iter().step_by(step).take(most).collect()
}
