//! A manifest that lies is refused before anything else is read.

use crate::common::counting::peak;
use crate::common::forge::contents;
use crate::common::open;
use crate::victim::{DIM, Victim, put, u64_at};

#[test]
fn a_manifest_that_lies_is_refused_at_open() {
    let victim = Victim::new();
    let refused = |section: &str, says: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let files = victim.forge("manifest", section, change);
        let (bytes, error) = peak(|| open(&files).expect_err(says));
        let size: usize = files.values().map(Vec::len).sum();
        assert!(bytes < size + (1 << 18), "{bytes} bytes to refuse {size}");
        assert!(
            error.to_string().contains(says),
            "{section}, {says}: {error}"
        );
    };
    let ones = &[0xFF; 8][..];
    // dim, nbits, K, next file, codebook, segments, flags, reserved, documents.
    refused("HEAD", "dim", &|s| put(16, &[0; 4])(s));
    refused("HEAD", "dim", &|s| put(16, &4097u32.to_le_bytes())(s));
    refused("HEAD", "CENT", &|s| put(16, &[DIM as u8 + 1])(s));
    refused("HEAD", "nbits", &|s| put(20, &[3])(s));
    refused("HEAD", "WGHT", &|s| put(20, &[8])(s));
    refused("HEAD", "centroids", &|s| put(24, &ones[..4])(s));
    refused("HEAD", "CENT", &|s| put(24, &(1u32 << 26).to_le_bytes())(s));
    refused("HEAD", "FILE", &|s| put(28, &[0; 4])(s));
    refused("HEAD", "FILE", &|s| put(32, &ones[..4])(s));
    refused("HEAD", "SEGM", &|s| put(36, &ones[..4])(s));
    refused("HEAD", "SEGM", &|s| put(36, &[0])(s));
    refused("HEAD", "flags", &|s| put(41, &[1])(s));
    refused("HEAD", "reserved", &|s| put(48, &[1])(s));
    refused("HEAD", "documents", &|s| put(56, ones)(s));
    refused("HEAD", "HEAD", &|s| s.truncate(63));
    refused("HEAD", "HEAD", &|s| s.extend([0; 64]));

    refused("FILE", "FILE", &|s| s.truncate(32));
    refused("FILE", "FILE", &|s| s.truncate(33));
    refused("FILE", "FILE", &|s| put(4, &ones[..4])(s));
    refused("FILE", "FILE", &|s| put(24, &[1])(s));
    refused("FILE", "bytes", &|s| put(8, ones)(s));
    refused("FILE", "another commit", &|s| put(16, ones)(s));
    refused("FILE", "FILE", &|s| put(0, b"WHAT")(s));
    refused("FILE", "FILE", &|s| s.extend_from_within(..32));

    // Of the first segment: its number, documents, vectors; what is deleted of them, reserved, mean
    // error.
    refused("SEGM", "FILE", &|s| put(0, &ones[..4])(s));
    refused("SEGM", "SEGM", &|s| put(40, &[1])(s));
    refused("SEGM", "deleted", &|s| put(16, &ones[..4])(s));
    refused("SEGM", "reserved", &|s| put(20, &[1])(s));
    refused("SEGM", "deleted", &|s| put(24, ones)(s));
    for error in [f64::NAN, f64::INFINITY, -1.0] {
        refused("SEGM", "error", &|s| put(32, &error.to_le_bytes())(s));
    }
    refused("SEGM", "documents", &|s| put(4, &ones[..4])(s));
    refused("SEGM", "CODE", &|s| put(8, ones)(s));
    refused("SEGM", "SEGM", &|s| s.clear());
    for more in [1, 8, 39, 40] {
        refused("SEGM", "SEGM", &|s| s.extend(vec![0; more]));
    }

    refused("MODL", "MODL", &|s| s.extend(b"nonsense"));
    refused("MODL", "MODL", &|s| s.extend(b"{}"));
    refused("MODL", "MODL", &|s| s.extend(b"[".repeat(100_000)));
}

#[test]
fn a_segment_that_is_named_twice_is_refused() {
    let victim = Victim::new();
    let documents = u64_at(&contents(victim.good("manifest"))[0].1, 56);
    let files = victim.forge_file("manifest", |sections| {
        for (tag, bytes) in sections {
            match &*tag {
                b"HEAD" => {
                    put(36, &[4])(bytes);
                    put(56, &(2 * documents).to_le_bytes())(bytes);
                }
                b"SEGM" => bytes.extend_from_within(..),
                _ => {}
            }
        }
    });
    let error = open(&files).unwrap_err();
    assert!(error.to_string().contains("SEGM"), "{error}");
}
