# aimux: an LLM gateway as a Caddy module.
#
#   make run    build bin/aimux and serve the sample Caddyfile
#   make test   the whole test suite
#   make help   everything else

SHELL    := /bin/bash
GO       ?= go
TOOL     := $(GO) tool -modfile=tools/go.mod
TAGS     := nobadger,nomysql,nopgx
BIN      := bin/aimux
SLIM     := bin/aimux-slim
SOURCES  := $(shell find . -name '*.go' -not -name '*_test.go' -not -path './bin/*' -not -path './e2e/*' -not -path './loadtest/*') go.mod go.sum xcaddy.json $(wildcard caddymodule/cmd/aimux/default.pgo) $(shell find caddymodule schema deploy -type f \( -name '*.toon' -o -name '*.json' -o -path '*/web/*' -o -path 'deploy/*' \) -not -path '*/testdata/*' -not -name '*_test.go')
# Packages without Caddy in them, which the race detector can afford.
CORE     := ./toon/... ./schema/... ./caddymodule/internal/... ./caddymodule/simulator/...

export CGO_ENABLED ?= 1

.PHONY: help run test check fmt lint vuln race release schema unit build build-slim adapt e2e loadtest loadtest-short fuzz bench clean

help: ## show this
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(BIN) ## build and serve on 127.0.0.1:8080
	$(BIN) run --config Caddyfile

test: check ## the whole test suite, as CI runs it

check: fmt lint schema unit build adapt e2e loadtest-short ## all harness stages in order

fmt: ## fail if gofmt would change anything
	@echo "== fmt"; out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }

# The compiler's profile is for what is run, not for what is only looked at or
# tested: with it everything would be compiled once more.
lint vuln unit: export GOFLAGS += -pgo=off

# gosec looks at what ships. Two of its rules are left out:
#   G104, errors that nobody looks at: what it finds are Close and Remove on a
#         way out that reports an error already, and the simulator's broken
#         connections. Writes that matter are synced and read back.
#   G304, files named by variables: which files are read is the operator's to
#         say. Readers bound kind and size; where somebody else could plant a
#         link they follow none, or stay below an os.Root.
# Whatever else it finds is mended, or argued on its line by a #nosec.
SHIPPED := . ./toon/... ./schema/... ./caddymodule/...

lint: vuln ## go vet, staticcheck, gosec and govulncheck
	@echo "== lint"
	$(GO) vet -tags $(TAGS) ./...
	$(TOOL) staticcheck -tags $(TAGS) ./...
	$(TOOL) gosec -quiet -tags $(TAGS) -exclude=G104,G304 $(SHIPPED)

# A copy of the vulnerability database, for machines that cannot reach the live one.
VULNDB := ../shared/vulndb/vulndb.tar.xz
vuln: ## known vulnerabilities that what ships can reach
	@echo "== vuln"
	@if [ -f $(VULNDB) ]; then \
	  set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; tar -xJf $(VULNDB) -C "$$dir"; \
	  $(TOOL) govulncheck -db="file://$$dir/vdb" -tags $(TAGS) $(SHIPPED); \
	else echo "note: $(VULNDB) is absent; govulncheck is skipped"; fi

schema: ## the configuration language: codec, schema, examples, documents
	@echo "== schema"
	$(GO) test ./toon/... ./schema/...

unit: ## unit tests, with the race detector where Caddy is not involved
	@echo "== unit"
	$(GO) test -race $(filter-out ./toon/... ./schema/...,$(CORE))
	$(GO) test -tags $(TAGS) . ./caddymodule ./caddymodule/command ./caddymodule/handover ./caddymodule/place ./caddymodule/cmd/... ./deploy ./loadtest
	cd tools && $(GO) test ./...

build: $(BIN) ## bin/aimux by xcaddy, as xcaddy.json says

$(BIN): $(SOURCES)
	@echo "== build"
	cd tools && $(GO) run ./build -o ../$@ ../xcaddy.json

build-slim: $(SLIM) ## bin/aimux-slim: only the Caddy modules a gateway needs

$(SLIM): $(SOURCES)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -tags $(TAGS) -o $@ ./caddymodule/cmd/aimux

adapt: $(BIN) ## the sample Caddyfile adapts, validates, and the modules are there
	@echo "== adapt"
	$(BIN) adapt --config Caddyfile --validate > /dev/null
	$(BIN) list-modules | grep -xE 'aimux|http.handlers.aimux|http.handlers.aimux_dashboard|admin.api.aimux' | sort | tr '\n' ' ' | grep -qx 'admin.api.aimux aimux http.handlers.aimux http.handlers.aimux_dashboard '

e2e: $(BIN) $(SLIM) ## end-to-end specs against the built binary, a smoke test of the slim one
	@echo "== e2e"
	AIMUX_BIN=$(abspath $(BIN)) $(GO) test -timeout 20m ./e2e/...
	AIMUX_BIN=$(abspath $(SLIM)) $(GO) test -timeout 5m ./e2e -ginkgo.focus 'A first run|The front door|A reload'

# The program reports races into files, since its own output is the specs'.
race: ## end-to-end specs against a binary built with the race detector (FOCUS='A reload' for some)
	@echo "== race"
	rm -rf bin/race && mkdir -p bin/race/found
	CGO_ENABLED=1 $(GO) build -race -tags $(TAGS) -o bin/race/aimux-real ./caddymodule/cmd/aimux
	printf '#!/bin/sh\nGORACE="log_path=%s/race" exec "%s" "$$@"\n' $(abspath bin/race/found) $(abspath bin/race/aimux-real) > bin/race/aimux
	chmod +x bin/race/aimux
	AIMUX_BIN=$(abspath bin/race/aimux) $(GO) test -timeout 60m ./e2e $(if $(FOCUS),-ginkgo.focus '$(FOCUS)')
	@! grep -l 'DATA RACE' bin/race/found/* 2>/dev/null

loadtest: $(SLIM) ## the gateway beside a direct run and other proxies (SCENARIO=name for one; JSON=, HTML=, COMPARE=old.json, AGAINST=another/aimux)
	@echo "== loadtest"
	$(GO) run ./loadtest -bin $(SLIM) $(if $(SCENARIO),-scenario $(SCENARIO)) $(if $(JSON),-json $(JSON)) $(if $(HTML),-html $(HTML)) $(if $(COMPARE),-compare $(COMPARE)) $(if $(AGAINST),-against $(AGAINST))

PGO ?= caddymodule/cmd/aimux/default.pgo
.PHONY: pgo
pgo: $(SLIM) ## a new profile for the compiler from the load test (two minutes; commit it)
	@echo "== pgo"
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	  $(GO) run ./loadtest -bin $(SLIM) -scenario json-1k,messages-200k,stream-1000,streams-200,translate -profile "$$dir"; \
	  cd tools && $(GO) run ./pgo -o $(abspath $(PGO)) "$$dir"/cpu-*.pprof

loadtest-short: $(SLIM) ## what CI runs of it: counts of errors, generous ratios
	@echo "== loadtest"
	$(GO) run ./loadtest -short -bin $(SLIM)

SOAK ?= 60m
.PHONY: soak soak-short
soak: $(BIN) ## traffic, faults and reloads for an hour (SOAK=20m for less); meant for the background
	$(GO) run ./e2e/soak -bin $(BIN) -for $(SOAK)

soak-short: $(BIN) ## the same for five minutes
	$(GO) run ./e2e/soak -bin $(BIN) -for 5m

release: ## archives, checksums and bills of materials for every platform, in dist/ (TARGETS=linux/amd64 for one)
	cd tools && $(GO) run ./release -o ../dist $(if $(TARGETS),-targets $(TARGETS)) ..

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@for pkg in $$($(GO) list $(CORE)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
	    echo "== $$target ($$pkg)"; $(GO) test -run xxx -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

BASE  ?=
BENCH ?= .
COUNT ?= 6
PKG   ?= $(addprefix ./caddymodule/internal/,client dialect/... egress failover gateway health jsonscan keypool provider route sse telemetry tokens usage)
bench: ## micro-benchmarks of the hot path beside those of the last tag (BASE=commit, PKG=./..., BENCH=regexp, COUNT=6)
	@cd tools && $(GO) run ./bench -count $(COUNT) -bench '$(BENCH)' $(if $(BASE),-base '$(BASE)') .. $(PKG)

clean: ## remove what was built
	rm -rf bin dist
