//! Values of fields, and their order.

use crate::filter::Value;
use std::cmp::Ordering;

/// A value of a field, where it is stored.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A boolean.
    Bool(bool),
    /// An integer.
    I64(i64),
    /// A finite number.
    F64(f64),
    /// A string.
    String(&'a str),
}

impl ValueRef<'_> {
    /// The same value for a filter.
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::I64(value) => Value::I64(value),
            Self::F64(value) => Value::F64(value),
            Self::String(value) => Value::String(value.into()),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::I64(_) => 1,
            Self::F64(_) => 2,
            Self::String(_) => 3,
        }
    }
}

/// The order in which a field's values come: booleans, integers, floats, strings, each ascending.
/// So the integer 1 is not the float 1.0 here, as it is in a filter.
impl Ord for ValueRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(&b),
            (Self::I64(a), Self::I64(b)) => a.cmp(&b),
            (Self::F64(a), Self::F64(b)) => a.total_cmp(&b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl PartialOrd for ValueRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ValueRef<'_> {}

/// Compares an integer with a float as the numbers that they are; a NaN counts as the greatest.
pub(super) fn compare_i64_f64(integer: i64, float: f64) -> Ordering {
    // 2^63, the first float above all integers.
    const END: f64 = -(i64::MIN as f64);
    if float.is_nan() || float >= END {
        return Ordering::Less;
    }
    if float < -END {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    // Exact: `whole` is an integer in range.
    integer.cmp(&(whole as i64)).then(whole.total_cmp(&float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_integer_next_to_a_float_differs_from_it() {
        let big = 1i64 << 53;
        assert_eq!(compare_i64_f64(big, big as f64), Ordering::Equal);
        assert_eq!(compare_i64_f64(big + 1, big as f64), Ordering::Greater);
        assert_eq!(compare_i64_f64(i64::MAX, i64::MAX as f64), Ordering::Less);
        assert_eq!(compare_i64_f64(i64::MIN, i64::MIN as f64), Ordering::Equal);
        assert_eq!(compare_i64_f64(0, -0.5), Ordering::Greater);
        assert_eq!(compare_i64_f64(0, 0.5), Ordering::Less);
        assert_eq!(compare_i64_f64(0, -0.0), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn integers_and_floats_compare_as_numbers(
            near in any::<i64>(), off in -3i64..3, part in -1.0..1.0f64, other in any::<f64>(),
        ) {
            let integer = near.saturating_add(off);
            for float in [near as f64, (near % 1000) as f64 + part, other] {
                for integer in [integer, near % 1000 + off] {
                    let below = float.floor();
                    let expected = match i128::from(integer).cmp(&(below as i128)) {
                        Ordering::Equal if float > below => Ordering::Less,
                        order => order,
                    };
                    if !float.is_nan() {
                        prop_assert_eq!(compare_i64_f64(integer, float), expected);
                    }
                }
            }
        }
    }
}
