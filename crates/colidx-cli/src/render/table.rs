//! Tables of aligned columns.

use unicode_width::UnicodeWidthStr;

use crate::output::{Painted, harmless};

/// Which side a column is aligned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lays rows out in columns, two spaces apart, indented by `indent`. Lines have no trailing spaces
/// and cells no line breaks.
pub fn table(columns: &[Align], rows: &[Vec<String>], indent: usize) -> Painted {
    let rows: Vec<Vec<_>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| harmless::line(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = Painted::new();
    for row in &rows {
        let mut line = " ".repeat(indent);
        for (column, cell) in row.iter().enumerate().take(columns.len()) {
            if column > 0 {
                line.push_str("  ");
            }
            let padding = " ".repeat(widths[column] - cell.width());
            match columns[column] {
                Align::Left => line.extend([&**cell, padding.as_str()]),
                Align::Right => line.extend([padding.as_str(), &**cell]),
            }
        }
        out.push(line.trim_end());
        out.push("\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["codes", "12", "x"], ["residuals", "3456", ""]]
            .map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&[Align::Left, Align::Right, Align::Left], &rows, 2),
            "  codes        12  x\n  residuals  3456\n"
        );
    }
}
