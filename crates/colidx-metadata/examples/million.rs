//! Times and sizes of columns of a million documents with ten fields.
//!
//!     cargo run --release -p colidx-metadata --example million [documents]

use colidx_metadata::columns::{
    Bits, Columns, ColumnsError, ColumnsWriter, MetadataError, Scratch, ScratchFile, Sections,
};
use colidx_metadata::{Comparison, Filter, Value};
use std::time::Instant;

#[derive(Default)]
struct Written(Vec<([u8; 4], Vec<u8>)>);

impl Sections for Written {
    type Error = MetadataError;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), MetadataError> {
        self.0.push((tag, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        if let Some((_, section)) = self.0.last_mut() {
            section.extend_from_slice(bytes);
        }
        Ok(())
    }
}

/// Temporary files in memory.
struct InMemory;

impl Scratch for InMemory {
    type Error = MetadataError;
    type File = File;

    fn create(&mut self) -> Result<File, MetadataError> {
        Ok(File(Vec::new()))
    }
}

struct File(Vec<u8>);

impl ScratchFile for File {
    type Error = MetadataError;

    fn append(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), MetadataError> {
        bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
        Ok(())
    }
}

fn metadata(n: u64) -> String {
    let random = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let random = (random ^ random >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20;
    let language = ["en", "en", "en", "de", "fr", "ja"][random as usize % 6];
    format!(
        concat!(
            r#"{{"url":"https://example.com/articles/{}","lang":"{}","year":{},"score":{:.4},"#,
            r#""draft":{},"tags":["t{}","t{}"],"author":{{"name":"Author {}","id":{}}},"#,
            r#""date":"20{:02}-{:02}-{:02}"}}"#
        ),
        random,
        language,
        1980 + random % 45,
        (random % 100_000) as f64 / 1e4,
        random.is_multiple_of(11),
        random % 50,
        random % 47,
        random % 5000,
        random % 5000,
        random % 25,
        1 + random % 12,
        1 + random % 28,
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let documents: u32 = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 1_000_000,
    };
    let begun = Instant::now();
    let bytes: usize = (0..documents.into()).map(|n| metadata(n).len()).sum();
    let making = begun.elapsed();
    let begun = Instant::now();
    let mut writer = ColumnsWriter::new(64 << 20, InMemory);
    for n in 0..documents.into() {
        writer.push(&metadata(n))?;
    }
    let pushing = begun.elapsed().saturating_sub(making);
    println!("push     {pushing:8.2?}, {} MB of JSON", bytes >> 20);
    println!("peak     {:>8}", peak());
    let begun = Instant::now();
    let mut written = Written::default();
    writer.finish(&mut written)?;
    println!("finish   {:8.2?}", begun.elapsed());
    println!("peak     {:>8} with the sections", peak());
    let mut total = 0;
    for (tag, section) in &written.0 {
        total += section.len();
        println!(
            "{:>8} {:9} bytes",
            tag.escape_ascii().to_string(),
            section.len()
        );
    }
    println!(
        "{total:>18} bytes, {} a document",
        total / documents.max(1) as usize
    );

    let section = |tag| {
        let found = written.0.iter().find(|(t, _)| *t == tag);
        Ok::<_, ColumnsError>(found.map_or(&[][..], |(_, section)| section))
    };
    let columns = Columns::open(documents, section)?;
    let begun = Instant::now();
    columns.verify()?;
    println!("verify   {:8.2?}", begun.elapsed());
    filters(&columns)?;
    facets(&columns)
}

fn filters(columns: &Columns<&[u8]>) -> Result<(), ColumnsError> {
    let string = |s: &str| Value::String(s.into());
    let year = |op, year| Filter::Compare("year".into(), op, Value::I64(year));
    let urls = |n: u64| {
        let url = |n| string(&format!("https://example.com/articles/{n}"));
        Filter::In("url".into(), (0..n).map(url).collect())
    };
    let languages = Filter::Compare("lang".into(), Comparison::Eq, string("en"));
    let shown = [
        (
            "author.id = 7",
            Filter::Compare("author.id".into(), Comparison::Eq, Value::I64(7)),
        ),
        ("lang = 'en'", languages.clone()),
        ("year >= 2002", year(Comparison::Ge, 2002)),
        ("score BETWEEN 2.5 AND 7.5", {
            Filter::Between("score".into(), Value::F64(2.5), Value::F64(7.5))
        }),
        (
            "date LIKE '2017%'",
            Filter::Like("date".into(), "2017%".into()),
        ),
        (
            "author.name LIKE '%77%'",
            Filter::Like("author.name".into(), "%77%".into()),
        ),
        (
            "url LIKE '%77%88%'",
            Filter::Like("url".into(), "%77%88%".into()),
        ),
        ("url IN (100,000 values)", urls(100_000)),
        ("draft EXISTS", Filter::Exists("draft".into())),
        ("lang = 'en' AND year >= 2002 AND NOT draft", {
            let draft = Filter::Not(Box::new(Filter::IsTrue("draft".into())));
            Filter::And(vec![languages, year(Comparison::Ge, 2002), draft])
        }),
    ];
    for (name, filter) in shown {
        let mut best = std::time::Duration::MAX;
        let mut found = 0;
        for _ in 0..7 {
            let begun = Instant::now();
            let bits: Bits = columns.evaluate(&filter)?;
            best = best.min(begun.elapsed());
            found = bits.count();
        }
        println!("{best:10.2?} {found:9} {name}");
    }
    Ok(())
}

fn facets(columns: &Columns<&[u8]>) -> Result<(), Box<dyn std::error::Error>> {
    let mut among = Bits::all(columns.documents());
    for document in 0..columns.documents() / 2 {
        among.remove(document);
    }
    for (name, among) in [("all", None), ("half", Some(&among))] {
        let begun = Instant::now();
        let values = columns.counts("year", among).count();
        println!(
            "{:10.2?} {values:9} years counted in {name}",
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    let fields = columns.fields()?.len();
    println!("{:10.2?} {fields:9} fields summarised", begun.elapsed());
    Ok(())
}

/// Most memory so far, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes: Option<u64> = line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
    kilobytes.map_or("unknown".into(), |kb| format!("{} MB", kb >> 10))
}
