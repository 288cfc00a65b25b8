#!/usr/bin/env bash
# Provides axe-core, which finds what keeps people with assistive technology from using a page, without installing anything on the machine.
# Prints the folder with axe.min.js on the last line of stdout, and its progress on stderr.
set -euo pipefail

# shellcheck source=tests/harness/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

readonly package=axe-core@4.14.1
readonly sha256=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
readonly lock_seconds=300
readonly needed_kib=$((64 * 1024))
target=$cache_root/axe-4.14.1

clean_up() {
  local status=$?
  remove_work
  exit "$status"
}

provide() {
  command -v npm >/dev/null || die "npm is missing: axe-core comes from the npm package $package"
  start_work axe-build
  say "fetching $package (3 MB)"
  mkdir -p "$work/npm" "$work/out"
  cd "$work/npm"
  fetch npm pack --silent --pack-destination "$work/npm" "$package"
  printf '%s  %s\n' "$sha256" "$(find . -name '*.tgz')" | sha256sum --check --quiet --strict >&2 ||
    die "$package has other bytes than the ones this was written for: see tests/harness/axe.sh"
  find . -name '*.tgz' -exec tar -xzf {} \;
  mv package/axe.min.js "$work/out/"
  replace_target "$target"
  remove_work
}

mkdir -p "$cache_root"
if [[ ! -s $target/axe.min.js ]]; then
  require_machine "$needed_kib"
  lock_cache axe "$lock_seconds"
  [[ -s $target/axe.min.js ]] || provide
fi
printf '%s\n' "$target"
