# Everything a developer runs. Each target says what it does; long steps show progress.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CONFIGURATION := Release
RUNTIME := linux-x64
PUBLISHED := artifacts/publish/capi-registry-hook
# Whatever the published program is made of; make compares their times.
SOURCES := $(shell find src -type d \( -name bin -o -name obj \) -prune -o \( -name '*.cs' -o -name '*.csproj' -o -name '*.sh' \) -print) $(shell find charts/registry src/Dashboard/Page -type f) $(wildcard Directory.*.props global.json)

.PHONY: help build publish image release demo test unit e2e soak screenshots cluster-up cluster-down cluster-status benchmark clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## Compile everything, warnings are errors
	@echo "== build"
	dotnet build CapiRegistryHook.sln --configuration $(CONFIGURATION) --nologo --verbosity quiet -consoleLoggerParameters:NoSummary

publish: $(PUBLISHED) ## Build the program as it ships, into artifacts/publish

$(PUBLISHED): $(SOURCES)
	@echo "== publish: one self-contained file ($(RUNTIME)); takes a minute or two"
	@rm -rf artifacts/publish
	@dotnet publish src/Cli/Cli.csproj --configuration $(CONFIGURATION) --runtime $(RUNTIME) -p:Ship=true \
		--output artifacts/publish --nologo --verbosity quiet -consoleLoggerParameters:NoSummary
	@touch $(PUBLISHED)

image: publish ## Build the image of the service into artifacts/image, without Docker (IMAGE_REGISTRY=registry.example.com)
	@packaging/image.sh

VERSION ?=

release: publish ## Build all files of a release into artifacts/release (VERSION=1.2.3, DRY_RUN=1)
	@VERSION=$(VERSION) DRY_RUN=$(DRY_RUN) packaging/release.sh

CLUSTER ?= embedded

demo: publish ## Play the main job and show what happens (CLUSTER=embedded|real)
	@echo "== demo: build the player"
	@dotnet run --project tests/demo/demo.csproj --configuration $(CONFIGURATION) -- $(CLUSTER)

test: ## Run all tests: unit, end to end against real API servers, soak
	@bash tests/run.sh unit e2e soak

unit: ## Run the unit tests
	@bash tests/run.sh unit

e2e: ## Run the end-to-end tests (builds a real kube-apiserver once)
	@bash tests/run.sh e2e

soak: ## Run the long tests: years of a simulated fleet, of serving, all fuzz inputs
	@bash tests/run.sh soak

NAME ?= dev

cluster-up: ## Start a local Kubernetes with one node (NAME=dev), made of Debian's packages
	@bash tests/harness/Cluster/cluster.sh up $(NAME)

cluster-down: ## End it and remove what it left, also after a crash
	@bash tests/harness/Cluster/cluster.sh down $(NAME)

cluster-status: ## Say whether it runs and how to use it
	@bash tests/harness/Cluster/cluster.sh status $(NAME)

screenshots: publish ## Take the pictures of docs/dashboard.md in a real browser
	@bash tests/browser.sh fonts
	@dotnet build tests/e2e/e2e.csproj --configuration $(CONFIGURATION) --nologo --verbosity quiet -consoleLoggerParameters:NoSummary
	@SCREENSHOTS=docs/images dotnet run --project tests/e2e/e2e.csproj --configuration $(CONFIGURATION) --no-build -- \
		-class CapiRegistryHook.EndToEnd.Tests.Dashboard.ScreenshotTests -noColor

SECTION ?=

benchmark: publish ## Print figures of the published service, or of one SECTION: quick, fleet, content, dashboard, sync
	@dotnet run --project tests/benchmarks/benchmarks.csproj --configuration $(CONFIGURATION) -- $(SECTION)

clean: ## Remove what builds left in the checkout
	rm -rf artifacts
	find src tests \( -name bin -o -name obj \) -type d -prune -exec rm -rf {} +
