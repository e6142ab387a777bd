# `make help` lists the targets. scripts/setup says what a machine lacks.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Go from its usual place for shells whose profile does not name it.
ifeq ($(shell command -v go),)
export PATH := $(PATH):/usr/local/go/bin
endif
export CGO_ENABLED ?= 0
GO ?= go

BIN := bin/barreleye
MAN := bin/man1
# Where `make install` puts things; DESTDIR, if given, stands before it.
PREFIX ?= /usr/local
ELF := vmm/builtin/elf

# What `make run` shows; the binary is built and the machine checked before.
define DEMONSTRATION
$(BIN) run --cores 2 --ps hello
$(BIN) bench urpc --quick
endef

# Each directory with Go files directly below images is one program for a core.
IMAGES := $(patsubst %,$(ELF)/%.elf,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard images/*/*.go))))))

# An image may import anything but the host's side, so a change there relinks no image.
# Directories count as sources so that a removed file is noticed.
find_sources = $(if $(1),$(shell find $(1) ! -name '*_test.go' ! -path '*/testdata/*' ! -name '.*'))
GUEST_SOURCES := $(call find_sources,$(filter-out bin/ cmd/ dist/ docs/ scripts/ vmm/,$(wildcard */)))
# All of the program that `barreleye init` writes is embedded, its tests and dot files too.
HOST_SOURCES := $(filter-out $(ELF)/%,$(call find_sources,$(wildcard cmd/ vmm/))) \
	$(wildcard vmm/starter/program/* vmm/starter/program/.gitignore)
# Whatever lies in $(ELF) gets embedded, so an image without a source has to go.
STALE := $(filter-out $(IMAGES),$(wildcard $(ELF)/*.elf))
MODULE := go.mod $(wildcard go.sum) .cache/go-version

.PHONY: build
build: $(BIN) ## build bin/barreleye with its guest images (default)

.PHONY: all
all: build ## the same as build

.PHONY: images
images: $(IMAGES) ## build only the guest images

# No version control stamp: an image changes when its code does, not with each commit.
$(ELF)/%.elf: $(GUEST_SOURCES) $(MODULE)
	@mkdir -p $(@D)
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w" -o $@ ./images/$*
	@touch $@

# The stamp is our own, not the go tool's, which depends on more than the commit.
$(BIN): $(IMAGES) $(HOST_SOURCES) $(GUEST_SOURCES) $(MODULE) .cache/version
	@mkdir -p $(@D)
	$(if $(STALE),rm -f $(STALE))
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -buildvcs=false \
		-ldflags="-X 'barreleye/vmm/cli.stamp=$$(<.cache/version)'" -o $@ ./cmd/barreleye
	@touch $@

# The man pages' date is the commit's.
$(MAN)/barreleye.1: $(BIN) $(wildcard cmd/manpages/*.go)
	@rm -rf $(MAN)
	SOURCE_DATE_EPOCH=$$(scripts/version --epoch) $(GO) run ./cmd/manpages $(MAN)

# Another toolchain rebuilds everything, another commit the binary. The files change only
# when their content would.
keep = [[ -f $@ && "$$(<$@)" == "$(1)" ]] || echo "$(1)" >$@
.cache/go-version: FORCE
	@mkdir -p $(@D)
	@now="$$($(GO) version)"; $(call keep,$$now)
.cache/version: FORCE
	@mkdir -p $(@D)
	@now="$$(scripts/version)"; $(call keep,$$now)
.PHONY: FORCE
FORCE:

.PHONY: run
run: ## check the machine, build, and show two cores saying hello and a quick URPC measurement
	@scripts/setup --run
	@$(MAKE) --no-print-directory build
	$(DEMONSTRATION)

# A lane that set-up could not provide is named by scripts/test, with its reason.
.PHONY: test
test: ## set up, then every check and test, in all lanes this machine has
	@scripts/setup || echo "setup is incomplete; the tests' summary names what could not run"
	@scripts/test

# A run that fails names its seed: SOAK_SEED=that SOAK_SECONDS=1 asks for the same again.
SOAK_SECONDS ?= 300
.PHONY: soak
soak: build ## kill, stop, park, restart, update and add cores at random under load (SOAK_SECONDS, SOAK_SEED, SOAK_PLATFORM)
	@$(GO) run ./cmd/soak -seconds $(SOAK_SECONDS) $(if $(SOAK_SEED),-seed $(SOAK_SEED)) $(if $(SOAK_PLATFORM),-platform $(SOAK_PLATFORM))

# One after the other; an input that fails is kept below the package's testdata/fuzz.
FUZZ_SECONDS ?= 20
FUZZ ?= Fuzz
.PHONY: fuzz
fuzz: ## feed every decoder of what others write with random input (FUZZ_SECONDS for each, FUZZ=name for one)
	@grep -rnoE --include='*_test.go' --exclude-dir='.*' '^func $(FUZZ)\w*' -- * | while IFS=: read -r file _ name; do \
		name=$${name#func }; echo "$${file%/*}: $$name"; \
		$(GO) test "./$${file%/*}" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 20x </dev/null || exit 1; \
	done

# A seed that fails is shrunk, and printed with the command that replays it.
SEEDS ?= 1000000
PROTOCOLS ?= $(sort $(notdir $(patsubst %/,%,$(dir $(shell grep -rl --include='*_test.go' 'seeds[.]Test' guest/monitor)))))
.PHONY: seeds
seeds: ## simulate each protocol between monitors with many seeds (SEEDS, PROTOCOLS=names of packages)
	@for protocol in $(PROTOCOLS); do \
		$(GO) test ./guest/monitor/$$protocol -count=1 -timeout 0 -v -run '^Test(Simulation|Model)$$' -seeds $(SEEDS) || exit 1; \
	done

.PHONY: bench
bench: build ## the full measurements of URPC on this machine
	$(BIN) bench urpc

# CI=true: without spin and gcc this is a failure, not a skip.
.PHONY: model
model: ## search the models of the protocols, and mutations of them, with spin
	CI=true $(GO) test -count=1 -v -timeout 60m ./urpc/model ./guest/monitor/model

.PHONY: man
man: $(MAN)/barreleye.1 ## the man pages, in bin/man1

# Builds first: as another user, with `sudo make install`, there is nothing left to build.
.PHONY: install
install: build man ## install binary, man pages, completions and the guests' sources below PREFIX
	scripts/install "$(DESTDIR)" "$(PREFIX)"

.PHONY: release
release: build man ## dist/: a tarball, a Debian package and their checksums
	scripts/release

.PHONY: release-test
release-test: release ## install what release made on a clean Debian root, and build it twice
	scripts/release-test

.PHONY: fmt
fmt: ## format all Go files
	gofmt -l -w $$(find . -name '*.go' ! -path './.*' ! -path '*/testdata/*')

.PHONY: vet
vet: images ## go vet
	$(GO) vet ./...

.PHONY: setup
setup: ## install what building and testing need
	@scripts/setup

.PHONY: clean
clean: ## remove what was built (the SVM lane's kernel stays in .cache)
	rm -rf bin dist .cache/go-version .cache/version .cache/svm/integration.test $(ELF)/*.elf

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
