//! `candle-driver CHECKPOINT`: the BertModel of candle-transformers and the projection of
//! `1_Dense`.

use anyhow::{Context, Result};
use candle_core::{DType, Device, IndexOp, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use encoder_drivers::{Engine, Text, serve};

/// Texts of about one length that run together, padded to the longest.
const BATCH: usize = 32;

struct Candle {
    bert: BertModel,
    /// `[dim, hidden]`.
    projection: Tensor,
}

impl Engine for Candle {
    fn encode(&self, texts: &[Text], _query: bool) -> Result<Vec<Vec<f32>>> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| texts[i].ids.len());
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in order.chunks(BATCH) {
            let longest = batch.iter().map(|&i| texts[i].ids.len()).max().unwrap_or(0);
            let mut ids = vec![0u32; batch.len() * longest];
            let mut mask = vec![0f32; batch.len() * longest];
            for (row, &i) in batch.iter().enumerate() {
                let at = row * longest;
                ids[at..at + texts[i].ids.len()].copy_from_slice(&texts[i].ids);
                mask[at..at + texts[i].attended].fill(1.0);
            }
            let shape = (batch.len(), longest);
            let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
            let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
            let states = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
            let hidden = states.dim(2)?;
            let out = states
                .reshape(((), hidden))?
                .matmul(&self.projection.t()?)?
                .reshape((batch.len(), longest, ()))?;
            let lengths = out.sqr()?.sum_keepdim(2)?.sqrt()?;
            let out = out.broadcast_div(&lengths)?;
            for (row, &i) in batch.iter().enumerate() {
                vectors[i] = out.i((row, ..texts[i].ids.len()))?.flatten_all()?.to_vec1()?;
            }
        }
        Ok(vectors)
    }
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("which checkpoint?")?;
    let config: Config = serde_json::from_slice(&std::fs::read(format!("{folder}/config.json"))?)?;
    let load = |name: &str| -> Result<_> {
        Ok(candle_core::safetensors::load(format!("{folder}/{name}"), &Device::Cpu)?)
    };
    let weights = VarBuilder::from_tensors(load("model.safetensors")?, DType::F32, &Device::Cpu);
    let mut dense = load("1_Dense/model.safetensors")?;
    serve(&Candle {
        bert: BertModel::load(weights, &config)?,
        projection: dense.remove("linear.weight").context("no linear.weight")?,
    })
}
