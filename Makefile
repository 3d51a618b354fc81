# The targets are short on purpose, so that their commands can be typed by hand.
.DEFAULT_GOAL := help
# Length of each slice of a measurement: make bench SECONDS=2
SECONDS ?= 4

PLAYGROUND := playground/dist/index.html
EVERYTHING := --workspace --all-features
WITH_DATABASE := package(auth-graph) + package(chaos) + package(client-graph) + package(demo)

.PHONY: help run test check bench chaos schema release-schema playground

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: $(PLAYGROUND) ## Start the demo: both services on embedded databases, with three users
	cargo run

test: playground ## Run every test: on SQLite, on PostgreSQL, the examples in the documentation, in a browser
	scripts/setup-test
	cargo build $(EVERYTHING)
	cargo nextest run $(EVERYTHING)
	scripts/with-postgres cargo nextest run $(EVERYTHING) -E '$(WITH_DATABASE)'
	cargo test --doc $(EVERYTHING)
	node e2e/run.mjs

check: $(PLAYGROUND) ## Check the format, the lints, the documentation and the dependencies
	cargo fmt --all --check
	cargo clippy $(EVERYTHING) --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc $(EVERYTHING) --no-deps
	cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --version 0.20.2 --locked
	@# cargo-deny looks at the crates for other systems too, which no build has fetched.
	cargo fetch --locked
	cargo deny --offline check --hide-inclusion-graph licenses bans sources
	scripts/check-packages
	scripts/check-advisories

bench: ## Measure, and print a table of ratios; SECONDS=2 for a short run
	scripts/setup-bench
	cargo build --release -p auth-graph -p client-graph -p bench --all-features
	scripts/setup-test
	DURABLE=yes scripts/with-postgres "$${CARGO_TARGET_DIR:-target}/release/bench" --seconds $(SECONDS)

chaos: SECONDS = 600
chaos: ## Let users and faults at random loose on both services, and check what was promised; SECONDS=60 SEED=7
	scripts/setup-test
	cargo build -p auth-graph -p client-graph -p chaos --all-features
	scripts/with-postgres "$${CARGO_TARGET_DIR:-target}/debug/chaos" --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))
	PAIRS=$${PAIRS:-1000} MILLION_USERS=yes scripts/with-postgres cargo nextest run $(EVERYTHING) --no-capture \
		-E 'test(pairs_of_acts) + test(a_million_users)'

schema: ## Write schema/*.graphql from the code
	UPDATE_SCHEMA=1 cargo nextest run $(EVERYTHING) -E 'test(schema) - test(printed_as_it_is_committed)'
	npm ci --prefix e2e --no-audit --no-fund
	node e2e/supergraph.mjs

release-schema: ## Copy the current schemas and operations to schema/released/, so that a test reports changes that break them
	cp schema/auth.subgraph.full.graphql schema/client.subgraph.graphql schema/released/
	cp schema/operations/*.graphql schema/released/operations/auth-graph/
	cp client-graph/operations/*.graphql schema/released/operations/client-graph/

playground: $(PLAYGROUND) ## Build the web front end, if it is older than its sources

$(PLAYGROUND): playground/build.mjs playground/package-lock.json $(wildcard playground/web/*) $(wildcard schema/operations/*)
	npm ci --prefix playground --no-audit --no-fund
	npm run build --prefix playground
