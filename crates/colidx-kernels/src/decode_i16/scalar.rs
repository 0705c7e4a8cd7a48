//! The reference.

use super::{Tokens, shift};
use crate::codec::{split, weight_at};
use crate::{Code, Codec, packed_len, stride_i16};

/// Appends to `odd` the tokens whose length needs f32; their rows are left unchanged.
pub(super) fn decode<C: Code>(tokens: &Tokens<C>, out: &mut [i16], odd: &mut Vec<usize>) {
    let Tokens { codec, tables, .. } = *tokens;
    let Codec { dim, nbits, .. } = *codec;
    let packed = tokens.residuals.chunks_exact(packed_len(dim, nbits));
    let rows = out.chunks_exact_mut(stride_i16(dim));
    let mut values = vec![0i16; dim];
    for (token, ((code, packed), row)) in tokens.codes.iter().zip(packed).zip(rows).enumerate() {
        let (centroid, gain) = split(*code);
        let centroid = &codec.centroids[centroid * dim..][..dim];
        for (d, value) in values.iter_mut().enumerate() {
            let which = (gain << (nbits + 1)) + weight_at(packed, nbits, d);
            *value = product(i16::from(centroid[d]) << 8, tables.steps.at(d))
                + product(tables.weights.at(which), tables.scales.at(d));
        }
        let square = |&value: &i16| i32::from(value) * i32::from(value);
        let pairs = values.chunks(2);
        let sum = pairs.map(|pair| pair.iter().map(square).sum::<i32>() >> shift(dim));
        let sum = sum.sum();
        if tables.is_near_unit_length(sum) {
            let [factor] = tables.factors([sum]);
            let scaled = values.iter().map(|&value| product(value, factor));
            row.fill(0);
            row.iter_mut().zip(scaled).for_each(|(to, x)| *to = x);
        } else {
            odd.push(token);
        }
    }
}

/// The product, rounded to its upper bits: `pmulhrsw` of x86, `sqrdmulh` of ARM.
fn product(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b) + (1 << 14)) >> 15) as i16
}
