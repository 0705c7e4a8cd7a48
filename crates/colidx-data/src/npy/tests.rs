use super::*;
use half::f16;
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom};

fn file(version: u8, dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((dictionary.len() as u16).to_le_bytes());
    } else {
        bytes.extend((dictionary.len() as u32).to_le_bytes());
    }
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    bytes
}

fn open(bytes: Vec<u8>) -> Result<NpyReader<Cursor<Vec<u8>>>, NpyError> {
    NpyReader::new(Cursor::new(bytes), "a.npy")
}

fn dictionary(descr: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}          \n")
}

#[test]
fn versions_types_and_shapes() {
    for version in 1..=3 {
        let data: Vec<u8> = (0..6)
            .flat_map(|n| (n as f32 - 0.5).to_le_bytes())
            .collect();
        let mut reader = open(file(version, &dictionary("<f4", "(2, 3)"), &data)).unwrap();
        assert_eq!(reader.dimensions::<2>("[rows, dim]").unwrap(), [2, 3]);
        let mut out = vec![9.0];
        reader.read_floats(4, 2, &mut out).unwrap();
        reader.read_floats(0, 2, &mut out).unwrap();
        assert_eq!(out, [9.0, 3.5, 4.5, -0.5, 0.5]);
    }
    let halves: Vec<u8> = [1.0f32, -2.5, f32::INFINITY]
        .iter()
        .flat_map(|&x| f16::from_f32(x).to_le_bytes())
        .collect();
    let mut out = Vec::new();
    open(file(1, &dictionary("<f2", "(3,)"), &halves))
        .unwrap()
        .read_floats(0, 3, &mut out)
        .unwrap();
    assert_eq!(out, [1.0, -2.5, f32::INFINITY]);
    for (descr, data, expected) in [
        ("<i4", (-7i32).to_le_bytes().to_vec(), -7),
        ("<i8", (-1i64 << 40).to_le_bytes().to_vec(), -1 << 40),
        ("<u4", u32::MAX.to_le_bytes().to_vec(), i64::from(u32::MAX)),
    ] {
        let mut out = Vec::new();
        let mut reader = open(file(1, &dictionary(descr, "(1,)"), &data)).unwrap();
        reader.read_integers(0, 1, &mut out).unwrap();
        assert_eq!(out, [expected]);
        assert!(matches!(
            reader.read_floats(0, 1, &mut Vec::new()),
            Err(NpyError::WrongType { .. })
        ));
        assert!(matches!(
            reader.read_integers(1, 1, &mut out),
            Err(NpyError::OutOfRange { .. })
        ));
        assert!(matches!(
            reader.read_integers(u64::MAX, 1, &mut out),
            Err(NpyError::OutOfRange { .. })
        ));
    }
    assert_eq!(
        open(file(1, &dictionary("<f4", "()"), &[0; 4]))
            .unwrap()
            .header()
            .elements(),
        1
    );
    assert_eq!(
        open(file(1, &dictionary("<f4", "(0, 96)"), &[]))
            .unwrap()
            .header()
            .elements(),
        0
    );
    // Python 2, double quotes, another order and no comma at the end.
    let old = "{\"shape\": (1L, 1L), \"fortran_order\": False, \"descr\": \"<f4\"}";
    assert_eq!(open(file(1, old, &[0; 4])).unwrap().header().shape, [1, 1]);
}

#[test]
fn refusals_name_what_they_refuse() {
    let message = |bytes| open(bytes).err().unwrap().to_string();
    assert!(message(file(1, &dictionary(">f4", "(1,)"), &[0; 4])).contains("big-endian"));
    assert!(message(file(1, &dictionary("<c8", "(1,)"), &[0; 8])).contains("'<c8'"));
    assert!(message(file(1, &dictionary("|O", "(1,)"), &[0; 8])).contains("'|O'"));
    let structured = "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    assert!(message(file(1, structured, &[0; 4])).contains("('x'"));
    let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }";
    assert!(message(file(1, fortran, &[0; 8])).contains("Fortran"));
    assert!(message(b"PK\x03\x04 an archive".to_vec()).contains("not a .npy file"));
    assert!(message(file(4, &dictionary("<f4", "(1,)"), &[0; 4])).contains("version 4.0"));
    assert!(message(file(1, &dictionary("<f4", "(3, 2)"), &[0; 23])).contains("the file has"));
    assert!(message(file(1, &dictionary("<f4", "(3, 2)"), &[0; 25])).contains("the file has"));
    let reader = open(file(1, &dictionary("<f4", "(1, 1)"), &[0; 4])).unwrap();
    assert!(
        reader
            .dimensions::<1>("[documents]")
            .unwrap_err()
            .to_string()
            .contains("[documents], got (1, 1)")
    );
}

#[test]
fn hostile_headers_are_refused() {
    for shape in [
        "(18446744073709551615, 2)",
        "(4294967296, 4294967296)",
        "(0, 18446744073709551615, 2)",
    ] {
        assert!(
            matches!(
                open(file(1, &dictionary("<f4", shape), &[])),
                Err(NpyError::Header { .. })
            ),
            "{shape}"
        );
    }
    assert!(matches!(
        open(file(1, &dictionary("<f4", "(4000000000,)"), &[0; 4])),
        Err(NpyError::Size { .. })
    ));
    for broken in [
        "",
        "{",
        "}",
        "[]",
        "{'descr'}",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': 0}",
    ] {
        assert!(
            matches!(open(file(1, broken, &[])), Err(NpyError::Header { .. })),
            "{broken}"
        );
    }
    for shape in [
        "(-1,)",
        "(1.5,)",
        "(99999999999999999999,)",
        "(a,)",
        "(1",
        "1",
        "(1 2)",
    ] {
        assert!(
            matches!(
                open(file(1, &dictionary("<f4", shape), &[0; 4])),
                Err(NpyError::Header { .. })
            ),
            "{shape}"
        );
    }
    let many = format!("({})", "1,".repeat(65));
    assert!(matches!(
        open(file(1, &dictionary("<f4", &many), &[0; 4])),
        Err(NpyError::Header { .. })
    ));
    let whole = file(2, &dictionary("<f4", "(1,)"), &[0; 4]);
    for length in 0..whole.len() {
        assert!(open(whole[..length].to_vec()).is_err(), "{length}");
    }
    let mut endless = whole;
    endless[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(
        open(endless)
            .err()
            .unwrap()
            .to_string()
            .contains("4294967295")
    );
}

#[test]
fn bytes_and_elements_without_a_header() {
    for descr in ["|u1", "<u1"] {
        let mut reader = open(file(1, &dictionary(descr, "(2, 2)"), &[1, 2, 3, 4])).unwrap();
        let mut out = vec![9];
        reader.read_bytes(1, 2, &mut out).unwrap();
        assert_eq!(out, [9, 2, 3]);
        assert!(reader.read_bytes(3, 2, &mut out).is_err());
        assert!(reader.read_integers(0, 1, &mut Vec::new()).is_err());
        assert!(reader.read_floats(0, 1, &mut Vec::new()).is_err());
    }
    let halves = [0, 0x3c, 0, 0xc0, 0, 0x40, 7];
    let header = |rows, data_offset| Header {
        dtype: Dtype::F16,
        shape: vec![rows],
        data_offset,
    };
    let open = |header| NpyReader::headless(Cursor::new(halves), "a.pt", header);
    let mut out = Vec::new();
    let mut reader = open(header(2, 2)).unwrap();
    reader.read_floats(0, 2, &mut out).unwrap();
    reader.read_floats(1, 1, &mut out).unwrap();
    assert_eq!(out, [-2.0, 2.0, 2.0]);
    assert!(reader.read_bytes(0, 1, &mut Vec::new()).is_err());
    for (rows, offset) in [(3, 2), (u64::MAX, 0), (1, u64::MAX)] {
        assert!(open(header(rows, offset)).is_err());
    }
}

#[test]
fn arrays_of_objects_say_where_their_pickle_starts() {
    let bytes = file(1, &dictionary("|O", "(2,)"), b"N.");
    let at = objects(&mut &bytes[..], "a.npy").unwrap().unwrap();
    assert_eq!(&bytes[at as usize..], b"N.");
    let floats = file(1, &dictionary("<f4", "(0,)"), &[]);
    assert_eq!(objects(&mut &floats[..], "a.npy").unwrap(), None);
    assert!(objects(&mut &b"PK"[..], "a.npy").is_err());
    assert!(matches!(open(bytes), Err(NpyError::Unsupported { .. })));
}

#[test]
fn written_files_read_back_and_have_room_for_any_count() {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = NpyWriter::new(&mut bytes, "a.npy", Dtype::F16, &[3]).unwrap();
    for row in 0..10_000 {
        writer
            .write_floats(&[row as f32 / 16384.0, 1.0, -1.0])
            .unwrap();
    }
    writer.finish().unwrap();
    let bytes = bytes.into_inner();
    let mut reader = open(bytes).unwrap();
    assert_eq!(reader.dimensions::<2>("[rows, dim]").unwrap(), [10_000, 3]);
    assert_eq!(reader.header().data_offset % 64, 0);
    let mut out = Vec::new();
    reader.read_floats(3 * 5000, 3, &mut out).unwrap();
    assert_eq!(out, [f16::from_f32(5000.0 / 16384.0).to_f32(), 1.0, -1.0]);
    let lengths =
        [0, u64::MAX].map(|rows| Header::encode(Dtype::F32, rows, &[u64::MAX, u64::MAX]).len());
    assert_eq!(lengths[0], lengths[1]);
    let mut writer = NpyWriter::new(Cursor::new(Vec::new()), "a.npy", Dtype::I32, &[]).unwrap();
    writer.write_integers(&[1, 2]).unwrap();
    assert!(writer.write_integers(&[u32::MAX]).is_err());
    let mut writer = NpyWriter::new(Cursor::new(Vec::new()), "a.npy", Dtype::F32, &[2]).unwrap();
    writer.write_floats(&[1.0]).unwrap();
    assert!(writer.finish().is_err());
}

#[test]
fn reading_a_few_elements_of_a_huge_file_reads_little() {
    /// A file of 2^40 elements that exists only as its header.
    struct Sparse {
        header: Vec<u8>,
        at: u64,
        read: u64,
    }
    impl Read for Sparse {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            for (offset, byte) in out.iter_mut().enumerate() {
                *byte = self
                    .header
                    .get(self.at as usize + offset)
                    .copied()
                    .unwrap_or(0);
            }
            self.at += out.len() as u64;
            self.read += out.len() as u64;
            Ok(out.len())
        }
    }
    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.at = match to {
                SeekFrom::Start(at) => at,
                _ => self.header.len() as u64 + (1 << 42),
            };
            Ok(self.at)
        }
    }
    let header = Header::encode(Dtype::F32, 1 << 40, &[]);
    let mut sparse = Sparse {
        header,
        at: 0,
        read: 0,
    };
    let mut reader = NpyReader::new(&mut sparse, "a.npy").unwrap();
    let mut out = Vec::new();
    reader.read_floats((1 << 40) - 4, 4, &mut out).unwrap();
    reader.read_floats(17, 3, &mut out).unwrap();
    assert_eq!(out, [0.0; 7]);
    assert!(sparse.read < 1000);
}

proptest! {
    #[test]
    fn no_header_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut whole = b"\x93NUMPY\x01\x00".to_vec();
        whole.extend(&bytes);
        let _ = open(whole);
        let text: String = bytes.iter().map(|&byte| "{}()[]',: <f4descrshapefortran_orderTrueFalse019L"
            .as_bytes()[byte as usize % 49] as char).collect();
        let _ = open(file(1, &text, &[]));
    }
}
