//! Measures the kernels against the peak of one core.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin peak
//! ```
//!
//! For each instruction set that the processor supports: the core's peak of f32 fused
//! multiply-adds, measured with twelve to twenty-four independent chains; then GFLOP/s (two a
//! multiply-add) of the dot-product kernels, as a share of that peak, and token vectors decoded a
//! second. Then the same for integers of 16 and 8 bits. Figures are the best of many short runs,
//! because other work on the machine only ever makes a run slower.
//!
//! Where one instruction multiplies and adds bytes (VNNI), 8 bits are twice as fast as 16. Where it
//! takes three, they gain little, and their error is 256 times as large: so screening uses 16 bits.
//! `dots_i8`, whose columns have seven bits, needs two.

mod chains;

use std::hint::black_box;
use std::time::{Duration, Instant};

use colidx_kernels::{
    Codec, CodecI16, GAINS, Kernels, Nearest, Panels, PanelsI7, PanelsI8, PanelsI16, Quantizer,
    RowsU8, max_chunk_norm, packed_len, stride_i16,
};

const TOKENS: usize = 236;
const QUERY_TOKENS: usize = 32;
const CENTROIDS: usize = 16_384;

fn main() {
    println!("selected: {}", colidx_kernels::kernels());
    for kernels in Kernels::all_supported() {
        let peak = chains::floats(kernels.isa());
        println!("\n{kernels}: peak {} GFLOP/s", figure(peak));
        for dim in [96, 128] {
            for (name, rate) in products(kernels, dim) {
                let share = peak.map_or(String::new(), |peak| {
                    format!("{:5.0} %", 100.0 * rate / peak)
                });
                println!("  {name:<34}{rate:8.1} GFLOP/s {share}");
            }
        }
        for (name, rate) in decoders(kernels) {
            println!("  {name:<34}{rate:8.1} Mtokens/s");
        }
        let peaks = chains::integers(kernels.isa());
        println!("  16-bit integers: peak {} GOP/s", figure(peaks.words));
        shares(i16_products(kernels), peaks.words);
        println!(
            "  8-bit integers: peak {} GOP/s, {} by vpmaddubsw, vpmaddwd and vpaddd",
            figure(peaks.bytes),
            figure(peaks.bytes_in_three)
        );
        shares(u8_products(kernels), peaks.bytes);
        let peak = peaks.bytes.or(peaks.bytes_in_two);
        println!("  centroid scores: peak {} GOP/s", figure(peak));
        shares(i8_products(kernels), peak);
    }
}

fn shares(rates: Vec<(String, f64)>, peak: Option<f64>) {
    for (name, rate) in rates {
        let share = peak.map_or(String::new(), |peak| {
            format!("{:5.0} %", 100.0 * rate / peak)
        });
        println!("  {name:<34}{rate:8.1} GOP/s {share}");
    }
}

fn figure(rate: Option<f64>) -> String {
    rate.map_or("not measured".into(), |rate| format!("{rate:.1}"))
}

/// Work per second, `work` being what one call of `run` does: the fastest of many batches of calls.
fn rate(work: f64, mut run: impl FnMut()) -> f64 {
    let mut calls = 1u32;
    loop {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        if start.elapsed() > Duration::from_millis(2) {
            break;
        }
        calls *= 2;
    }
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        (0..calls).for_each(|_| run());
        best = best.min(start.elapsed().as_secs_f64() / f64::from(calls));
    }
    work / best
}

/// Numbers in -1..1 without a pattern (xorshift).
fn noise(n: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
    .take(n)
    .collect()
}

fn products(kernels: Kernels, dim: usize) -> Vec<(String, f64)> {
    let rows = noise(TOKENS * dim);
    let query = Panels::new(&noise(QUERY_TOKENS * dim), dim);
    let flops = |columns: usize| (2 * TOKENS * columns * dim) as f64 / 1e9;

    let mut out = vec![0.0; TOKENS * QUERY_TOKENS];
    let dots = rate(flops(QUERY_TOKENS), || {
        kernels.dots(black_box(&rows), &query, &mut out);
    });
    let mut best = Vec::new();
    let maxsim = rate(flops(QUERY_TOKENS), || {
        black_box(kernels.maxsim(black_box(&rows), &query, &mut best));
    });
    let mut results = vec![
        (format!("dots {TOKENS}x{QUERY_TOKENS}x{dim}"), dots),
        (format!("maxsim {TOKENS}x{QUERY_TOKENS}x{dim}"), maxsim),
    ];
    for tokens in [20, 61] {
        let work = (2 * tokens * QUERY_TOKENS * dim) as f64 / 1e9;
        let rate = rate(work, || {
            black_box(kernels.maxsim(black_box(&rows[..tokens * dim]), &query, &mut best));
        });
        results.push((format!("maxsim {tokens}x{QUERY_TOKENS}x{dim}"), rate));
    }
    for k in [7, 256, 4096] {
        let centroids = Panels::new(&noise(k * dim), dim);
        let none = Nearest {
            index: 0,
            score: 0.0,
        };
        let mut out = vec![none; TOKENS];
        let rate = rate(flops(k), || {
            kernels.nearest(black_box(&rows), &centroids, &mut out);
        });
        results.push((format!("nearest {TOKENS}x{k}x{dim}"), rate));
    }
    results
}

/// The codes of many documents, so that centroids come from realistic cache levels.
fn codes() -> Vec<u32> {
    const DOCUMENTS: usize = 64;
    noise(DOCUMENTS * TOKENS)
        .iter()
        .map(|x| (x.abs() * (CENTROIDS * GAINS - 1) as f32) as u32)
        .collect()
}

fn decoders(kernels: Kernels) -> Vec<(String, f64)> {
    const DIM: usize = 96;
    let mut results = Vec::new();
    let centroids: Vec<i8> = (0..CENTROIDS * DIM).map(|i| (i * 89) as i8).collect();
    let codes = codes();
    for nbits in [1, 2, 4, 8] {
        let bytes = packed_len(DIM, nbits);
        let residuals: Vec<u8> = (0..codes.len() * bytes).map(|i| (i * 37) as u8).collect();
        let codec = Codec {
            dim: DIM,
            nbits,
            centroids: &centroids,
            // Vectors are about 1 long.
            steps: &[0.0014; DIM],
            weights: &noise(GAINS * (2 << nbits)),
            scales: &[0.02; DIM],
        };
        let millions = codes.len() as f64 / 1e6;
        let documents = || codes.chunks(TOKENS).zip(residuals.chunks(TOKENS * bytes));
        let mut floats = vec![0.0; TOKENS * DIM];
        let decode = rate(millions, || {
            for (codes, residuals) in documents() {
                kernels
                    .decode(&codec, black_box(codes), residuals, &mut floats)
                    .expect("codes lie below the number of centroids");
            }
        });
        let passes = rate(millions, || {
            for (codes, residuals) in documents() {
                kernels
                    .decode(&codec, black_box(codes), residuals, &mut floats)
                    .expect("codes lie below the number of centroids");
                kernels.normalize(&mut floats, DIM);
            }
        });
        let fixed = CodecI16::new(&codec);
        let mut words = vec![0; TOKENS * stride_i16(DIM)];
        let int16 = rate(millions, || {
            for (codes, residuals) in documents() {
                kernels
                    .decode_i16(&codec, &fixed, black_box(codes), residuals, &mut words)
                    .expect("codes lie below the number of centroids");
            }
        });
        let vectors: Vec<f32> = noise(TOKENS * DIM).iter().map(|x| x * 1.7).collect();
        let weights = noise(2 << nbits).iter().map(|x| x * 3.0).collect();
        let quantizer = Quantizer::new(&ascending(weights), nbits);
        let mut packed = vec![0; TOKENS * bytes];
        let quantize = rate(TOKENS as f64 / 1e6, || {
            kernels.quantize(&quantizer, black_box(&vectors), DIM, &mut packed);
        });
        let shape = format!("{TOKENS}x{DIM}, {nbits} bits");
        results.push((format!("decode {shape}"), decode));
        results.push(("  with normalize".to_owned(), passes));
        results.push((format!("decode_i16 {shape}"), int16));
        results.push((format!("quantize {shape}"), quantize));
    }
    results
}

/// Two rows of weights, each ascending.
fn ascending(mut weights: Vec<f32>) -> Vec<f32> {
    let row = weights.len() / 2;
    (weights.chunks_mut(row)).for_each(|row| row.sort_by(f32::total_cmp));
    weights
}

/// The layers of a transformer of 384 dimensions, 48 tokens at a time.
fn u8_products(kernels: Kernels) -> Vec<(String, f64)> {
    const ROWS: usize = 48;
    let mut results = Vec::new();
    for (inputs, outputs) in [(384, 1152), (384, 1536), (1536, 384)] {
        let x = noise(ROWS * inputs);
        let columns = PanelsI8::new(&noise(inputs * outputs), inputs, &noise(outputs));
        let mut rows = RowsU8::default();
        let mut out = vec![0.0; ROWS * outputs];
        let work = (2 * ROWS * inputs * outputs) as f64 / 1e9;
        kernels.quantize_rows(&mut rows, &x, inputs, inputs);
        let product = rate(work, || {
            kernels.dots_u8(black_box(&rows), &columns, &mut out, outputs);
        });
        let both = rate(work, || {
            kernels.quantize_rows(&mut rows, black_box(&x), inputs, inputs);
            kernels.dots_u8(&rows, &columns, &mut out, outputs);
        });
        results.push((format!("dots_u8 {ROWS}x{outputs}x{inputs}"), product));
        results.push(("  with quantize".to_owned(), both));
    }
    results
}

/// Documents of three lengths.
fn i16_products(kernels: Kernels) -> Vec<(String, f64)> {
    let mut results = Vec::new();
    for (tokens, dim) in [(TOKENS, 96), (60, 128), (20, 96)] {
        let query = PanelsI16::new(&noise(QUERY_TOKENS * dim), dim);
        let words: Vec<i16> = noise(tokens * dim)
            .iter()
            .map(|x| (x * 3000.0) as i16)
            .collect();
        let mut dots = vec![0; tokens * query.padded_columns()];
        let mut best = vec![i32::MIN; query.padded_columns()];
        let work = (2 * tokens * QUERY_TOKENS * dim) as f64 / 1e9;
        let rate = rate(work, || {
            kernels.dots_i16(black_box(&words), &query, &mut dots, &mut best);
        });
        let shape = format!("{tokens}x{QUERY_TOKENS}x{dim}");
        results.push((format!("dots_i16 {shape}"), rate));
    }
    results
}

/// The centroids of indexes of three sizes.
fn i8_products(kernels: Kernels) -> Vec<(String, f64)> {
    let mut results = Vec::new();
    for (rows, dim) in [(4096, 96), (16_384, 96), (65_536, 128)] {
        let bytes: Vec<i8> = (0..rows * dim).map(|i| (i * 89) as i8).collect();
        let longest = max_chunk_norm(&bytes, dim);
        let query = PanelsI7::new(&noise(QUERY_TOKENS * dim), dim, longest);
        let mut out = vec![0; rows * query.padded_columns()];
        let work = (2 * rows * QUERY_TOKENS * dim) as f64 / 1e9;
        let rate = rate(work, || {
            kernels.dots_i8(black_box(&bytes), &query, &mut out);
        });
        let shape = format!("{rows}x{QUERY_TOKENS}x{dim}");
        results.push((format!("dots_i8 {shape}"), rate));
    }
    results
}
