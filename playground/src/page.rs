//! The page of one service, rendered once when the service starts.

/// The content of the page and the paths that it sends requests to.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The name of the service.
    pub title: &'static str,
    /// The path of the service's GraphQL endpoint.
    pub endpoint: &'static str,
    /// The path, on the same origin, that accepts the operation `Login`.
    pub sign_in: &'static str,
    /// The names of the shared operations that are offered as tabs: `Login`, `Me` …
    pub shared: &'static [&'static str],
    /// The documents of the service itself that are offered as further tabs.
    pub examples: &'static [&'static str],
}

impl Default for Page {
    fn default() -> Self {
        Self {
            title: "auth-graph",
            endpoint: "/graphql",
            sign_in: "/graphql",
            shared: &["Login", "Me", "Refresh", "Verify", "Logout", "Sessions"],
            examples: &[],
        }
    }
}

impl Page {
    /// Fills in the template.
    pub(crate) fn render(&self, template: &str) -> String {
        let list = |texts: &[&str]| serde_json::to_string(texts).expect("strings are JSON");
        template
            .replace("{{title}}", &escaped(self.title))
            .replace("{{endpoint}}", &escaped(self.endpoint))
            .replace("{{sign_in}}", &escaped(self.sign_in))
            .replace("{{shared}}", &escaped(&list(self.shared)))
            .replace("{{examples}}", &escaped(&list(self.examples)))
    }

    /// Returns the page of a service that was compiled before the assets were built.
    pub fn without_assets(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
             <p>GraphQL is served at <code>{endpoint}</code>. The page to try it out was not built. To build it, with \
             Node.js 20 or later:</p>\n<pre>npm ci --prefix playground\nnpm run build --prefix playground</pre>\n\
             <p>and start the service again with <code>cargo run</code>.</p>\n</html>\n",
            title = escaped(self.title),
            endpoint = escaped(self.endpoint),
        )
    }
}

/// Escapes a text for HTML, also within quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
