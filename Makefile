# denybatch: what a developer runs. `make` alone lists it from the comments behind the targets.

SHELL := bash

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.2.0
FUZZTIME    ?= 10s

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: build ## deny the invoices of a sample spreadsheet at an InvX simulated on this machine
	@scripts/demo

test: go .venv tools ## run every test with the race detector; says what it had to leave out
	@scripts/libreoffice
	@scripts/sam install || [ $$? = 3 ]
	@go test -race -timeout 20m -json ./... | go run ./scripts/testlog

bench: go .venv ## measure denybatch, beside a plain script that does the same
	@go run ./bench

tools: go ## install into .tools/ the S3 servers and the emulated AWS that tests run
	@scripts/tools.sh

cloud-up: go ## deploy the stack to an AWS emulator on 127.0.0.1 (PORT, 4566) and print where everything is
	@go run ./infra/local up

cloud-down: go ## end that emulator, and nothing else
	@go run ./infra/local down

e2e: go tools ## run the deployed stack: file, event, queue, function, report
	@go test -count=1 -timeout 20m ./e2e/...

sam: go ## run the three functions under SAM: validate, build, invoke and start-api, in containers
	@scripts/sam

build: go ## build the command into build/
	@go build -buildvcs=false -o build/ ./cmd/denybatch

lint: format vet staticcheck vulncheck ## check formatting, go vet, staticcheck and known vulnerabilities

format: go
	@unformatted=$$(gofmt -l $$(go list -f '{{.Dir}}' ./...)) && \
	if [ -n "$$unformatted" ]; then echo "gofmt -w would change:"; echo "$$unformatted"; exit 1; fi

vet: go
	@go vet ./...

staticcheck: go
	@go run $(STATICCHECK) ./...

lint-template: go ## hold the synthesised stack to cfn-lint and checkov
	@scripts/lint-template

vulncheck: go
	@scripts/vulncheck $(GOVULNCHECK)

fuzz: go ## run every fuzz target for FUZZTIME (10s) each
	@scripts/fuzz $(FUZZTIME)

corpus: build ## read a corpus of other people's spreadsheets, where it stands beside this folder
	@scripts/corpus

picture: demo ## make the pictures in docs/ again
	@scripts/picture

clean: ## remove what was built and installed here
	rm -rf build .venv

# go says what to install when Go is missing or too old.
go:
	@scripts/go-version

# .venv holds the Python packages that some tests and the benchmark compare with. Without Python they are left out.
.venv: .venv/made
.venv/made: bench/baseline/requirements.txt
	@scripts/python-packages $<

.PHONY: help demo test bench tools cloud-up cloud-down e2e sam build lint format vet staticcheck lint-template vulncheck fuzz corpus picture clean go .venv .venv/made
