#!/usr/bin/env bash
# Fetches the Debian packages that the image is made of, without installing anything on the machine.
#
#   packaging/packages.sh             prints a folder with the packages, fetched once per machine
#   packaging/packages.sh --refresh   asks Debian for newer versions first, as a release does
#
# apt verifies them against Debian's signatures. debian.sh says where the result is kept and which mirror is used.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/harness/debian.sh
. "$here/../tests/harness/debian.sh"

# gcc-12-base has the copyright file of libgcc-s1 and libstdc++6.
readonly packages=(ca-certificates gcc-12-base libc6 libgcc-s1 libssl3 libstdc++6)
readonly target=$cache_root/image-packages-1

clean_up() {
  local status=$?
  trap '' INT TERM
  remove_work
  exit "$status"
}

is_complete() { [[ -s $target/SHA256SUMS ]] && (cd "$target" && sha256sum --check --quiet --status SHA256SUMS); }

main() {
  mkdir -p "$cache_root"
  if [[ ${1:-} != --refresh ]] && is_complete; then
    printf '%s\n' "$target"
    return
  fi
  require_machine 102400
  lock_cache image-packages 300
  if [[ ${1:-} == --refresh ]] || ! is_complete; then
    start_work image-packages-build
    read_package_lists
    say "fetching ${packages[*]} (7 MB)"
    mkdir "$work/out"
    cd "$work/out"
    apt_get download "${packages[@]/%/:amd64}"
    sha256sum ./*.deb >"$work/sums"
    mv "$work/sums" SHA256SUMS
    replace_target "$target"
    cd /
    remove_work
  fi
  printf '%s\n' "$target"
}

main "$@"
