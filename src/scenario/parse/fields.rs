//! Checks the tables of the file against the table of keys: unknown, misplaced or missing keys, and invalid values.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::{SpannedMistake, bare};
use super::together::MOST_CELLS;
use super::values::{self, Value, type_of};
use crate::scenario::closest;
use crate::scenario::keys::{self, ANY_OF, KEYS, Key, Many, Need, RENAMED, Section, ValueKind, WorkloadName};
use crate::text;

/// The fields of a file; every value has been checked on its own.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    /// The workload and its place; `None` if it is missing or unknown, which is a mistake.
    pub(super) workload: Option<(WorkloadName, Range<usize>)>,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static Key,
    /// The name in the file: the key's, or in `[max_jobs]` the model's.
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) span: Range<usize>,
    /// The value, or every value of a list, each with its place.
    pub(super) values: Vec<(Value, Range<usize>)>,
    pub(super) is_list: bool,
    /// The position among several tables of the same name, from 0.
    pub(super) nth: usize,
}

impl Fields {
    pub(super) fn get(&self, section: Section, name: &str) -> Option<&Field> {
        self.list.iter().find(|field| field.key.section == section && field.name == name)
    }

    /// Returns a key of one of several tables.
    pub(super) fn get_of(&self, section: Section, nth: usize, name: &str) -> Option<&Field> {
        self.list.iter().find(|field| field.key.section == section && field.nth == nth && field.name == name)
    }

    /// Returns the number of tables of this name.
    pub(super) fn n_tables(&self, section: Section) -> usize {
        let of_section = self.list.iter().filter(|field| field.key.section == section);
        of_section.map(|field| field.nth + 1).max().unwrap_or(0)
    }

    /// Returns the keys that `is_wanted` accepts, in the order of the file.
    pub(super) fn in_order(&self, is_wanted: impl Fn(&Field) -> bool) -> Vec<&Field> {
        let mut wanted: Vec<&Field> = self.list.iter().filter(|field| is_wanted(field)).collect();
        sort_by_place(&mut wanted);
        wanted
    }

    pub(super) fn has(&self, section: Section) -> bool {
        self.list.iter().any(|field| field.key.section == section)
    }
}

fn sort_by_place(fields: &mut [&Field]) {
    fields.sort_by_key(|field| field.span.start);
}

impl Field {
    pub(super) fn path(&self) -> String {
        keys::path(self.key.section, &bare(&self.name))
    }
}

/// Reads every table, and adds mistakes to `found`.
pub(super) fn read(table: &DeTable<'_>, found: &mut Vec<SpannedMistake>) -> Fields {
    let written = table.get("workload");
    let workload = written.and_then(|value| {
        value.get_ref().as_str().and_then(WorkloadName::by_name).map(|workload| (workload, value.span()))
    });
    let mut reader = FieldsReader {
        workload: workload.as_ref().map(|(workload, _)| *workload),
        list: Vec::new(),
        nth: 0,
        meant: Vec::new(),
        found,
    };
    reader.section(Section::Top, table);
    let tables =
        || table.iter().filter_map(|(name, value)| Some((Section::by_name(name.get_ref())?, name.span(), value)));
    for (section, name_span, value) in tables() {
        reader.table(section, name_span, value);
    }
    // Which keys are missing and which are misspelt is known only once all tables are read.
    reader.missing(Section::Top, table, workload.as_ref().map_or(0..0, |(_, span)| span.clone()));
    for (section, name_span, value) in tables() {
        match value.get_ref() {
            DeValue::Table(table) if section.can_be_single() => reader.missing(section, table, name_span),
            DeValue::Array(list) if section.can_be_many() => {
                for item in list {
                    if let DeValue::Table(table) = item.get_ref() {
                        reader.missing(section, table, item.span());
                    }
                }
            }
            _ => {}
        }
    }
    Fields { list: reader.list, workload }
}

struct FieldsReader<'a> {
    workload: Option<WorkloadName>,
    list: Vec<Field>,
    /// The position of the current table among those of the same name, from 0.
    nth: usize,
    /// The keys that misspelt or misplaced ones were meant to be.
    meant: Vec<(Section, &'static str)>,
    found: &'a mut Vec<SpannedMistake>,
}

impl FieldsReader<'_> {
    /// Reads the value of `[section]`.
    fn table(&mut self, section: Section, name_span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let name = section.name();
        if let Some(workload) = self.workload
            && !section.workloads().contains(&workload)
        {
            return self.foreign(name_span, name, section.workloads(), workload);
        }
        match value.get_ref() {
            DeValue::Array(list) if section.can_be_many() => {
                for (nth, item) in list.iter().enumerate() {
                    self.nth = nth;
                    match item.get_ref() {
                        DeValue::Table(table) => self.section(section, table),
                        other => {
                            let message = format!("expected a table, found {}", type_of(other));
                            let remedy = format!("write {} and its keys below", section.header());
                            self.found.push(SpannedMistake::new(item.span(), name, message, remedy));
                        }
                    }
                }
                self.nth = 0;
            }
            DeValue::Table(table) if section.can_be_single() => self.section(section, table),
            DeValue::Table(_) => {
                let remedy = format!("write {}, in double brackets", section.header());
                self.found.push(SpannedMistake::new(
                    name_span,
                    name,
                    "expected a list of tables, found one table",
                    remedy,
                ));
            }
            DeValue::Array(_) if value.span().start < name_span.start => {
                let remedy = format!("write [{name}] once, in single brackets");
                self.found.push(SpannedMistake::new(
                    name_span,
                    name,
                    "expected one table, found a list of tables",
                    remedy,
                ));
            }
            other => {
                let message = format!("expected a table, found {}", type_of(other));
                self.found.push(SpannedMistake::new(
                    value.span(),
                    name,
                    message,
                    format!("write {} and its keys below", section.header()),
                ));
            }
        }
    }

    /// Reads the keys of one table.
    fn section(&mut self, section: Section, table: &DeTable<'_>) {
        for (name, value) in table {
            let (name, name_span) = (name.get_ref().as_ref(), name.span());
            if section == Section::Top && Section::by_name(name).is_some() {
                continue;
            }
            let mut rows = keys::rows(section, name).peekable();
            let Some(first) = rows.peek().copied() else {
                self.unknown(section, name, name_span);
                continue;
            };
            let key = match self.workload {
                Some(workload) => match keys::row(section, name, workload) {
                    Some(key) => key,
                    None => {
                        let knowing: Vec<WorkloadName> = rows.flat_map(|key| key.workloads.iter().copied()).collect();
                        self.foreign(name_span, &first.path(), &knowing, workload);
                        continue;
                    }
                },
                // Without a workload, only keys that every workload reads alike can be checked.
                None if rows.count() == 1 => first,
                None => continue,
            };
            self.field(key, name, name_span, value);
        }
    }

    fn field(&mut self, key: &'static Key, name: &str, name_span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let (name, span) = (name.to_owned(), value.span());
        let mut field = Field { key, name, name_span, span, values: Vec::new(), is_list: false, nth: self.nth };
        let path = field.path();
        let mut wrong = |span, message: String, remedy: String| {
            self.found.push(SpannedMistake::new(span, path.as_str(), message, remedy));
        };
        match (key.many, value.get_ref()) {
            (Many::One, DeValue::Array(_)) if key.kind != ValueKind::Bounds => {
                let remedy = format!("write one value, {}", key.kind.expected());
                return wrong(field.span, "found a list, but this key cannot be swept".into(), remedy);
            }
            (Many::Sweep, DeValue::Array(list)) if list.len() > MOST_CELLS => {
                let message = format!("{} values give more than {MOST_CELLS} cells", list.len());
                return wrong(field.span, message, "shorten this list".into());
            }
            (Many::List(most) | Many::OneOrList(most), DeValue::Array(list)) if list.len() > most => {
                return wrong(
                    field.span,
                    format!("must have at most {most} values, found {}", list.len()),
                    "remove some".into(),
                );
            }
            (Many::List(_) | Many::OneOrList(_) | Many::Sweep, DeValue::Array(list)) if list.is_empty() => {
                let remedy = format!("write at least one: {}", key.kind.expected());
                return wrong(field.span, "empty list".into(), remedy);
            }
            (Many::List(_) | Many::OneOrList(_) | Many::Sweep, DeValue::Array(list)) => {
                field.is_list = true;
                // Words of a command may repeat; values of a sweep and models may not.
                let may_repeat = matches!(key.kind, ValueKind::Text { .. } | ValueKind::Exact { .. });
                for item in list {
                    match values::check(key.kind, item.get_ref()) {
                        Ok(value) if !may_repeat && field.values.iter().any(|(other, _)| *other == value) => {
                            wrong(item.span(), format!("duplicate value {value}"), "remove one".into());
                        }
                        Ok(value) => field.values.push((value, item.span())),
                        Err(why) => wrong(item.span(), why.message, why.remedy),
                    }
                }
            }
            (Many::List(_), other) => {
                let remedy = "write a list in square brackets, as in [\"threads\", \"async\"]".into();
                return wrong(field.span, format!("expected a list, found {}", type_of(other)), remedy);
            }
            (_, other) => match values::check(key.kind, other) {
                Ok(value) => field.values.push((value, field.span.clone())),
                Err(why) => wrong(field.span.clone(), why.message, why.remedy),
            },
        }
        self.list.push(field);
    }

    fn unknown(&mut self, section: Section, name: &str, span: Range<usize>) {
        if let Some((.., new)) = RENAMED.iter().find(|(home, old, _)| (*home, *old) == (section, name)) {
            self.meant.push((section, new));
            let path = keys::path(section, &bare(name));
            self.found.push(SpannedMistake::new(span, path, format!("renamed to {new}"), format!("write {new}")));
            return;
        }
        let known = |key: &&Key| self.workload.is_none_or(|workload| key.workloads.contains(&workload));
        let here: Vec<&'static str> =
            KEYS.iter().filter(|key| key.section == section).filter(known).map(|key| key.name).collect();
        let tables = Section::ALL.iter().map(|section| section.name()).filter(|_| section == Section::Top);
        let elsewhere = KEYS.iter().filter(known).find(|key| key.name == name);
        let remedy = match (elsewhere, closest(name, here.iter().copied().chain(tables))) {
            (Some(key), _) => {
                self.meant.push((key.section, key.name));
                match key.section {
                    Section::Top => "move it to the top, above the first [table]".into(),
                    home => format!("move it below {}", home.header()),
                }
            }
            (None, Some(nearest)) => {
                self.meant.extend(here.iter().find(|name| **name == nearest).map(|name| (section, *name)));
                self.meant.extend(Section::by_name(nearest).map(|section| (Section::Top, section.name())));
                format!("did you mean {nearest}?")
            }
            (None, None) => format!("the keys here are {}", here.join(", ")),
        };
        self.found.push(SpannedMistake::new(span, keys::path(section, &bare(name)), "unknown key", remedy));
    }

    /// Reports a key or a table of another workload.
    fn foreign(&mut self, span: Range<usize>, path: &str, knowing: &[WorkloadName], workload: WorkloadName) {
        let homes: Vec<&str> = knowing.iter().map(|workload| workload.name()).collect();
        let message = format!("only for {}, not for {}", text::listed(&homes), workload.name());
        let remedy = format!("remove it, or write workload = \"{}\"", homes[0]);
        self.found.push(SpannedMistake::new(span, path, message, remedy));
    }

    /// Reports required keys and tables that are missing and not just misspelt.
    fn missing(&mut self, section: Section, table: &DeTable<'_>, span: Range<usize>) {
        let meant = std::mem::take(&mut self.meant);
        let has = |name: &'static str| table.contains_key(name) || meant.contains(&(section, name));
        match self.workload {
            Some(workload) if section.workloads().contains(&workload) => {
                self.missing_keys(section, workload, &has, span.clone());
                self.missing_groups(section, workload, &has, span.clone());
                if section == Section::Top {
                    self.missing_tables(workload, &has, span);
                }
            }
            // The other required keys depend on the workload.
            None if section == Section::Top && !has("workload") => {
                let expected = keys::rows(section, "workload").map(|key| key.kind.expected()).collect::<String>();
                self.found.push(SpannedMistake::new(0..0, "workload", "missing", format!("write {expected}")));
            }
            _ => {}
        }
        self.meant = meant;
    }

    fn missing_keys(
        &mut self,
        section: Section,
        workload: WorkloadName,
        has: &impl Fn(&'static str) -> bool,
        at: Range<usize>,
    ) {
        let wanted = |key: &&Key| key.section == section && key.need == Need::Required;
        for key in KEYS.iter().filter(wanted).filter(|key| key.workloads.contains(&workload)) {
            if !has(key.name) {
                let place =
                    if section == Section::Top && key.workloads == WorkloadName::ALL { 0..0 } else { at.clone() };
                let remedy = format!("write {}", key.kind.expected());
                self.found.push(SpannedMistake::new(place, key.path(), "missing", remedy));
            }
        }
    }

    fn missing_groups(
        &mut self,
        section: Section,
        workload: WorkloadName,
        has: &impl Fn(&'static str) -> bool,
        at: Range<usize>,
    ) {
        for group in ANY_OF.iter().filter(|group| group.section == section && group.workloads.contains(&workload)) {
            if !group.names.iter().any(|name| has(name)) {
                let remedy = format!("write at least one of {}", group.names.join(", "));
                self.found.push(SpannedMistake::new(at.clone(), section.name(), group.without, remedy));
            }
        }
    }

    fn missing_tables(&mut self, workload: WorkloadName, has: &impl Fn(&'static str) -> bool, at: Range<usize>) {
        let wanted = |section: &&Section| **section != Section::Top && section.is_required();
        for section in Section::ALL.iter().filter(wanted).filter(|section| section.workloads().contains(&workload)) {
            if !has(section.name()) {
                let remedy = format!("write [{}] and its keys below", section.name());
                self.found.push(SpannedMistake::new(at.clone(), section.name(), "missing table", remedy));
            }
        }
    }
}
