//! What the drivers share: the workloads that compare.py writes, and the lines in which they are
//! asked for and answered.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// A text with the token ids that PyLate gives the model for it.
#[derive(Clone, Deserialize)]
pub struct Text {
    pub text: String,
    pub ids: Vec<u32>,
    /// The first tokens that are attended to; the rest is query expansion.
    pub attended: usize,
}

/// What compare.py asks for.
#[derive(Deserialize)]
pub struct Request {
    /// The file with the texts of a workload.
    pub texts: PathBuf,
    pub query: bool,
    /// One text after the other, and the time of each; else all of them at once.
    pub single: bool,
    /// Where to write the vectors, f32 one after the other.
    pub vectors: Option<PathBuf>,
}

/// An encoder that is compared.
pub trait Engine {
    /// The vectors of each text.
    fn encode(&self, texts: &[Text], query: bool) -> Result<Vec<Vec<f32>>>;
}

/// Answers each line of standard input with a line on standard output.
pub fn serve(engine: &impl Engine) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = answer(engine, &request)?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(engine: &impl Engine, request: &Request) -> Result<Value> {
    let texts = read(&request.texts)?;
    let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut vectors = Vec::new();
    if request.single {
        for text in &texts {
            let start = Instant::now();
            vectors.extend(engine.encode(std::slice::from_ref(text), request.query)?);
            latencies.push(start.elapsed().as_secs_f64());
        }
    } else {
        vectors = engine.encode(&texts, request.query)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &request.vectors {
        let bytes: Vec<u8> = vectors
            .iter()
            .flatten()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        std::fs::write(path, bytes)?;
    }
    Ok(json!({
        "seconds": seconds,
        "tokens": tokens,
        "latencies": latencies,
        "peak_bytes": peak_bytes(),
    }))
}

/// The texts of a workload.
pub fn read(path: &Path) -> Result<Vec<Text>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// The largest resident set so far.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
