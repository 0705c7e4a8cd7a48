//! The configurations of BERT and its variants.

use super::file::File;
use super::rope::Rope;
use crate::EncoderError;
use crate::ops::{Activation, Heads};

/// BERT (Devlin et al., arXiv 1810.04805) and its variants.
pub(in crate::model) struct Bert {
    pub(in crate::model) tensor_names: TensorNames,
    pub(in crate::model) vocabulary: usize,
    pub(in crate::model) hidden: usize,
    pub(in crate::model) layers: usize,
    pub(in crate::model) heads: Heads,
    pub(in crate::model) inner: usize,
    pub(in crate::model) activation: Activation,
    pub(in crate::model) epsilon: f64,
    /// Rows of the token type table, if there is one.
    pub(in crate::model) types: Option<usize>,
    pub(in crate::model) positions: Positions,
}

/// The tensor names of a variant, and which tensors it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum TensorNames {
    Bert,
    /// DistilBERT (Sanh et al., arXiv 1910.01108).
    DistilBert,
    /// The rotary XLM-RoBERTa of jina-colbert-v2 (Jha et al., arXiv 2408.16672) and
    /// jina-embeddings-v3 (Sturua et al., arXiv 2409.10173), with the names of flash-attention's
    /// BERT.
    Flash,
    /// Nomic BERT (Nussbaum et al., arXiv 2402.01613).
    Nomic,
    /// mGTE (Zhang et al., arXiv 2407.19669).
    Gte,
}

/// How positions are encoded.
pub(in crate::model) enum Positions {
    /// A table with this many rows, indexed by position in the sequence.
    Table(usize),
    /// A table with `rows` rows. The first token that is not `padding` has the position
    /// `padding + 1` (RoBERTa, Liu et al., arXiv 1907.11692, as fairseq trained it).
    AfterPadding { rows: usize, padding: u32 },
    /// Rotary embeddings; `limit` is the length that the model was configured for.
    Rotary { rope: Rope, limit: usize },
}

const TINY: f64 = 1e-12;

/// Reads the file of a BERT, RoBERTa, CamemBERT or XLM-RoBERTa.
pub(super) fn read(file: &mut File) -> Result<Bert, EncoderError> {
    let (hidden, heads) = file.hidden_and_heads("hidden_size", "num_attention_heads")?;
    let rows = file.size("max_position_embeddings")?;
    let padding: Option<u32> = file.optional("pad_token_id")?;
    let kind: Option<String> = file.optional("position_embedding_type")?;
    let positions = match (kind.as_deref().unwrap_or("absolute"), file.architecture()) {
        ("absolute", "bert") => Positions::Table(rows),
        ("absolute", _) => {
            let padding = padding.unwrap_or(1);
            if padding as usize + 1 >= rows {
                return Err(file.problem(format!(
                    "max_position_embeddings is {rows}, and positions begin after pad_token_id, \
                     {padding}"
                )));
            }
            Positions::AfterPadding { rows, padding }
        }
        ("rotary", "xlm-roberta") => {
            let base = file.required("rotary_emb_base")?;
            // Keys of remote code: adapters, which are refused, and poolers, which are not used
            // here.
            file.only("lora_adaptations", Vec::<String>::new())?;
            file.ignore(&["emb_pooler"]);
            Positions::Rotary {
                rope: Rope::checked(file, "rotary_emb_base", base, 1.0, heads.width)?,
                limit: rows,
            }
        }
        (kind, architecture) => {
            let feature = format!("position_embedding_type `{kind}` in {architecture}");
            return Err(file.unsupported(feature, "absolute, rotary in xlm-roberta"));
        }
    };
    // Text direction, in the multilingual BERT of 2018.
    file.ignore(&["directionality"]);
    let types = file.optional("type_vocab_size")?.unwrap_or(2);
    Ok(Bert {
        tensor_names: match positions {
            Positions::Rotary { .. } => TensorNames::Flash,
            _ => TensorNames::Bert,
        },
        vocabulary: file.size("vocab_size")?,
        hidden,
        layers: file.layers("num_hidden_layers")?,
        heads,
        inner: file.size("intermediate_size")?,
        activation: file.activation("hidden_act", "gelu")?,
        epsilon: file.optional("layer_norm_eps")?.unwrap_or(TINY),
        types: Some(file.at_least_one("type_vocab_size", types)?),
        positions,
    })
}

/// Reads the file of a DistilBERT.
pub(super) fn read_distilbert(file: &mut File) -> Result<Bert, EncoderError> {
    let (hidden, heads) = file.hidden_and_heads("dim", "n_heads")?;
    // Whether the position table was initialized with sines before training.
    file.ignore(&["sinusoidal_pos_embds"]);
    Ok(Bert {
        tensor_names: TensorNames::DistilBert,
        vocabulary: file.size("vocab_size")?,
        hidden,
        layers: file.layers("n_layers")?,
        heads,
        inner: file.size("hidden_dim")?,
        activation: file.activation("activation", "gelu")?,
        epsilon: TINY,
        types: None,
        positions: Positions::Table(file.size("max_position_embeddings")?),
    })
}

impl Bert {
    pub(super) fn is_rotary(&self) -> bool {
        matches!(self.positions, Positions::Rotary { .. })
    }

    pub(super) fn sequence_length(&self) -> usize {
        match self.positions {
            Positions::Table(rows) => rows,
            Positions::AfterPadding { rows, padding } => rows - padding as usize - 1,
            Positions::Rotary { limit, .. } => limit,
        }
    }
}
