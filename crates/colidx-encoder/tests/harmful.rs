//! Hostile checkpoints are refused, in memory that does not grow with what they claim.

#[path = "../../colidx-core/tests/common/counting.rs"]
mod counting;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};
use counting::{Counting, peak};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tiny checkpoint with its weights in pytorch_model.bin.
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

    /// Opens it on this thread only; returns the peak memory too.
    fn open(&self) -> (usize, Result<Encoder, EncoderError>) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.unwrap()
            .install(|| peak(|| Encoder::open(self.0.path(), &EncoderOptions::default())))
    }

    /// Opens it with an archive of these entries instead of its weights.
    fn open_with(&self, entries: &[(&str, &[u8])]) -> (usize, Result<Encoder, EncoderError>) {
        let mut archive = ZipWriter::new(fs::File::create(self.weights()).unwrap());
        for (name, bytes) in entries {
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap();
        self.open()
    }
}

/// Memory for opening the checkpoint without its weights, mostly for the tokenizer.
const ALLOWANCE: usize = 2 << 20;

#[test]
fn memory_is_proportional_to_the_file() {
    let text = |length: u32| [b"X", &length.to_le_bytes()[..]].concat();
    // A text of 4 GiB, and one of a length found by a fuzzer.
    let forged = [u32::MAX, 1_920_073_783].map(|length| [b"\x80\x02}", &text(length)[..]].concat());
    // A pair of the previous value with itself, forty levels deep: 2^40 values, if each were
    // copied.
    let doubled = [b"\x80\x02)", &b"q\0h\0\x86".repeat(40)[..], b"."].concat();
    // Deeply nested values.
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

/// A sparse file of `length` bytes that begins with `head`.
fn sparse(path: &Path, head: &[u8], length: u64) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(head).unwrap();
    file.set_len(length).unwrap();
}

const GIB: u64 = 1 << 30;

#[test]
fn gigabyte_files_are_refused_before_they_are_read() {
    let limits = [
        ("tokenizer.json", 64 << 20),
        ("vocab.txt", 64 << 20),
        ("config.json", 8 << 20),
        ("artifact.metadata", 8 << 20),
        ("tokenizer_config.json", 8 << 20),
        ("pytorch_model.bin.index.json", 8 << 20),
    ];
    for (name, limit) in limits {
        let checkpoint = Checkpoint::new();
        let folder = checkpoint.0.path();
        match name {
            "vocab.txt" => {
                fs::remove_file(folder.join("tokenizer.json")).unwrap();
                let class = r#"{"tokenizer_class": "BertTokenizer"}"#;
                fs::write(folder.join("tokenizer_config.json"), class).unwrap();
            }
            "pytorch_model.bin.index.json" => fs::remove_file(checkpoint.weights()).unwrap(),
            _ => {}
        }
        sparse(&folder.join(name), b"{", 5 * GIB);
        let (peak, opened) = checkpoint.open();
        let error = opened.err().unwrap();
        assert!(
            matches!(&error, EncoderError::TooLarge { path, .. } if path.ends_with(name)),
            "{error}"
        );
        // The bytes read, twice because of growing buffers, and the weights.
        assert!(peak < 3 * limit + ALLOWANCE, "{name}: {peak}");
    }
}

#[test]
fn weights_that_claim_gigabytes_are_refused() {
    let checkpoint = Checkpoint::new();
    let header = checkpoint.0.path().join("model.safetensors");
    // A header as large as the file, and one larger than that.
    for (claimed, length) in [
        (GIB / 8 - 8, GIB / 8),
        (3 * GIB, GIB / 8),
        (u64::MAX, GIB / 8),
    ] {
        sparse(&header, &claimed.to_le_bytes(), length);
        let (peak, opened) = checkpoint.open();
        let error = opened.err().unwrap();
        assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");
        assert!(peak < ALLOWANCE, "{peak}");
    }
    fs::remove_file(header).unwrap();
    // Not an archive, and an archive that is mostly directory.
    let end = |size: u32, count: u16| {
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
        end.extend([size.to_le_bytes(), 0u32.to_le_bytes()].concat());
        end.extend([0, 0]);
        end
    };
    for bytes in [Vec::new(), end(GIB as u32 / 8, u16::MAX)] {
        sparse(&checkpoint.weights(), b"PK\x01\x02", GIB / 8);
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(checkpoint.weights())
            .unwrap();
        file.write_all(&bytes).unwrap();
        let (peak, opened) = checkpoint.open();
        let error = opened.err().unwrap();
        assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");
        assert!(peak < (64 << 20), "{peak}");
    }
}

#[test]
fn a_large_pickle_is_refused() {
    let checkpoint = Checkpoint::new();
    let pickle = [b"\x80\x02", &b")".repeat(3 << 20)[..], b"."].concat();
    let (peak, opened) = checkpoint.open_with(&[("m/data.pkl", &pickle)]);
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("3145731 bytes"), "{error}");
    assert!(peak < 2 * ALLOWANCE, "{peak}");
}

/// Every tensor of the model shares one storage, as large as the largest of them.
#[test]
fn overlapping_tensors_are_refused() {
    let checkpoint = Checkpoint::new();
    let whole = fs::read(checkpoint.weights()).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let names: Vec<String> = archive
        .file_names()
        .map(|n| n.unwrap().into_owned())
        .collect();
    let contents = names
        .iter()
        .find(|name| name.ends_with("data.pkl"))
        .unwrap();
    let mut pickle = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_name(contents).unwrap(), &mut pickle).unwrap();
    // Storage names are one or two bytes long: all become "0" or "00".
    let mut at = 0;
    while at + 7 < pickle.len() {
        let length = pickle[at + 1] as usize;
        if pickle[at] == b'X' && pickle[at + 2..at + 5] == [0, 0, 0] && (1..=2).contains(&length) {
            let text = &mut pickle[at + 5..at + 5 + length];
            if text.iter().all(u8::is_ascii_digit) {
                text.fill(b'0');
            }
        }
        at += 1;
    }
    let storage: Vec<u8> = 0.5f32.to_le_bytes().repeat(202 * 16);
    let (_, opened) = checkpoint.open_with(&[
        ("m/data.pkl", &pickle),
        ("m/data/0", &storage),
        ("m/data/00", &storage[..8 << 10]),
    ]);
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("lie in one another"), "{error}");
}
