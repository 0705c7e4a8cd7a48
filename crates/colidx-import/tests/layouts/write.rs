//! Writers of the layouts, for indexes of dim 8 with residuals of 2 bits.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub const DIM: usize = 8;

/// Bytes of residuals of a vector.
pub const ROW: usize = 2;

pub const WEIGHTS: [f32; 4] = [-0.3, -0.1, 0.1, 0.3];

/// A folder that goes away with its owner.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }
}

/// What a chunk holds: lengths of documents, and a code and residuals for each of their tokens.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub lens: Vec<u32>,
    pub codes: Vec<i64>,
    pub residuals: Vec<u8>,
}

impl Chunk {
    /// Tokens that differ from each other and between seeds.
    pub fn new(lens: &[u32], seed: u8) -> Chunk {
        let tokens = lens.iter().sum::<u32>() as u8;
        let residuals = (0..tokens * ROW as u8).map(|n| n.wrapping_mul(37) ^ seed);
        Chunk {
            lens: lens.to_vec(),
            codes: (0..tokens).map(|n| i64::from((n ^ seed) % 4)).collect(),
            residuals: residuals.collect(),
        }
    }
}

pub fn two_chunks() -> Vec<Chunk> {
    vec![Chunk::new(&[2, 1, 3], 7), Chunk::new(&[1, 4], 90)]
}

/// Centroid `n` is 1 in dimension `n`.
pub fn centroids() -> Vec<f32> {
    let value = |n: usize| f32::from(u8::from(n % DIM == n / DIM));
    (0..4 * DIM).map(value).collect()
}

/// The vectors of all documents of all chunks, decoded by the rule.
pub fn decoded(chunks: &[Chunk], normalise: bool) -> Vec<Vec<f32>> {
    decoded_with(chunks, normalise, &WEIGHTS)
}

fn decoded_with(chunks: &[Chunk], normalise: bool, weights: &[f32; 4]) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    for chunk in chunks {
        let mut token = 0;
        for &len in &chunk.lens {
            let mut document = Vec::new();
            for _ in 0..len {
                document.extend(decode(chunk, token, normalise, weights));
                token += 1;
            }
            out.push(document);
        }
    }
    out
}

/// The same as fast-plaid decodes: rounded to half precision in every step.
pub fn decoded_in_half(chunks: &[Chunk]) -> Vec<Vec<f32>> {
    let round = |x: f32| half::f16::from_f32(x).to_f32();
    let vector = |sums: &[f32]| {
        let sums: Vec<f32> = sums.iter().map(|&x| round(x)).collect();
        let length = round(sums.iter().map(|x| x * x).sum::<f32>().sqrt());
        sums.iter().map(|x| round(x / length)).collect::<Vec<f32>>()
    };
    let documents = decoded_with(chunks, false, &WEIGHTS.map(round));
    let document = |values: Vec<f32>| values.chunks(DIM).flat_map(vector).collect();
    documents.into_iter().map(document).collect()
}

fn decode(chunk: &Chunk, token: usize, normalise: bool, weights: &[f32; 4]) -> Vec<f32> {
    let row = &chunk.residuals[token * ROW..][..ROW];
    let bit = |at: usize| usize::from(row[at / 8] >> (7 - at % 8) & 1);
    let centroid = &centroids()[chunk.codes[token] as usize * DIM..][..DIM];
    let value = |d: usize| centroid[d] + weights[bit(2 * d) | bit(2 * d + 1) << 1];
    let vector: Vec<f32> = (0..DIM).map(value).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let length = if normalise { length.max(1e-12) } else { 1.0 };
    vector.iter().map(|x| x / length).collect()
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub fn f16s(values: &[f32]) -> Vec<u8> {
    let halves = values.iter().map(|&x| half::f16::from_f32(x));
    halves.flat_map(|x| x.to_le_bytes()).collect()
}

pub fn i64s(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// An array as Rust's torch bindings write it: the header ends wherever it ends.
pub fn npy(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(bytes);
    file
}

/// A tensor: class of its storage, shape, bytes.
pub type Tensor<'a> = (&'a str, &'a [usize], Vec<u8>);

/// The instructions that rebuild a tensor.
pub fn tensor_pickle(number: usize, (class, shape, _): &Tensor<'_>) -> Vec<u8> {
    let mut pickle = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage".to_vec();
    pickle.extend(format!("ctorch\n{class}\n").bytes());
    pickle.extend(text_pickle(&number.to_string()));
    pickle.extend(text_pickle("cuda:0"));
    pickle.extend(b"K\x01tQK\0(");
    shape
        .iter()
        .for_each(|&size| pickle.extend(int_pickle(size)));
    pickle.extend(b"t(");
    for axis in 0..shape.len() {
        pickle.extend(int_pickle(shape[axis + 1..].iter().product()));
    }
    pickle.extend(b"t\x89ccollections\nOrderedDict\n)RtR");
    pickle
}

pub fn int_pickle(value: usize) -> Vec<u8> {
    [&b"J"[..], &(value as i32).to_le_bytes()].concat()
}

pub fn text_pickle(text: &str) -> Vec<u8> {
    [
        &b"X"[..],
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

/// A file of torch with one tensor, or with a tuple of two.
pub fn pt(tensors: &[Tensor<'_>]) -> Vec<u8> {
    let parts = tensors.iter().enumerate();
    let mut pickle = parts.fold(b"\x80\x02".to_vec(), |pickle, (number, tensor)| {
        [pickle, tensor_pickle(number, tensor)].concat()
    });
    if tensors.len() == 2 {
        pickle.push(0x86);
    }
    pickle.push(b'.');
    let storages: Vec<&[u8]> = tensors.iter().map(|(_, _, bytes)| &bytes[..]).collect();
    archive(&pickle, &storages)
}

pub fn archive(pickle: &[u8], storages: &[&[u8]]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut entry = |name: String, bytes: &[u8]| {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    };
    entry("archive/data.pkl".to_owned(), pickle);
    for (number, bytes) in storages.iter().enumerate() {
        entry(format!("archive/data/{number}"), bytes);
    }
    archive.finish().unwrap().into_inner()
}

/// A Stanford index.
pub fn stanford(folder: &Folder, chunks: &[Chunk], config: &str) {
    let count = chunks.len();
    folder.write(
        "metadata.json",
        format!(r#"{{"config": {{{config}}}, "num_chunks": {count}, "num_embeddings": 99, "avg_doclen": 2.2}}"#),
    );
    folder.write(
        "centroids.pt",
        pt(&[("HalfStorage", &[4, DIM], f16s(&centroids()))]),
    );
    let cutoffs: Tensor<'_> = ("FloatStorage", &[3], f32s(&[-0.2, 0.0, 0.2]));
    folder.write(
        "buckets.pt",
        pt(&[cutoffs, ("FloatStorage", &[4], f32s(&WEIGHTS))]),
    );
    for (number, chunk) in chunks.iter().enumerate() {
        let tokens = chunk.codes.len();
        let codes = chunk
            .codes
            .iter()
            .flat_map(|&code| (code as i32).to_le_bytes());
        folder.write(
            &format!("doclens.{number}.json"),
            format!("{:?}", chunk.lens),
        );
        folder.write(
            &format!("{number}.codes.pt"),
            pt(&[("IntStorage", &[tokens], codes.collect())]),
        );
        folder.write(
            &format!("{number}.residuals.pt"),
            pt(&[("ByteStorage", &[tokens, ROW], chunk.residuals.clone())]),
        );
    }
}

/// What is common to fast-plaid, next-plaid and xtr-warp-rs.
fn numpy(folder: &Folder, metadata: &str) {
    folder.write("metadata.json", metadata);
    folder.write("centroids.npy", npy("<f4", &[4, DIM], &f32s(&centroids())));
    folder.write("bucket_weights.npy", npy("<f4", &[4], &f32s(&WEIGHTS)));
}

/// An index of fast-plaid or next-plaid with files for every chunk.
pub fn plaid(folder: &Folder, chunks: &[Chunk], metadata: &str) {
    let count = chunks.len();
    numpy(
        folder,
        &format!(r#"{{"num_chunks": {count}, "nbits": 4 {metadata}}}"#),
    );
    for (number, chunk) in chunks.iter().enumerate() {
        folder.write(
            &format!("doclens.{number}.json"),
            format!("{:?}", chunk.lens),
        );
        rows(
            folder,
            &number.to_string(),
            '.',
            &chunk.codes,
            &chunk.residuals,
        );
    }
}

/// As [`plaid`], with all chunks in one file and rows of padding behind them.
pub fn merged(folder: &Folder, chunks: &[Chunk], metadata: &str) {
    plaid(folder, chunks, metadata);
    for number in 0..chunks.len() {
        folder.remove(&format!("{number}.codes.npy"));
        folder.remove(&format!("{number}.residuals.npy"));
    }
    let mut codes: Vec<i64> = chunks
        .iter()
        .flat_map(|chunk| chunk.codes.clone())
        .collect();
    let mut residuals: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.residuals.clone())
        .collect();
    codes.extend([0; 3]);
    residuals.extend([0; 3 * ROW]);
    rows(folder, "merged", '_', &codes, &residuals);
}

fn rows(folder: &Folder, name: &str, mark: char, codes: &[i64], residuals: &[u8]) {
    let tokens = codes.len();
    folder.write(
        &format!("{name}{mark}codes.npy"),
        npy("<i8", &[tokens], &i64s(codes)),
    );
    folder.write(
        &format!("{name}{mark}residuals.npy"),
        npy("<u1", &[tokens, residuals.len() / tokens.max(1)], residuals),
    );
}

/// An index of xtr-warp-rs; `numbers` are those of the passages of each chunk.
pub fn xtr_warp(folder: &Folder, chunks: &[Chunk], numbers: &[&[i64]]) {
    numpy(
        folder,
        &format!(r#"{{"num_chunks": {}, "dim": 9}}"#, chunks.len()),
    );
    folder.write("codes.compacted.npy", npy("<i8", &[0], &[]));
    for (number, chunk) in chunks.iter().enumerate() {
        let lens: Vec<i64> = chunk.lens.iter().map(|&len| len.into()).collect();
        folder.write(
            &format!("doclens.{number}.npy"),
            npy("<i8", &[lens.len()], &i64s(&lens)),
        );
        rows(
            folder,
            &number.to_string(),
            '.',
            &chunk.codes,
            &chunk.residuals,
        );
        if let Some(numbers) = numbers.get(number) {
            folder.write(
                &format!("{number}.passage_ids.npy"),
                npy("<i8", &[numbers.len()], &i64s(numbers)),
            );
        }
    }
}

/// A pickled dict from numbers to values that are pickled already.
pub fn dict_pickle(items: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut pickle = b"\x80\x04}\x94(".to_vec();
    for (number, value) in items {
        pickle.extend(int_pickle(*number));
        pickle.extend(value);
        pickle.push(0x94);
    }
    pickle.extend(b"u.");
    pickle
}

/// `embeddings.npy` of fast-plaid: an array of objects, each an array of f32.
pub fn objects_npy(documents: &[(Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let array = |shape: &[usize], dtype: &str, items: &[u8]| {
        let mut pickle = b"cnumpy._core.multiarray\n_reconstruct\n".to_vec();
        pickle.extend(b"cnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01(");
        shape
            .iter()
            .for_each(|&size| pickle.extend(int_pickle(size)));
        pickle.extend(b"tcnumpy\ndtype\n");
        pickle.extend(text_pickle(dtype));
        pickle.extend(
            b"\x89\x88\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89",
        );
        pickle.extend(items);
        pickle.extend(b"tb");
        pickle
    };
    let items: Vec<u8> = documents
        .iter()
        .flat_map(|(shape, values)| {
            let bytes = f32s(values);
            let length = (bytes.len() as u32).to_le_bytes();
            array(shape, "f4", &[&b"B"[..], &length, &bytes].concat())
        })
        .collect();
    let list = [&b"]("[..], &items, b"e"].concat();
    let pickle = [
        b"\x80\x04".to_vec(),
        array(&[documents.len()], "O8", &list),
        b".".to_vec(),
    ];
    npy("|O", &[documents.len()], &pickle.concat())
}
