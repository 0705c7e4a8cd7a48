//! Section 10: title, text and metadata.

use super::bytes::number;
use super::frame::Sections;
use std::io::Read;

pub fn texts(file: &Sections) -> Vec<[String; 3]> {
    let mut found = Vec::new();
    let blocks: Vec<&[u8]> = file["BLKS"].chunks(16).collect();
    assert!(!blocks.is_empty() || file["DATA"].is_empty());
    for (i, block) in blocks.iter().enumerate() {
        assert_eq!(number(block, 8, 4), found.len() as u64);
        let start = number(block, 0, 8) as usize;
        assert!(i > 0 || start == 0);
        let end = blocks
            .get(i + 1)
            .map_or(file["DATA"].len(), |b| number(b, 0, 8) as usize);
        let frame = &file["DATA"][start..end];
        assert!(frame.starts_with(b"\x28\xb5\x2f\xfd"));
        // Without `single_frame` more of them would be decompressed, one after the other.
        let decoder = zstd::stream::read::Decoder::with_buffer(frame).unwrap();
        let mut decoder = decoder.single_frame();
        let mut raw = Vec::new();
        decoder.read_to_end(&mut raw).unwrap();
        assert_eq!(decoder.finish(), b"");
        assert!(raw.len() as u64 == number(block, 12, 4) && !raw.is_empty());
        let mut at = 0;
        while at < raw.len() {
            let lens = [0, 4, 8].map(|o| number(&raw, at + o, 4) as usize);
            assert!(lens.iter().sum::<usize>() <= 33_554_432);
            at += 12;
            let fields = lens.map(|len| {
                let text = String::from_utf8(raw[at..at + len].to_vec()).unwrap();
                at += len;
                text
            });
            let json = serde_json::from_str(&fields[2]);
            assert!(fields[2].is_empty() || matches!(json, Ok(serde_json::Value::Object(_))));
            found.push(fields);
        }
    }
    found
}
