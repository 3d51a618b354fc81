//! The schema as text: for clients, and for composers with and without the directives about access. async-graphql
//! writes most of it; the link to the federation specification is ours, as async-graphql's knows neither
//! `@authenticated` nor `@policy`.

use async_graphql::{ObjectType, SDLExportOptions, Schema, SubscriptionType};

use crate::rule::{CREDENTIAL, MARK, NO_RULES, OPEN};

/// The first version of the specification that has every directive that we write.
const SPECIFICATION: &str = "https://specs.apollo.dev/federation/v2.6";
/// Directives that are imported if they are used.
const IMPORTS: [&str; 14] = [
    "authenticated",
    "composeDirective",
    "external",
    "inaccessible",
    "interfaceObject",
    "key",
    "override",
    "policy",
    "provides",
    "requires",
    "requiresScopes",
    "shareable",
    "tag",
    "extends",
];

/// Inclusion of the directives about access in the exported schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directives {
    /// `@authenticated`, `@requiresScopes` and `@policy` are there.
    Included,
    /// They are not: for gateways that refuse a graph with them. The guards check all the same.
    LeftOut,
}

/// The schema for clients and code generators.
pub fn plain_sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    tidy(&unmark(&schema.sdl_with_options(sorted()), |_| false))
}

/// The schema for composition into a supergraph, in an order that depends on the schema only.
pub fn federation_sdl<Q, M, S>(schema: &Schema<Q, M, S>, directives: Directives) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let exported = schema.sdl_with_options(sorted().federation().compose_directive());
    let sdl = unmark(&exported, |name| {
        let hidden = [OPEN, CREDENTIAL].contains(&name);
        !hidden && (NO_RULES.contains(&name) || directives == Directives::Included)
    });
    let (definitions, links) = sdl.split_once("extend schema @link(").unwrap_or((&sdl, ""));
    // The first link is async-graphql's own; those behind it belong to composed directives.
    let others = links.split_once("\n)\n").map_or("", |(_, others)| others.trim());
    let applied: Vec<&str> = directives_of(definitions).collect();
    let imports: Vec<String> =
        IMPORTS.iter().filter(|name| applied.contains(name)).map(|name| format!("\"@{name}\"")).collect();
    let link = format!("extend schema @link(\n\turl: \"{SPECIFICATION}\",\n\timport: [{}]\n)", imports.join(", "));
    tidy(&format!("{}\n\n{link}\n\n{others}", definitions.trim_end()))
}

fn sorted() -> SDLExportOptions {
    SDLExportOptions::new().sorted_fields().sorted_enum_items()
}

fn tidy(sdl: &str) -> String {
    format!("{}\n", sdl.trim())
}

/// Gives our directives their real names, or takes them out.
fn unmark(sdl: &str, keep: impl Fn(&str) -> bool) -> String {
    let start = format!(" @{MARK}");
    let mut pieces = sdl.split(start.as_str());
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name_length = piece.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(piece.len());
        // No argument of ours has a quotation mark in it, so one before a bracket ends the last of them.
        let ends = ["\"]])", "\")"].iter().filter_map(|end| Some(piece.find(end)? + end.len()));
        let length =
            if piece[name_length..].starts_with('(') { ends.min().unwrap_or(piece.len()) } else { name_length };
        if keep(&piece[..name_length]) {
            text += " @";
            text += &piece[..length];
        }
        text += &piece[length..];
    }
    text
}

/// The names of the directives on the lines that declare something.
fn directives_of(definitions: &str) -> impl Iterator<Item = &str> {
    let mut inside_description = false;
    definitions
        .lines()
        .filter(move |line| {
            inside_description ^= line.trim() == "\"\"\"";
            !inside_description && !line.starts_with("directive ")
        })
        .flat_map(|line| line.split(" @").skip(1))
        .map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default())
}
