//! Stored text that decompresses to more than it should.

use crate::common::counting::peak;
use crate::common::open;
use crate::victim::{Victim, put};
use colidx_core::MAX_DOCUMENT_BYTES;

/// A few bytes that decompress to as much as a block may have, and frames that ask for a large
/// window.
#[test]
fn text_grows_to_what_a_block_may_hold_and_not_beyond() {
    const LIMIT: usize = MAX_DOCUMENT_BYTES + (32 << 10) + 24;
    let victim = Victim::new();
    let forged = |data: Vec<u8>, length: u32| {
        victim.forge_file("text", |sections| {
            for (tag, bytes) in sections {
                match &*tag {
                    b"DATA" => bytes.clone_from(&data),
                    _ => {
                        bytes.truncate(16);
                        put(12, &length.to_le_bytes())(bytes);
                    }
                }
            }
        })
    };
    for (size, length) in [
        (LIMIT, LIMIT as u32),
        (LIMIT + 1, LIMIT as u32),
        (LIMIT + 1, LIMIT as u32 + 1),
        (1 << 28, LIMIT as u32),
        (1 << 28, 1 << 28),
        (100, u32::MAX),
    ] {
        let bomb = zstd::bulk::compress(&vec![0; size], 1).unwrap();
        let index = open(&forged(bomb, length)).unwrap();
        let doc = index.doc_ids().next().unwrap();
        // All zeros are records of three empty fields.
        let (bytes, read) = peak(|| index.document(doc));
        assert_eq!(read.is_ok(), size == LIMIT && length == LIMIT as u32);
        assert!(bytes < 3 * LIMIT, "{bytes} bytes for a block of {size}");
    }
    // The window in a frame's header, not the content, decides how much a decoder sets aside.
    let mut frame = b"\x28\xB5\x2F\xFD\x00".to_vec();
    frame.extend([(27 - 10) << 3, 0x19, 0, 0]);
    frame.extend(b"abc");
    let index = open(&forged(frame, 3)).unwrap();
    let doc = index.doc_ids().next().unwrap();
    let error = index.document(doc).unwrap_err();
    assert!(error.to_string().contains("DATA"), "{error}");
}
