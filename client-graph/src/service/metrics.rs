//! The metrics of the service, and their text for Prometheus.
//!
//! The recorder is not the global one, so that two services can run in one process.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::client::Caller;
use crate::error::Code;
use crate::freshness::FeedStatus;

/// The counters, registered once.
pub(super) struct Metrics {
    pub(super) notes_added: Counter,
    anonymous: Counter,
    authenticated: Counter,
    refused: Counter,
    key_age: Gauge,
    feed_age: Gauge,
    feed_lag: Gauge,
    mirror_age: Gauge,
    request_duration: Histogram,
    requests: [Counter; 5],
    /// Errors of GraphQL by their code. Codes that are not in the table are counted together.
    graphql_errors: HashMap<&'static str, Counter>,
    other_graphql_errors: Counter,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Counts an HTTP answer.
    pub(super) fn count_request(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.requests[class].increment(1);
        self.request_duration.record(took);
    }

    /// Counts an error in the response to a GraphQL operation.
    pub(super) fn count_graphql_error(&self, code: &str) {
        self.graphql_errors.get(code).unwrap_or(&self.other_graphql_errors).increment(1);
    }

    /// Counts a caller of the schema.
    pub(super) fn count_caller(&self, caller: &Caller) {
        match caller {
            Caller::Anonymous => self.anonymous.increment(1),
            Caller::Principal(_) => self.authenticated.increment(1),
            Caller::Refused(_) => self.refused.increment(1),
        }
    }

    /// Returns the text for Prometheus. An unknown age is NaN.
    pub(super) fn render(&self, key_age: Option<Duration>, feed: FeedStatus) -> String {
        let ages = [
            (&self.key_age, key_age),
            (&self.feed_age, feed.age),
            (&self.feed_lag, feed.lag),
            (&self.mirror_age, feed.mirror_age),
        ];
        for (gauge, age) in ages {
            gauge.set(age.map_or(f64::NAN, |age| age.as_secs_f64()));
        }
        self.handle.render()
    }

    /// Aggregates the recorded durations. Without this, they accumulate until the metrics are read.
    pub(super) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0])
            .map(PrometheusBuilder::build_recorder)
            .unwrap_or_else(|_| PrometheusBuilder::new().build_recorder());
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            describe();
            gauge!("client_graph_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            let errors = |code: &'static str| counter!("client_graph_graphql_errors_total", "code" => code);
            let callers = |kind: &'static str| counter!("client_graph_callers_total", "kind" => kind);
            let requests = |status: &'static str| counter!("client_graph_http_requests_total", "status" => status);
            Self {
                notes_added: counter!("client_graph_notes_added_total"),
                anonymous: callers("anonymous"),
                authenticated: callers("authenticated"),
                refused: callers("refused"),
                key_age: gauge!("client_graph_key_age_seconds"),
                feed_age: gauge!("client_graph_feed_age_seconds"),
                feed_lag: gauge!("client_graph_feed_lag_seconds"),
                mirror_age: gauge!("client_graph_mirror_age_seconds"),
                request_duration: histogram!("client_graph_http_request_duration_seconds"),
                requests: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(requests),
                graphql_errors: Code::ALL.iter().map(|code| (code.as_str(), errors(code.as_str()))).collect(),
                other_graphql_errors: errors("OTHER"),
                handle,
            }
        })
    }
}

/// Describes every metric, for the lines HELP.
fn describe() {
    for (name, text) in [
        ("client_graph_notes_added_total", "Notes that were added."),
        ("client_graph_callers_total", "Callers of the GraphQL API, by the result of the check of their token."),
        ("client_graph_http_requests_total", "HTTP requests, by class of status."),
        ("client_graph_graphql_errors_total", "Errors in responses to GraphQL operations, by code."),
    ] {
        describe_counter!(name, text);
    }
    for (name, text) in [
        ("client_graph_key_age_seconds", "Time since the public keys were fetched; NaN before the first time."),
        (
            "client_graph_feed_age_seconds",
            "Time since every change at auth-graph was known; NaN before the first time.",
        ),
        ("client_graph_feed_lag_seconds", "Delay of the last change that arrived; NaN before the first one."),
        ("client_graph_mirror_age_seconds", "Time since the mirror held every change; NaN before the first time."),
    ] {
        describe_gauge!(name, Unit::Seconds, text);
    }
    describe_gauge!("client_graph_build_info", "Version of the running program; the value is always 1.");
    describe_histogram!("client_graph_http_request_duration_seconds", Unit::Seconds, "Time to answer an HTTP request.");
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}
