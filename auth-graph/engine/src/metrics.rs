//! Metrics of a process, in the text format of Prometheus.
//!
//! The recorder is not the global one, so that two services can run in one process.

use std::collections::HashMap;
use std::time::Duration;

use errors::Code;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The counters, registered once.
pub struct Metrics {
    /// Log-ins.
    pub logins: Comparisons,
    /// Passwords that were given for something else than a log-in, such as a change of the password.
    pub proofs: Comparisons,
    /// Refresh tokens that were replaced by a successor.
    pub refreshes_rotated: Counter,
    /// Refreshes that returned the same successor again.
    pub refreshes_repeated: Counter,
    /// Outdated refresh tokens, which ended their session.
    pub refreshes_reused: Counter,
    /// Refresh tokens that were rejected for another reason.
    pub refreshes_refused: Counter,
    /// Tokens that were checked and are valid.
    pub verifications_active: Counter,
    /// Tokens that were checked and are not valid.
    pub verifications_inactive: Counter,
    /// Mails that were sent.
    pub mails_sent: Counter,
    /// Mails that could not be sent and are tried again.
    pub mails_postponed: Counter,
    /// Mails that were given up.
    pub mails_failed: Counter,
    /// Webhook deliveries that the endpoint accepted.
    pub webhooks_delivered: Counter,
    /// Webhook deliveries that failed and are tried again.
    pub webhooks_postponed: Counter,
    /// Webhook deliveries that were given up.
    pub webhooks_given_up: Counter,
    /// Number of waiting webhook deliveries in the database.
    pub webhooks_waiting: Gauge,
    /// Number of given-up webhook deliveries in the database.
    pub webhooks_dead: Gauge,
    /// Position in the outbox up to which this replica has read.
    pub followed_position: Gauge,
    /// Time to answer an HTTP request, in seconds.
    pub request_duration: Histogram,
    requests: [Counter; 5],
    /// Errors of GraphQL by their code. Codes that are not in the table are counted together.
    graphql_errors: HashMap<&'static str, Counter>,
    other_graphql_errors: Counter,
    handle: PrometheusHandle,
}

/// Counters of what passwords were given for, by result.
pub struct Comparisons {
    /// The password was right.
    pub granted: Counter,
    /// The password was wrong, or the account cannot be used.
    pub refused: Counter,
    /// The password was not compared because of a rate limit.
    pub limited: Counter,
    /// The password was not compared because the queue of the hashing threads was full.
    pub shed: Counter,
}

impl Comparisons {
    fn new(counter: impl Fn(&'static str) -> Counter) -> Self {
        let [granted, refused, limited, shed] = ["granted", "refused", "limited", "shed"].map(counter);
        Self { granted, refused, limited, shed }
    }
}

impl Metrics {
    /// Registers all metrics.
    #[must_use]
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0])
            .map(PrometheusBuilder::build_recorder)
            .unwrap_or_else(|_| PrometheusBuilder::new().build_recorder());
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            describe();
            gauge!("auth_graph_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            let errors = |code: &'static str| counter!("auth_graph_graphql_errors_total", "code" => code);
            let logins = |result: &'static str| counter!("auth_graph_logins_total", "result" => result);
            let proofs = |result: &'static str| counter!("auth_graph_password_proofs_total", "result" => result);
            let refreshes = |result: &'static str| counter!("auth_graph_refreshes_total", "result" => result);
            let verifications = |result: &'static str| counter!("auth_graph_verifications_total", "result" => result);
            let mails = |result: &'static str| counter!("auth_graph_mails_total", "result" => result);
            let attempts = |result: &'static str| counter!("auth_graph_webhook_attempts_total", "result" => result);
            let deliveries = |state: &'static str| gauge!("auth_graph_webhook_deliveries", "state" => state);
            let requests = |status: &'static str| counter!("auth_graph_http_requests_total", "status" => status);
            Self {
                logins: Comparisons::new(logins),
                proofs: Comparisons::new(proofs),
                refreshes_rotated: refreshes("rotated"),
                refreshes_repeated: refreshes("repeated"),
                refreshes_reused: refreshes("reused"),
                refreshes_refused: refreshes("refused"),
                verifications_active: verifications("active"),
                verifications_inactive: verifications("inactive"),
                mails_sent: mails("sent"),
                mails_postponed: mails("postponed"),
                mails_failed: mails("failed"),
                webhooks_delivered: attempts("delivered"),
                webhooks_postponed: attempts("postponed"),
                webhooks_given_up: attempts("given_up"),
                webhooks_waiting: deliveries("waiting"),
                webhooks_dead: deliveries("dead"),
                followed_position: gauge!("auth_graph_followed_change_position"),
                request_duration: histogram!("auth_graph_http_request_duration_seconds"),
                requests: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(requests),
                graphql_errors: Code::ALL.iter().map(|code| (code.as_str(), errors(code.as_str()))).collect(),
                other_graphql_errors: errors("OTHER"),
                handle,
            }
        })
    }

    /// Records an HTTP response.
    pub fn count_request(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.requests[class].increment(1);
        self.request_duration.record(took);
    }

    /// Records an error in the response to a GraphQL operation. Its HTTP status is 200, so that [`Self::count_request`]
    /// does not show it.
    pub fn count_graphql_error(&self, code: &str) {
        self.graphql_errors.get(code).unwrap_or(&self.other_graphql_errors).increment(1);
    }

    /// Returns the metrics in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Aggregates the durations that were recorded since the last call. Without it they accumulate until the metrics
    /// are read.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Describes every metric, for the lines HELP.
fn describe() {
    for (name, text) in [
        ("auth_graph_logins_total", "Attempts to log in, by result."),
        ("auth_graph_password_proofs_total", "Passwords that confirmed something other than a sign-in, by result."),
        ("auth_graph_refreshes_total", "Refresh tokens that were presented, by result."),
        ("auth_graph_verifications_total", "Tokens that were checked for others, by result."),
        ("auth_graph_mails_total", "Attempts to send a mail, by result."),
        ("auth_graph_webhook_attempts_total", "Attempts to deliver a webhook, by result."),
        ("auth_graph_http_requests_total", "HTTP requests, by class of status."),
        ("auth_graph_graphql_errors_total", "Errors in responses to GraphQL operations, by code."),
    ] {
        describe_counter!(name, text);
    }
    for (name, text) in [
        ("auth_graph_build_info", "Version of the running program; the value is always 1."),
        ("auth_graph_webhook_deliveries", "Webhook deliveries in the database, by state."),
        ("auth_graph_followed_change_position", "Position in the table of changes up to which this replica has read."),
    ] {
        describe_gauge!(name, text);
    }
    describe_histogram!("auth_graph_http_request_duration_seconds", Unit::Seconds, "Time to answer an HTTP request.");
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}
