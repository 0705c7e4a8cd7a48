//! Files of `torch.save`, as torch writes them and as nobody should.

#[path = "../../colidx/tests/common/counting.rs"]
mod counting;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderError};
use counting::{Counting, peak};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tiny checkpoint whose weights lie in pytorch_model.bin.
struct Checkpoint(TempDir);

impl Checkpoint {
    fn new() -> Checkpoint {
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-stanford-bin");
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(fixture).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Checkpoint(folder)
    }

    fn weights(&self) -> PathBuf {
        self.0.path().join("pytorch_model.bin")
    }

    /// Opens it with an archive of these entries in place of its weights, on this thread alone.
    fn open_with(&self, entries: &[(&str, &[u8])]) -> (usize, Result<Encoder, EncoderError>) {
        let mut archive = ZipWriter::new(fs::File::create(self.weights()).unwrap());
        for (name, bytes) in entries {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap()
            .install(|| peak(|| Encoder::open(self.0.path())))
    }
}

/// What opening the checkpoint takes besides its weights: the tokenizer, mostly.
const ALLOWANCE: usize = 2 << 20;

#[test]
fn memory_is_in_proportion_to_the_file() {
    let text = |length: u32| [b"X", &length.to_le_bytes()[..]].concat();
    // A text of 4 GiB, and one as long as what a fuzzer found.
    let forged = [u32::MAX, 1_920_073_783].map(|length| [b"\x80\x02}", &text(length)[..]].concat());
    // A pair of the value before, twice, forty times over: 2^40 values, were each of its own.
    let doubled = [b"\x80\x02)", &b"q\0h\0\x86".repeat(40)[..], b"."].concat();
    // A value in a value in a value.
    let nested = [b"\x80\x02)", &b"\x85".repeat(200_000)[..], b"."].concat();
    let checkpoint = Checkpoint::new();
    for pickle in [&forged[0], &forged[1], &doubled, &nested] {
        let (peak, opened) = checkpoint.open_with(&[("m/data.pkl", pickle)]);
        let error = opened.err().unwrap();
        assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");
        assert!(
            peak < 100 * pickle.len() + ALLOWANCE,
            "{peak} bytes for {}",
            pickle.len()
        );
    }
}
