use super::*;
use std::fs;
use std::io::Write;

use half::{bf16, f16};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A `.npy` file of floats.
pub(crate) fn npy_bytes(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    header += &" ".repeat(63 - (header.len() + 10) % 64);
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

pub(crate) fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

pub(crate) fn archive(path: &Path, method: CompressionMethod, entries: &[(&str, Vec<u8>)]) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

pub(crate) fn safetensors_bytes(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let (mut entries, mut data) = (
        vec!["\"__metadata__\":{\"a\":\"b\"}".to_owned()],
        Vec::<u8>::new(),
    );
    for (name, dtype, shape, bytes) in tensors {
        let begin = data.len();
        data.extend(bytes);
        let end = data.len();
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}}"
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A file of `torch.save` with a list of tensors, [rows, 2] of `class` each, one storage a tensor.
pub(crate) fn torch_list(path: &Path, class: &str, tensors: &[(u8, Vec<u8>)]) {
    let mut pickle = b"\x80\x02](".to_vec();
    let mut entries = Vec::new();
    for (number, (rows, bytes)) in tensors.iter().enumerate() {
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n");
        pickle.extend(class.as_bytes());
        pickle.extend(b"\nX\x02\0\0\0");
        let name = format!("{number:02}");
        pickle.extend(name.as_bytes());
        pickle.extend([b"X\x03\0\0\0cpuK".as_slice(), &[rows * 2], b"tQK\0"].concat());
        pickle.extend([b'K', *rows, b'K', 2, 0x86, b'K', 2, b'K', 1, 0x86]);
        pickle.extend(b"\x89NtR");
        entries.push((format!("l/data/{name}"), bytes.clone()));
    }
    pickle.extend(b"e.");
    entries.insert(0, ("l/data.pkl".to_owned(), pickle));
    let entries: Vec<(&str, Vec<u8>)> = entries
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    archive(path, CompressionMethod::Stored, &entries);
}

fn floats(array: &StoredArray) -> Vec<f32> {
    let mut out = Vec::new();
    let count = array.elements() as usize;
    array
        .open()
        .unwrap()
        .read_floats(0, count, &mut out)
        .unwrap();
    out
}

fn all(path: &Path) -> Vec<(String, Vec<u64>, Vec<f32>)> {
    let arrays = read(path).unwrap().into_iter();
    arrays
        .map(|(name, array)| (name, array.shape().to_vec(), floats(&array)))
        .collect()
}

fn error(path: &Path) -> String {
    read(path).unwrap_err().to_string()
}

#[test]
fn every_form_and_type_of_floats() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let values = [1.0f32, -2.0, 0.5, 0.0];
    let halves = values
        .iter()
        .flat_map(|&v| f16::from_f32(v).to_le_bytes())
        .collect();
    let brains = values
        .iter()
        .flat_map(|&v| bf16::from_f32(v).to_le_bytes())
        .collect();
    let doubles = values
        .iter()
        .flat_map(|&v| f64::from(v).to_le_bytes())
        .collect();
    let types: [(&str, &str, &str, Vec<u8>); 4] = [
        ("<f4", "F32", "FloatStorage", f32s(&values)),
        ("<f2", "F16", "HalfStorage", halves),
        ("|V2", "BF16", "BFloat16Storage", brains),
        ("<f8", "F64", "DoubleStorage", doubles),
    ];
    for (descr, dtype, class, bytes) in types {
        let expected = |name: &str| vec![(name.to_owned(), vec![2, 2], values.to_vec())];
        let npy = npy_bytes(descr, &[2, 2], &bytes);
        fs::write(&path, &npy).unwrap();
        assert_eq!(all(&path), expected(""), "{descr}");
        archive(&path, CompressionMethod::Stored, &[("a.npy", npy)]);
        assert_eq!(all(&path), expected("a"), "{descr}");
        fs::write(
            &path,
            safetensors_bytes(&[("t", dtype, &[2, 2], bytes.clone())]),
        )
        .unwrap();
        assert_eq!(all(&path), expected("t"), "{dtype}");
        torch_list(&path, class, &[(2, bytes)]);
        assert_eq!(all(&path), expected("0"), "{class}");
    }
}

#[test]
fn arrays_stand_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npz");
    let entry = |name| (name, npy_bytes("<f4", &[1], &f32s(&[1.0])));
    let names = ["b.npy", "a10.npy", "a9.npy", "a09x.npy", "10.npy", "9.npy"];
    archive(&path, CompressionMethod::Stored, &names.map(entry));
    let found: Vec<String> = read(&path)
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(found, ["9", "10", "a9", "a09x", "a10", "b"]);
    assert_eq!(natural("a1", "a01"), Ordering::Greater);
    assert_eq!(natural("a1", "a1"), Ordering::Equal);
    assert_eq!(natural("", "1"), Ordering::Less);
    let tensors: Vec<(u8, Vec<u8>)> = (0..12u8).map(|n| (1, f32s(&[n.into(), 0.0]))).collect();
    torch_list(&path, "FloatStorage", &tensors);
    let first: Vec<f32> = all(&path).iter().map(|(_, _, values)| values[0]).collect();
    assert_eq!(first, (0..12).map(|n| n as f32).collect::<Vec<_>>());
}

#[test]
fn parts_are_read_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let values: Vec<f32> = (0..12).map(|n| n as f32).collect();
    fs::write(&path, npy_bytes("<f4", &[3, 2, 2], &f32s(&values))).unwrap();
    let (_, array) = read(&path).unwrap().remove(0);
    let part = array.part(1, 2);
    assert_eq!(
        (part.shape(), floats(&part)),
        (&[2, 2, 2][..], values[4..].to_vec())
    );
}

#[test]
fn what_is_no_file_of_arrays_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"{\"_id\": 1}", "got JSON"),
        (b"\x80\x04K\x01.", "a bare pickle"),
        (b"PAR1....", "a Parquet file"),
        (b"\x1f\x8b\x08\0", "a compressed file"),
        (b"hello", "something else"),
    ] {
        fs::write(&path, bytes).unwrap();
        assert!(error(&path).contains(expected), "{}", error(&path));
    }
    archive(&path, CompressionMethod::Stored, &[("x.txt", vec![1])]);
    assert!(
        error(&path).contains("expected tensors of torch.save"),
        "{}",
        error(&path)
    );
    assert!(error(folder.path()).contains("is a folder"));
    let objects = npy_bytes("|O", &[1], b"\x80\x04K\x01.");
    fs::write(&path, objects).unwrap();
    assert!(
        error(&path).contains("arrays of vectors as objects"),
        "{}",
        error(&path)
    );
}

#[test]
fn damaged_safetensors_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let good = safetensors_bytes(&[("t", "F32", &[2], f32s(&[1.0, 2.0]))]);
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert!(
        error(&path).contains("tensor `t` of shape [2]"),
        "{}",
        error(&path)
    );
    for (from, to) in [
        ("[0,8]", "[8,0]"),
        ("[0,8]", "[0,4]"),
        ("\"shape\":[2]", "\"shape\":[3]"),
        ("\"shape\":[2]", "\"shbpe\":[2]"),
        ("\"F32\"", "\"I16\""),
        ("{\"dtype\"", "x\"dtype\":"),
    ] {
        let text = String::from_utf8_lossy(&good[8..]).replace(from, to);
        let bytes = [&(text.len() as u64 - 8).to_le_bytes(), text.as_bytes()].concat();
        fs::write(&path, bytes).unwrap();
        assert!(read(&path).is_err(), "{text}");
    }
    let huge = [&(1u64 << 30).to_le_bytes()[..], b"{", &[0; 100]].concat();
    fs::write(&path, huge).unwrap();
    assert!(read(&path).is_err());
}
