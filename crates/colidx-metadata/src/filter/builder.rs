//! Filters built in Rust.

use super::{Comparison, Field, Filter, Value};

impl Filter {
    /// A field, to be compared. Dots lead into nested objects; a dot within a name stands behind a
    /// backslash.
    ///
    /// ```
    /// use colidx_metadata::Filter;
    ///
    /// let old = Filter::field("year").between(1990, 1999);
    /// let filter = Filter::field("lang").eq("en").and(old.not());
    /// assert_eq!(filter.to_string(), "lang = 'en' AND year NOT BETWEEN 1990 AND 1999");
    /// ```
    pub fn field(path: impl Into<String>) -> Field {
        Field {
            path: path.into(),
            span: None,
        }
    }

    /// All of these hold. Where one is itself an `And`, its parts are taken.
    pub fn all(filters: impl IntoIterator<Item = Filter>) -> Self {
        let mut flat = Vec::new();
        for filter in filters {
            match filter {
                Self::And(inner) if flat.is_empty() => flat = inner,
                Self::And(inner) => flat.extend(inner),
                filter => flat.push(filter),
            }
        }
        alone(flat).unwrap_or_else(Self::And)
    }

    /// Any of these holds. Where one is itself an `Or`, its parts are taken.
    pub fn any(filters: impl IntoIterator<Item = Filter>) -> Self {
        let mut flat = Vec::new();
        for filter in filters {
            match filter {
                Self::Or(inner) if flat.is_empty() => flat = inner,
                Self::Or(inner) => flat.extend(inner),
                filter => flat.push(filter),
            }
        }
        alone(flat).unwrap_or_else(Self::Or)
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        Self::all([self, other])
    }

    /// One of the two holds, or both.
    #[must_use]
    pub fn or(self, other: Filter) -> Self {
        Self::any([self, other])
    }

    /// This does not hold.
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "it does; this needs no import"
    )]
    pub fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// The only one, or all.
fn alone(mut filters: Vec<Filter>) -> Result<Filter, Vec<Filter>> {
    match filters.len() {
        1 => filters.pop().ok_or(filters),
        _ => Err(filters),
    }
}

impl Field {
    /// A value equals this one.
    pub fn eq(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Eq, value)
    }

    /// A value differs from this one.
    pub fn ne(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Ne, value)
    }

    /// A value is less.
    pub fn lt(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Lt, value)
    }

    /// A value is less or equal.
    pub fn le(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Le, value)
    }

    /// A value is greater.
    pub fn gt(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Gt, value)
    }

    /// A value is greater or equal.
    pub fn ge(self, value: impl Into<Value>) -> Filter {
        self.compare(Comparison::Ge, value)
    }

    /// A value compares so with this one.
    pub fn compare(self, comparison: Comparison, value: impl Into<Value>) -> Filter {
        Filter::Compare(self, comparison, value.into())
    }

    /// A value lies between these, ends included.
    pub fn between(self, low: impl Into<Value>, high: impl Into<Value>) -> Filter {
        Filter::Between(self, low.into(), high.into())
    }

    /// A value is one of these.
    pub fn is_in<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        Filter::In(self, values.into_iter().map(Into::into).collect())
    }

    /// A string matches this pattern of [`Filter::Like`].
    pub fn like(self, pattern: impl Into<String>) -> Filter {
        Filter::Like(self, pattern.into())
    }

    /// A value is true.
    pub fn is_true(self) -> Filter {
        Filter::IsTrue(self)
    }

    /// The field is missing or null.
    pub fn is_null(self) -> Filter {
        Filter::IsNull(self)
    }

    /// The field is there, if only as null.
    pub fn exists(self) -> Filter {
        Filter::Exists(self)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::I64(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::I64(value.into())
    }
}

/// [`Filter::check`] refuses NaN and infinities, which metadata cannot hold and neither SQL nor
/// JSON can write.
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}
