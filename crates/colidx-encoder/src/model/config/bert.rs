//! The configurations of BERT and the models of its form.

use std::path::Path;

use serde::Deserialize;

use super::{File, gelu};
use crate::EncoderError;
use crate::files::read_json;
use crate::ops::Activation;

/// BERT (Devlin et al., arXiv 1810.04805) and the models of its form.
pub(in crate::model) struct Bert {
    pub(in crate::model) form: Form,
    pub(in crate::model) vocabulary: usize,
    pub(in crate::model) hidden: usize,
    pub(in crate::model) layers: usize,
    pub(in crate::model) heads: usize,
    pub(in crate::model) inner: usize,
    pub(in crate::model) activation: Activation,
    pub(in crate::model) epsilon: f64,
    /// Rows of the table of token types; DistilBERT has none.
    pub(in crate::model) types: Option<usize>,
    pub(in crate::model) positions: Positions,
}

/// How a model of BERT's form names its tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Form {
    Bert,
    /// DistilBERT (Sanh et al., arXiv 1910.01108).
    DistilBert,
    /// The rotary XLM-RoBERTa of jina-colbert-v2 (Jha et al., arXiv 2408.16672), with the names of flash-attention's BERT.
    Flash,
}

/// How tokens know their places.
pub(in crate::model) enum Positions {
    /// From a table of this many rows, by place in the sequence.
    Table(usize),
    /// From a table of `rows`, the first token that is not `padding` having the place `padding + 1` (RoBERTa, Liu et al.,
    /// arXiv 1907.11692, as fairseq trained it).
    AfterPadding { rows: usize, padding: u32 },
    /// By rotation with this base.
    Rotary { base: f64, limit: usize },
}

#[derive(Deserialize)]
struct BertFile {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_act: String,
    max_position_embeddings: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "tiny")]
    layer_norm_eps: f64,
    position_embedding_type: Option<String>,
    pad_token_id: Option<u32>,
    rotary_emb_base: Option<f64>,
}

#[derive(Deserialize)]
struct DistilBertFile {
    vocab_size: usize,
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    #[serde(default = "gelu")]
    activation: String,
    max_position_embeddings: usize,
}

fn two() -> usize {
    2
}

fn tiny() -> f64 {
    1e-12
}

impl Bert {
    /// Reads the file at `path`, of a model of type `architecture`.
    pub(super) fn read(path: &Path, architecture: &str) -> Result<Bert, EncoderError> {
        let file = File(path);
        if architecture == "distilbert" {
            Bert::distilbert(&file, read_json(path)?)
        } else {
            Bert::absolute_or_rotary(&file, read_json(path)?, architecture)
        }
    }

    fn absolute_or_rotary(
        file: &File<'_>,
        read: BertFile,
        architecture: &str,
    ) -> Result<Bert, EncoderError> {
        file.at_least_one(&[
            ("vocab_size", read.vocab_size),
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
            ("intermediate_size", read.intermediate_size),
            ("max_position_embeddings", read.max_position_embeddings),
            ("type_vocab_size", read.type_vocab_size),
        ])?;
        let width = file.width(
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
        )?;
        let rows = read.max_position_embeddings;
        let kind = read.position_embedding_type.as_deref();
        let positions = match (kind.unwrap_or("absolute"), architecture) {
            ("absolute", "bert") => Positions::Table(rows),
            ("absolute", _) => {
                let padding = read.pad_token_id.unwrap_or(1);
                if padding as usize + 1 >= rows {
                    return Err(file.problem(format!(
                        "max_position_embeddings is {rows}, and places begin after pad_token_id, {padding}"
                    )));
                }
                Positions::AfterPadding { rows, padding }
            }
            ("rotary", "xlm-roberta") => {
                let base = read.rotary_emb_base.ok_or_else(|| {
                    file.problem(
                        "position_embedding_type is rotary and rotary_emb_base is missing"
                            .to_owned(),
                    )
                })?;
                Positions::Rotary {
                    base: file.rotary("rotary_emb_base", base, width)?,
                    limit: rows,
                }
            }
            (kind, _) => {
                let feature = format!("position_embedding_type `{kind}` in {architecture}");
                return Err(file.unsupported(feature, "absolute, rotary in xlm-roberta"));
            }
        };
        Ok(Bert {
            form: match positions {
                Positions::Rotary { .. } => Form::Flash,
                _ => Form::Bert,
            },
            vocabulary: read.vocab_size,
            hidden: read.hidden_size,
            layers: file.layers("num_hidden_layers", read.num_hidden_layers)?,
            heads: read.num_attention_heads,
            inner: read.intermediate_size,
            activation: file.activation("hidden_act", &read.hidden_act)?,
            epsilon: read.layer_norm_eps,
            types: Some(read.type_vocab_size),
            positions,
        })
    }

    fn distilbert(file: &File<'_>, read: DistilBertFile) -> Result<Bert, EncoderError> {
        file.at_least_one(&[
            ("vocab_size", read.vocab_size),
            ("dim", read.dim),
            ("n_heads", read.n_heads),
            ("hidden_dim", read.hidden_dim),
            ("max_position_embeddings", read.max_position_embeddings),
        ])?;
        file.width(("dim", read.dim), ("n_heads", read.n_heads))?;
        Ok(Bert {
            form: Form::DistilBert,
            vocabulary: read.vocab_size,
            hidden: read.dim,
            layers: file.layers("n_layers", read.n_layers)?,
            heads: read.n_heads,
            inner: read.hidden_dim,
            activation: file.activation("activation", &read.activation)?,
            epsilon: tiny(),
            types: None,
            positions: Positions::Table(read.max_position_embeddings),
        })
    }

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
