//! The schema as text: for clients, and for composers with and without the directives about access. async-graphql
//! writes most of it. The link to the federation specification is our own, because that of async-graphql imports
//! neither `@authenticated` nor `@policy`.

use async_graphql::{ObjectType, SDLExportOptions, Schema, SubscriptionType};

use crate::rule::{CREDENTIAL, MARK, NO_RULES, OPEN};

/// First version of the specification that has every directive in use.
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

/// Enum to which only `_service` refers, a field that composers ignore. Another subgraph may have an enum of this name.
const CODES: &str = "ErrorCode";

/// Inclusion of the directives about access in the exported schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directives {
    /// The schema contains `@authenticated`, `@requiresScopes` and `@policy`.
    Included,
    /// The schema does not contain them, for gateways that reject them. The guards check access in any case.
    LeftOut,
}

/// Returns the schema for clients and code generators.
pub fn plain_sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    tidy(&unmark(&schema.sdl_with_options(sorted()), |_| false))
}

/// Returns the schema for composition into a supergraph, in an order that depends only on the schema.
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
    let definitions = &without_enum(definitions, CODES);
    // The first link is that of async-graphql; those after it belong to composed directives.
    let others = links.split_once("\n)\n").map_or("", |(_, others)| others.trim());
    let applied: Vec<&str> = directives_of(definitions).collect();
    let imports: Vec<String> =
        IMPORTS.iter().filter(|name| applied.contains(name)).map(|name| format!("\"@{name}\"")).collect();
    let link = format!("extend schema @link(\n\turl: \"{SPECIFICATION}\",\n\timport: [{}]\n)", imports.join(", "));
    tidy(&format!("{}\n\n{link}\n\n{others}", definitions.trim_end()))
}

fn sorted() -> SDLExportOptions {
    SDLExportOptions::new().sorted_fields().sorted_enum_items().include_specified_by()
}

fn tidy(sdl: &str) -> String {
    format!("{}\n", sdl.trim())
}

/// Removes the definition of an enum with its description, unless a field or an argument has its type.
fn without_enum(definitions: &str, name: &str) -> String {
    let is_used = [": ", "["].iter().any(|before| definitions.contains(&format!("{before}{name}")));
    let Some((before, rest)) = definitions.split_once(&format!("\nenum {name} {{\n")).filter(|_| !is_used) else {
        return definitions.to_owned();
    };
    let (_, after) = rest.split_once("\n}\n").unwrap_or_default();
    let description = before.strip_suffix("\"\"\"").and_then(|before| before.rsplit_once("\"\"\""));
    let before = description.map_or(before, |(before, _)| before);
    format!("{}\n\n{}", before.trim_end(), after.trim_start())
}

/// Gives our directives their real names, or removes them.
fn unmark(sdl: &str, keep: impl Fn(&str) -> bool) -> String {
    let start = format!(" @{MARK}");
    let mut pieces = sdl.split(start.as_str());
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name_length = piece.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(piece.len());
        // No argument of our directives contains a quotation mark, so that one before a bracket ends the last argument.
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

/// Returns the names of the directives on lines with declarations.
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
