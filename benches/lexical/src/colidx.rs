//! colidx-lexical.

use crate::corpus::Document;
use anyhow::Result;
use colidx_lexical::{
    Analyzer, LENGTHS, MemoryScratch, MemorySections, Options, POSITIONS, Query, Reader, Search, Segment,
    Writer,
};
use std::time::Instant;

pub struct Index {
    sections: MemorySections,
    analyzer: Analyzer,
}

impl Index {
    pub fn build(documents: &[Document], positions: bool) -> Result<Self> {
        let analyzer = Analyzer::by_name("english")?;
        let started = Instant::now();
        let options = Options {
            positions,
            ..Options::default()
        };
        let mut writer = Writer::new(analyzer, options, MemoryScratch::new());
        for document in documents {
            writer.push(&document.title, &document.text)?;
        }
        let mut sections = MemorySections::default();
        let info = writer.finish(&mut sections)?;
        println!(
            "colidx: built in {:.2} s; {} terms; bytes: all {}, terms and lists {}",
            started.elapsed().as_secs_f64(),
            info.terms,
            bytes_without(&sections, &[]),
            bytes_without(&sections, &[LENGTHS, POSITIONS]),
        );
        for tag in colidx_lexical::TAGS {
            let bytes = sections.get(tag).map_or(0, <[u8]>::len);
            println!("  {} {bytes}", String::from_utf8_lossy(&tag));
        }
        let started = Instant::now();
        Reader::in_memory(&sections)?.verify()?;
        println!("  verified in {:.2} s", started.elapsed().as_secs_f64());
        Ok(Self { sections, analyzer })
    }

    /// With tantivy's settings.
    pub fn search(&self, query: &str, k: usize) -> Result<Vec<(u32, f32)>> {
        let reader = Reader::in_memory(&self.sections)?;
        let segments = [Segment {
            reader: &reader,
            live: reader.live(&[]),
            hidden: &[],
        }];
        let query = Query::words(query, &self.analyzer)?.with_settings(1.2, 0.75)?;
        let hits = Search::new(&segments, &query)?.top_k(k)?;
        Ok(hits
            .into_iter()
            .map(|hit| (hit.document, hit.score))
            .collect())
    }
}

/// Bytes of all sections but some.
fn bytes_without(sections: &MemorySections, tags: &[[u8; 4]]) -> usize {
    let counted = sections.iter().filter(|(tag, _)| !tags.contains(tag));
    counted.map(|(_, bytes)| bytes.len()).sum()
}
