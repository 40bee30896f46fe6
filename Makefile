# `make` or `make help` says what there is. CARGO_TARGET_DIR is respected; whatever a target leaves lies below target/.
.DEFAULT_GOAL := help
SHELL := /bin/sh

.PHONY: help
help: ## Says what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## Checks the toolchain, fetches the crates, builds the binary
	@command -v cargo >/dev/null 2>&1 || { echo 'cargo is missing: install Rust from https://rustup.rs' >&2; exit 1; }
	@rustc --version
	cargo fetch --locked
	cargo build --locked -p cargo-tenantry

.PHONY: up
up: ## Starts the example for real: a throw-away PostgreSQL, two tenants with data, the service on a loopback port
	@tools/up.sh up

.PHONY: smoke
smoke: ## Checks the example, expects its six findings, and shows one of them at work if there is a server
	@tools/smoke.sh

.PHONY: down
down: ## Stops what `make up` started
	@tools/up.sh down

.PHONY: test
test: ## Runs the tests, and says last how many chains of query builders were compared with the libraries
	cargo test --workspace --locked
	@$(MAKE) --no-print-directory chains

.PHONY: chains
chains: ## Compares how chains of query builders are read with what the libraries render
	cargo run --quiet --locked --manifest-path tests/chains/Cargo.toml

.PHONY: test-full
test-full: test ## Runs the tests, those with huge files, the examples' builds and lints, what a tenant is written to, the documentation, the SARIF validator and the referee
	TENANTRY_FULL=1 cargo test --release --locked -p cargo-tenantry --test bad_input
	cargo test --locked --manifest-path examples/smoke/Cargo.toml
	cargo test --locked --manifest-path tests/runtime/Cargo.toml
	cargo test --locked -p tenantry --all-features --doc
	cargo check --locked --manifest-path examples/marked/Cargo.toml
	cargo clippy --locked --manifest-path examples/orders/Cargo.toml --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --locked --no-deps
	tools/smoke.sh
	tools/fixes.sh
	tools/sarif-validate.sh
	tests/referee/run.sh long

.PHONY: fixes
fixes: ## Mends the queries of tests/fixes in a copy, and compiles that against their libraries
	@tools/fixes.sh

.PHONY: referee
referee: ## Compares our reading of SQL with PostgreSQL's own (needs Python); of repositories too: REPOS='FOLDER…'
	@REFEREE_REPOS="$(REPOS)" tests/referee/run.sh

.PHONY: fuzz
fuzz: ## Runs every fuzz target for SECONDS=60 (needs cargo-fuzz), or those of TARGETS
	@fuzz/run.sh $(or $(SECONDS),60) $(TARGETS)

.PHONY: peers
peers: ## Compares what is told of a schema with pgrls (PGRLS=command) and splinter (SPLINTER=file): make peers DIR=folder
	@tests/peers/run.sh $(DIR)

.PHONY: real
real: ## Measures a real repository: make real DIR=clone CONFIG=tests/real/hook0.toml [COMMIT=…]
	@tests/real/measure.sh "$(DIR)" "$(or $(CONFIG),-)" $(COMMIT)

.PHONY: sarif-validate
sarif-validate: ## Validates the example's SARIF, and SARIF=FILE if given, with Microsoft's validator (needs npm)
	@tools/sarif-validate.sh $(SARIF)

.PHONY: oracle
oracle: ## Compares verdicts with a real database (DIALECT=postgres, sqlite or mysql) on N=20000 statements at random (SEED=1); fails on an unsound one
	cargo run --quiet --locked --profile oracle -p tenantry-oracle -- run --dialect $(or $(DIALECT),postgres) --statements $(or $(N),20000) --seed $(or $(SEED),1) --long

.PHONY: oracle-sabotage
oracle-sabotage: ## Breaks twenty rules of the proof in turn, and lets the oracle catch each
	@tools/sabotage.sh

.PHONY: mutants
mutants: ## Changes the scoped statements of the corpus (or of DIR) in every way; fails if one leaks and is called scoped
	cargo run --quiet --locked --profile oracle -p tenantry-oracle --features project -- mutants $(or $(DIR),tests/sqlcorpus)

.PHONY: lint
lint: ## Formatting and clippy
	cargo fmt --all --check
	cargo clippy --workspace --locked --all-targets -- -D warnings

.PHONY: doc
doc: ## Builds the documentation of the crates
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --locked --no-deps

.PHONY: bench
bench: ## Measures speed and memory against other tools; BENCH_DENSE=FOLDER names a service to measure on
	cargo build --release --locked -p tenantry-benches
	cargo build --release --locked -p cargo-tenantry
	@python3 benches/peers/run.py

.PHONY: bench-macros
bench-macros: ## Measures what the macros cost: cold builds beside sqlx, and 500 functions with and without marks
	@benches/macros.sh
