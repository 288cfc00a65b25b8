.PHONY: help build
help:
	@echo "make build   compile everything"
build:
	dotnet build
