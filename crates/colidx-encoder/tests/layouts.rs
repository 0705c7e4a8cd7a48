//! The formats in which a checkpoint can be stored.

mod support;

use std::fs;

use colidx_encoder::{EncodedDocument, EncoderError};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::json;
use support::Copy;

const TEXTS: [&str; 2] = ["The moon orbits the earth.", "search and retrieval"];

fn encode(copy: &Copy) -> Vec<EncodedDocument> {
    copy.open().unwrap().encode_documents(&TEXTS).unwrap()
}

type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn tensors(copy: &Copy) -> Vec<Tensor> {
    let bytes = fs::read(copy.path("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let owned = |(name, view): (String, TensorView)| {
        (
            name,
            view.dtype(),
            view.shape().to_vec(),
            view.data().to_vec(),
        )
    };
    tensors.tensors().into_iter().map(owned).collect()
}

fn write(copy: &Copy, file: &str, tensors: &[Tensor]) {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize_to_file(views, None, &copy.path(file)).unwrap();
}

/// The checkpoint with each float of its weights written by `convert`.
fn converted<const N: usize>(dtype: Dtype, convert: impl Fn(f32) -> [u8; N]) -> Copy {
    let copy = Copy::new();
    let mut tensors = tensors(&copy);
    for tensor in &mut tensors {
        let (floats, _) = tensor.3.as_chunks::<4>();
        tensor.3 = floats
            .iter()
            .flat_map(|&bytes| convert(f32::from_le_bytes(bytes)))
            .collect();
        tensor.1 = dtype;
    }
    write(&copy, "model.safetensors", &tensors);
    copy
}

#[test]
fn floats_of_sixteen_bits() {
    let expected = encode(&Copy::new());
    let halves = converted(Dtype::F16, |x| f16::from_f32(x).to_le_bytes());
    let brains = converted(Dtype::BF16, |x| bf16::from_f32(x).to_le_bytes());
    for (copy, tolerance) in [(halves, 0.02), (brains, 0.2)] {
        for (found, expected) in encode(&copy).iter().zip(&expected) {
            let pairs = found.vectors.iter().zip(&expected.vectors);
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference > 0.0 && difference < tolerance, "{difference}");
        }
    }
    let integers = converted(Dtype::I32, |x| (x as i32).to_le_bytes());
    let error = integers.open().err().unwrap();
    assert!(matches!(error, EncoderError::TensorType { .. }), "{error}");
}

#[test]
fn sharded_weights_open() {
    let copy = Copy::new();
    let expected = encode(&copy);
    let tensors = tensors(&copy);
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = serde_json::Map::new();
    for (file, tensors) in [
        ("model-1.safetensors", first),
        ("model-2.safetensors", second),
    ] {
        write(&copy, file, tensors);
        map.extend(tensors.iter().map(|(name, ..)| (name.clone(), file.into())));
    }
    let index = json!({ "metadata": {}, "weight_map": map });
    fs::write(copy.path("model.safetensors.index.json"), index.to_string()).unwrap();
    let copy = copy.without("model.safetensors");
    assert_eq!(encode(&copy), expected);

    let copy = copy.without("model-2.safetensors");
    let error = copy.open().err().unwrap();
    assert!(error.to_string().contains("model-2.safetensors"), "{error}");
}

#[test]
fn tensors_may_have_a_prefix() {
    let copy = Copy::new();
    let expected = encode(&copy);
    let mut tensors = tensors(&copy);
    for (name, ..) in &mut tensors {
        *name = format!("bert.{name}");
    }
    write(&copy, "model.safetensors", &tensors);
    assert_eq!(encode(&copy), expected);
}

#[test]
fn checkpoints_open_without_a_projection() {
    let copy = Copy::new().json("modules.json", |modules| {
        modules[1]["type"] = "sentence_transformers.models.Pooling".into();
    });
    let encoder = copy.open().unwrap();
    assert_eq!((encoder.info().projected, encoder.info().dim), (false, 32));
    assert_eq!(
        encode(&copy)[0].vectors.len(),
        encode(&copy)[0].token_ids.len() * 32
    );
}

#[test]
fn missing_settings_have_the_defaults_of_pylate() {
    let file = "config_sentence_transformers.json";
    let error = Copy::new().without(file).open().err().unwrap();
    assert!(
        matches!(error, EncoderError::NoMarker { ref token, .. } if token == "[Q] "),
        "{error}"
    );
    let markers = json!({ "query_prefix": "", "document_prefix": "", "document_length": 64 });
    let copy = Copy::new().json(file, |json| *json = markers);
    let encoder = copy.open().unwrap();
    let info = encoder.info();
    assert_eq!((info.query_length, info.skiplist.len()), (32, 32));
    assert!(info.query_expansion && !info.attend_to_expansion_tokens);
    assert_eq!(encoder.encode_query("moon").unwrap().tokens.len(), 32);
}

#[test]
fn a_skiplist_of_everything_leaves_no_vectors() {
    let words = json!(["[CLS]", "[SEP]", "[unused1]", "moon"]);
    let copy = Copy::new().json("config_sentence_transformers.json", |json| {
        json["skiplist_words"] = words
    });
    let encoder = copy.open().unwrap();
    let documents = encoder.encode_documents(&["moon", "", "sun"]).unwrap();
    assert!(documents[0].vectors.is_empty() && documents[0].token_ids.is_empty());
    assert!(documents[1].vectors.is_empty());
    assert_eq!(documents[2].token_ids.len(), 1);
}
