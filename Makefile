GO ?= go
PREFIX ?= /usr/local
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# As it is released: what is tested is what is built, and compiled once.
export CGO_ENABLED = 0

.PHONY: help run test lint bench build release install microbench torture parts tools pictures client-table

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the service with the demo site, on loopback
	$(GO) run ./cmd/autoconfig serve --demo

build: ## bin/autoconfig
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/autoconfig ./cmd/autoconfig

test: parts bin/nfpm ## all tests, with the real programs that they need
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

parts: ## installs these programs, as root on Debian; elsewhere it says what is missing
	sh scripts/install-parts

release: bin/nfpm bin/cyclonedx-gomod ## binaries, packages and checksums in dist/, built twice and compared
	GO="$(GO)" sh scripts/release

install: build ## the binary and its unit below PREFIX (/usr/local), as root
	install -D -m 0755 bin/autoconfig $(DESTDIR)$(PREFIX)/bin/autoconfig
	install -d $(DESTDIR)/etc/systemd/system
	sed 's|/usr/bin/autoconfig|$(PREFIX)/bin/autoconfig|' packaging/autoconfig.service >$(DESTDIR)/etc/systemd/system/autoconfig.service

lint: tools ## formatting, vet, staticcheck, golangci-lint
	bin/gofumpt -l . | (! grep .)
	$(GO) vet ./...
	bin/staticcheck ./...
	bin/golangci-lint run --allow-parallel-runners

tools: bin/gofumpt bin/staticcheck bin/golangci-lint

bin/nfpm:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
bin/cyclonedx-gomod:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
bin/gofumpt:
	GOBIN=$(CURDIR)/bin $(GO) install mvdan.cc/gofumpt@v0.12.0
bin/staticcheck:
	GOBIN=$(CURDIR)/bin $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
bin/golangci-lint:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

bench: ## the real binary against floors: the table and picture of docs/performance.md
	$(GO) build -o bin/bench ./scripts/bench
	bin/bench

microbench: ## benchmarks of single parts, as ratios against a floor of the same run
	$(GO) test -run '^$$' -bench . -benchmem ./...

pictures: build ## the strips of pictures in docs/, of the demo in Chromium
	$(GO) run ./scripts/pictures bin/autoconfig docs

client-table: ## what the real programs make of the matrix of documents, written anew
	$(GO) test ./internal/doctor/simulate -run 'TestTheTableIsTheReal' -update -count 1

torture: ## race detector, a soak, long fuzzing, hundreds of kills: hours
	GO="$(GO)" sh scripts/torture
