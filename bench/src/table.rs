//! The table of results: each figure, its target, and whether the target is met.

use std::fmt;

/// The target of a figure.
#[derive(Clone, Copy)]
pub enum Target {
    /// The figure is this or more.
    AtLeast(f64),
    /// The figure is less than this.
    Below(f64),
    /// The figure is exactly this.
    Exactly(f64),
    /// The figure is for comparison only.
    None,
}

/// The unit of a figure.
#[derive(Clone, Copy)]
pub enum Unit {
    /// A share of the whole.
    Percent,
    /// A factor.
    Times,
    Microseconds,
    Milliseconds,
    Seconds,
    /// A unit of 1,000,000 bytes.
    Megabytes,
    /// A number of things.
    Count,
}

/// One line of the table.
pub struct Row {
    what: String,
    value: f64,
    unit: Unit,
    target: Target,
    notes: String,
}

impl Row {
    /// Creates a line from a figure and its origin.
    pub fn new(what: impl Into<String>, value: f64, unit: Unit, target: Target, notes: impl Into<String>) -> Self {
        Self { what: what.into(), value, unit, target, notes: notes.into() }
    }

    fn met(&self) -> &'static str {
        let met = match self.target {
            Target::AtLeast(target) => self.value >= target,
            Target::Below(target) => self.value < target,
            Target::Exactly(target) => self.value == target,
            Target::None => return "",
        };
        if met { "yes" } else { "no" }
    }

    fn target(&self) -> String {
        match self.target {
            Target::AtLeast(target) => format!("≥ {}", self.unit.show(target)),
            Target::Below(target) => format!("< {}", self.unit.show(target)),
            Target::Exactly(target) => self.unit.show(target),
            Target::None => String::new(),
        }
    }

    fn cells(&self, others: f64) -> [String; 6] {
        let (value, others) = (self.unit.show(self.value), format!("{:.0} %", others * 100.0));
        [self.what.clone(), value, self.target(), self.met().to_owned(), others, self.notes.clone()]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        // A shared machine gives two significant digits at most. A target is shown as it is.
        let digits = |value: f64| match value.abs() {
            large if large >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
            medium if medium >= 1.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        match self {
            // One more digit, because 89.6 % does not meet a target of 90 %.
            Self::Percent => format!("{} %", (value * 1000.0).floor() / 10.0),
            Self::Times => format!("{} ×", digits(value)),
            Self::Microseconds => format!("{} µs", digits(value)),
            Self::Milliseconds => format!("{} ms", digits(value)),
            Self::Seconds => format!("{value:.2} s"),
            Self::Megabytes => format!("{value:.0} MB"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// All lines, each with the share of the processor that other programs took meanwhile; displayed as Markdown.
#[derive(Default)]
pub struct Table(Vec<(Row, f64)>);

impl Table {
    /// Adds lines that were measured together.
    pub fn extend(&mut self, rows: Vec<Row>, others: f64) {
        self.0.extend(rows.into_iter().map(|row| (row, others)));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["Measured", "Value", "Target", "Met", "Others", "From"].map(str::to_owned);
        let rule = ["---", "---:", "---:", "---", "---:", "---"].map(str::to_owned);
        let lines = self.0.iter().map(|(row, others)| row.cells(*others));
        for cells in [heads, rule].into_iter().chain(lines) {
            writeln!(formatter, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whether_the_figure_meets_its_target() {
        let met = |value, target| Row::new("", value, Unit::Percent, target, "").met();
        assert_eq!(met(0.9, Target::AtLeast(0.9)), "yes");
        assert_eq!(met(0.8999, Target::AtLeast(0.9)), "no");
        assert_eq!(met(3.0, Target::Below(3.0)), "no");
        assert_eq!(met(1.0, Target::Exactly(0.0)), "no");
        assert_eq!(met(f64::NAN, Target::Below(3.0)), "no");
        assert_eq!(met(5.0, Target::None), "");
    }

    #[test]
    fn a_percentage_is_not_rounded_up_to_its_target() {
        assert_eq!(Unit::Percent.show(0.8998), "89.9 %");
        assert_eq!(Unit::Percent.show(0.9), "90 %");
    }
}
