//! The keys of `config.json` that do not describe the transformer. `model` accounts for the others.

use std::path::Path;

use crate::EncoderError;
use crate::files;
use crate::layout::{ADAPTER, CONFIG};
use crate::settings::{Setting, SettingsFile};

/// The part of `config.json` read here.
pub(super) struct ModelConfig {
    architectures: Vec<String>,
    pub(super) tokenizer_class: Option<Setting<String>>,
}

impl ModelConfig {
    /// Reads the file in the folder `transformer` of `root`, and refuses adapters and quantized
    /// weights.
    pub(super) fn read(root: &Path, transformer: &str) -> Result<ModelConfig, EncoderError> {
        let name = files::inside(transformer, CONFIG);
        let adapter = root.join(files::inside(transformer, ADAPTER));
        if files::exists(&adapter) {
            return Err(EncoderError::Unsupported {
                path: adapter,
                feature: "an adapter beside the weights".to_owned(),
                known: "weights that it was merged into",
            });
        }
        let mut config = SettingsFile::read(&root.join(&name), &name)?;
        let architectures = config.take("architectures")?;
        let tokenizer_class = config.take("tokenizer_class")?;
        config.refuse_unless(
            "quantization_config",
            |_| false,
            "weights in F32, F16 or BF16",
        )?;
        Ok(ModelConfig {
            architectures: architectures.map_or_else(Vec::new, |setting| setting.value),
            tokenizer_class,
        })
    }

    /// Whether the weights are those of ColBERT's own class, which include the projection.
    pub(super) fn is_colbert(&self) -> bool {
        self.architectures.iter().any(|name| name == "HF_ColBERT")
    }
}
