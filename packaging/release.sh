#!/usr/bin/env bash
# Makes all files of a release in artifacts/release, from what is committed. It publishes nothing.
#
#   VERSION=1.2.3 packaging/release.sh     the version that the sources already have
#
# DRY_RUN=1        release notes from the unreleased changes, and Debian's packages as they are in the cache
# IMAGE_REGISTRY   the registry in the image's name; default: registry.example.com
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
readonly here root
readonly target=$root/artifacts/release
export IMAGE_REGISTRY=${IMAGE_REGISTRY:-registry.example.com}
work=

die() {
  printf 'release.sh: error: %s\n' "$*" >&2
  exit 1
}

clean_up() {
  local status=$?
  [[ -z $work ]] || rm -rf "$work"
  exit "$status"
}

render() { # NAME ARGUMENT...
  local name=$1
  shift
  "$helm" template capi-registry-hook "$root/charts/capi-registry-hook" --namespace capi-registry-hook-system --include-crds --no-hooks \
    --kube-version 1.31.0 --set "image.registry=$IMAGE_REGISTRY" "$@" >"$work/rendered/$name.yaml"
}

main() {
  local version=${VERSION:-}
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || die "say which version: make release VERSION=1.2.3"
  if [[ -z ${DRY_RUN:-} ]]; then
    [[ -z $(git -C "$root" status --porcelain) ]] || die "the checkout has changes that are not committed"
    export REFRESH=1
  fi
  "$here/image.sh" >/dev/null
  helm=$("$root/tests/harness/tools.sh" helm3)/bin/helm3
  trap clean_up EXIT
  work=$(mktemp -d "$target.XXXXXX")
  mkdir "$work/rendered" "$work/out"
  render default
  render self-managed --set certificate.mode=selfManaged
  render clusterctl --set options.logLevel=Information --set options.rollout=Paced
  dotnet msbuild "$here/packaging.csproj" -restore -property:Configuration=Release -nologo -verbosity:quiet
  "$here/bin/Release/net10.0/CapiRegistryHook.Packaging" release --checkout "$root" --release-version "$version" \
    --registry "$IMAGE_REGISTRY" --image "$root/artifacts/image" --rendered "$work/rendered" --output "$work/out" ${DRY_RUN:+--dry-run}
  rm -rf "$target"
  mv "$work/out" "$target"
  printf 'release.sh: %s is complete. docs/releasing.md says what comes next.\n' "$target" >&2
}

main
