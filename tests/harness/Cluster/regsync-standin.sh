#!/bin/sh
# NOT regsync: a stand-in for tests on machines where the real one can't be had. It reads the part of regsync's configuration that the
# registry chart writes (creds with registry, tls, regcert, user, pass; sync entries of the type registry with an interval) and copies
# every tag with skopeo. It knows nothing of referrers, filters, rate limits or hooks. kind's clusters run the real one.
#
#   regsync server|once --config FILE [--verbosity LEVEL]
set -eu

say() { echo "regsync stand-in: $*"; }
die() {
  say "error: $*" >&2
  exit 1
}

command=${1:-}
case $command in server | once) shift ;; *) die "'$command' is not a command of the stand-in: use server or once" ;; esac
config=
while [ $# -gt 0 ]; do
  case $1 in
    --config | -c) config=$2 && shift 2 ;;
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

# Sets root, certificates (a folder with it) and login (user:password, or nothing) for a registry.
look_up() {
  found=$(entries creds registry tls regcert user pass | awk -F '\t' -v registry="$1" '$1 == registry')
  [ -n "$found" ] || die "the configuration has no creds for $1"
  IFS='	' read -r _ tls regcert user pass <<END
$found
END
  [ "$tls" != insecure ] && [ "$tls" != disabled ] || die "creds of $1 turn TLS off, which the stand-in does not do"
  root=$(file_in "$regcert")
  [ -r "$root" ] || die "creds of $1 name no readable regcert file: $regcert"
  certificates=$(dirname "$root")
  login=
  [ "$user" = - ] || login=$(content_of "$user"):$(content_of "$pass")
}

repositories() { # REGISTRY, after look_up
  case ${1%:*} in *[!0-9.]*) check=-verify_hostname ;; *) check=-verify_ip ;; esac
  authorization=
  [ -z "$login" ] || authorization="Authorization: Basic $(printf %s "$login" | base64 | tr -d '\n')"
  answer=$({
    printf 'GET /v2/_catalog?n=1000 HTTP/1.0\r\nHost: %s\r\n' "$1"
    [ -z "$authorization" ] || printf '%s\r\n' "$authorization"
    printf '\r\n'
  } | openssl s_client -quiet -verify_quiet -connect "$1" "$check" "${1%:*}" -CAfile "$root" -verify_return_error 2>&1 || true)
  case $answer in
    *" 200 "*) echo "$answer" | sed -n 's/.*"repositories":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' '\n' ;;
    *) say "$1 does not list its repositories: $(echo "$answer" | head -n 1)" >&2 && return 1 ;;
  esac
}

digest_of() { # HOST/NAME:TAG FOLDER LOGIN
  skopeo inspect --cert-dir "$2" ${3:+--creds "$3"} --format '{{.Digest}}' "docker://$1" 2>/dev/null || true
}

copy_tag() { # NAME:TAG
  present=$(digest_of "$target/$1" "$certificates" "$login")
  [ -z "$present" ] || [ "$wanted" != missing ] || return 0
  [ "$(digest_of "$source/$1" "$source_certificates" "$source_login")" != "$present" ] || return 0
  say "copying $source/$1 to $target/$1"
  skopeo --insecure-policy copy --quiet --all --src-cert-dir "$source_certificates" --dest-cert-dir "$certificates" \
    ${source_login:+--src-creds "$source_login"} ${login:+--dest-creds "$login"} "docker://$source/$1" "docker://$target/$1" || say "$1 was not copied"
}

copy_registry() { # SOURCE TARGET
  source=$1 target=$2
  look_up "$source"
  names=$(repositories "$source") || return 0
  source_certificates=$certificates source_login=$login
  look_up "$target"
  for name in $names; do
    tags=$(skopeo list-tags --cert-dir "$source_certificates" ${source_login:+--creds "$source_login"} "docker://$source/$name" |
      sed -n '/"Tags"/,/\]/p' | sed -n 's/^ *"\([^"]*\)",\{0,1\}$/\1/p') || continue
    for tag in $tags; do copy_tag "$name:$tag"; done
  done
}

seconds() { # a Go duration of one part
  case $1 in
    *h) echo $((${1%h} * 3600)) ;;
    *ms) echo 1 ;;
    *m) echo $((${1%m} * 60)) ;;
    *s) echo "${1%s}" ;;
    *) die "the stand-in does not know the interval '$1'" ;;
  esac
}

# Once; as a server first what is missing, then, at its interval, what differs too: like regsync.
run_entry() { # SOURCE TARGET TYPE INTERVAL
  [ "$3" = registry ] || die "the stand-in copies entries of the type registry only, not '$3'"
  wanted=all
  [ "$command" = once ] || wanted=missing
  while :; do
    copy_registry "$1" "$2"
    [ "$command" = server ] || return 0
    wanted=all
    sleep "$(seconds "$4")"
  done
}

say "this is not regsync, see tests/harness/Cluster; $config"
list=$(entries sync source target type interval)
while IFS='	' read -r from to type interval; do
  if [ "$command" = server ]; then run_entry "$from" "$to" "$type" "$interval" & else run_entry "$from" "$to" "$type" "$interval"; fi
done <<END
$list
END
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
wait
