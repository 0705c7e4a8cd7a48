//! `colidx-driver CHECKPOINT f32|int8`; `RAYON_NUM_THREADS` sets the threads.

use anyhow::{Context, Result};
use colidx_encoder::{Encoder, EncoderOptions};
use encoder_drivers::{Engine, Text, serve};

struct Colidx(Encoder);

impl Engine for Colidx {
    fn encode(&self, texts: &[Text], query: bool) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        Ok(if query {
            let queries = self.0.encode_queries(&texts)?;
            queries.into_iter().map(|query| query.vectors).collect()
        } else {
            let documents = self.0.encode_documents(&texts)?;
            documents.into_iter().map(|document| document.vectors).collect()
        })
    }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let checkpoint = args.next().context("which checkpoint?")?;
    let precision = args.next().context("which precision?")?.parse()?;
    let options = EncoderOptions::default().precision(precision);
    serve(&Colidx(Encoder::open(checkpoint, &options)?))
}
