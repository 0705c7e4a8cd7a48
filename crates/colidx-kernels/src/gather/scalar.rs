//! The reference: every other instruction set gives the same bits.

pub(super) fn dots(rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
    let dim = column.len();
    for (&pick, out) in picks.iter().zip(out) {
        *out = dot(&rows[pick as usize * dim..][..dim], column);
    }
}

/// The dot product of the common dimensions.
pub(super) fn dot(row: &[i8], column: &[i16]) -> i32 {
    let products = row.iter().zip(column);
    products.fold(0, |sum, (&x, &q)| {
        sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(q)))
    })
}

pub(super) fn max(rows: &[i16], picks: &[u32], out: &mut [i16]) {
    let columns = out.len();
    for &pick in picks {
        let row = rows.get(pick as usize * columns..).unwrap_or_default();
        for (out, &score) in out.iter_mut().zip(row) {
            *out = score.max(*out);
        }
    }
}
