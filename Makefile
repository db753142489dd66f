# Everything that can be done here; `make help` lists it.

SHELL := /bin/bash
# The build that erases what secrets leave in registers, on stacks and on the heap.
export GOEXPERIMENT := runtimesecret

LDFLAGS := -s -w
TOOLS   := go tool -modfile=test/tools.mod
# Builds container images and runs commands in them; test/image/run says how it is called.
BUILD_IMAGE ?= ../shared/tools/build-image

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install what builds and tests need (Debian packages, Go modules, npm packages)
	@test/prepare

.PHONY: build
build: ## build bin/keyferry
	go build -ldflags '$(LDFLAGS)' -o bin/keyferry .

.PHONY: demo
demo: deps build ## export a real key from five real tokens, step by step
	bin/keyferry demo

.PHONY: demo-cluster
demo-cluster: deps build ## the same with six processes: some are killed, a key is frozen
	bin/keyferry demo --cluster

.PHONY: test
test: deps build lint ## everything that CI runs: lint, Go tests with the race detector, the official SDK
	test/run

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, go mod tidy
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'not gofmt-clean'; exit 1; }
	go vet ./...
	$(TOOLS) staticcheck ./...
	go mod tidy -diff

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (default 1m) each, FUZZJOBS at a time; what it learns is kept
	FUZZCORPUS="$${FUZZCORPUS:-$$(go env GOCACHE)/fuzz}" test/fuzz

.PHONY: torture
torture: deps ## the long forms: servers killed TORTURE (default 500) times, memory searched, faults and migrations in full
	KEYFERRY_TORTURE='$(or $(TORTURE),500)' go test -count=1 -timeout=4h -v ./test/torture
	KEYFERRY_TORTURE=1 go test -count=1 -timeout=4h -v -run 'NoSecretStays|PlainBuildLeaves|NotWiped' ./test
	KEYFERRY_TORTURE=1 go test -count=1 -timeout=4h -v ./test/faultp11
	KEYFERRY_TORTURE=1 go test -count=1 -timeout=4h -v -run Ingest ./server ./test/cluster
	KEYFERRY_TORTURE=1 go test -count=1 -timeout=1h -v ./test/rotation

.PHONY: bench
bench: ## measure the parts of an export and whole exports; BENCH_COUNT (default 3) times
	@test/bench/run

.PHONY: image-test
image-test: ## build the container images with BUILD_IMAGE and look at them from inside
	BUILD_IMAGE='$(BUILD_IMAGE)' test/image/run

.PHONY: clean
clean: ## remove what was built
	rm -rf bin test/interop/node_modules test/interop/*/node_modules test/readers/node_modules
