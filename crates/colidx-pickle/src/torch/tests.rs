use std::io::Write;

use half::f16;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn save(pickle: &[u8], storage: &[u8]) -> Result<BTreeMap<String, StoredTensor>, TorchError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.bin");
    let mut archive = ZipWriter::new(File::create(&path).unwrap());
    for (name, bytes) in [("m/data.pkl", pickle), ("m/data/a", storage)] {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    let read = read(File::open(&path).unwrap())?;
    for tensor in read.values() {
        let Some(range) = tensor.bytes() else {
            continue;
        };
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let mut file = File::open(&path).unwrap();
        file.seek(SeekFrom::Start(range.start)).unwrap();
        file.read_exact(&mut bytes).unwrap();
        let offset = (range.start - tensor.storage.start) as usize;
        assert_eq!(bytes, storage[offset..offset + bytes.len()]);
    }
    Ok(read)
}

/// The instructions that make a tensor over the storage `a`.
fn tensor(offset: u8, shape: [u8; 2], strides: [u8; 2]) -> Vec<u8> {
    let mut pickle = b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec();
    pickle.extend(b"((X\x07\0\0\0storagectorch\nHalfStorage\nX\x01\0\0\0aX\x03\0\0\0cpuK\x0atQ");
    pickle.extend([b'K', offset]);
    for [rows, columns] in [shape, strides] {
        pickle.extend([b'K', rows, b'K', columns, 0x86]);
    }
    pickle.extend(b"\x89NtR");
    pickle
}

fn halves() -> Vec<u8> {
    (0..10u8).flat_map(|n| f16::from(n).to_le_bytes()).collect()
}

/// Its elements; `None` if they would lie outside of the storage.
fn elements(offset: u8, shape: [u8; 2], strides: [u8; 2]) -> Option<Vec<f32>> {
    let view = tensor(offset, shape, strides);
    let pickle = [b"\x80\x02}X\x06\0\0\0tensor", &view[..], b"s."].concat();
    let storage = halves();
    let tensors = save(&pickle, &storage).unwrap();
    let stored = &tensors["tensor"];
    assert_eq!(stored.shape(), shape.map(usize::from));
    let range = stored.bytes()?;
    let start = (range.start - stored.storage.start) as usize;
    let end = (range.end - stored.storage.start) as usize;
    let mut values = Vec::new();
    stored.append_floats(&storage[start..end], &mut values);
    Some(values)
}

#[test]
fn tensors_may_be_any_view_of_a_storage() {
    let rows = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(elements(0, [2, 3], [3, 1]).unwrap(), rows);
    assert_eq!(elements(4, [2, 3], [3, 1]).unwrap(), rows.map(|n| n + 4.0));
    // Transposed, and with a stride of 2.
    let transposed = elements(0, [3, 2], [1, 3]).unwrap();
    assert_eq!(transposed, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let strided = elements(1, [2, 2], [4, 2]).unwrap();
    assert_eq!(strided, [1.0, 3.0, 5.0, 7.0]);
    assert_eq!(elements(9, [1, 1], [200, 200]).unwrap(), [9.0]);
    assert_eq!(elements(0, [0, 3], [3, 1]).unwrap(), [0.0; 0]);
}

#[test]
fn tensors_outside_their_storage_have_no_place() {
    for (offset, shape, strides) in [
        (5, [2, 3], [3, 1]),
        (0, [2, 6], [5, 1]),
        // One element, repeated without end.
        (0, [200, 200], [0, 0]),
    ] {
        assert_eq!(elements(offset, shape, strides), None);
    }
}

#[test]
fn a_tensor_or_a_tuple_of_tensors_has_names_too() {
    let view = tensor(0, [2, 3], [3, 1]);
    let one = save(&[&view[..], b"."].concat(), &halves()).unwrap();
    assert_eq!(one.keys().collect::<Vec<_>>(), [""]);
    assert!(one[""].is_contiguous() && *one[""].element() == Element::F16);
    let two = [&view[..], &tensor(0, [3, 2], [1, 3]), b"\x86."].concat();
    let two = save(&two, &halves()).unwrap();
    assert_eq!(two.keys().collect::<Vec<_>>(), ["0", "1"]);
    assert!(!two["1"].is_contiguous());
}

#[test]
fn other_pickles_and_files_are_refused() {
    assert!(matches!(save(b"K\x01.", &[]), Err(TorchError::NoTensors)));
    assert!(matches!(save(b"K", &[]), Err(TorchError::Pickle(_))));
    let mut lost = [tensor(0, [1, 1], [1, 1]), b".".to_vec()].concat();
    let name = lost.windows(6).position(|bytes| bytes == b"X\x01\0\0\0a");
    lost[name.unwrap() + 5] = b'b';
    let error = save(&lost, &[]).unwrap_err();
    assert!(
        error.to_string().contains("`m/data/b` is missing"),
        "{error}"
    );
    let error = save(&[&b"("[..], &[b'N'; 3 << 20]].concat(), &[]).unwrap_err();
    assert!(matches!(error, TorchError::LongContents(_)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.pt");
    std::fs::write(&path, b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").unwrap();
    let error = read(File::open(&path).unwrap()).unwrap_err();
    assert!(matches!(error, TorchError::Archive(_)));
}
