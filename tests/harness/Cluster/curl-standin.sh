#!/bin/sh
# NOT curl: a stand-in for tests on machines where its image can't be had. It knows the arguments that the registry chart's helm test
# gives, asks each https URL once by openssl, which verifies chain and name against --cacert, and fails unless the answer is a success.
# kind runs the real one.
set -eu

die() {
  echo "curl stand-in: $*" >&2
  exit 1
}

authority='' urls='' tries=1
while [ $# -gt 0 ]; do
  case $1 in
    --cacert) authority=$2 && shift 2 ;;
    --retry) tries=$(($2 + 1)) && shift 2 ;;
    --max-time) shift 2 ;;
    --fail | --fail-early | --silent | --show-error | --retry-connrefused) shift ;;
    https://*) urls="$urls $1" && shift ;;
    *) die "the stand-in does not know the argument '$1'" ;;
  esac
done
[ -n "$authority" ] && [ -n "$urls" ] || die "name --cacert and URLs"

ask() { # URL
  rest=${1#https://}
  address=${rest%%/*}
  host=${address%:*}
  said=$(printf 'GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "${rest#*/}" "$host" |
    timeout 10 openssl s_client -quiet -CAfile "$authority" -verify_return_error -verify_hostname "$host" -servername "$host" \
      -connect "$address" 2>&1) || return
  echo "$said" | grep -q '^HTTP/1.1 2'
}

for url in $urls; do
  left=$tries
  until ask "$url"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || die "$url: $said"
    sleep 1
  done
done
