//! Elias-Fano coding of ascending numbers (Vigna, "Quasi-succinct indices", WSDM 2013).
//!
//! Of `n` numbers below a limit, the lower `l = floor(log2(limit / n))` bits of each go into an array
//! of fixed width. The upper bits ascend in small steps and become a bit vector: number `i` sets bit
//! `upper + i`. A number costs at most two bits more than the optimum, and decoding has no branch
//! that depends on data.

/// Appends the code of `numbers`, strictly ascending and below `limit`.
pub(crate) fn encode(numbers: &[u32], limit: u32, out: &mut Vec<u8>) {
    put_count(numbers.len() as u32, out);
    let Some(&last) = numbers.last() else {
        return;
    };
    let low = low_bits(numbers.len() as u32, limit);
    let start = out.len();
    out.resize(start + (numbers.len() * low).div_ceil(8), 0);
    let mask = (1u64 << low) - 1;
    for (i, &number) in numbers.iter().enumerate() {
        let bit = i * low;
        let mut rest = (u64::from(number) & mask) << (bit % 8);
        let mut at = start + bit / 8;
        while rest != 0 {
            out[at] |= rest as u8;
            rest >>= 8;
            at += 1;
        }
    }
    let start = out.len();
    let bits = (last >> low) as usize + numbers.len();
    out.resize(start + bits.div_ceil(8), 0);
    for (i, &number) in numbers.iter().enumerate() {
        let bit = (number >> low) as usize + i;
        out[start + bit / 8] |= 1 << (bit % 8);
    }
}

/// Appends to `out` the numbers of a code: strictly ascending, and below `limit`.
///
/// # Errors
/// What is wrong with a code that [`encode`] did not make.
pub(crate) fn decode(code: &[u8], limit: u32, out: &mut Vec<u32>) -> Result<(), &'static str> {
    let (count, taken) =
        take_count(code).ok_or("a count in its shortest form, of up to 5 bytes")?;
    // Each entry has an upper bit, so a hostile count asks for no more memory than the code has bits.
    if count > limit || count as usize > code.len() * 8 {
        return Err("no more entries than documents");
    }
    if count == 0 {
        let nothing = taken == code.len();
        return nothing.then_some(()).ok_or("nothing after a count of 0");
    }
    let low = low_bits(count, limit);
    let uppers = taken + (count as usize * low).div_ceil(8);
    let most = (limit >> low) as usize + count as usize;
    let upper_bits = code.get(uppers..).unwrap_or_default();
    if upper_bits.last().is_none_or(|&last| last == 0) {
        return Err("an upper bit in the last byte");
    }
    let lower_bits = count as usize * low;
    if !lower_bits.is_multiple_of(8) && code[uppers - 1] >> (lower_bits % 8) != 0 {
        return Err("zeros after the lower bits");
    }
    if upper_bits.len() > most.div_ceil(8) {
        // Refused before it is read: so far up, a number would not fit the arithmetic below.
        return Err("no upper bits past the last document");
    }
    let before = out.len();
    out.resize(before + count as usize, 0);
    let numbers = &mut out[before..];
    if low > 0 {
        colidx_kernels::kernels().unpack_codes(&code[taken..], low, 0, numbers);
    }
    let mut slots = numbers.iter_mut();
    let (mut next, mut ascending) = (0u64, true);
    // A bit's place less its rank is what the upper bits say.
    let mut place = 0u64;
    let (words, rest) = upper_bits.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    for word in words.iter().chain([&last]) {
        let mut word = u64::from_le_bytes(*word);
        while word != 0 {
            let Some(slot) = slots.next() else {
                return Err("as many upper bits as entries");
            };
            let upper = place.wrapping_add(u64::from(word.trailing_zeros()));
            let number = upper << low | u64::from(*slot);
            ascending &= number >= next;
            *slot = number as u32;
            next = number + 1;
            // The rank grows by one with every bit.
            place = place.wrapping_sub(1);
            word &= word - 1;
        }
        place = place.wrapping_add(64);
    }
    if slots.next().is_some() {
        return Err("as many upper bits as entries");
    }
    if !ascending || next > u64::from(limit) {
        return Err("ascending documents of this segment");
    }
    Ok(())
}

/// How many numbers a code says it has.
pub(crate) fn count(code: &[u8]) -> Option<u32> {
    Some(take_count(code)?.0)
}

/// Bits of a number that are stored as they are.
fn low_bits(count: u32, limit: u32) -> usize {
    (limit / count).checked_ilog2().unwrap_or(0) as usize
}

fn put_count(mut count: u32, out: &mut Vec<u8>) {
    while count >= 0x80 {
        out.push(count as u8 | 0x80);
        count >>= 7;
    }
    out.push(count as u8);
}

/// The count, and the bytes that it takes.
fn take_count(code: &[u8]) -> Option<(u32, usize)> {
    let mut count = 0u64;
    for (i, &byte) in code.iter().enumerate().take(5) {
        count |= u64::from(byte & 0x7F) << (7 * i);
        if byte < 0x80 {
            // Of a longer form of the same number the last byte is 0.
            if byte == 0 && i > 0 {
                return None;
            }
            return Some((u32::try_from(count).ok()?, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(code: &[u8], limit: u32) -> Result<Vec<u32>, &'static str> {
        let mut numbers = vec![7];
        decode(code, limit, &mut numbers)?;
        assert_eq!(numbers.remove(0), 7, "what was there stays");
        Ok(numbers)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            limit in 1u32..=u32::MAX,
            seeds in prop::collection::btree_set(any::<u32>(), 0..300),
        ) {
            let numbers: std::collections::BTreeSet<u32> =
                seeds.iter().map(|s| s % limit).collect();
            let numbers: Vec<u32> = numbers.into_iter().collect();
            let mut code = vec![9];
            encode(&numbers, limit, &mut code);
            prop_assert_eq!(decoded(&code[1..], limit).unwrap(), numbers);
        }

        #[test]
        fn any_bytes_give_ascending_numbers_or_an_error(
            code in prop::collection::vec(any::<u8>(), 0..60),
            limit in 1u32..5000,
        ) {
            if let Ok(numbers) = decoded(&code, limit) {
                prop_assert!(numbers.is_sorted_by(|a, b| a < b));
                prop_assert!(numbers.last().is_none_or(|&last| last < limit));
            }
        }
    }

    #[test]
    fn dense_and_sparse_lists_stay_near_the_least_possible() {
        let all: Vec<u32> = (0..1000).collect();
        let mut code = Vec::new();
        encode(&all, 1000, &mut code);
        assert_eq!(code.len(), 2 + 250, "a bit and a bit each, and the count");
        let sparse: Vec<u32> = (0..64).map(|i| i * 64 + 5).collect();
        code.clear();
        encode(&sparse, 4096, &mut code);
        assert_eq!(code.len(), 1 + 48 + 16);
    }

    #[test]
    fn damage_is_named() {
        let mut code = Vec::new();
        encode(&[3, 9, 200], 256, &mut code);
        assert_eq!(
            code,
            [3, 0x43, 0x82, 0, 0x23],
            "as the specification has it"
        );
        assert_eq!(decoded(&code, 256).unwrap(), [3, 9, 200]);
        assert!(decoded(&code, 150).is_err());
        assert!(decoded(&code[..1], 256).is_err());
        assert!(decoded(&code[..code.len() - 1], 256).is_err());
        assert!(decoded(&[], 256).is_err());
        assert!(decoded(&[0, 0], 256).is_err());
        assert!(decoded(&[0x80; 6], 256).is_err());
        assert!(
            decoded(&[0x83, 0, 0x43, 0x82, 0, 0x23], 256).is_err(),
            "a longer count"
        );
        assert!(decoded(&[0x80, 0], 256).is_err(), "a longer count of none");
        assert!(
            decoded(&[3, 0x43, 0x82, 4, 0x23], 256).is_err(),
            "a bit after the lower ones"
        );
        // Of 150 documents the first 100 leave room for upper bits that are not there.
        code.clear();
        encode(&(0..100).collect::<Vec<u32>>(), 150, &mut code);
        code.push(0);
        assert!(
            decoded(&code, 150).is_err(),
            "a byte after the last upper bit"
        );
        code.clear();
        encode(&[3, 9, 200], 256, &mut code);
        for more in [1, 0] {
            let longer = [&code[..], &[more; 2]].concat();
            assert!(decoded(&longer, 256).is_err(), "{more}");
        }
    }
}
