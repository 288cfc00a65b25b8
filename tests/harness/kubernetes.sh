#!/usr/bin/env bash
# Provides a real kube-apiserver and etcd, built and unpacked from Debian packages, without installing anything on the machine.
#
#   tests/harness/kubernetes.sh [COMMAND...]     COMMAND: a folder under cmd/ of the Kubernetes tree; default: kube-apiserver
#
# Prints the folder that holds the binaries on the last line of stdout and its progress on stderr. The first run takes some
# minutes, later ones a moment: the result is kept in ${CAPI_REGISTRY_HOOK_CACHE:-${XDG_CACHE_HOME:-~/.cache}/capi-registry-hook}.
# Needs Debian's apt and dpkg-deb, but no root: apt works on lists, a cache and sources of its own, packages are only unpacked.
#
# CAPI_REGISTRY_HOOK_DEBIAN_MIRROR  a Debian mirror (http://host/debian) to use instead of the one in the machine's apt sources.
# CAPI_REGISTRY_HOOK_KEEP_BUILD=1   keeps the build folder of a failed run for a look inside.
set -euo pipefail

readonly version=1.20.2
readonly source_version=1.20.5+really1.20.2-1.1+deb12u1 # the source package that holds that version
readonly suite=bookworm
readonly recipe=1 # raise it when a change below must not meet an old cache
readonly fetch_attempts=3
readonly heartbeat_seconds=15
readonly needed_kib=$((4 * 1024 * 1024)) # source tree, Go and Go's build cache; all but the binaries is removed again
readonly lock_seconds=1800 # a concurrent first build on a slow machine may take this long

commands=("$@")
[[ ${#commands[@]} -gt 0 ]] || commands=(kube-apiserver)
work=
builder=

cache_root=${CAPI_REGISTRY_HOOK_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set: set CAPI_REGISTRY_HOOK_CACHE}/.cache}/capi-registry-hook}
target=$cache_root/kubernetes-$version-$recipe

say() { printf 'kubernetes.sh: %s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

require_machine() {
  local name free
  [[ $(uname -s) == Linux ]] || die "this builds from Debian packages and needs Linux"
  for name in apt-get dpkg-deb awk flock setsid sha256sum tar; do
    command -v "$name" >/dev/null || die "$name is missing: this needs a Debian machine (or a cache filled on one: $target)"
  done
  free=$(df --output=avail -k "$cache_root" | tail -n 1)
  [[ $free -ge $needed_kib ]] || die "$cache_root has $((free / 1024)) MiB free, the build needs $((needed_kib / 1024))"
}

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

# --- apt, on a state of its own --------------------------------------------------------------------------------------

# The machine's Debian entries as "uri suite", from one-line and deb822 files. Entries signed by somebody else are not Debian's.
machine_sources() {
  local files=()
  mapfile -t files < <(find /etc/apt/sources.list /etc/apt/sources.list.d -type f \( -name '*.list' -o -name '*.sources' \) 2>/dev/null | sort)
  [[ ${#files[@]} -gt 0 ]] || return 0
  awk '
    function flush(  i, j, u, s) {
      if (types ~ /(^| )deb( |$)/ && (" " components " ") ~ / main / && tolower(enabled) != "no" && (signed == "" || signed ~ /debian-archive/))
        for (i = split(uris, u, " "); i > 0; i--) for (j = split(suites, s, " "); j > 0; j--) print u[i], s[j]
      types = uris = suites = components = signed = enabled = ""
    }
    FNR == 1 { flush() }
    /^[ \t]*#/ { next }
    FILENAME ~ /\.list$/ {
      if ($1 != "deb") next
      signed = ""
      if ($2 ~ /^\[/) { if (match($0, /signed-by=[^] ]*/)) signed = substr($0, RSTART, RLENGTH); sub(/\[[^]]*\]/, "") }
      types = "deb"; uris = $2; suites = $3
      components = ""; for (i = 4; i <= NF; i++) components = components " " $i
      flush(); next
    }
    /^[ \t]*$/ { flush(); next }
    { key = tolower($1); value = $0; sub(/^[^:]*:[ \t]*/, "", value) }
    key == "types:" { types = value } key == "uris:" { uris = value } key == "suites:" { suites = value }
    key == "components:" { components = value } key == "signed-by:" { signed = (value == "" ? "an inline key" : value) } key == "enabled:" { enabled = value }
    END { flush() }
  ' "${files[@]}"
}

# "uri suite" lines for our suite: the machine's own, with its release's name replaced by ours.
debian_sources() {
  local release uri entry
  if [[ -n ${CAPI_REGISTRY_HOOK_DEBIAN_MIRROR:-} ]]; then
    printf '%s %s\n' "$CAPI_REGISTRY_HOOK_DEBIAN_MIRROR" "$suite"
    return
  fi
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  machine_sources | sort -u | while read -r uri entry; do
    case $entry in
      "$release" | stable | oldstable | "$suite") printf '%s %s\n' "$uri" "$suite" ;;
      "$release-updates" | "$release-security") printf '%s %s\n' "$uri" "$suite-${entry##*-}" ;;
    esac
  done
}

write_apt_configuration() {
  local uri entry signed_by='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ ! -r $keyring ]] || signed_by="[signed-by=$keyring] "
  mkdir -p "$work"/apt/{lists,archives}/partial "$work/apt/source" "$work/apt/debs"
  debian_sources | sort -u | while read -r uri entry; do
    printf 'deb %s%s %s main\ndeb-src %s%s %s main\n' "$signed_by" "$uri" "$entry" "$signed_by" "$uri" "$entry"
  done >"$work/apt/sources.list"
  grep -q " $suite main" "$work/apt/sources.list" ||
    die "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d: name one in CAPI_REGISTRY_HOOK_DEBIAN_MIRROR"
  # Hooks of the machine's own configuration act on its own cache: not our affair.
  cat >"$work/apt/apt.conf" <<EOF
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt";
Dir::Cache::archives "archives";
APT::Sandbox::User "";
APT::Default-Release "";
APT::Update::Error-Mode "any";
Debug::NoLocking "true";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
EOF
}

# Runs a command with its output in the log, again after a pause when it fails.
fetch() {
  local attempt
  for ((attempt = 1; attempt <= fetch_attempts; attempt++)); do
    if "$@" >>"$work/log" 2>&1 </dev/null; then return 0; fi
    say "attempt $attempt of $fetch_attempts failed: $*"
    [[ $attempt -eq $fetch_attempts ]] || sleep $((attempt * 3))
  done
  fail_with_log "could not fetch from Debian: $*"
}

fail_with_log() {
  say "the end of the log:"
  tail -n 40 "$work/log" >&2 || true
  die "$1"
}

fetch_packages() {
  local tool tools=()
  for tool in make rsync jq; do
    command -v "$tool" >/dev/null || tools+=("$tool")
  done
  [[ -x /usr/lib/go-1.19/bin/go ]] || tools+=(golang-1.19-go)
  say "reading Debian's package lists"
  write_apt_configuration
  fetch apt-get --config-file "$work/apt/apt.conf" update
  say "fetching the source of Kubernetes $version (35 MB), Go 1.19 (80 MB) and etcd (9 MB)"
  cd "$work/apt/source"
  fetch apt-get --config-file "$work/apt/apt.conf" -q -y source --download-only "kubernetes=$source_version"
  cd "$work/apt/debs"
  fetch apt-get --config-file "$work/apt/apt.conf" -q download etcd-server golang-github-modern-go-reflect2-dev
  # Downloads what the machine lacks, dependencies included; nothing is installed.
  [[ ${#tools[@]} -eq 0 ]] ||
    fetch apt-get --config-file "$work/apt/apt.conf" -q -y --no-install-recommends --no-remove --download-only install "${tools[@]}"
}

# --- the build -------------------------------------------------------------------------------------------------------

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
  # A running server keeps the file it was started from: replacing the folder does it no harm.
  [[ ! -e $target ]] || mv "$target" "$work/old"
  mv "$work/out" "$target"
}

clean_up() {
  local status=$?
  trap '' INT TERM
  if [[ -n $builder ]]; then
    kill -- "-$builder" 2>/dev/null || true
    wait "$builder" 2>/dev/null || true
  fi
  if [[ -n $work && -d $work ]]; then
    if [[ $status -ne 0 && -n ${CAPI_REGISTRY_HOOK_KEEP_BUILD:-} ]]; then
      say "the build folder is kept: $work"
    else
      chmod -R u+w "$work" 2>/dev/null || true
      rm -rf "$work"
    fi
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
  require_machine
  exec 9>"$cache_root/kubernetes.lock"
  if ! flock --nonblock 9; then
    say "another run is building, waiting for it"
    flock --timeout "$lock_seconds" 9 || die "the other run did not end within $lock_seconds s"
  fi
  if ! cache_is_sound; then
    [[ ! -e $target ]] || say "the cache is incomplete or damaged and is built anew: $target"
    add_cached_commands
    rm -rf "$cache_root"/kubernetes-build.* # left by a run that was killed
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    work=$(mktemp -d "$cache_root/kubernetes-build.XXXXXX")
    fetch_packages
    unpack
    build
    publish
    say "ready after $((SECONDS - started)) s: $target"
  fi
  printf '%s\n' "$target"
}

main
