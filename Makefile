# run    the service with the demo site, on loopback
# test   all tests, with the real programs they need (installed if missing)
# lint   formatting, vet, staticcheck, golangci-lint
# bench  benchmarks, as ratios against a floor of the same run
# build  bin/autoconfig
# client-table  what the real programs make of the matrix of documents, written anew
# torture  what takes longer: full fuzzing, many repeats

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: run test lint bench build torture parts tools client-table

run:
	$(GO) run ./cmd/autoconfig serve --demo

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/autoconfig ./cmd/autoconfig

test: parts
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

parts:
	sh scripts/install-parts

lint: tools
	bin/gofumpt -l . | (! grep .)
	$(GO) vet ./...
	bin/staticcheck ./...
	bin/golangci-lint run

tools: bin/gofumpt bin/staticcheck bin/golangci-lint

bin/gofumpt:
	GOBIN=$(CURDIR)/bin $(GO) install mvdan.cc/gofumpt@v0.12.0
bin/staticcheck:
	GOBIN=$(CURDIR)/bin $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
bin/golangci-lint:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

client-table:
	$(GO) test ./internal/doctor/simulate -run 'TestTheTableIsTheReal' -update -count 1

torture:
	GO="$(GO)" sh scripts/torture
