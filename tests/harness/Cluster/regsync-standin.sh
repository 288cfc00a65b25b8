#!/bin/sh
# NOT regsync: a stand-in for tests on machines where the real one can't be had. It reads the part of regsync's configuration that the
# registry chart and the syncer write (creds with registry, tls, regcert, user, pass; sync entries of the types registry and image), asks
# what regsync 0.11 asks (the catalog, each repository's tags, and each tag's digest on both sides) and copies with skopeo what differs. It
# says what regsync says of a repository without a list of tags and of an image that is not there, and fails then too. It knows no filters,
# rate limits or hooks, and copies no referrers. kind runs the real one.
#
#   regsync once --config FILE [--missing] [--verbosity LEVEL]
set -eu

say() { echo "regsync stand-in: $*"; }
die() {
  say "level=ERROR $*" >&2
  exit 1
}

command=${1:-}
[ "$command" = once ] || die "'$command' is not a command of the stand-in: use once"
shift
config='' missing=''
while [ $# -gt 0 ]; do
  case $1 in
    --config | -c) config=$2 && shift 2 ;;
    --missing) missing=yes && shift ;;
    --verbosity | -v) shift 2 ;;
    *) die "the stand-in does not know the argument '$1'" ;;
  esac
done
[ -r "$config" ] || die "the configuration '$config' can't be read: name it with --config"

# Entries of a list at the top of the file, one a line: the wanted fields, separated by tabs, "-" where one is missing.
entries() { # LIST FIELD...
  list=$1
  shift
  awk -v list="$list" -v fields="$*" '
    function flush(  i) {
      if (inside) for (i = 1; i <= n; i++) printf "%s%s", (name[i] in value ? value[name[i]] : "-"), (i < n ? "\t" : "\n")
      split("", value); inside = 0
    }
    BEGIN { n = split(fields, name, " ") }
    /^[^ #-]/ { flush(); here = ($1 == list ":"); next }
    !here { next }
    /^ *- / { flush(); inside = 1; sub(/- /, "  ") }
    {
      line = $0; sub(/^ */, "", line)
      key = line; sub(/:.*/, "", key)
      sub(/^[^:]*: */, "", line); gsub(/^["\047]|["\047]$/, "", line); gsub(/\\"/, "\"", line)
      value[key] = line
    }
    END { flush() }
  ' "$config"
}

# {{file "/path"}} is the path in there, everything else is not for us.
file_in() { echo "$1" | sed -n 's/^{{ *file "\([^"]*\)" *}}$/\1/p'; }

content_of() { # a value that may be a {{file}}
  path=$(file_in "$1")
  if [ -n "$path" ]; then cat "$path"; else echo "$1"; fi
}

# Sets root (a file) and login (user:password, or nothing) for a registry.
look_up() {
  found=$(entries creds registry tls regcert user pass | awk -F '\t' -v registry="$1" '$1 == registry')
  [ -n "$found" ] || die "the configuration has no creds for $1"
  IFS='	' read -r _ tls regcert user pass <<END
$found
END
  [ "$tls" != insecure ] && [ "$tls" != disabled ] || die "creds of $1 turn TLS off, which the stand-in does not do"
  root=$(file_in "$regcert")
  [ -r "$root" ] || die "creds of $1 name no readable regcert file: $regcert"
  login=
  [ "$user" = - ] || login=$(content_of "$user"):$(content_of "$pass")
}

# Asks the registry that look_up found; prints head and body. Docker and OCI, single images and indexes.
ask() { # METHOD REGISTRY PATH
  case ${2%:*} in *[!0-9.]*) check=-verify_hostname ;; *) check=-verify_ip ;; esac
  case $2 in *:*) address=$2 ;; *) address=$2:443 ;; esac
  {
    printf '%s %s HTTP/1.0\r\nHost: %s\r\n' "$1" "$3" "$2"
    printf 'Accept: application/vnd.oci.image.%s+json\r\n' manifest.v1 index.v1
    printf 'Accept: application/vnd.docker.distribution.manifest%s+json\r\n' .v2 .list.v2
    [ -z "$login" ] || printf 'Authorization: Basic %s\r\n' "$(printf %s "$login" | base64 | tr -d '\n')"
    printf '\r\n'
  } | openssl s_client -quiet -verify_quiet -connect "$address" "$check" "${2%:*}" -CAfile "$root" -verify_return_error 2>&1 | tr -d '\r' || true
}

items() { # KEY: the strings of a list in an answer, one a line
  sed -n "s/.*\"$1\":\\[\\([^]]*\\)\\].*/\\1/p" | tr -d '"' | tr ',' '\n'
}

digest_of() { # REGISTRY NAME TAG
  ask HEAD "$1" "/v2/$2/manifests/$3" | sed -n 's/^Docker-Content-Digest: //ip'
}

on_source() {
  root=$source_root login=$source_login
  "$@"
}

on_target() {
  root=$target_root login=$target_login
  "$@"
}

copy_tag() { # NAME TAG
  wanted=$(on_source digest_of "$source" "$1" "$2")
  [ "$(on_target digest_of "$target" "$1" "$2")" != "$wanted" ] || return 0
  say "copying $source/$1:$2 to $target/$1:$2"
  copy "$source/$1:$2" "$target/$1:$2" || failed="$1:$2 was not copied"
}

copy() { # SOURCE TARGET
  skopeo --insecure-policy copy --quiet --all --preserve-digests --src-cert-dir "$(dirname "$source_root")" --dest-cert-dir "$(dirname "$target_root")" \
    ${source_login:+--src-creds "$source_login"} ${target_login:+--dest-creds "$target_login"} \
    "docker://$1" "docker://$2"
}

copy_repository() { # NAME
  answer=$(on_source ask GET "$source" "/v2/$1/tags/list")
  case $answer in
    *" 200 "*) tags=$(echo "$answer" | items tags) ;;
    *)
      code=$(echo "$answer" | sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' | head -n 1)
      say "level=ERROR msg=\"Failed getting source tags\" source=$source/$1 error=\"failed to list tags: not found [http ${code:-none}]\""
      failed="the tags of $1 can't be listed"
      return 0
      ;;
  esac
  [ -z "$missing" ] || have=$(on_target ask GET "$target" "/v2/$1/tags/list" | items tags)
  for tag in $tags; do
    if [ -n "$missing" ] && echo "$have" | grep -qxF "$tag"; then continue; fi
    copy_tag "$1" "$tag"
  done
}

# Splits REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST into place, name and selector.
split() {
  place=${1%%/*} name=${1#*/}
  case $name in
    *@*) selector=${name#*@} name=${name%@*} ;;
    *:*) selector=${name##*:} name=${name%:*} ;;
    *) die "'$1' has neither a tag nor a digest" ;;
  esac
}

at() { # NAME SELECTOR
  case $2 in sha256:*) echo "$1@$2" ;; *) echo "$1:$2" ;; esac
}

copy_image() { # SOURCE TARGET
  split "$1"
  source=$place source_name=$name source_selector=$selector
  split "$2"
  both "$source" "$place"
  wanted=$(on_source digest_of "$source" "$source_name" "$source_selector")
  if [ -z "$wanted" ]; then
    say "level=ERROR msg=\"Failed to lookup source manifest\" source=$1 error=\"request failed: not found [http 404]\""
    failed="$1 can't be read"
    return 0
  fi
  have=$(on_target digest_of "$target" "$name" "$selector")
  if [ "$have" = "$wanted" ] || { [ -n "$missing" ] && [ -n "$have" ]; }; then return 0; fi
  say "copying $1 to $2"
  copy "$source/$source_name@$wanted" "$target/$(at "$name" "$selector")" || failed="$1 was not copied"
}

# Sets what on_source and on_target need.
both() { # SOURCE TARGET
  source=$1 target=$2
  look_up "$source"
  source_root=$root source_login=$login
  look_up "$target"
  target_root=$root target_login=$login
}

copy_registry() { # SOURCE TARGET
  ! grep -qE '^ +(digestTags|referrers|forceRecursive): true' "$config" || die "digest tags and referrers are copied as tags; asked for as such, they cost nine more requests per image"
  both "$1" "$2"
  answer=$(on_source ask GET "$source" "/v2/_catalog?n=1000")
  case $answer in
    *" 200 "*) for name in $(echo "$answer" | items repositories); do copy_repository "$name"; done ;;
    *)
      say "level=ERROR msg=\"Failed to list source repositories\" source=$source error=\"$(echo "$answer" | head -n 1)\""
      failed="$source does not list its repositories"
      ;;
  esac
}

say "this is not regsync, see tests/harness/Cluster; $config"
failed=
list=$(entries sync source target type)
while IFS='	' read -r from to type; do
  case $type in
    registry) copy_registry "$from" "$to" </dev/null ;;
    image) copy_image "$from" "$to" </dev/null ;;
    *) die "the stand-in copies entries of the types registry and image only, not '$type'" ;;
  esac
done <<END
$list
END
if [ -n "$failed" ]; then
  say "$failed" >&2
  exit 1
fi
