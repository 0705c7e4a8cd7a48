//! A storage of one's own: memory that counts what the engine asks of it.
//!
//! `cargo run -p colidx-core --example custom_storage`

use colidx_core::storage::{Bytes, LockGuard, Memory, Storage, StorageFile};
use colidx_core::*;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Passes everything on to memory, and counts it by name.
#[derive(Debug, Default, Clone)]
struct Counting {
    files: Memory,
    calls: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Counting {
    fn count(&self, call: &'static str) {
        let mut calls = self.calls.lock().expect("no thread panics with the lock");
        *calls.entry(call).or_default() += 1;
    }

    fn counted(&self, call: &str) -> usize {
        let calls = self.calls.lock().expect("no thread panics with the lock");
        calls.get(call).copied().unwrap_or(0)
    }
}

impl Storage for Counting {
    fn path(&self) -> &Path {
        Path::new("(counting)")
    }

    fn create_directory(&self) -> io::Result<()> {
        self.files.create_directory()
    }

    fn remove_directory(&self) -> io::Result<()> {
        self.files.remove_directory()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.files.exists(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        self.count("create");
        self.files.create(name)
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn StorageFile>> {
        self.files.append(name, length)
    }

    fn map(&self, name: &str) -> io::Result<Bytes> {
        self.count("map");
        self.files.map(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.count(if to == "manifest" { "commit" } else { "rename" });
        self.files.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.count("sync");
        self.files.sync()
    }

    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn LockGuard>>> {
        self.files.lock(name)
    }
}

fn main() -> Result<()> {
    let storage = Counting::default();
    let directory = Directory::over(Arc::new(storage.clone()));

    let mut writer = IndexWriter::create_in(&directory, BuildOptions::default().dim(2))?;
    writer.add_vectors("east", &[1.0, 0.0], &[])?;
    writer.add_vectors("north", &[0.0, 1.0], &[])?;
    writer.commit(&mut NoVectors, &NoProgress)?;
    writer.add_vectors("north-east", &[0.8, 0.6], &[])?;
    writer.commit(&mut NoVectors, &NoProgress)?;
    assert_eq!(storage.counted("commit"), 2);

    let maps = storage.counted("map");
    let index = Index::open_in(&directory)?;
    let opened = storage.counted("map") - maps;
    let query = Query::new(&[0.7, 0.7], 2)?;
    let results = index.search(&query, &SearchOptions::default())?;
    for hit in &results.hits {
        println!("{:.3} {}", hit.score, hit.key);
    }
    println!("opening mapped {opened} files; a search maps none");
    assert_eq!(results.hits[0].key, "north-east");
    assert_eq!(storage.counted("map"), maps + opened);
    Ok(())
}
