//! How near the kernels come to what one core can do.
//!
//! ```text
//! cargo run --release -p colidx-kernels --example peak
//! ```
//!
//! For each level the processor supports: the core's peak of f32 fused multiply-adds, measured with twelve to
//! twenty-four independent chains of them; then GFLOP/s (two a multiply-add) of the dot-product kernels, with their share
//! of that peak, and token vectors decoded a second. Then the same
//! for integers of 16 and 8 bits. Where one instruction multiplies and adds bytes (VNNI), 8 bits are twice as fast as 16;
//! where it takes three, they gain little, and what they are off by is 256 times as much: so 16 bits are for screening.
//! Two do for coarse scores, whose columns have seven bits. Where there is AMX, the peak is that of its tiles.
//! Figures are the best of many short runs, because other work on the machine only ever makes a run slower.

use std::hint::black_box;
use std::time::{Duration, Instant};

use colidx_kernels::{
    Codec, CodecI16, GAINS, Isa, Nearest, Panels, PanelsI7, PanelsI8, PanelsI16, Quantizer, RowsU8,
    max_chunk_norm, packed_len, stride_i16,
};

const TOKENS: usize = 236;
const QUERY_TOKENS: usize = 32;
const CENTROIDS: usize = 16_384;

fn main() {
    println!("the free functions run at {}", colidx_kernels::level());
    for level in Isa::all_supported() {
        let peak = peak(level);
        println!("\n{level}: peak {} GFLOP/s", figure(peak));
        for dim in [96, 128] {
            for (name, rate) in products(level, dim) {
                let share = peak.map_or(String::new(), |peak| {
                    format!("{:5.0} %", 100.0 * rate / peak)
                });
                println!("  {name:<34}{rate:8.1} GFLOP/s {share}");
            }
        }
        for (name, rate) in decoders(level) {
            println!("  {name:<34}{rate:8.1} Mtokens/s");
        }
        let peaks = integer_peaks(level);
        println!(
            "  16-bit integers ({}): peak {} GOP/s",
            level.int16_instructions(),
            figure(peaks.words)
        );
        shares(i16_products(level), peaks.words);
        let peak = peaks.tiles.or(peaks.bytes);
        println!(
            "  8-bit integers ({}): peak {} GOP/s, {} by vpmaddubsw, vpmaddwd and vpaddd",
            level.int8_instructions(),
            figure(peak),
            figure(peaks.bytes_in_three)
        );
        shares(u8_products(level), peak);
        let peak = peak.or(peaks.bytes_in_two);
        println!(
            "  coarse scores ({}): peak {} GOP/s",
            level.coarse_instructions(),
            figure(peak)
        );
        shares(i8_products(level), peak);
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

fn products(level: Isa, dim: usize) -> Vec<(String, f64)> {
    let rows = noise(TOKENS * dim);
    let query = Panels::new(&noise(QUERY_TOKENS * dim), dim);
    let flops = |columns: usize| (2 * TOKENS * columns * dim) as f64 / 1e9;

    let mut out = vec![0.0; TOKENS * QUERY_TOKENS];
    let dots = rate(flops(QUERY_TOKENS), || {
        level.dots(black_box(&rows), &query, &mut out);
    });
    let mut best = Vec::new();
    let maxsim = rate(flops(QUERY_TOKENS), || {
        black_box(level.maxsim(black_box(&rows), &query, &mut best));
    });
    let mut results = vec![
        (format!("dots {TOKENS}x{QUERY_TOKENS}x{dim}"), dots),
        (format!("maxsim {TOKENS}x{QUERY_TOKENS}x{dim}"), maxsim),
    ];
    for tokens in [20, 61] {
        let work = (2 * tokens * QUERY_TOKENS * dim) as f64 / 1e9;
        let rate = rate(work, || {
            black_box(level.maxsim(black_box(&rows[..tokens * dim]), &query, &mut best));
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
            level.nearest(black_box(&rows), &centroids, &mut out);
        });
        results.push((format!("nearest {TOKENS}x{k}x{dim}"), rate));
    }
    results
}

/// The codes of many documents, so that their centroids come from the caches that real ones come from.
fn codes() -> Vec<u32> {
    const DOCUMENTS: usize = 64;
    noise(DOCUMENTS * TOKENS)
        .iter()
        .map(|x| (x.abs() * (CENTROIDS * GAINS - 1) as f32) as u32)
        .collect()
}

fn decoders(level: Isa) -> Vec<(String, f64)> {
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
                level
                    .decode(&codec, black_box(codes), residuals, &mut floats)
                    .expect("codes lie below the number of centroids");
            }
        });
        let passes = rate(millions, || {
            for (codes, residuals) in documents() {
                level
                    .decode(&codec, black_box(codes), residuals, &mut floats)
                    .expect("codes lie below the number of centroids");
                level.normalize(&mut floats, DIM);
            }
        });
        let fixed = CodecI16::new(&codec);
        let mut words = vec![0; TOKENS * stride_i16(DIM)];
        let int16 = rate(millions, || {
            for (codes, residuals) in documents() {
                level
                    .decode_i16(&codec, &fixed, black_box(codes), residuals, &mut words)
                    .expect("codes lie below the number of centroids");
            }
        });
        let vectors: Vec<f32> = noise(TOKENS * DIM).iter().map(|x| x * 1.7).collect();
        let weights = noise(2 << nbits).iter().map(|x| x * 3.0).collect();
        let quantizer = Quantizer::new(&ascending(weights), nbits);
        let mut packed = vec![0; TOKENS * bytes];
        let quantize = rate(TOKENS as f64 / 1e6, || {
            level.quantize(&quantizer, black_box(&vectors), DIM, &mut packed);
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
fn u8_products(level: Isa) -> Vec<(String, f64)> {
    const ROWS: usize = 48;
    let mut results = Vec::new();
    for (inputs, outputs) in [(384, 1152), (384, 1536), (1536, 384)] {
        let x = noise(ROWS * inputs);
        let columns = PanelsI8::new(&noise(inputs * outputs), inputs, &noise(outputs));
        let mut rows = RowsU8::default();
        let mut out = vec![0.0; ROWS * outputs];
        let work = (2 * ROWS * inputs * outputs) as f64 / 1e9;
        rows.quantize_at(level, &x, inputs, inputs);
        let product = rate(work, || {
            level.dots_u8(black_box(&rows), &columns, &mut out, outputs);
        });
        let both = rate(work, || {
            rows.quantize_at(level, black_box(&x), inputs, inputs);
            level.dots_u8(&rows, &columns, &mut out, outputs);
        });
        results.push((format!("dots_u8 {ROWS}x{outputs}x{inputs}"), product));
        results.push(("  with quantize".to_owned(), both));
    }
    results
}

/// Documents of three lengths.
fn i16_products(level: Isa) -> Vec<(String, f64)> {
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
            level.dots_i16(black_box(&words), &query, &mut dots, &mut best);
        });
        let shape = format!("{tokens}x{QUERY_TOKENS}x{dim}");
        results.push((format!("dots_i16 {shape}"), rate));
    }
    results
}

/// The centroids of indexes of three sizes.
fn i8_products(level: Isa) -> Vec<(String, f64)> {
    let mut results = Vec::new();
    for (rows, dim) in [(4096, 96), (16_384, 96), (65_536, 128)] {
        let bytes: Vec<i8> = (0..rows * dim).map(|i| (i * 89) as i8).collect();
        let longest = max_chunk_norm(&bytes, dim);
        let query = PanelsI7::new(&noise(QUERY_TOKENS * dim), dim, longest);
        let mut out = vec![0; rows * query.padded_columns()];
        let work = (2 * rows * QUERY_TOKENS * dim) as f64 / 1e9;
        let rate = rate(work, || {
            level.dots_i8(black_box(&bytes), &query, &mut out);
        });
        let shape = format!("{rows}x{QUERY_TOKENS}x{dim}");
        results.push((format!("dots_i8 {shape}"), rate));
    }
    results
}

/// The fastest that a core multiplies and adds integers, in GOP/s.
#[derive(Default)]
struct IntegerPeaks {
    /// Of 16 bits.
    words: Option<f64>,
    /// Of 8 bits, with the one instruction for it.
    bytes: Option<f64>,
    /// Of 8 bits, with three instructions: the sums of two products saturate at 16 bits, are added in pairs, and then to
    /// the rest.
    bytes_in_three: Option<f64>,
    /// Of 8 bits, with two instructions: as before, but added to the rest in 16 bits. Not measured where one will do.
    bytes_in_two: Option<f64>,
    /// Of 8 bits, a tile of 16 rows by one of 16 columns at a time.
    tiles: Option<f64>,
}

/// GOP/s of AMX, of products that add to six tiles in turn. Whoever saw that the level is supported has asked the system for tiles.
#[cfg(target_arch = "x86_64")]
fn tile_peak() -> f64 {
    use std::arch::asm;
    const ROUNDS: usize = 10_000;
    /// Eight whole tiles, of palette 1.
    #[repr(C, align(64))]
    struct Shapes([u8; 64]);
    let mut shapes = Shapes([0; 64]);
    shapes.0[0] = 1;
    for tile in 0..8 {
        shapes.0[16 + 2 * tile] = 64;
        shapes.0[48 + tile] = 16;
    }
    let work = (2 * 16 * 16 * 64 * 6 * ROUNDS) as f64 / 1e9;
    // SAFETY: the caller has seen the kernels use tiles. No memory is touched but the shapes, which are read.
    rate(work, || unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tilezero tmm6",
            "tilezero tmm7",
            "2:",
            "tdpbssd tmm0, tmm6, tmm7",
            "tdpbssd tmm1, tmm6, tmm7",
            "tdpbssd tmm2, tmm6, tmm7",
            "tdpbssd tmm3, tmm6, tmm7",
            "tdpbssd tmm4, tmm6, tmm7",
            "tdpbssd tmm5, tmm6, tmm7",
            "dec {rounds}",
            "jnz 2b",
            "tilerelease",
            shapes = in(reg) &shapes,
            rounds = inout(reg) ROUNDS => _,
            options(nostack, readonly),
        );
    })
}

fn integer_peaks(level: Isa) -> IntegerPeaks {
    /// GOP/s of `$chains` independent chains that never leave the registers; a `$step` makes a chain's next value of the
    /// one before, `$products` at once, and must use it in the product, which is otherwise found only once.
    #[allow(unused_macros, reason = "some targets have none to measure")]
    macro_rules! chains {
        ($features:literal, $chains:literal, $products:literal, $splat:path, $step:expr) => {{
            #[target_feature(enable = $features)]
            fn chains(rounds: usize) {
                let mut acc = [$splat(black_box(3)); $chains];
                let (x, y) = ($splat(black_box(7)), $splat(black_box(5)));
                for _ in 0..rounds {
                    for acc in &mut acc {
                        *acc = $step(*acc, x, y);
                    }
                }
                black_box(acc);
            }
            const ROUNDS: usize = 10_000;
            let work = (2 * $products * $chains * ROUNDS) as f64 / 1e9;
            // SAFETY: the processor has the instructions.
            Some(rate(work, || unsafe { chains(ROUNDS) }))
        }};
    }
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    match level {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Amx => {
            let vnni = is_x86_feature_detected!("avx512vnni");
            IntegerPeaks {
                words: if vnni {
                    chains!(
                        "avx512f,avx512vnni",
                        24,
                        32,
                        _mm512_set1_epi32,
                        |acc, x, y| { _mm512_dpwssd_epi32(acc, x, y) }
                    )
                } else {
                    chains!(
                        "avx512f,avx512bw",
                        24,
                        32,
                        _mm512_set1_epi32,
                        |acc, x, y| { _mm512_add_epi32(x, _mm512_madd_epi16(acc, y)) }
                    )
                },
                bytes: if vnni {
                    chains!(
                        "avx512f,avx512vnni",
                        24,
                        64,
                        _mm512_set1_epi32,
                        |acc, x, y| { _mm512_dpbusd_epi32(acc, x, y) }
                    )
                } else {
                    None
                },
                bytes_in_three: chains!(
                    "avx512f,avx512bw",
                    24,
                    64,
                    _mm512_set1_epi32,
                    |acc, x, y| {
                        let pairs = _mm512_maddubs_epi16(acc, y);
                        _mm512_add_epi32(x, _mm512_madd_epi16(pairs, y))
                    }
                ),
                bytes_in_two: if vnni {
                    None
                } else {
                    chains!(
                        "avx512f,avx512bw",
                        24,
                        64,
                        _mm512_set1_epi32,
                        |acc, x, y| { _mm512_add_epi16(x, _mm512_maddubs_epi16(acc, y)) }
                    )
                },
                tiles: level
                    .coarse_instructions()
                    .starts_with("tdp")
                    .then(tile_peak),
            }
        }
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => {
            let vnni = is_x86_feature_detected!("avxvnni");
            IntegerPeaks {
                words: if vnni {
                    chains!("avx2,avxvnni", 12, 16, _mm256_set1_epi32, |acc, x, y| {
                        _mm256_dpwssd_avx_epi32(acc, x, y)
                    })
                } else {
                    chains!("avx2", 12, 16, _mm256_set1_epi32, |acc, x, y| {
                        _mm256_add_epi32(x, _mm256_madd_epi16(acc, y))
                    })
                },
                bytes: if vnni {
                    chains!("avx2,avxvnni", 12, 32, _mm256_set1_epi32, |acc, x, y| {
                        _mm256_dpbusd_avx_epi32(acc, x, y)
                    })
                } else {
                    None
                },
                bytes_in_three: chains!("avx2", 12, 32, _mm256_set1_epi32, |acc, x, y| {
                    let pairs = _mm256_maddubs_epi16(acc, y);
                    _mm256_add_epi32(x, _mm256_madd_epi16(pairs, y))
                }),
                bytes_in_two: if vnni {
                    None
                } else {
                    chains!("avx2", 12, 32, _mm256_set1_epi32, |acc, x, y| {
                        _mm256_add_epi16(x, _mm256_maddubs_epi16(acc, y))
                    })
                },
                tiles: None,
            }
        }
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => {
            use std::arch::aarch64::*;
            IntegerPeaks {
                words: chains!("neon", 24, 4, vdupq_n_s32, |acc, x, y| {
                    let (acc, y) = (vreinterpretq_s16_s32(acc), vreinterpretq_s16_s32(y));
                    vmlal_high_s16(x, acc, y)
                }),
                ..IntegerPeaks::default()
            }
        }
        _ => IntegerPeaks::default(),
    }
}

/// GFLOP/s of independent chains of fused multiply-adds that never leave the registers.
fn peak(level: Isa) -> Option<f64> {
    /// Twenty-four chains fill a fused multiply-add's latency on every core; AVX2 has registers for twelve.
    macro_rules! chains {
        ($features:literal, $chains:literal, $lanes:literal, $splat:path, $fma:path) => {{
            #[target_feature(enable = $features)]
            fn chains(rounds: usize) {
                let mut acc = [$splat(black_box(1.0)); $chains];
                let (x, y) = ($splat(black_box(0.999)), $splat(black_box(1e-3)));
                for _ in 0..rounds {
                    for acc in &mut acc {
                        *acc = $fma(*acc, x, y);
                    }
                }
                black_box(acc);
            }
            const ROUNDS: usize = 10_000;
            let work = (2 * $lanes * $chains * ROUNDS) as f64 / 1e9;
            // SAFETY: the caller's level is one that the processor supports.
            Some(rate(work, || unsafe { chains(ROUNDS) }))
        }};
    }
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    match level {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Amx => chains!("avx512f", 24, 16, _mm512_set1_ps, _mm512_fmadd_ps),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => chains!("avx2,fma", 12, 8, _mm256_set1_ps, _mm256_fmadd_ps),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => {
            use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
            chains!("neon", 24, 4, vdupq_n_f32, vfmaq_f32)
        }
        _ => None,
    }
}
