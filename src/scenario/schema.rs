//! The JSON Schema of a scenario file, for editors, generated from the table of keys.
//!
//! The schema knows every key and its type, bounds of numbers, and words. Only the parser knows the bounds of
//! durations, whether values go together, and how long the whole would take.

use serde_json::{Map, Value, json};

use super::Model;
use super::keys::{self, ANY_MODEL, ANY_OF, KEYS, Key, Lines, Many, Need, Section, ValueKind, WorkloadName};

/// Returns the schema, JSON Schema draft 2020-12.
pub fn schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "async-vs-threads scenario",
        "description": "A question, the work that answers it, and the models to compare",
    });
    let mut properties = table(Section::Top);
    for section in tables() {
        let mut table = json!({ "description": section.about() });
        let of_one = self::table(*section);
        let many = section.can_be_many().then(|| json!({ "type": "array", "items": of_one }));
        extend(
            &mut table,
            match many {
                None => of_one,
                Some(many) if section.can_be_single() => json!({ "anyOf": [of_one, many] }),
                Some(many) => many,
            },
        );
        properties["properties"][section.name()] = table;
    }
    extend(&mut root, properties);
    root["allOf"] = WorkloadName::ALL.iter().map(|workload| for_workload(*workload)).collect();
    root
}

fn tables() -> impl Iterator<Item = &'static Section> {
    Section::ALL.iter().filter(|section| **section != Section::Top)
}

/// Returns the schema of a table with all its keys, for any workload.
fn table(section: Section) -> Value {
    let mut properties = Map::new();
    for key in KEYS.iter().filter(|key| key.section == section && key.name != ANY_MODEL) {
        let alike: Vec<&Key> = keys::rows(section, key.name).collect();
        let property = match alike.as_slice() {
            [only] => property(only),
            several => json!({
                "description": several.iter().map(|key| about(key)).collect::<Vec<_>>().join("; or: "),
                "anyOf": several.iter().map(|key| values(key)).collect::<Vec<_>>(),
            }),
        };
        properties.insert(key.name.to_owned(), property);
    }
    let required =
        names(|key| key.section == section && key.need == Need::Required && key.workloads == section.workloads());
    let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    if let Some(key) = KEYS.iter().find(|key| key.section == section && key.name == ANY_MODEL) {
        table["patternProperties"] = json!({ model_pattern(): property(key) });
    }
    if let Some(group) = ANY_OF.iter().find(|group| group.section == section && section != Section::Top) {
        table["anyOf"] = any_of(group.names);
    }
    table
}

/// Returns the required and forbidden keys and tables of a workload.
fn for_workload(workload: WorkloadName) -> Value {
    let mut properties = Map::new();
    for key in KEYS.iter().filter(|key| key.section == Section::Top) {
        match keys::row(Section::Top, key.name, workload) {
            None => properties.insert(key.name.to_owned(), json!(false)),
            Some(key) if keys::rows(Section::Top, key.name).count() > 1 => {
                properties.insert(key.name.to_owned(), property(key))
            }
            Some(_) => None,
        };
    }
    let knows = |section: &&Section| section.workloads().contains(&workload);
    for section in tables().filter(|section| !knows(section)) {
        properties.insert(section.name().to_owned(), json!(false));
    }
    let mut required = names(|key| {
        let of_it = key.section == Section::Top && key.workloads.contains(&workload);
        of_it && key.need == Need::Required && key.workloads != WorkloadName::ALL
    });
    required.extend(tables().filter(knows).filter(|section| section.is_required()).map(|section| section.name()));
    let mut then = json!({ "properties": properties, "required": required });
    if let Some(group) =
        ANY_OF.iter().find(|group| group.section == Section::Top && group.workloads.contains(&workload))
    {
        then["anyOf"] = any_of(group.names);
    }
    let is_it = json!({ "properties": { "workload": { "const": workload.name() } }, "required": ["workload"] });
    json!({ "if": is_it, "then": then })
}

fn names(wanted: impl Fn(&Key) -> bool) -> Vec<&'static str> {
    KEYS.iter().filter(|key| wanted(key)).map(|key| key.name).collect()
}

fn any_of(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "required": [name] })).collect()
}

/// Returns the schema of a key: its values, description and default.
fn property(key: &Key) -> Value {
    let mut property = values(key);
    property["description"] = json!(about(key));
    if let Need::Default(text) = key.need {
        let number = matches!(key.kind, ValueKind::Count { .. }).then(|| text.parse::<u32>().ok()).flatten();
        property["default"] = number.map_or(json!(text), |number| json!(number));
    }
    property
}

fn about(key: &Key) -> String {
    let sweep = if key.many == Many::Sweep { "; a list is swept" } else { "" };
    format!("{}: {}{sweep}", key.about, key.kind.expected())
}

/// Returns the schema of one value or a list, as the key allows.
fn values(key: &Key) -> Value {
    let one = value(key.kind);
    let may_repeat = matches!(key.kind, ValueKind::Text { .. } | ValueKind::Exact { .. });
    let list = |one: &Value| json!({ "type": "array", "items": one, "minItems": 1, "uniqueItems": !may_repeat });
    let list_of = |one: &Value, most: usize| {
        let mut list = list(one);
        list["maxItems"] = json!(most);
        list
    };
    match key.many {
        Many::One => one,
        Many::Sweep => json!({ "anyOf": [one, list(&one)] }),
        Many::List(most) => list_of(&one, most),
        Many::OneOrList(most) => json!({ "anyOf": [one, list_of(&one, most)] }),
    }
}

/// Returns the pattern of a model's name. It needs both anchors, because it is also a pattern of properties.
fn model_pattern() -> String {
    const N: &str = "([1-9][0-9]{0,2}|10[01][0-9]|102[0-4])";
    let runtime = format!("(async(/{N})?|per-core/{N})");
    let pool = format!("\\+(blocking(/{N})?|rayon/{N}|runtime/{N})");
    let external = format!("external(/{})?", SERVER_NAME);
    format!("^(sequential|threads|{external}|(pool|rayon)/{N}|{runtime}({pool})?|async/{N}\\+in-place)$")
}

/// The name of an external server.
const SERVER_NAME: &str = "[a-z0-9][a-z0-9._-]{0,23}";

/// A duration: one or more numbers, each with its unit.
const LENGTH: &str = "^\\s*([0-9]+(\\.[0-9]+)?\\s*(ns|nsec|nanos|us|µs|usec|ms|msec|millis|s|secs?|seconds?\
    |m|mins?|minutes?|h|hrs?|hours?)\\s*)+$";

/// Returns the schema of one value of a kind.
fn value(kind: ValueKind) -> Value {
    match kind {
        ValueKind::Text { most, lines } => {
            // Blanks around a text do not count, so the schema does not bound its length.
            let pattern = match lines {
                Lines::One => format!("^\\s*(?=\\S)[^\\x00-\\x1f\\x7f]{{1,{most}}}\\s*$"),
                Lines::Many => "\\S".to_owned(),
            };
            json!({ "type": "string", "pattern": pattern })
        }
        ValueKind::Exact { least, most, lines } => {
            let one_line = (lines == Lines::One).then_some("^[^\\x00-\\x1f\\x7f]*$");
            let mut text = json!({ "type": "string", "minLength": least, "maxLength": most });
            if let Some(pattern) = one_line {
                text["pattern"] = json!(pattern);
            }
            text
        }
        ValueKind::ServerName => json!({ "type": "string", "pattern": format!("^{SERVER_NAME}$") }),
        ValueKind::Variables | ValueKind::Headers => {
            json!({ "type": "object", "additionalProperties": { "type": "string", "maxLength": 1000 } })
        }
        ValueKind::Slug => json!({ "type": "string", "pattern": "^(?!index$)(?!.*\\.\\.)[a-z0-9][a-z0-9._-]{0,79}$" }),
        ValueKind::Url => {
            json!({ "type": "string", "pattern": "^https?://[0-9A-Za-z\\[][!#-;=?-\\[\\]_a-z~]*$", "maxLength": 500 })
        }
        ValueKind::Path => json!({ "type": "string", "pattern": "^/[!$-;=?-\\[\\]_a-z~]*$", "maxLength": 200 }),
        ValueKind::What => {
            json!({ "type": "string", "pattern": "^(?!(heavy|\\.|\\.\\.)$)[!\"$&-.0->@-\\[\\]-z|~]{1,1024}$" })
        }
        ValueKind::Choice(words) => json!({ "enum": words }),
        ValueKind::Model => json!({ "type": "string", "pattern": model_pattern(), "examples": Model::EXAMPLES }),
        ValueKind::Count { from, to, .. } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        ValueKind::Length { .. } => json!({ "type": "string", "pattern": LENGTH }),
        ValueKind::Rate => {
            json!({ "anyOf": [{ "type": "number", "exclusiveMinimum": 0, "maximum": 1e8 }, { "const": "max" }] })
        }
        ValueKind::Cpus => json!({ "type": "number", "minimum": 0.01, "maximum": 1024 }),
        ValueKind::Share => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
        ValueKind::Objective => json!({ "type": "string", "pattern": "[<>]" }),
        ValueKind::Formula => json!({ "type": "string", "pattern": "\\S", "maxLength": 200 }),
        ValueKind::Bounds => {
            json!({ "type": "array", "items": { "type": "number", "minimum": 0 }, "minItems": 2, "maxItems": 2 })
        }
    }
}

fn extend(object: &mut Value, with: Value) {
    if let (Value::Object(object), Value::Object(with)) = (object, with) {
        object.extend(with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_contains_every_key_and_allows_no_other() {
        let schema = schema();
        for key in KEYS {
            let table = match key.section {
                Section::Top => &schema,
                Section::Server => &schema["properties"]["server"]["anyOf"][0],
                section if section.can_be_many() => &schema["properties"][section.name()]["items"],
                section => &schema["properties"][section.name()],
            };
            let property = match key.name {
                ANY_MODEL => &table["patternProperties"][model_pattern()],
                name => &table["properties"][name],
            };
            assert!(property["description"].as_str().unwrap().contains(key.about), "{}", key.path());
            assert_eq!(table["additionalProperties"], json!(false), "{}", key.path());
        }
    }

    #[test]
    fn each_workload_has_its_own_keys() {
        let schema = schema();
        let then = |nth: usize| &schema["allOf"][nth]["then"];
        assert_eq!(then(0)["required"], json!(["jobs", "wait"]));
        assert_eq!(then(0)["properties"]["block"], json!(false));
        assert_eq!(then(1)["required"], json!(["jobs"]));
        assert_eq!(
            then(1)["anyOf"],
            json!([{ "required": ["block"] }, { "required": ["compute"] }, { "required": ["lock"] }])
        );
        assert_eq!(then(1)["properties"]["jobs"]["anyOf"][0]["maximum"], json!(100_000));
        assert_eq!(then(2)["required"], json!(["load"]));
        assert_eq!(then(2)["properties"]["max_jobs"], json!(false));
    }
}
