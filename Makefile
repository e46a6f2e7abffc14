# Two commands are all that a newcomer needs: `make run` and `make test`. Both do the set-up themselves.

CARGO ?= cargo
# Arguments of the program: make run ARGS="status --json"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test soak setup lint fmt bench deny worker-image clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: setup ## Build and start cockpit and engine (ARGS="…": arguments of windlass)
	$(CARGO) run --release --locked -p windlass-ui -- $(ARGS)

test: setup ## All tests; those that need Docker say so and are skipped where no daemon answers
	$(CARGO) test --workspace --locked

soak: setup ## Random faults, then whether anything is broken (ROUNDS=100 SEED=… FAULT=… DOCKER=1 JOBS=4)
	RUST_BACKTRACE=0 SOAK_ROUNDS=$(ROUNDS) SOAK_SEED=$(SEED) SOAK_FAULT=$(FAULT) SOAK_DOCKER=$(DOCKER) SOAK_JOBS=$(JOBS) \
		$(CARGO) test -p windlass-ui --locked --test faults -- --ignored --nocapture soak

setup: ## Install redis-server or valkey-server where neither is there
	@command -v $(CARGO) >/dev/null || { echo "Rust is not installed: https://rustup.rs" >&2; exit 1; }
	@sh scripts/setup-redis

lint: ## What CI demands of the code: format, clippy, documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --document-private-items

fmt: ## Format the code
	$(CARGO) fmt --all

bench: setup ## The numbers that windlass promises, measured here
	$(CARGO) bench --workspace --locked

deny: ## Licences, bans, sources and advisories (needs cargo-deny)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "cargo-deny is not installed: cargo install cargo-deny --locked" >&2; exit 1; }
	$(CARGO) deny --workspace --locked check

worker-image: ## The worker image of the Docker tests, made without a registry
	@sh scripts/worker-image

clean: ## Remove what was built
	$(CARGO) clean
