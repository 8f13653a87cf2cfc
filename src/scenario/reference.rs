//! The tables of `scenarios/README.md`, generated from the table of keys.

use super::Metric;
use super::formula::Formula;
use super::keys::{ANY_OF, KEYS, Key, Many, Need, Section, ValueKind, WorkloadName};

/// Returns every key as Markdown: its values, its default, whether a list is swept, and its workloads.
pub fn reference() -> String {
    let tables: Vec<String> = Section::ALL.iter().map(|section| table(*section)).collect();
    tables.join("\n")
}

fn table(section: Section) -> String {
    let mut text = match section {
        Section::Top => "### Above the first table\n".to_owned(),
        section => {
            let need = if section.is_required() { "Required" } else { "Optional" };
            let (header, known, about) = (section.header(), workload_names(section.workloads()), section.about());
            format!("### `{header}`\n\n{need}, for {known}: {about}.\n")
        }
    };
    text += "\n| key | takes | default | swept | for | what it is |\n|---|---|---|---|---|---|\n";
    text.extend(KEYS.iter().filter(|key| key.section == section).map(row));
    for group in ANY_OF.iter().filter(|group| group.section == section) {
        let names: Vec<String> = group.names.iter().map(|name| format!("`{name}`")).collect();
        text +=
            &format!("\nFor {} at least one of {} is required.\n", workload_names(group.workloads), names.join(", "));
    }
    if section == Section::Claim {
        text += "\n";
        text += &figures();
        text +=
            "\nA formula may use `+ - * /`, `ceil`, `min`, `max`, numbers, units (`100ms`, `4KiB`) and the names\n\n";
        text += &Formula::names();
    }
    text
}

/// Returns the figures as Markdown: the name in claims, the heading of the column, the unit, the key in JSON.
fn figures() -> String {
    let mut text = "All figures; a claim may be about those marked with yes:\n\n".to_owned();
    text += "| figure | column | unit | in JSON | claims |\n|---|---|---|---|---|\n";
    for metric in Metric::ALL {
        let claims = if metric.is_claimable() { "yes" } else { "" };
        let [jobs, requests] = metric.headings();
        let heading = if jobs == requests { jobs.to_owned() } else { format!("{jobs}, {requests}") };
        let (name, unit, key) = (metric.name(), metric.unit().name(), metric.json_key());
        text += &format!("| `{name}` | {heading} | {unit} | `{key}` | {claims} |\n");
    }
    text
}

fn row(key: &Key) -> String {
    let default = match key.need {
        Need::Required => "required".to_owned(),
        Need::Optional => "–".to_owned(),
        Need::Default(text) if matches!(key.kind, ValueKind::Count { .. }) => format!("`{text}`"),
        Need::Default(text) => format!("`\"{text}\"`"),
    };
    let swept = if key.many == Many::Sweep { "yes" } else { "" };
    let takes = match key.many {
        Many::List(most) => format!("a list of 1 to {most}: {}", key.kind.expected()),
        Many::OneOrList(most) => format!("{}, or a list of 1 to {most}", key.kind.expected()),
        Many::One | Many::Sweep => key.kind.expected(),
    };
    format!("| `{}` | {takes} | {default} | {swept} | {} | {} |\n", key.name, workload_names(key.workloads), key.about)
}

fn workload_names(workloads: &[WorkloadName]) -> String {
    if workloads == WorkloadName::ALL {
        return "all".to_owned();
    }
    workloads.iter().map(|workload| workload.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    const README: &str = include_str!("../../scenarios/README.md");

    #[test]
    fn the_readme_contains_the_tables() {
        let reference = reference();
        assert!(README.contains(&reference), "scenarios/README.md should contain:\n\n{reference}");
    }

    #[test]
    fn the_readmes_example_claim_is_valid() {
        let claim = README.split("```toml\n").find(|block| block.starts_with("[[claim]]")).unwrap();
        let scenario = "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\nmodels = [\"pool/32\", \
                        \"pool/64\"]\n jobs = [100, 1000]\nwait = \"10ms\"\n";
        let claim = claim.split("```").next().unwrap();
        match parse("claim.toml", &format!("{scenario}{claim}")) {
            Ok(scenario) => assert_eq!(scenario.claims.len(), 1),
            Err(mistakes) => panic!("{mistakes}"),
        }
    }

    #[test]
    fn the_readmes_example_scenario_is_valid() {
        let example = README.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        match parse("example.toml", example) {
            Ok(scenario) => assert_eq!(scenario.points.len(), 4),
            Err(mistakes) => panic!("{mistakes}"),
        }
    }
}
