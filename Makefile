# make check is the whole gate. It needs Go and nothing else; tests that need another tool are skipped
# without it, and listed by name at the end. CAUCUS_NO_SKIP=1 makes a skip a failure.

GO    ?= go
SEEDS ?= 10000
FUZZTIME ?= 10s
TIME  ?= 10m
NODES ?= 5

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
CHAOTIC     = ./internal/machine ./internal/clocks # which have files that are built with chaos alone

.PHONY: check fmt vet lint vuln test race sim chaos differential fuzz mutants bench bench-peers bench-check otel-check build release man clean

check: fmt vet test

fmt:
	@wrong=$$(gofmt -l .); if [ -n "$$wrong" ]; then echo "gofmt would change:"; echo "$$wrong"; exit 1; fi

# With invariants vet also sees what their messages format. Only one package has a file that is built without them.
# The modules otel and bench are vetted where they are tested, since they fetch much.
vet:
	$(GO) vet -tags invariants ./...
	$(GO) vet ./internal/invariant
	$(GO) vet -tags chaos $(CHAOTIC)

# Not part of check, since staticcheck is fetched: no dependency of caucus.
lint:
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags chaos $(CHAOTIC)
	$(GO) run -C otel $(STATICCHECK) ./...
	$(GO) run -C bench $(STATICCHECK) ./...

# make vuln asks Go's database of vulnerabilities. Where it cannot be reached, it says so, and that is no failure.
vuln:
	@if curl -sfo /dev/null -m 10 https://vuln.go.dev/index/db.json; \
	then for module in . otel; do $(GO) run -C $$module golang.org/x/vuln/cmd/govulncheck@latest ./... || exit; done; \
	else echo "make vuln: NOT CHECKED, https://vuln.go.dev cannot be reached from here"; fi

# The packages that take longest come first, so that nothing is left to wait for at the end.
test:
	@GO="$(GO)" sh .ci/test -timeout 30m ./tests ./tests/dashboard ./node ./deploy ./tests/... ./...

# The race detector needs a C compiler. It is slow, so the simulator runs few seeds, but with every
# invariant looked at.
race:
	@GO="$(GO)" sh .ci/race

# make sim SEEDS=100000 runs that many seeds; a failure prints the command that replays it.
sim:
	$(GO) test -tags invariants -count 1 -timeout 0 ./internal/sim -run Seeds -seeds $(SEEDS)

# make chaos breaks an ensemble of real processes for TIME in every way that a test can, and judges what its
# clients were answered. It prints the seed of its schedule; SEED=n draws the same one again. It needs Linux and root.
chaos:
	$(GO) test -tags chaos -v -count 1 -timeout 0 ./tests/chaos -run TestChaos -chaos $(TIME) -nodes $(NODES) -seed $(or $(SEED),0)

# make differential says the same random commands to Redis and to a node, N of them, and compares the replies. It
# prints a seed; SEED=n draws the same ones again. It needs redis-server 7.0.
differential:
	$(GO) test -v -count 1 -timeout 0 ./tests/differential -run TestDifferential -commands $(or $(N),1000000) \
		-seed $(or $(SEED),$(shell date +%s))

# make fuzz runs all fuzz targets one after the other, FUZZTIME each; FUZZ=resp only those called like that. What
# go test runs of them are their seeds and the inputs that once failed.
fuzz:
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" FUZZ="$(FUZZ)" sh .ci/fuzz

# make mutants makes the mistakes of tests/mutants one at a time, and wants each to be caught; MUTANT=a3- only those
# called like that. What it took is written into docs/mutants.md.
mutants:
	$(GO) test ./tests/mutants -count 1 -v -timeout 0 -run Caught -mutant "$(or $(MUTANT),.)" -rewrite

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

# make bench-peers measures caucus beside etcd and Redis, on a machine that does nothing else (docs/performance.md).
# BENCH='-only SET -repeat 3' are flags of it; BENCH=-help lists them.
bench-peers:
	$(GO) run -C bench . $(BENCH)

# make bench-check looks whether bench-peers works, whatever the figures. It fetches and compiles etcd.
bench-check:
	$(GO) vet -C bench ./...
	@cd bench && GO="$(GO)" sh ../.ci/test -timeout 10m ./...

# make otel-check tests the module that tells OpenTelemetry of traces, which it fetches and compiles.
otel-check:
	$(GO) vet -C otel ./...
	@cd otel && GO="$(GO)" sh ../.ci/test -timeout 5m ./...

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/caucus ./cmd/caucus

# make release builds static binaries of Linux and macOS into dist/, with their sums (docs/deploy.md).
release:
	@GO="$(GO)" deploy/release dist

# make man writes the manual page, which is made of the command line's own words.
man:
	@mkdir -p bin && $(GO) run ./cmd/caucus man >bin/caucus.1

clean:
	rm -rf bin dist
