//! What `config.json` says about a transformer, checked.

use std::path::Path;

use serde::Deserialize;

use crate::EncoderError;
use crate::checkpoint::read_json;
use crate::ops::{ACTIVATIONS, Activation, parse_activation};

/// A transformer that can be run.
pub(super) enum Config {
    Bert(Bert),
    ModernBert(ModernBert),
}

#[derive(Deserialize)]
struct Architecture {
    #[serde(default)]
    model_type: String,
}

impl Config {
    /// Reads the file at `path`; gives its `model_type` too.
    pub(super) fn read(path: &Path) -> Result<(String, Config), EncoderError> {
        let Architecture { model_type } = read_json(path)?;
        let config = match model_type.as_str() {
            "modernbert" => Config::ModernBert(ModernBert::read(path)?),
            "bert" | "roberta" | "xlm-roberta" | "camembert" | "distilbert" => {
                Config::Bert(Bert::read(path, &model_type)?)
            }
            _ => {
                return Err(EncoderError::UnknownArchitecture {
                    path: path.to_owned(),
                    found: model_type,
                    known: "bert, roberta, xlm-roberta, camembert, distilbert, modernbert",
                });
            }
        };
        Ok((model_type, config))
    }

    /// Tokens that a sequence can have.
    pub(super) fn positions(&self) -> usize {
        match self {
            Config::Bert(config) => config.sequence_length(),
            Config::ModernBert(config) => config.positions,
        }
    }
}

/// A `config.json` with errors that name it.
struct File<'a>(&'a Path);

impl File<'_> {
    fn problem(&self, problem: String) -> EncoderError {
        EncoderError::Config {
            path: self.0.to_owned(),
            problem,
        }
    }

    fn unsupported(&self, feature: String, known: &'static str) -> EncoderError {
        EncoderError::Unsupported {
            path: self.0.to_owned(),
            feature,
            known,
        }
    }

    fn at_least_one(&self, fields: &[(&str, usize)]) -> Result<(), EncoderError> {
        match fields.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(self.problem(format!("{name} is 0 and should be at least 1"))),
            None => Ok(()),
        }
    }

    /// Dimensions of a head.
    fn width(
        &self,
        (hidden, size): (&str, usize),
        (heads, count): (&str, usize),
    ) -> Result<usize, EncoderError> {
        if !size.is_multiple_of(count) {
            return Err(self.problem(format!(
                "{hidden} {size} should be a multiple of {heads} {count}"
            )));
        }
        Ok(size / count)
    }

    fn activation(&self, field: &str, name: &str) -> Result<Activation, EncoderError> {
        parse_activation(name)
            .ok_or_else(|| self.unsupported(format!("{field} `{name}`"), ACTIVATIONS))
    }

    /// Frequencies fall with `base`, which must leave them numbers; pairs of dimensions are rotated.
    fn rotary(&self, field: &str, base: f64, width: usize) -> Result<f64, EncoderError> {
        if !(base.is_finite() && base > 0.0) {
            return Err(self.problem(format!("{field} is {base} and should be above 0")));
        }
        if !width.is_multiple_of(2) {
            return Err(self.problem(format!(
                "attention heads have {width} dimensions, and rotary embeddings need an even number"
            )));
        }
        Ok(base)
    }
}

/// BERT (Devlin et al., arXiv 1810.04805) and the models of its form.
pub(super) struct Bert {
    pub(super) form: Form,
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    pub(super) activation: Activation,
    pub(super) epsilon: f64,
    /// Rows of the table of token types; DistilBERT has none.
    pub(super) types: Option<usize>,
    pub(super) positions: Positions,
}

/// How a model of BERT's form names its tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bert,
    /// DistilBERT (Sanh et al., arXiv 1910.01108).
    DistilBert,
    /// The rotary XLM-RoBERTa of jina-colbert-v2 (Jha et al., arXiv 2408.16672), with the names of flash-attention's BERT.
    Flash,
}

/// How tokens know their places.
pub(super) enum Positions {
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

fn gelu() -> String {
    "gelu".to_owned()
}

fn two() -> usize {
    2
}

fn tiny() -> f64 {
    1e-12
}

impl Bert {
    /// Reads the file at `path`, of a model of type `architecture`.
    fn read(path: &Path, architecture: &str) -> Result<Bert, EncoderError> {
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
            layers: read.num_hidden_layers,
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
            layers: read.n_layers,
            heads: read.n_heads,
            inner: read.hidden_dim,
            activation: file.activation("activation", &read.activation)?,
            epsilon: tiny(),
            types: None,
            positions: Positions::Table(read.max_position_embeddings),
        })
    }

    fn sequence_length(&self) -> usize {
        match self.positions {
            Positions::Table(rows) => rows,
            Positions::AfterPadding { rows, padding } => rows - padding as usize - 1,
            Positions::Rotary { limit, .. } => limit,
        }
    }
}

/// ModernBERT (Warner et al., arXiv 2412.13663).
pub(super) struct ModernBert {
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) heads: usize,
    pub(super) inner: usize,
    pub(super) activation: Activation,
    pub(super) epsilon: f64,
    pub(super) norm_bias: bool,
    pub(super) attention_bias: bool,
    pub(super) mlp_bias: bool,
    /// Places before and behind its own that a token of a local layer attends to.
    pub(super) window: usize,
    pub(super) global_base: f64,
    pub(super) local_base: f64,
    /// For each layer whether its attention is local.
    pub(super) layers: Vec<bool>,
    /// Tokens that a sequence can have.
    pub(super) positions: usize,
}

#[derive(Deserialize)]
struct ModernBertFile {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_activation: String,
    #[serde(default = "long")]
    max_position_embeddings: usize,
    #[serde(default = "small")]
    norm_eps: f64,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "wide")]
    local_attention: usize,
    global_attn_every_n_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    global_rope_theta: Option<f64>,
    local_rope_theta: Option<f64>,
    rope_parameters: Option<RopeParameters>,
}

/// What transformers 5 writes in place of `global_rope_theta` and `local_rope_theta`.
#[derive(Default, Deserialize)]
struct RopeParameters {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Deserialize)]
struct Rope {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
}

fn long() -> usize {
    8192
}

fn small() -> f64 {
    1e-5
}

fn wide() -> usize {
    128
}

impl ModernBert {
    /// Reads the file at `path`.
    fn read(path: &Path) -> Result<ModernBert, EncoderError> {
        let file = File(path);
        let read: ModernBertFile = read_json(path)?;
        file.at_least_one(&[
            ("vocab_size", read.vocab_size),
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
            ("intermediate_size", read.intermediate_size),
            ("max_position_embeddings", read.max_position_embeddings),
        ])?;
        let width = file.width(
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
        )?;
        let layers = match read.layer_types {
            Some(types) => local_layers(&file, &types, read.num_hidden_layers)?,
            None => {
                let every = read.global_attn_every_n_layers.unwrap_or(3);
                file.at_least_one(&[("global_attn_every_n_layers", every)])?;
                (0..read.num_hidden_layers)
                    .map(|layer| !layer.is_multiple_of(every))
                    .collect()
            }
        };
        let base = |rope: Option<Rope>, old: Option<f64>, default: f64| {
            let kind = rope.as_ref().and_then(|rope| rope.rope_type.as_deref());
            if let Some(kind) = kind.filter(|&kind| kind != "default") {
                return Err(file.unsupported(format!("rope_type `{kind}`"), "default"));
            }
            let base = rope.and_then(|rope| rope.rope_theta).or(old);
            file.rotary("rope_theta", base.unwrap_or(default), width)
        };
        let ropes = read.rope_parameters.unwrap_or_default();
        Ok(ModernBert {
            vocabulary: read.vocab_size,
            hidden: read.hidden_size,
            heads: read.num_attention_heads,
            inner: read.intermediate_size,
            activation: file.activation("hidden_activation", &read.hidden_activation)?,
            epsilon: read.norm_eps,
            norm_bias: read.norm_bias,
            attention_bias: read.attention_bias,
            mlp_bias: read.mlp_bias,
            window: read.local_attention / 2,
            global_base: base(ropes.full_attention, read.global_rope_theta, 160_000.0)?,
            local_base: base(ropes.sliding_attention, read.local_rope_theta, 10_000.0)?,
            layers,
            positions: read.max_position_embeddings,
        })
    }
}

fn local_layers(
    file: &File<'_>,
    types: &[String],
    layers: usize,
) -> Result<Vec<bool>, EncoderError> {
    if types.len() != layers {
        return Err(file.problem(format!(
            "layer_types has {} entries and num_hidden_layers is {layers}",
            types.len()
        )));
    }
    types
        .iter()
        .map(|kind| match kind.as_str() {
            "sliding_attention" => Ok(true),
            "full_attention" => Ok(false),
            _ => Err(file.unsupported(
                format!("layer type `{kind}`"),
                "full_attention, sliding_attention",
            )),
        })
        .collect()
}
