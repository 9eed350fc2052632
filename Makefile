# Every target does its own set-up first (.setup/ensure): under five seconds when nothing is missing.
# What a target needs and where it is kept: CONTRIBUTING.md.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(PAYHIST_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/payhist)
CARGO_BIN := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin
# The assembled tool chain, where there is one, goes before rustup's; one compiler builds server and browser side.
export PATH := $(CACHE)/toolchain/bin:$(CACHE)/tools/bin:$(PATH):/usr/sbin:$(CARGO_BIN)
export PAYHIST_CACHE := $(CACHE)
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUNDLER := $(TARGET)/debug/payhist-bundler

DEMO_ARGS ?=
BENCH_ARGS ?=

.PHONY: help setup build demo dev test lint release bench

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1#\2/p' Makefile | column -t -s '#'

setup: ## install everything that any target needs
	@.setup/ensure rust mariadb mariadb11 mysql browser npm nextest s3 openapi

# One cargo call for all binaries: the same features as the tests use, so nothing is compiled twice.
build: ## debug build of server and site
	@.setup/ensure rust
	@echo "build: server and build tool"
	@cargo build --bins
	@echo "build: site"
	@$(BUNDLER) build

demo: ## run payhist on a private database; DEMO_ARGS="--rows 100000 --port 3001"
	@.setup/ensure database
	@$(MAKE) build
	@exec $(TARGET)/debug/payhist demo $(DEMO_ARGS)

dev: ## the demo, rebuilt and reloaded on change
	@.setup/ensure database
	@$(MAKE) build
	@exec $(BUNDLER) watch

test: ## every test: unit, database, HTTP, slow, documentation, browser
	@.setup/ensure rust mariadb mariadb11 mysql browser npm nextest s3 openapi
	@$(MAKE) build
	@.ci/test

lint: ## format, clippy on both sides, licences
	@.setup/ensure rust
	@.ci/lint

release: ## optimised binary and site in dist/payhist
	@.setup/ensure rust npm
	@echo "release: build tool"
	@cargo build --bins
	@echo "release: server and site"
	@$(BUNDLER) release

bench: ## the benchmarks against the bare driver, LOAD DATA, pt-archiver, phpMyAdmin and Adminer; BENCH_ARGS="..."
	@.setup/ensure mariadb mysql archiver peers
	@$(MAKE) release
	@end2end/bench/run $(BENCH_ARGS)
