//! Numbers packed in few bits.
//!
//! A pack holds 1 to 128 numbers in a common width, the smallest in bytes. A few numbers may be too
//! wide for it: their upper bits follow as exceptions (Zukowski et al., "Super-Scalar RAM-CPU Cache
//! Compression", ICDE 2006). A full pack has four lanes, so that a compiler makes vector code of
//! the loops.

/// Numbers of a full pack.
pub(crate) const PACK: usize = 128;

/// Numbers handled at once.
const LANES: usize = 4;

/// Set beside the width when there are exceptions.
const EXCEPTIONS: u8 = 0x40;

/// Upper bits of an exception.
const EXCEPTION_BITS: usize = 8;

/// Appends a pack of 1 to 128 numbers.
pub(crate) fn pack(numbers: &[u32], out: &mut Vec<u8>) {
    debug_assert!((1..=PACK).contains(&numbers.len()));
    let (width, exceptions) = width(numbers);
    out.push(width as u8 | if exceptions > 0 { EXCEPTIONS } else { 0 });
    if exceptions > 0 {
        out.push(exceptions as u8);
    }
    let mask = mask(width);
    let mut bits = 0u64;
    let mut filled = 0;
    if numbers.len() == PACK {
        let start = out.len();
        out.resize(start + 16 * width, 0);
        for (i, &number) in numbers.iter().enumerate() {
            let (lane, bit) = (i % LANES, i / LANES * width);
            let value = u64::from(number & mask) << (bit % 32);
            for (word, part) in [
                (bit / 32, value as u32),
                (bit / 32 + 1, (value >> 32) as u32),
            ] {
                if part != 0 {
                    let at = start + (word * LANES + lane) * 4;
                    let bytes = &mut out[at..at + 4];
                    bytes
                        .iter_mut()
                        .zip(part.to_le_bytes())
                        .for_each(|(b, p)| *b |= p);
                }
            }
        }
    } else {
        for &number in numbers {
            bits |= u64::from(number & mask) << filled;
            filled += width;
            while filled >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            out.push(bits as u8);
        }
    }
    if exceptions > 0 {
        for (i, &number) in numbers.iter().enumerate() {
            if number > mask {
                out.extend([i as u8, (number >> width) as u8]);
            }
        }
    }
}

/// The width that takes the fewest bytes, and how many numbers are wider.
fn width(numbers: &[u32]) -> (usize, usize) {
    let mut of_width = [0usize; 33];
    for &number in numbers {
        of_width[32 - number.leading_zeros() as usize] += 1;
    }
    let widest = of_width.iter().rposition(|&n| n > 0).unwrap_or(0);
    let (mut best, mut best_bytes) = ((widest, 0), packed_bytes(numbers.len(), widest));
    let mut wider = 0;
    for width in (widest.saturating_sub(EXCEPTION_BITS)..widest).rev() {
        wider += of_width[width + 1];
        let bytes = packed_bytes(numbers.len(), width) + 1 + 2 * wider;
        if bytes < best_bytes {
            (best, best_bytes) = ((width, wider), bytes);
        }
    }
    best
}

fn packed_bytes(numbers: usize, width: usize) -> usize {
    (numbers * width).div_ceil(8)
}

fn mask(width: usize) -> u32 {
    ((1u64 << width) - 1) as u32
}

/// Reads a pack of `n` numbers, 1 to 128, into `out`. Returns the bytes it takes; `None` if it is
/// none.
pub(crate) fn unpack(bytes: &[u8], n: usize, out: &mut [u32; PACK]) -> Option<usize> {
    let (&head, mut rest) = bytes.split_first()?;
    let width = usize::from(head & !EXCEPTIONS);
    if width > 32 {
        return None;
    }
    let mut exceptions = 0;
    if head & EXCEPTIONS != 0 {
        let (&count, after) = rest.split_first()?;
        (exceptions, rest) = (usize::from(count), after);
    }
    let (packed, rest) = rest.split_at_checked(packed_bytes(n, width))?;
    if n == PACK {
        unpack_full(packed, width, out);
    } else {
        unpack_part(packed, width, out.get_mut(..n)?);
    }
    let (exceptions, rest) = rest.split_at_checked(2 * exceptions)?;
    for exception in exceptions.chunks_exact(2) {
        let number = out.get_mut(usize::from(exception[0]))?;
        *number |= u32::from(exception[1]).checked_shl(width as u32)?;
    }
    Some(bytes.len() - rest.len())
}

/// The bytes of a pack of `n` numbers; `None` if there is none.
pub(crate) fn skip(bytes: &[u8], n: usize) -> Option<usize> {
    let &head = bytes.first()?;
    let packed = packed_bytes(n, usize::from(head & !EXCEPTIONS));
    let length = match head & EXCEPTIONS {
        0 => 1 + packed,
        _ => 2 + packed + 2 * usize::from(*bytes.get(1)?),
    };
    (length <= bytes.len()).then_some(length)
}

fn unpack_part(packed: &[u8], width: usize, out: &mut [u32]) {
    // Eight bytes can be read wherever a number begins.
    let mut padded = [0u8; PACK * 4 + 8];
    padded[..packed.len()].copy_from_slice(packed);
    let mask = mask(width);
    for (i, number) in out.iter_mut().enumerate() {
        let bit = i * width;
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&padded[bit / 8..bit / 8 + 8]);
        *number = (u64::from_le_bytes(bytes) >> (bit % 8)) as u32 & mask;
    }
}

fn unpack_full(packed: &[u8], width: usize, out: &mut [u32; PACK]) {
    macro_rules! of_width {
        ($($width:literal)*) => {
            match width {
                0 => out.fill(0),
                $($width => unpack_lanes::<$width>(packed, out),)*
                _ => {}
            }
        };
    }
    of_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

/// Every step has a constant shift, and does the same in four lanes.
fn unpack_lanes<const WIDTH: usize>(packed: &[u8], out: &mut [u32; PACK]) {
    let mut words = [[0u32; LANES]; 33];
    for (word, bytes) in words.iter_mut().zip(packed.chunks_exact(16)) {
        for (lane, bytes) in word.iter_mut().zip(bytes.chunks_exact(4)) {
            *lane = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    let mask = mask(WIDTH);
    macro_rules! rows {
        ($($row:literal)*) => {$({
            const ROW: usize = $row;
            let (word, shift) = (ROW * WIDTH / 32, ROW * WIDTH % 32);
            for lane in 0..LANES {
                let mut number = words[word][lane] >> shift;
                if shift + WIDTH > 32 {
                    number |= words[word + 1][lane] << (32 - shift);
                }
                out[ROW * LANES + lane] = number & mask;
            }
        })*};
    }
    rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
}

/// Appends a number in groups of seven bits, the lowest first; all but the last have the top bit.
pub(crate) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the front; `None` if there is none of 64 bits.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7F);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = Vec<u32>> {
        let skewed = (0u32..32, any::<u32>()).prop_map(|(shift, n)| n >> shift);
        let length = prop_oneof![1usize..=PACK, Just(PACK)];
        (0u32..32, length).prop_flat_map(move |(shift, length)| {
            let narrow = any::<u32>().prop_map(move |n| n >> shift);
            proptest::collection::vec(prop_oneof![9 => narrow, 1 => skewed.clone()], length)
        })
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in numbers(), after in 0usize..3) {
            let mut bytes = Vec::new();
            pack(&numbers, &mut bytes);
            let length = bytes.len();
            bytes.resize(length + after, 0xAB);
            let mut out = [7; PACK];
            prop_assert_eq!(unpack(&bytes, numbers.len(), &mut out), Some(length));
            prop_assert_eq!(&out[..numbers.len()], &numbers[..]);
            prop_assert_eq!(skip(&bytes, numbers.len()), Some(length));
            prop_assert_eq!(unpack(&bytes[..length - 1], numbers.len(), &mut out), None);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), n in 1usize..=PACK) {
            let read = unpack(&bytes, n, &mut [0; PACK]);
            prop_assert!(read.is_none_or(|read| read <= bytes.len()));
        }

        #[test]
        fn varints_come_back(number in any::<u64>(), shift in 0u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            prop_assert_eq!(take_varint(&mut &bytes[..]), Some(number));
            prop_assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
