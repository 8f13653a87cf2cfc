//! Checks whether the external servers of a file, its models and its `[request]` go together.

use std::ops::Range;

use super::fields::{Field, Fields};
use super::mistakes::SpannedMistake;
use super::models::named;
use super::values::Value;
use crate::scenario::keys::{Section, WorkloadName};
use crate::scenario::{Model, ServerName, closest};

/// Finds models without a server, servers without a model, and a request that a server would not get as written.
pub(super) fn check(fields: &Fields, workload: WorkloadName) -> Vec<SpannedMistake> {
    if workload != WorkloadName::Echo {
        return jobs(fields).into_iter().collect();
    }
    let servers: Vec<ServerTable<'_>> =
        (0..fields.n_tables(Section::Server)).filter_map(|nth| server(fields, nth)).collect();
    // With ambiguous names, which models lack a server is not known.
    let mut found = names(&servers);
    if found.is_empty() {
        found = missing_servers(fields, &servers);
    }
    if found.is_empty() {
        found = unused(fields, &servers);
    }
    found.extend(empty_programs(&servers));
    found.extend(request(fields, &servers));
    found
}

/// A table `[server]` of the file.
struct ServerTable<'a> {
    fields: &'a Fields,
    nth: usize,
    name: Option<ServerName>,
    command: &'a Field,
}

impl ServerTable<'_> {
    /// Returns the model that stands for this server.
    fn model(&self) -> Model {
        Model::External(self.name)
    }

    /// Returns the place of the table: its name, or else its command.
    fn span(&self) -> Range<usize> {
        let name = self.fields.get_of(Section::Server, self.nth, "name");
        name.map_or_else(|| self.command.name_span.clone(), |name| name.span.clone())
    }
}

fn server(fields: &Fields, nth: usize) -> Option<ServerTable<'_>> {
    let name = fields.get_of(Section::Server, nth, "name").and_then(|field| field.values[0].0.to_string().parse().ok());
    Some(ServerTable { fields, nth, name, command: fields.get_of(Section::Server, nth, "command")? })
}

/// Finds the first external model in a scenario that runs jobs.
fn jobs(fields: &Fields) -> Option<SpannedMistake> {
    let (model, span) = named(fields, Model::is_external).next()?;
    let message = format!("{model} is a server and runs no jobs");
    Some(SpannedMistake::new(span, "models", message, "remove it, or write workload = \"echo\""))
}

/// Finds external models that no server stands behind.
fn missing_servers(fields: &Fields, servers: &[ServerTable<'_>]) -> Vec<SpannedMistake> {
    let all: Vec<String> = servers.iter().map(|server| server.model().to_string()).collect();
    let mistake = |(model, span): (Model, Range<usize>)| {
        let name = model.to_string();
        let (message, remedy) = match (model, closest(&name, all.iter().map(String::as_str))) {
            (Model::External(None), _) if all.is_empty() => {
                ("external has no [server]".to_owned(), "add a [server] table with its command".to_owned())
            }
            (_, Some(nearest)) => (format!("no server is the model {name}"), format!("did you mean \"{nearest}\"?")),
            (Model::External(Some(server)), None) => (
                format!("no server is the model {name}"),
                format!("add a [[server]] table with name = \"{server}\" and its command"),
            ),
            (_, None) => (format!("no server is the model {name}"), format!("write {}", quoted(&all))),
        };
        SpannedMistake::new(span, "models", message, remedy)
    };
    let is_missing = |model: Model| model.is_external() && !servers.iter().any(|server| server.model() == model);
    named(fields, is_missing).map(mistake).collect()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or ")
}

/// Finds servers with the name of an earlier one, or without any beside others.
fn names(servers: &[ServerTable<'_>]) -> Vec<SpannedMistake> {
    let repeats = servers
        .iter()
        .enumerate()
        .filter(|(nth, server)| servers[..*nth].iter().any(|earlier| earlier.name == server.name));
    repeats
        .map(|(_, server)| {
            let message = match server.name {
                Some(name) => format!("two servers have the name {name}"),
                None => "missing, but required because there are several servers".into(),
            };
            let remedy = "write a name of its own, as in name = \"head\"";
            SpannedMistake::new(server.span(), "server.name", message, remedy)
        })
        .collect()
}

/// Finds servers that no model stands for.
fn unused(fields: &Fields, servers: &[ServerTable<'_>]) -> Vec<SpannedMistake> {
    let is_unused = |server: &&ServerTable<'_>| named(fields, |model| model == server.model()).next().is_none();
    let mistake = |server: &ServerTable<'_>| {
        let remedy = format!("add \"{}\" to models", server.model());
        SpannedMistake::new(server.span(), "server", "not used by any model", remedy)
    };
    servers.iter().filter(is_unused).map(mistake).collect()
}

/// Finds commands whose program is an empty text.
fn empty_programs(servers: &[ServerTable<'_>]) -> Vec<SpannedMistake> {
    let is_empty = |server: &&ServerTable<'_>| matches!(server.command.values.first(), Some((Value::Text(program), _)) if program.is_empty());
    servers
        .iter()
        .filter(is_empty)
        .map(|server| {
            let span = server.command.values[0].1.clone();
            SpannedMistake::new(span, "server.command", "the program is empty", "write the program to start")
        })
        .collect()
}

/// Finds what a `[request]` cannot be combined with.
fn request(fields: &Fields, servers: &[ServerTable<'_>]) -> Vec<SpannedMistake> {
    const OF_ECHO: [&str; 8] = ["what", "wait", "block", "compute", "lock", "lock_kind", "lock_scope", "permits"];
    let Some(path) = fields.get(Section::Request, "path") else { return Vec::new() };
    let mut found = Vec::new();
    let is_own = fields.get(Section::Top, "bench").is_some();
    if let Some((model, span)) = named(fields, |model| model.is_external() == is_own).next() {
        let message = if is_own {
            format!("{model} is not a user's own service, which `bench` names")
        } else {
            format!("{model} answers only GET /echo/{{what}}, and not a [request]")
        };
        found.push(SpannedMistake::new(span, "models", message, format!("remove {model}, or remove [request]")));
    }
    let heavy = fields.get(Section::Heavy, "share");
    for field in OF_ECHO.iter().filter_map(|name| fields.get(Section::Top, name)).chain(heavy) {
        let message = "not part of a [request]: such servers do their own work";
        let remedy = "remove it, or remove [request]";
        found.push(SpannedMistake::new(field.name_span.clone(), field.path(), message, remedy));
    }
    let method = fields.get(Section::Request, "method").map(|field| field.values[0].0.to_string());
    let contains = fields.get(Section::Request, "expect_contains");
    if let Some(field) = contains.filter(|_| method.as_deref() == Some("HEAD")) {
        let remedy = "remove it, or write method = \"GET\"";
        found.push(SpannedMistake::new(
            field.name_span.clone(),
            field.path(),
            "the response to HEAD has no body",
            remedy,
        ));
    }
    let is_ok = match fields.get(Section::Request, "expect_status").map(|field| &field.values[0].0) {
        Some(Value::Count(status)) => *status == 200,
        _ => true,
    };
    let asks_for_ready = method.is_none_or(|method| method == "GET") && is_ok;
    let unready = servers.iter().find(|server| fields.get_of(Section::Server, server.nth, "ready").is_none());
    if let Some(server) = unready.filter(|_| !asks_for_ready) {
        let message =
            format!("missing, but required because {} is not a GET that expects 200", path.key.section.header());
        let remedy = "write ready = \"/health\", a path that the server answers with 200";
        found.push(SpannedMistake::new(server.span(), "server.ready", message, remedy));
    }
    found
}
