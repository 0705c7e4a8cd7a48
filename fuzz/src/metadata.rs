//! Metadata of any text: into columns and back.

use std::ops::Deref;

use colidx_metadata::columns::{
    Columns, ColumnsError, ColumnsWriter, MetadataError, Scratch, ScratchFile, Sections, check,
};
use colidx_metadata::{Comparison, Field, Filter};

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
        let start = offset as usize;
        bytes.copy_from_slice(&self.0[start..start + bytes.len()]);
        Ok(())
    }
}

/// Sections by tag.
#[derive(Default)]
struct Written(Vec<([u8; 4], Vec<u8>)>);

impl Sections for Written {
    type Error = MetadataError;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), MetadataError> {
        self.0.push((tag, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        let last = self.0.last_mut().expect("a section was begun");
        last.1.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes at an address that is a multiple of 8.
struct Section {
    words: Vec<u64>,
    length: usize,
}

impl Section {
    fn new(bytes: &[u8]) -> Section {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        };
        Section {
            words: bytes.chunks(8).map(word).collect(),
            length: bytes.len(),
        }
    }
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// A document's metadata a line. What `check` accepts goes into columns, which say the same of it.
pub fn metadata(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut writer = ColumnsWriter::new(0, InMemory);
    let good: Vec<&str> = text
        .split('\n')
        .filter(|line| check(line).is_ok())
        .collect();
    for metadata in &good {
        writer.push(metadata).expect("it was checked");
    }
    if writer.is_empty() {
        return;
    }
    let mut written = Written::default();
    writer.finish(&mut written).expect("it is small");
    let section = |tag| {
        let found = written.0.iter().find(|(of, _)| *of == tag);
        Ok::<_, ColumnsError>(Section::new(&found.expect("all are written").1))
    };
    let columns = Columns::open(good.len() as u32, section).expect("it is good");
    columns.verify().expect("it is good");
    let mut comparison = columns.compare();
    for metadata in &good {
        comparison.push(metadata).expect("it says the same");
    }
    comparison.finish().expect("it says no more");
    for field in columns.fields().expect("it is good") {
        let path = Field::from(field.path);
        let there = columns
            .evaluate(&Filter::Exists(path.clone()))
            .expect("it is good");
        assert!(there.count() >= field.documents, "{}", field.path);
        for counted in columns.counts(field.path, None).take(100) {
            let (value, count) = counted.expect("it is good");
            let filter = Filter::Compare(path.clone(), Comparison::Eq, value.to_value());
            let found = columns.evaluate(&filter).expect("it is good").count();
            assert!(found >= count, "{filter}: {found}, {count}");
            let again = Filter::parse(&filter.to_string());
            assert_eq!(again.as_ref(), Ok(&filter), "{filter}");
        }
    }
}
