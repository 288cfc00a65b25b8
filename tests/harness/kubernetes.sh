#!/usr/bin/env bash
# Provides a real Kubernetes and etcd, built and unpacked from Debian packages, without installing anything on the machine.
#
#   tests/harness/kubernetes.sh [COMMAND...]     COMMAND: a folder under cmd/ of the Kubernetes tree; default: all that
#                                                a node and its control plane need
#
# Prints the folder that holds the binaries on the last line of stdout and its progress on stderr. The first run takes some
# minutes, later ones a moment: debian.sh says where the result is kept.
# Needs Debian's apt and dpkg-deb, but no root: apt works on lists, a cache and sources of its own, packages are only unpacked.
#
# CAPI_REGISTRY_HOOK_KEEP_BUILD=1   keeps the build folder of a failed run for a look inside.
set -euo pipefail

readonly version=1.20.2
readonly source_version=1.20.5+really1.20.2-1.1+deb12u1 # the source package that holds that version
readonly recipe=1 # raise it when a change below must not meet an old cache
readonly heartbeat_seconds=15
readonly needed_kib=$((4 * 1024 * 1024)) # source tree, Go and Go's build cache; all but the binaries is removed again
readonly lock_seconds=1800 # a concurrent first build on a slow machine may take this long

commands=("$@")
[[ ${#commands[@]} -gt 0 ]] || commands=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
builder=

# shellcheck source=tests/harness/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

target=$cache_root/kubernetes-$version-$recipe

# --- the cache -------------------------------------------------------------------------------------------------------

# True when every wanted binary is there, its bytes are the ones that were built, and it runs.
cache_is_sound() {
  local name
  [[ -f $target/SHA256SUMS ]] || return 1
  for name in etcd "${commands[@]}"; do
    [[ -x $target/$name ]] && grep -q "  $name\$" "$target/SHA256SUMS" || return 1
    "$target/$name" --version >/dev/null 2>&1 || return 1
  done
  (cd "$target" && sha256sum --check --quiet --strict SHA256SUMS) >/dev/null 2>&1
}

# What an earlier run with other commands left and is still good is built again along with the new ones: one folder, one list.
add_cached_commands() {
  local name
  [[ -f $target/SHA256SUMS ]] || return 0
  while read -r _ name; do
    [[ $name == etcd || " ${commands[*]} " == *" $name "* || ! $name =~ ^kube[a-z-]*$ ]] || commands+=("$name")
  done <"$target/SHA256SUMS"
}

# --- the build -------------------------------------------------------------------------------------------------------

fetch_packages() {
  local tool tools=()
  for tool in make rsync jq; do
    command -v "$tool" >/dev/null || tools+=("$tool")
  done
  [[ -x /usr/lib/go-1.19/bin/go ]] || tools+=(golang-1.19-go)
  read_package_lists
  say "fetching the source of Kubernetes $version (35 MB), Go 1.19 (80 MB) and etcd (9 MB)"
  cd "$work/apt/source"
  apt_get source --download-only "kubernetes=$source_version"
  cd "$work/apt/debs"
  apt_get download etcd-server golang-github-modern-go-reflect2-dev
  # Downloads what the machine lacks, dependencies included; nothing is installed.
  [[ ${#tools[@]} -eq 0 ]] ||
    apt_get --no-install-recommends --no-remove --download-only install "${tools[@]}"
}

unpack() {
  local package reflect2=src/github.com/modern-go/reflect2
  say "unpacking"
  mkdir -p "$work/root" "$work/tree" "$work/home" "$work/go/src/k8s.io" "$work/out"
  for package in "$work"/apt/debs/*.deb "$work"/apt/archives/*.deb; do
    [[ ! -e $package ]] || dpkg-deb --extract "$package" "$work/root"
  done
  tar -xzf "$work"/apt/source/kubernetes_*.orig.tar.gz -C "$work/tree" --strip-components=1
  ln -s "$work/tree" "$work/go/src/k8s.io/kubernetes"

  # The vendored 1.0.1 faults under Go 1.18 and newer as soon as a custom resource is written; Debian's 1.0.2 does not.
  find "$work/tree/vendor/${reflect2#src/}" -type f \( -name '*.go' -o -name '*.s' \) -delete
  find "$work/root/usr/share/gocode/$reflect2" -maxdepth 1 -type f \( -name '*.go' -o -name '*.s' \) ! -name '*_test.go' \
    -exec cp -t "$work/tree/vendor/${reflect2#src/}" {} +
  rm -rf "$work/apt"
}

# The upstream makefile, in an environment where only what is named here can have an influence.
run_make() {
  local goroot=$work/root/usr/lib/go-1.19 libraries
  [[ -x $goroot/bin/go ]] || goroot=/usr/lib/go-1.19
  libraries=$(printf '%s:' "$work"/root/usr/lib/*-linux-gnu)
  cd "$work/go/src/k8s.io/kubernetes"
  # In a process group of its own, so that all of it can be ended; without the lock, so that a leftover can't hold it.
  exec setsid env -i HOME="$work/home" TMPDIR="$work/home" LANG=C.UTF-8 PATH="$goroot/bin:$work/root/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    LD_LIBRARY_PATH="${libraries%:}" GOPATH="$work/go" GOCACHE="$work/home/go-build" GOPROXY=off GOFLAGS='' CGO_ENABLED=0 KUBE_GIT_VERSION="v$version" \
    make WHAT="$(printf 'cmd/%s ' "${commands[@]}")" 9>&-
}

build() {
  local started=$SECONDS
  say "building ${commands[*]} (about 5 minutes on 2 idle cores)"
  run_make >>"$work/log" 2>&1 </dev/null &
  builder=$!
  while kill -0 "$builder" 2>/dev/null; do
    sleep 1
    (((SECONDS - started) % heartbeat_seconds > 0)) || say "still building, $((SECONDS - started)) s"
  done
  wait "$builder" || fail_with_log "the build of ${commands[*]} failed"
  builder=
  say "built in $((SECONDS - started)) s"
}

publish() {
  local name
  for name in "${commands[@]}"; do
    mv "$(find "$work/tree/_output/local/bin" -type f -name "$name" -print -quit)" "$work/out/$name"
  done
  mv "$work/root/usr/bin/etcd" "$work/out/etcd"
  for name in etcd "${commands[@]}"; do
    "$work/out/$name" --version >>"$work/log" 2>&1 || fail_with_log "$name does not run"
  done
  (cd "$work/out" && sha256sum etcd "${commands[@]}" >SHA256SUMS)
  replace_target "$target"
}

clean_up() {
  local status=$?
  trap '' INT TERM
  if [[ -n $builder ]]; then
    kill -- "-$builder" 2>/dev/null || true
    wait "$builder" 2>/dev/null || true
  fi
  if [[ $status -ne 0 && -n ${CAPI_REGISTRY_HOOK_KEEP_BUILD:-} ]]; then
    say "the build folder is kept: $work"
  else
    remove_work
  fi
  exit "$status"
}

main() {
  local started=$SECONDS
  if cache_is_sound; then
    printf '%s\n' "$target"
    return
  fi

  mkdir -p "$cache_root"
  require_machine "$needed_kib" setsid
  lock_cache kubernetes "$lock_seconds"
  if ! cache_is_sound; then
    [[ ! -e $target ]] || say "the cache is incomplete or damaged and is built anew: $target"
    add_cached_commands
    start_work kubernetes-build
    fetch_packages
    unpack
    build
    publish
    say "ready after $((SECONDS - started)) s: $target"
  fi
  printf '%s\n' "$target"
}

main
