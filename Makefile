# All set-up happens in here: "make run" and "make test" work on a fresh clone.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

GO      ?= go
NPM     ?= npm
NODE    ?= node
ROOT    ?= samples/hello
PORT    ?= 7071
FUZZTIME ?= 30s
STORM   ?= 10m

GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)
# The linters keep absolute paths in their cache: one cache for several checkouts would mix them up.
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache

# Every folder with a package-lock.json gets its npm packages; npm writes node_modules/.package-lock.json when it is done.
LOCKS := $(shell find . -name package-lock.json -not -path '*/node_modules/*' -not -path './.git/*')
PACKAGES := $(LOCKS:%package-lock.json=%node_modules/.package-lock.json)

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: need-node $(if $(wildcard $(ROOT)/package-lock.json),$(ROOT)/node_modules/.package-lock.json) build ## Start the host on samples/hello with the embedded task hub (ROOT=dir, PORT=n)
	$(if $(wildcard $(ROOT)/tsconfig.json),cd $(ROOT) && $(NPM) run build)
	bin/durango start --root $(ROOT) --port $(PORT)

.PHONY: build
build: need-go ## Build bin/durango
	$(GO) build -o bin/durango ./cmd/durango

.PHONY: test
test: need-go need-node need-redis need-gcc need-curl $(PACKAGES) ## Install what the tests need, and run them all with the race detector
	$(GO) vet ./...
	cd bench && $(GO) vet ./... && $(GO) test ./...
	$(MAKE) --no-print-directory test-samples
	# The engine's tests once more: with clients in the host's process, and with orchestrators in Go, kept in memory and replayed from their history.
	DURANGO_TEST_ORCHESTRATORS=local $(GO) test -race -count=1 -timeout 5m ./durable/engine
	DURANGO_TEST_ORCHESTRATORS=go $(GO) test -race -count=1 -timeout 5m ./durable/engine
	DURANGO_TEST_ORCHESTRATORS=go-replay $(GO) test -race -count=1 -timeout 5m ./durable/engine
	$(GO) test -race -count=1 -timeout 15m ./...

.PHONY: conformance
conformance: need-go need-node need-redis need-gcc $(PACKAGES) ## Use everything that durable-functions 1.5.4, 2.1.4 and 3.5.0 export, in apps on the host; part of make test
	$(GO) test -race -count=1 -timeout 5m -run '^TestConformance' ./e2e

.PHONY: conformance-report
conformance-report: need-go need-node $(PACKAGES) ## Write the call by call part of docs/compatibility.md
	CONFORMANCE_REPORT=write $(GO) test -count=1 -run '^TestConformanceReport$$' ./e2e

# The samples in Go are modules of their own, which ./... does not reach.
.PHONY: test-samples
test-samples: need-go ## Run the tests of the samples in Go, and durangovet on them
	$(GO) build -o bin/durangovet ./cmd/durangovet
	for module in samples/*/go.mod; do \
		echo "testing $${module%/go.mod}"; \
		(cd "$${module%/go.mod}" && $(GO) vet ./... && ../../bin/durangovet ./... && $(GO) test ./...); \
	done

.PHONY: storm
storm: need-go need-redis need-gcc ## Kill and freeze hosts of an app in Go for STORM (10m) under load, with the race detector
	E2E_STORM=$(STORM) $(GO) test -race -count=1 -timeout 0 -v -run '^TestStorm$$' ./e2e

.PHONY: lint
lint: need-go $(GOLANGCI) ## Run the linters
	$(GOLANGCI) run ./...
	cd bench && ../$(GOLANGCI) run --config ../.golangci.yml ./...

.PHONY: fuzz
fuzz: need-go need-node ## Run each fuzz target for FUZZTIME (30s); FUZZ=regexp chooses among them
	@found=0; wanted='$(or $(FUZZ),.)'; \
	for file in $$(grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			[[ "$$(dirname $$file)/$$target" =~ $$wanted ]] || continue; \
			found=1; \
			echo "$$target in $$(dirname $$file), $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$(dirname $$file); \
		done; \
	done; \
	[[ $$found = 1 ]] || { echo "no fuzz target matches '$(FUZZ)'" >&2; exit 1; }

.PHONY: bench
bench: need-go need-redis ## Measure durango beside its peers, some 15 minutes; tables, and bench/results.json
	cd bench && $(GO) run . -json results.json

.PHONY: bench-smoke
bench-smoke: need-go need-redis need-node $(PACKAGES) build ## Do all measurements once and in small, to see that they work
	cd bench && $(GO) run . -smoke
	cd bench && $(GO) run . js -smoke -apps app,app35 -durango ../bin/durango

.PHONY: bench-report
bench-report: need-go ## Write the charts and tables of docs/performance.md from bench/results.json and results-js.json
	cd bench && $(GO) run . report
	$(if $(wildcard bench/results-js.json),cd bench && $(GO) run . js -json results-js.json -docs ../docs)

.PHONY: bench-js
bench-js: need-redis need-node $(PACKAGES) build ## Measure the built host with an app in JavaScript over HTTP
	cd bench && $(GO) run . js -apps app,app35 -durango ../bin/durango -json results-js.json

.PHONY: clean
clean: ## Remove what the other targets made, npm packages included
	rm -rf bin
	find . -name node_modules -prune -not -path './.git/*' -exec rm -rf {} +

%/node_modules/.package-lock.json: %/package-lock.json
	$(NPM) ci --prefix $* --no-audit --no-fund --loglevel=error
	@touch $@

$(GOLANGCI):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/golangci-lint $@

.PHONY: need-go
need-go:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 or newer from https://go.dev/dl/" >&2; exit 1; }

.PHONY: need-node
need-node:
	@command -v $(NODE) >/dev/null || { echo "Node.js is missing: install Node.js 18 or newer from https://nodejs.org/ or as the package nodejs" >&2; exit 1; }
	@$(NODE) -e 'if (+process.versions.node.split(".")[0] < 18) { console.error("Node.js " + process.versions.node + " is too old: 18 or newer is needed"); process.exit(1) }'
	@command -v $(NPM) >/dev/null || { echo "npm is missing: install it, on Debian as the package npm" >&2; exit 1; }

.PHONY: need-redis
need-redis:
	@$(call debian,redis-server,redis-server)

# The tests type the READMEs' commands.
.PHONY: need-curl
need-curl:
	@$(call debian,curl,curl)

# The race detector is linked by the C compiler.
.PHONY: need-gcc
need-gcc:
	@$(call debian,gcc,gcc libc6-dev)

# debian installs Debian packages when a command is missing and we may, and says what to install when that did not help. The service that
# the package would start is of no use to the tests, which run servers of their own, so it is kept from starting.
define debian
command -v $(1) >/dev/null || { \
	sudo=; [[ $$(id -u) = 0 ]] || sudo="sudo -n"; \
	if command -v apt-get >/dev/null && { [[ -z "$$sudo" ]] || $$sudo true 2>/dev/null; }; then \
		echo "$(1) is missing: installing $(2)"; \
		$$sudo env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive sh -c \
			'apt-get update -qq; apt-get install -y -qq --no-install-recommends $(2)' >&2 </dev/null || true; \
	fi; \
	command -v $(1) >/dev/null || { \
		echo "$(1) is missing: install $(2) (Debian, Ubuntu: apt-get install $(2)) so that $(1) is on the PATH" >&2; exit 1; }; }
endef
