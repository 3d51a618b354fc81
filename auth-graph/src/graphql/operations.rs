//! Documents that client-graph, the playground and the tests send. They are trusted without being listed.

#[derive(rust_embed::Embed)]
#[folder = "../schema/operations"]
struct Operations;

/// Returns the texts of `schema/operations`, byte by byte.
pub fn own_documents() -> impl Iterator<Item = String> {
    Operations::iter().filter_map(|name| {
        let text = Operations::get(&name)?.data;
        String::from_utf8(text.into_owned()).ok()
    })
}
