//! The AVX2 form compiled for AVX-512: a token is a few registers of either width.

use super::avx2::Table;
use super::tokens;

tokens::entry_point!("avx512f,avx512bw,avx512vl,avx2,fma");
