//! The error of 8-bit integers, and their determinism.

#[allow(dead_code, reason = "other tests change copies in other ways")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderOptions, Precision};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

const TEXTS: [&str; 6] = [
    "The cat and the dog",
    "How does late interaction rank a document?",
    "Protein-protein interactions (PPI) in human cells: a study of 1,234 patients.",
    "",
    "the sun is a star. the sun is a star. the sun is a star. the sun is a star.",
    "rust",
];

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn open_folder(folder: &Path, precision: Precision) -> Encoder {
    let options = EncoderOptions::default().precision(precision);
    Encoder::open(folder, &options).unwrap()
}

fn open(precision: Precision) -> Encoder {
    open_folder(&fixtures().join("tiny-bert"), precision)
}

/// The cosines between a checkpoint's vectors in f32 and in int8.
fn cosines(folder: &Path) -> Vec<f32> {
    let exact = open_folder(folder, Precision::F32);
    let rounded = open_folder(folder, Precision::Int8);
    let dim = exact.info().dim;
    let pairs = exact.encode_documents(&TEXTS).unwrap().into_iter();
    let mut cosines = Vec::new();
    for (exact, rounded) in pairs.zip(rounded.encode_documents(&TEXTS).unwrap()) {
        assert_eq!(exact.token_ids, rounded.token_ids);
        let vectors = exact.vectors.chunks(dim).zip(rounded.vectors.chunks(dim));
        cosines.extend(vectors.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()));
    }
    cosines
}

/// A copy of the checkpoint in `from` with its tensors changed by `change`.
fn changed(from: &Path, change: impl Fn(&str, &[usize], &mut [f32])) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    support::copy(from, to.path());
    let path = to.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let changed: Vec<_> = tensors
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let (values, _) = tensor.data().as_chunks::<4>();
            let mut values: Vec<f32> = values.iter().map(|&v| f32::from_le_bytes(v)).collect();
            change(&name, tensor.shape(), &mut values);
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            (name, tensor.shape().to_vec(), bytes)
        })
        .collect();
    let views = changed.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name, view.unwrap())
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    to
}

#[test]
fn int8_vectors_are_close_to_f32() {
    let cosines = cosines(&fixtures().join("tiny-bert"));
    // A step of 1/255 affects a random model of 32 dimensions more than a trained one of 384.
    let worst = cosines.iter().copied().fold(1.0, f32::min);
    let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
    assert!(worst > 0.99 && mean > 0.998, "worst {worst}, mean {mean}");
    assert!(mean < 1.0 - 1e-7, "nothing was rounded");
}

#[test]
fn int8_vectors_do_not_depend_on_other_texts_or_threads() {
    let encoder = open(Precision::Int8);
    let together = encoder.encode_documents(&TEXTS).unwrap();
    for (text, expected) in TEXTS.iter().zip(&together) {
        assert_eq!(&encoder.encode_documents(&[text]).unwrap()[0], expected);
    }
    let query = encoder.encode_query(TEXTS[1]).unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            assert_eq!(encoder.encode_documents(&TEXTS).unwrap(), together);
            assert_eq!(encoder.encode_query(TEXTS[1]).unwrap(), query);
        });
    }
}

/// Outlier dimensions in every architecture, with unchanged f32 vectors: values and the inputs of
/// gates and layers grow by a factor, and the weights that read them shrink by it, or vice versa.
#[test]
fn int8_handles_outliers() {
    let mut folders: Vec<PathBuf> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("model.safetensors").is_file())
        // A different pooling of vectors is not a rounding error.
        .filter(|path| {
            let modules = fs::read_to_string(path.join("modules.json"));
            !modules.is_ok_and(|modules| modules.contains("TokenPooling"))
        })
        .collect();
    folders.sort();
    assert!(folders.len() >= 40);
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy();
        let config = fs::read(folder.join("config.json")).unwrap();
        let heads = Heads::of(&serde_json::from_slice(&config).unwrap());
        for factor in [1.0, 20.0, 100.0, 0.05, 0.01] {
            let copy = changed(&folder, |name, shape, values| {
                heads.scale(name, shape, values, factor);
            });
            let mut cosines = cosines(copy.path());
            cosines.sort_by(f32::total_cmp);
            // In random models of 16 dimensions any rounding flips a token now and then.
            let (worst, low) = (cosines[0], cosines[cosines.len() / 50]);
            let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
            println!("{name:24} x{factor:<5} mean {mean:.5} 2% {low:.4} worst {worst:.4}");
            assert!(
                low > 0.98 && mean > 0.995,
                "{name} x{factor}: mean {mean}, 2% {low}, worst {worst}"
            );
        }
    }
}

/// The properties of a checkpoint needed to scale its tensors.
struct Heads {
    width: usize,
    /// Whether layers normalize their inputs, which nothing else reads.
    norms_first: bool,
    /// Whether the feed-forward network multiplies two layers, one of them without an activation.
    gated: bool,
}

/// Every seventh dimension, beginning with the fourth.
fn is_large(dimension: usize) -> bool {
    dimension % 7 == 3
}

impl Heads {
    fn of(config: &serde_json::Value) -> Heads {
        let number = |keys: [&str; 2]| keys.iter().find_map(|key| config[key].as_u64());
        let hidden = number(["hidden_size", "dim"]).unwrap();
        let heads = number(["num_attention_heads", "n_heads"]).unwrap();
        let width = config["head_dim"].as_u64().unwrap_or(hidden / heads);
        let kind = config["model_type"].as_str().unwrap();
        let norms_first = ["modernbert", "eurobert", "qwen3", "lfm2"].contains(&kind);
        Heads {
            width: width as usize,
            norms_first,
            gated: norms_first || ["nomic_bert", "gte"].contains(&kind),
        }
    }

    /// Multiplies rows of `values` by `factor`, and divides columns by it.
    fn scale(&self, name: &str, shape: &[usize], values: &mut [f32], factor: f32) {
        let (tensor, _) = name.rsplit_once('.').unwrap();
        let ends = |names: &[&str]| names.iter().any(|end| tensor.ends_with(end));
        let of_value = |dimension: usize| dimension % self.width == 1;
        let (third, half) = (shape[0] / 3, shape[0] / 2);

        // Norms and layers whose outputs grow.
        let mut grow: Vec<Box<dyn Fn(usize) -> bool>> = Vec::new();
        let width = self.width;
        if ends(&["self.value", "v_lin", "v_proj"]) {
            grow.push(Box::new(move |row| row % width == 1));
        }
        if ends(&["Wqkv", "qkv_proj"]) {
            grow.push(Box::new(move |row| {
                row >= 2 * third && (row - 2 * third) % width == 1
            }));
        }
        if self.gated && ends(&["mlp.up_proj", "w3", "fc11"]) {
            grow.push(Box::new(is_large));
        }
        if ends(&["up_gate_proj"]) {
            grow.push(Box::new(move |row| row < half && is_large(row)));
        }
        if ends(&["mlp.Wi"]) {
            grow.push(Box::new(move |row| row >= half && is_large(row - half)));
        }
        let norms = [
            "input_layernorm",
            "operator_norm",
            "ffn_norm",
            "attn_norm",
            "mlp_norm",
        ];
        if self.norms_first && (ends(&norms) || ends(&["post_attention_layernorm"])) {
            grow.push(Box::new(is_large));
        }
        let columns = values.len() / shape[0];
        for rows in grow {
            for (row, values) in values.chunks_exact_mut(columns).enumerate() {
                if rows(row) {
                    values.iter_mut().for_each(|value| *value *= factor);
                }
            }
        }

        // Layers that read them.
        let attention = [
            "attention.output.dense",
            "out_lin",
            "o_proj",
            "attn.Wo",
            "out_proj",
        ];
        let reads_values = ends(&attention) && !name.contains("conv.");
        let reads_middle = self.gated && ends(&["mlp.down_proj", "w2", "mlp.fc2", "mlp.Wo"]);
        let parts = [
            "q_proj",
            "k_proj",
            "v_proj",
            "in_proj",
            "gate_proj",
            "up_proj",
            "w1",
            "w3",
        ];
        let fused = ["attn.Wqkv", "mlp.Wi"];
        let reads_norm = self.norms_first
            && (ends(&parts) || ends(&fused) && !tensor.ends_with("layers.0.attn.Wqkv"));
        if shape.len() == 2 {
            for (column, value) in (0..columns).cycle().zip(values) {
                let large = is_large(column) && (reads_middle || reads_norm);
                if large || reads_values && of_value(column) {
                    *value /= factor;
                }
            }
        }
    }
}
