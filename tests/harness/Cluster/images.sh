#!/usr/bin/env bash
# Makes container images for local clusters without a registry, out of the packages that tools.sh unpacks.
#
#   tests/harness/Cluster/images.sh NAME...     NAME: pause busybox registry regsync kubectl curl
#
# Prints one folder on the last line of stdout; NAME.tar in it is a docker archive of the image registry.test/NAME with the tag below.
# Same packages, same bytes. The service's image is the one that is released: packaging/image.sh makes it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/harness/debian.sh
. "$here/../debian.sh"

readonly recipe=1 # raise it when a change below must not meet an old cache
# Images are as new as what they are made of, and their dates don't matter.
readonly created=2020-01-01T00:00:00Z

tag_of() {
  case $1 in
    pause | busybox) printf '1\n' ;;
    registry) printf '2.8.2\n' ;;
    regsync | curl) printf 'standin\n' ;;
    kubectl) printf '1.31.9\n' ;;
    *) die "there is no image named '$1': use pause, busybox, registry, regsync, kubectl or curl" ;;
  esac
}

# The "config" part of the image's configuration.
config_of() {
  local path='"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
  case $1 in
    pause) printf '{"Entrypoint":["/bin/sleep","2147483647"]}' ;;
    busybox) printf '{"Env":[%s],"Cmd":["/bin/sh"]}' "$path" ;;
    registry) printf '{"Env":[%s],"User":"65532:65532","Entrypoint":["/bin/registry"],"Cmd":["serve","/etc/distribution/config.yml"]}' "$path" ;;
    regsync) printf '{"Env":[%s],"User":"65532:65532","Entrypoint":["/usr/local/bin/regsync"]}' "$path" ;;
    kubectl) printf '{"Env":[%s],"User":"65532:65532","Entrypoint":["/bin/kubectl"]}' "$path" ;;
    curl) printf '{"Env":[%s],"User":"65532:65532","Entrypoint":["/usr/bin/curl"]}' "$path" ;;
  esac
}

# --- what is in them -------------------------------------------------------------------------------------------------

add_program() { # PATH-IN-DEBIAN PATH-IN-IMAGE: with the libraries it loads
  local library
  mkdir -p "$layer/$(dirname "$2")"
  cp "$1" "$layer/$2"
  mkdir -p "$layer/lib64" "$layer/usr/lib/x86_64-linux-gnu" "$layer/lib"
  ln -sfn ../usr/lib/x86_64-linux-gnu "$layer/lib/x86_64-linux-gnu"
  cp -n "$debian/lib64/ld-linux-x86-64.so.2" "$layer/lib64/"
  "$debian/lib64/ld-linux-x86-64.so.2" --library-path "$debian/usr/lib/x86_64-linux-gnu" --list "$1" |
    awk '$3 ~ /^\// { print $3 }' | while read -r library; do add_library "$library"; done
}

add_library() { cp -nL "$1" "$layer/usr/lib/x86_64-linux-gnu/"; }

add_shell() {
  local applet
  mkdir -p "$layer/bin" "$layer/tmp" "$layer/etc"
  chmod 1777 "$layer/tmp"
  cp "$debian/usr/bin/busybox" "$layer/bin/busybox"
  "$debian/usr/bin/busybox" --list | while read -r applet; do [[ -e $layer/bin/$applet ]] || ln -s busybox "$layer/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/sh\n' >"$layer/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$layer/etc/group"
}

fill() {
  case $1 in
    pause | busybox) add_shell ;;
    registry)
      add_shell
      add_program "$debian/usr/bin/docker-registry" bin/registry
      ;;
    regsync)
      add_shell
      add_program "$debian/usr/bin/skopeo" usr/bin/skopeo
      add_program "$debian/usr/bin/openssl" usr/bin/openssl
      mkdir -p "$layer/etc/containers" "$layer/usr/local/bin"
      printf '{"default":[{"type":"insecureAcceptAnything"}]}\n' >"$layer/etc/containers/policy.json"
      cp "$here/regsync-standin.sh" "$layer/usr/local/bin/regsync"
      chmod 755 "$layer/usr/local/bin/regsync"
      ;;
    kubectl)
      mkdir -p "$layer/bin" "$layer/tmp"
      chmod 1777 "$layer/tmp"
      cp "$kubectl" "$layer/bin/kubectl"
      ;;
    curl)
      add_shell
      add_program "$debian/usr/bin/openssl" usr/bin/openssl
      cp "$here/curl-standin.sh" "$layer/usr/bin/curl"
      chmod 755 "$layer/usr/bin/curl"
      ;;
  esac
}

# --- a docker archive ------------------------------------------------------------------------------------------------

pack() { # FOLDER FILE: the same bytes for the same content
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="$created" --format=gnu -cf "$2" .
}

make_image() { # NAME
  local archive=$work/archive diff config
  layer=$work/layer
  rm -rf "$layer" "$archive"
  mkdir -p "$layer" "$archive"
  fill "$1"
  pack "$layer" "$archive/layer.tar"
  diff=$(sha256sum "$archive/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"amd64","os":"linux","created":"%s","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s"}]}' \
    "$created" "$(config_of "$1")" "$diff" "$created" >"$work/config"
  config=$(sha256sum "$work/config" | cut -d' ' -f1).json
  mv "$work/config" "$archive/$config"
  printf '[{"Config":"%s","RepoTags":["registry.test/%s:%s"],"Layers":["layer.tar"]}]' "$config" "$1" "$(tag_of "$1")" >"$archive/manifest.json"
  pack "$archive" "$work/$1.tar"
}

# --- the cache -------------------------------------------------------------------------------------------------------

# What an image is made from, as one line.
source_of() {
  {
    printf '%s\n' "$recipe"
    cat "${BASH_SOURCE[0]}" "$here"/*-standin.sh "$debian/../INVENTORY"
    [[ $1 != kubectl ]] || sha256sum <"$kubectl"
  } | sha256sum | cut -d' ' -f1
}

is_current() {
  [[ -f $target/$1.tar && $(cat "$target/$1.source" 2>/dev/null) == "$(source_of "$1") $(sha256sum <"$target/$1.tar" | cut -d' ' -f1)" ]]
}

clean_up() {
  local status=$?
  remove_work
  exit "$status"
}

main() {
  local name tools
  [[ $# -gt 0 ]] || die "name the images: pause, busybox, registry, regsync, kubectl or curl"
  for name in "$@"; do tag_of "$name" >/dev/null; done
  tools=$("$here/../tools.sh" busybox kubectl)
  debian=$tools/debian/root
  kubectl=$tools/bin/kubectl
  target=$cache_root/images-$recipe
  mkdir -p "$target"
  for name in "$@"; do
    is_current "$name" && continue
    lock_cache images 300
    is_current "$name" && continue
    say "making the image $name"
    start_work images-build
    make_image "$name"
    mv "$work/$name.tar" "$target/$name.tar"
    printf '%s %s\n' "$(source_of "$name")" "$(sha256sum <"$target/$name.tar" | cut -d' ' -f1)" >"$target/$name.source"
    remove_work
  done
  printf '%s\n' "$target"
}

main "$@"
