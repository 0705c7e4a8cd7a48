//! Weights that are missing, damaged, too large or of the wrong shape.

use std::fs;
use std::path::Path;

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};

use crate::support::Copy;
use crate::{copy_of, damaged, error_of};

#[test]
fn missing_tensors_and_wrong_shapes_are_errors() {
    let error = error_of(
        Copy::new().json("config.json", |json| json["num_hidden_layers"] = 3.into()),
        "model.safetensors",
    );
    let EncoderError::MissingTensor { tensor, shape, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        (tensor.as_str(), shape),
        ("encoder.layer.2.attention.self.query.weight", vec![32, 32])
    );

    let error = error_of(
        Copy::new().json("config.json", |json| json["intermediate_size"] = 65.into()),
        "model.safetensors",
    );
    let EncoderError::TensorShape {
        tensor,
        expected,
        found,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(tensor, "encoder.layer.0.intermediate.dense.weight");
    assert_eq!((expected, found), (vec![65, 32], vec![64, 32]));

    let error = error_of(
        Copy::new().json("1_Dense/config.json", |json| json["bias"] = true.into()),
        "1_Dense/model.safetensors",
    );
    assert!(
        matches!(error, EncoderError::MissingTensor { .. }),
        "{error}"
    );
}

#[test]
fn damaged_weights_are_errors() {
    let file = "model.safetensors";
    for length in [0, 7, 100, 5000, 140_000] {
        let error = error_of(damaged(file, |bytes| bytes.truncate(length)), file);
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{length}: {error}"
        );
    }
    let error = error_of(damaged(file, |bytes| bytes[..8].fill(255)), file);
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");

    // A header that claims far more than the file holds.
    let claim = |bytes: &mut Vec<u8>| {
        let header = String::from_utf8_lossy(&bytes[8..8 + bytes[0] as usize]).into_owned();
        let header = header.replace("[16,32]", "[16,9999999999999]");
        let mut claimed = (header.len() as u64).to_le_bytes().to_vec();
        claimed.extend(header.bytes());
        claimed.extend(&bytes[8 + bytes[0] as usize..]);
        *bytes = claimed;
    };
    let file = "1_Dense/model.safetensors";
    let error = error_of(damaged(file, claim), file);
    assert!(matches!(error, EncoderError::WeightsFile { .. }), "{error}");

    let nan = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    };
    let error = error_of(
        damaged("1_Dense/model.safetensors", nan),
        "1_Dense/model.safetensors",
    );
    let EncoderError::TensorNotFinite { tensor, index, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((tensor.as_str(), index), ("linear.weight", 16 * 32 - 1));
}

#[test]
fn weights_that_overflow_are_errors() {
    let huge = |bytes: &mut Vec<u8>| {
        let end = bytes.len();
        for value in bytes[end - 16 * 32 * 4..].as_chunks_mut::<4>().0 {
            *value = f32::MAX.to_le_bytes();
        }
    };
    let copy = damaged("1_Dense/model.safetensors", huge);
    let error = copy
        .open()
        .unwrap()
        .encode_documents(&["a", "b"])
        .unwrap_err();
    assert!(
        matches!(error, EncoderError::NotFinite { text: 0 }),
        "{error}"
    );
}

#[test]
fn damaged_torch_files_are_errors() {
    let folder = copy_of("tiny-stanford-bin");
    let path = folder.path().join("pytorch_model.bin");
    let whole = fs::read(&path).unwrap();
    assert!(Encoder::open(folder.path(), &EncoderOptions::default()).is_ok());
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Encoder::open(folder.path(), &EncoderOptions::default()).err()
    };
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        let error = open(&whole[..length]).unwrap();
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{length}: {error}"
        );
        assert!(error.to_string().contains("pytorch_model.bin"), "{error}");
    }
    // A bit flip may hit unused bytes or the weights themselves; it must not panic.
    let mut opened = 0;
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        opened += usize::from(open(&bytes).is_none());
    }
    assert!(opened < whole.len() / 97);

    // Pickles with too few arguments for a tensor or its storage, which torch does not write.
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    for name in ["short-tuple.bin", "short-storage.bin"] {
        let error = open(&fs::read(hostile.join(name)).unwrap()).unwrap();
        assert!(
            matches!(error, EncoderError::WeightsFile { .. }),
            "{name}: {error}"
        );
    }
}
