//! Measures changes to an index: adding, deleting, merging, retraining.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin updates -- [DOCUMENTS] [DIRECTORY]
//! ```
//!
//! Documents are synthetic: about 60 vectors of 96 dimensions each, drawn by topic.
//! `docs/lab/2026-11-25-updates.md` has the figures of a run.

use colidx_core::*;
use std::error::Error as StdError;
use std::path::Path;
use std::time::{Duration, Instant};

const DIM: usize = 96;
const WORDS: u64 = 3000;

/// A fixed sequence of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From -1 to 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// Makes vectors from a document's text, which is a number.
struct Topics;

impl Topics {
    fn vectors(&self, document: u64, ids: &mut Vec<u32>) -> Vec<f32> {
        let mut random = Random(document);
        let (topic, len) = (random.next() % 500, 30 + random.next() % 60);
        let mut vectors = Vec::new();
        for _ in 0..len {
            let word = (topic * 6 + random.next() % 200) % WORDS;
            let mut meaning = Random(word << 32);
            let start = vectors.len();
            vectors.extend((0..DIM).map(|_| meaning.unit() + 0.5 * random.unit()));
            let length = vectors[start..].iter().map(|x| x * x).sum::<f32>().sqrt();
            vectors[start..].iter_mut().for_each(|x| *x /= length);
            ids.push(word as u32);
        }
        vectors
    }
}

impl VectorSource for Topics {
    fn dim(&self) -> usize {
        DIM
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
        for d in documents {
            let vectors = self.vectors(d.text.parse()?, &mut out.token_ids);
            out.lens.push((vectors.len() / DIM) as u32);
            out.vectors.extend(vectors);
        }
        Ok(())
    }
}

fn document(number: u64, work: impl FnOnce(&NewDocument<'_>) -> Result<()>) -> Result<()> {
    let (key, text) = (format!("document {number}"), number.to_string());
    work(&NewDocument::new(&key).text(&text))
}

fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let done = work()?;
    println!(
        "{what:<58} {:>10.2} ms",
        started.elapsed().as_secs_f64() * 1e3
    );
    Ok(done)
}

/// Adds documents from `first` on, in one commit. Generating vectors is not part of the engine's
/// time.
fn add(writer: &mut IndexWriter, first: u64, count: u64) -> Result<CommitReport> {
    (first..first + count).try_for_each(|n| document(n, |d| writer.add(d)))?;
    writer.commit(&mut Topics, &NoProgress)
}

fn delete(
    writer: &mut IndexWriter,
    mut numbers: impl Iterator<Item = u64>,
) -> Result<CommitReport> {
    numbers.try_for_each(|n| writer.delete(&format!("document {n}")).map(drop))?;
    writer.commit(&mut NoVectors, &NoProgress)
}

/// Median time of a search, one thread.
fn search(path: &Path, what: &str) -> Result<()> {
    let index = Index::open(path)?;
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..3 {
        for query in 0..100 {
            let vectors = Topics.vectors(query << 20, &mut Vec::new());
            let query = Query::new(&vectors[..32.min(vectors.len() / DIM) * DIM], DIM)?;
            let started = Instant::now();
            let found = index.search(&query, &SearchOptions::default())?.hits.len();
            assert_eq!(found, 10);
            if round > 0 {
                times.push(started.elapsed());
            }
        }
    }
    times.sort();
    let info = index.info()?;
    println!(
        "{:<58} {:>10.2} ms",
        format!(
            "search, {what}: {} segments, {} deleted",
            info.segments.len(),
            info.deleted_documents
        ),
        times[times.len() / 2].as_secs_f64() * 1e3
    );
    Ok(())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let documents: u64 = arguments
        .next()
        .map_or(50_000, |n| n.parse().unwrap_or(50_000));
    let path = arguments.next().unwrap_or("updates.colidx".into());
    let path = Path::new(&path);

    let options = BuildOptions::default().force(true);
    let mut builder = IndexWriter::create(path, options)?;
    (0..documents).try_for_each(|n| document(n, |d| builder.add(d)))?;
    timed(&format!("build of {documents} documents"), || {
        builder.commit(&mut Topics, &NoProgress)
    })?;
    search(path, "as built")?;

    let open = || IndexWriter::open(path, WriterOptions::default());
    let mut writer = timed("open for writing", open)?;
    let reader = Index::open(path)?;
    let mut next = documents;
    for (count, what) in [
        (1, "add 1, which lays the codebook out"),
        (1, "add 1"),
        (100, "add 100"),
        (1000, "add 1,000"),
    ] {
        let made = Instant::now();
        let mut ids = Vec::new();
        (next..next + count).for_each(|n| drop(Topics.vectors(n, &mut ids)));
        let made = made.elapsed().as_secs_f64() * 1e3;
        let what = format!("{what} ({made:.1} ms of it to make the vectors)");
        let report = timed(&what, || add(&mut writer, next, count))?;
        println!(
            "    {} bytes written, {} segments merged",
            report.bytes_written, report.merged
        );
        next += count;
    }
    timed("reload by a reader", || reader.reload())?;
    for (count, what) in [(1, "delete 1"), (100, "delete 100"), (2000, "delete 2,000")] {
        let first = count * 3;
        let report = timed(what, || delete(&mut writer, first..first + count))?;
        println!("    {} bytes written", report.bytes_written);
    }
    search(path, "after that")?;

    let (mut written, mut added, mut most) = (0, 0, 0);
    timed("200 commits of 10 documents each", || {
        for _ in 0..200 {
            let report = add(&mut writer, next, 10)?;
            next += 10;
            let info = Index::open(path)?.info()?;
            added += 10 * info.bytes / info.documents;
            written += report.bytes_written;
            most = most.max(info.segments.len());
        }
        Ok(())
    })?;
    println!(
        "    at most {most} segments, {:.1} bytes written for one added",
        written as f64 / added as f64
    );
    search(path, "after that")?;
    let fifth = (0..documents).filter(|n| n % 5 == 1);
    timed("delete every fifth document", || delete(&mut writer, fifth))?;
    search(path, "after that")?;
    timed("open for reading", || Index::open(path))?;
    timed("compact", || writer.compact(&NoProgress))?;
    search(path, "compacted")?;
    timed("compact and retrain from stored vectors", || {
        writer.retrain(None, &RetrainOptions::default(), &NoProgress)
    })?;
    search(path, "retrained")
}
