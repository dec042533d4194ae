# Two targets do all set-up on a fresh machine with Go: demo and test.

.PHONY: demo demo-vault test test-kernels build lint race fuzz bench-matrix bench-report clean

export CGO_ENABLED ?= 0

# Plays Chile and the United States on this machine.
demo: build
	bin/puente demo

# The same with each agency's keys in a Vault of its own. Builds Vault once, which takes minutes.
demo-vault: build
	.ci/demo-vault

# All tests; what CI runs. The arithmetic is tested on every path that this processor has,
# and the service under the race detector where there is a C compiler.
test:
	go vet ./...
	go run ./keys/vault/vaulttest/run -build
	.ci/check-generated
	go test ./...
	$(MAKE) --no-print-directory test-kernels
	@if command -v "$$(go env CC)" >/dev/null; then \
		set -x; \
		CGO_ENABLED=1 go test -race -run 'Queries|Delisting|Service' ./cmd/puente && \
		CGO_ENABLED=1 go test -race ./protocol/transport ./protocol/evidence; \
	else echo 'no C compiler: the race detector is not run'; fi

# All implementations of the arithmetic that this processor can run give the same bytes.
test-kernels:
	go run ./he/internal/kernel/everypath

build:
	go build -trimpath -o bin/ ./cmd/...

# The concurrent packages under the race detector, which needs a C compiler.
race:
	CGO_ENABLED=1 go test -race ./he ./protocol/... ./keys/... ./templates/watchlist ./cmd/...

# A short run of every fuzz target.
FUZZTIME ?= 10s
fuzz:
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; done

lint:
	go vet ./...
	.ci/lint

# Every shape, rotation and size that the product promises; takes a while and 16 GB.
bench-matrix: build
	.ci/bench-matrix

# Measures against the plaintext matcher and CKKS baselines and writes docs/BENCHMARKS.md; takes
# minutes and 6 GB on a machine that should do nothing else.
bench-report:
	go run ./bench/report

clean:
	rm -rf bin
