//! The oracle.

use crate::Code;

pub(super) fn max_rows<C: Code>(table: &[u8], codes: &[C], acc: &mut [u8]) {
    let stride = acc.len();
    for code in codes {
        let row = &table[code.index() * stride..][..stride];
        for (acc, &value) in acc.iter_mut().zip(row) {
            *acc = value.max(*acc);
        }
    }
}
