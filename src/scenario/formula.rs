//! The expected value of a claim: a formula over the numbers of its scenario, such as `ceil(jobs / workers) * wait`.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = factor (("*" | "/") factor)*
//! factor  = number unit? | name | function "(" sum ("," sum)* ")" | "(" sum ")"
//! ```
//!
//! Every value has a dimension, so that a count is never compared with a time. Values are in seconds and bytes.

mod name;
mod read;

use std::fmt;

use self::name::Name;
use self::read::FormulaReader;
use super::{Model, Parallel, Work};

/// The longest formula, in characters. A longer one would be unreadable, and its parentheses could nest too deep.
const MOST_CHARS: usize = 200;

/// A parsed formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    tree: Node,
}

/// The dimension of a value: powers of seconds and of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    seconds: i8,
    bytes: i8,
}

impl Dimension {
    /// A plain number.
    pub const COUNT: Self = Self { seconds: 0, bytes: 0 };
    /// Seconds.
    pub const TIME: Self = Self { seconds: 1, bytes: 0 };
    /// Events per second.
    pub const RATE: Self = Self { seconds: -1, bytes: 0 };
    /// Bytes.
    pub const BYTES: Self = Self { seconds: 0, bytes: 1 };

    fn times(self, other: Self, sign: i8) -> Self {
        let power = |a: i8, b: i8| a.saturating_add(b.saturating_mul(sign));
        Self { seconds: power(self.seconds, other.seconds), bytes: power(self.bytes, other.bytes) }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::COUNT => f.write_str("a number"),
            Self::TIME => f.write_str("a time"),
            Self::RATE => f.write_str("a rate"),
            Self::BYTES => f.write_str("bytes"),
            Self { seconds, bytes: 0 } => write!(f, "seconds^{seconds}"),
            Self { seconds, bytes } => write!(f, "seconds^{seconds} * bytes^{bytes}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Ceil,
    Min,
    Max,
}

const FUNCTIONS: [(&str, Function); 3] = [("ceil", Function::Ceil), ("min", Function::Min), ("max", Function::Max)];

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64, Dimension),
    Name(Name),
    Call(Function, Vec<Self>),
    Sum(Vec<(f64, Self)>),
    Product(Vec<(i8, Self)>),
}

impl Formula {
    /// Parses a formula; the error is a sentence about the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MOST_CHARS {
            return Err(format!("must be at most {MOST_CHARS} characters"));
        }
        FormulaReader::new(text).whole().map(|tree| Self { text: text.trim().to_owned(), tree })
    }

    /// Returns the dimension of the formula; the error states why its parts do not go together.
    pub fn dimension(&self) -> Result<Dimension, String> {
        self.tree.dimension()
    }

    /// Returns the formula's value for this work under this model on this machine, in seconds and bytes; `None` if the
    /// work lacks a number that the formula names.
    pub fn value(&self, work: &Work, model: Model, machine: &Parallel) -> Option<f64> {
        self.tree.value(&|name| name.value(work, model, machine))
    }

    /// Returns whether the formula is a plain number.
    pub fn is_literal(&self) -> bool {
        matches!(self.tree, Node::Number(..))
    }

    /// Returns every name with its meaning, as Markdown.
    pub(super) fn names() -> String {
        let rows = name::NAMES.iter().map(|(name, _, about)| format!("| `{name}` | {about} |\n"));
        format!("| name | what it is |\n|---|---|\n{}", rows.collect::<String>())
    }
}

/// Writes the formula as it was written.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Node {
    fn dimension(&self) -> Result<Dimension, String> {
        match self {
            Self::Number(_, dimension) => Ok(*dimension),
            Self::Name(name) => Ok(name.dimension()),
            Self::Product(factors) => factors
                .iter()
                .try_fold(Dimension::COUNT, |product, (sign, factor)| Ok(product.times(factor.dimension()?, *sign))),
            Self::Sum(parts) => alike(parts.iter().map(|(_, part)| part)),
            Self::Call(Function::Ceil, parts) => match alike(parts.iter())? {
                Dimension::COUNT => Ok(Dimension::COUNT),
                other => Err(format!("ceil expects a number, found {other}")),
            },
            Self::Call(_, parts) => alike(parts.iter()),
        }
    }

    fn value(&self, name: &impl Fn(Name) -> Option<f64>) -> Option<f64> {
        match self {
            Self::Number(number, _) => Some(*number),
            Self::Name(wanted) => name(*wanted),
            Self::Sum(parts) => parts.iter().try_fold(0.0, |sum, (sign, part)| Some(sum + sign * part.value(name)?)),
            Self::Product(factors) => factors
                .iter()
                .try_fold(1.0, |product, (sign, factor)| Some(product * factor.value(name)?.powi((*sign).into()))),
            Self::Call(function, parts) => {
                let mut values = parts.iter().map(|part| part.value(name));
                let first = values.next()??;
                values
                    .try_fold(first, |so_far, value| {
                        value.map(|value| match function {
                            Function::Max => so_far.max(value),
                            Function::Min | Function::Ceil => so_far.min(value),
                        })
                    })
                    .map(|value| match function {
                        // The exact value of 100 / 0.1, without floating-point error.
                        Function::Ceil => (value - 1e-9).ceil(),
                        Function::Min | Function::Max => value,
                    })
            }
        }
    }
}

fn alike<'a>(parts: impl Iterator<Item = &'a Node>) -> Result<Dimension, String> {
    let dimensions = parts.map(Node::dimension).collect::<Result<Vec<_>, _>>()?;
    match dimensions.iter().find(|other| **other != dimensions[0]) {
        None => Ok(dimensions[0]),
        Some(other) => Err(format!("cannot combine {} and {other}", dimensions[0])),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{Machine, OffloadSpec, SleepSpec, StepsSpec};

    fn value(text: &str, model: &str) -> Option<f64> {
        let work = Work::Sleep(SleepSpec { jobs: 1_000, wait: Duration::from_millis(100), ..SleepSpec::default() });
        let machine = Parallel::measured([(2, 1.9)]);
        Formula::parse(text).unwrap().value(&work, model.parse().unwrap(), &machine)
    }

    #[test]
    fn formulas_are_arithmetic() {
        let near = |text: &str, model: &str, expected: f64| {
            let value = value(text, model).unwrap();
            assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{text}: {value}, not {expected}");
        };
        near("jobs * wait", "async", 100.0);
        near("ceil(jobs / workers) * wait", "pool/300", 0.4);
        near("ceil(jobs / workers) * wait", "pool/100", 1.0);
        near("1 + 2 * 3 - 4 / 8", "async", 6.5);
        near("(1 + 2) * 3", "async", 9.0);
        near("2 - 1 - 1 + 12 / 2 / 3", "async", 2.0);
        near("wait + 1.5ms", "async", 0.1015);
        near("max(1, 2, min(7, 3))", "async", 3.0);
        near("P * cpus", "threads", 3.8);
        near("P", "async", 1.0);
        near("1_000 / 1s", "async", 1_000.0);
        near("4KiB + 1B", "async", 4_097.0);
    }

    #[test]
    fn a_name_that_the_work_lacks_has_no_value() {
        assert_eq!(value("every", "async"), None);
        assert_eq!(value("jobs * rate", "async"), None);
        assert_eq!(value("server_cpus", "async"), None);
        let steps = StepsSpec { compute: Duration::from_millis(50), ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, ..OffloadSpec::default() });
        assert_eq!(Formula::parse("cpu_limit").unwrap().value(&work, Model::Threads, &Parallel::ideal(2)), None);
        let formula = Formula::parse("jobs * compute / P").unwrap();
        assert_eq!(formula.value(&work, Model::Threads, &Parallel::ideal(2)), Some(0.2));
        assert_eq!(formula.value(&work, Model::Sequential, &Parallel::ideal(2)), Some(0.4));
    }

    #[test]
    fn pinned_work_has_only_the_cpus_it_is_pinned_to() {
        let steps = StepsSpec { compute: Duration::from_millis(50), ..StepsSpec::default() };
        let work =
            |cpus| Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None, cpus, ..OffloadSpec::default() });
        let (four, two) = (Parallel::measured([(2, 1.9), (4, 3.6)]), Parallel::measured([(2, 1.25)]));
        let machine = Machine::new(four, vec![(1, Parallel::measured([])), (2, two)]);
        let value = |text: &str, model: &str, cpus| {
            let work = work(cpus);
            Formula::parse(text).unwrap().value(&work, model.parse().unwrap(), &machine.for_work(&work))
        };
        for (cpus, number, threads, two_workers) in
            [(None, 4.0, 3.6, 1.9), (Some(1), 1.0, 1.0, 1.0), (Some(2), 2.0, 1.25, 1.25)]
        {
            assert_eq!(value("cpus", "threads", cpus), Some(number), "{cpus:?}");
            assert_eq!(value("P", "threads", cpus), Some(threads), "{cpus:?}");
            assert_eq!(value("P", "async/2", cpus), Some(two_workers), "{cpus:?}");
            assert_eq!(value("P", "async", cpus), Some(1.0), "{cpus:?}");
            assert_eq!(value("server_cpus", "async", cpus), None, "jobs have no server");
        }
    }

    #[test]
    fn only_values_of_one_dimension_can_be_added() {
        let dimension = |text: &str| Formula::parse(text).unwrap().dimension();
        assert_eq!(dimension("jobs / wait"), Ok(Dimension::RATE));
        assert_eq!(dimension("ceil(wait / block) * 2KiB"), Ok(Dimension::BYTES));
        assert_eq!(dimension("rate * wait"), Ok(Dimension::COUNT));
        assert_eq!(dimension("jobs + wait"), Err("cannot combine a number and a time".into()));
        assert_eq!(dimension("ceil(wait)"), Err("ceil expects a number, found a time".into()));
        assert_eq!(dimension("wait * wait").unwrap().to_string(), "seconds^2");
    }

    #[test]
    fn an_invalid_formula_is_refused_with_the_reason() {
        let wrong = |text: &str| Formula::parse(text).unwrap_err();
        assert_eq!(wrong(""), "expected a number or a name, found the end of the formula");
        assert_eq!(wrong("jobs *"), "expected a number or a name, found the end of the formula");
        assert_eq!(wrong("(jobs"), "unclosed parenthesis");
        assert_eq!(wrong("jobs)"), "unexpected ')' at: )");
        assert_eq!(wrong("worker"), "unknown name worker; did you mean workers?");
        assert_eq!(wrong("ceil jobs"), "ceil needs parentheses, as in ceil(jobs / workers)");
        assert_eq!(wrong("ceil(1, 2)"), "ceil takes one argument, found 2");
        assert_eq!(wrong("max(1)"), "max takes two or more arguments");
        assert_eq!(wrong("1.2.3"), "invalid number 1.2.3");
        assert_eq!(wrong("3 + π"), "expected a number or a name, found 'π'");
        assert!(wrong("5min").starts_with("unknown unit min"));
        assert!(wrong(&"(".repeat(201)).contains("at most 200 characters"));
        assert!(wrong(&"(".repeat(200)).contains("the end of the formula"));
    }
}
