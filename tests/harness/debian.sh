# shellcheck shell=bash
# What kubernetes.sh and tools.sh share: the cache, and Debian packages fetched without installing anything on the machine.
# To be sourced. apt works on lists, a cache and sources of its own in the folder $work.
#
# CAPI_REGISTRY_HOOK_CACHE          where results are kept; default: ${XDG_CACHE_HOME:-~/.cache}/capi-registry-hook.
# CAPI_REGISTRY_HOOK_DEBIAN_MIRROR  a Debian mirror (http://host/debian) to use instead of the one in the machine's apt sources.

suite=bookworm # what has to be from another one says so for itself
readonly fetch_attempts=3
script=${BASH_SOURCE[1]##*/}
work=
cache_root=${CAPI_REGISTRY_HOOK_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set: set CAPI_REGISTRY_HOOK_CACHE}/.cache}/capi-registry-hook}

say() { printf '%s: %s\n' "$script" "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# require_machine KIB PROGRAM...: free space in the cache, and what has to be installed.
require_machine() {
  local needed=$1 name free
  shift
  [[ $(uname -s) == Linux ]] || die "this works with Debian packages and needs Linux"
  for name in apt-get dpkg-deb awk flock sha256sum tar "$@"; do
    command -v "$name" >/dev/null || die "$name is missing: this needs a Debian machine (or a cache filled on one: $cache_root)"
  done
  free=$(df --output=avail -k "$cache_root" | tail -n 1)
  [[ $free -ge $needed ]] || die "$cache_root has $((free / 1024)) MiB free, $((needed / 1024)) are needed"
}

# lock_cache NAME SECONDS: from here to the end of the script nobody else fills that part of the cache.
lock_cache() {
  exec 9>"$cache_root/$1.lock"
  flock --nonblock 9 && return
  say "another run is at it, waiting for it"
  flock --timeout "$2" 9 || die "the other run did not end within $2 s"
}

# start_work NAME: an empty $work that clean_up removes again. Only under the lock.
start_work() {
  rm -rf "$cache_root/$1".?????? # left by a run that was killed
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  work=$(mktemp -d "$cache_root/$1.XXXXXX")
}

remove_work() {
  [[ -n $work && -d $work ]] || return 0
  chmod -R u+w "$work" 2>/dev/null || true
  rm -rf "$work"
}

# replace_target TARGET: puts $work/out there. A running server keeps the file it was started from: it takes no harm.
replace_target() {
  [[ ! -e $1 ]] || mv "$1" "$work/old"
  mkdir -p "$(dirname "$1")"
  mv "$work/out" "$1"
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
      "$release-updates" | "$release-security") [[ $suite == sid ]] || printf '%s %s\n' "$uri" "$suite-${entry##*-}" ;;
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
  fail_with_log "could not fetch: $*"
}

fail_with_log() {
  say "the end of the log:"
  tail -n 40 "$work/log" >&2 || true
  die "$1"
}

# Reads the package lists; apt_get is ready afterwards.
read_package_lists() {
  say "reading Debian's package lists"
  write_apt_configuration
  apt_get update
}

# The current folder is where packages and sources are put.
apt_get() { fetch apt-get --config-file "$work/apt/apt.conf" -q -y "$@"; }
