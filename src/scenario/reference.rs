//! The tables of `scenarios/README.md`, made from the table of keys.

use super::keys::{KEYS, Key, Kind, Many, Need, Section, Workload};

/// Every key with what it takes, what it is without being written, whether a list is swept, and for which workloads it
/// is, as Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    for section in Section::ALL {
        let heading = match section {
            Section::Top => "### Above the first table\n".to_owned(),
            section => {
                let need = if section.is_required() { "required" } else { "optional" };
                format!(
                    "### `[{}]`\n\n{}: {need}; {}.\n",
                    section.name(),
                    sentence(section.about()),
                    of(section.workloads())
                )
            }
        };
        text += &heading;
        text += "\n| key | takes | left out | swept | for | what it is |\n|---|---|---|---|---|---|\n";
        for key in KEYS.iter().filter(|key| key.section == *section) {
            text += &row(key);
        }
        text += "\n";
    }
    text.trim_end().to_owned() + "\n"
}

fn row(key: &Key) -> String {
    let left_out = match key.need {
        Need::Required => "a mistake".to_owned(),
        Need::Optional => "–".to_owned(),
        Need::Default(text) if matches!(key.kind, Kind::Count { .. }) => format!("`{text}`"),
        Need::Default(text) => format!("`\"{text}\"`"),
    };
    let swept = if key.many == Many::Sweep { "yes" } else { "" };
    let takes = match key.many {
        Many::List(most) => format!("a list of 1 to {most}: {}", key.kind.expected()),
        _ => key.kind.expected(),
    };
    format!("| `{}` | {takes} | {left_out} | {swept} | {} | {} |\n", key.name, of(key.workloads), key.about)
}

fn of(workloads: &[Workload]) -> String {
    if workloads == Workload::ALL {
        return "all".to_owned();
    }
    workloads.iter().map(|workload| workload.name()).collect::<Vec<_>>().join(", ")
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_holds_the_tables() {
        let readme = include_str!("../../scenarios/README.md");
        let reference = reference();
        assert!(readme.contains(&reference), "scenarios/README.md should contain:\n\n{reference}");
    }
}
