#!/usr/bin/env bash
# Runs the named tiers (unit, e2e, soak) and closes with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly results=artifacts/test-results
mkdir -p "$results"
passed=0 failed=0 skipped=0 broken=0 causes=''

count() { # FILE ATTRIBUTE: adds up an attribute of the <assembly> elements of an xunit report
  { grep -oE '<assembly [^>]*' "$1" || true; } | { grep -oE " $2=\"[0-9]+\"" || true; } | tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

tier() {
  local name=$1 report="$results/$1.xml" started
  started=$(date +%s)
  rm -f "$report"
  echo "== $name: build"
  dotnet build "tests/$name/$name.csproj" --configuration Release --nologo --verbosity quiet
  echo "== $name: run"
  dotnet run --project "tests/$name/$name.csproj" --configuration Release --no-build -- -xml "$report" -noColor -longRunning 60 || broken=1
  if [[ ! -s $report ]]; then
    echo "$name: no report was written" >&2
    broken=1
    return
  fi
  passed=$((passed + $(count "$report" passed)))
  failed=$((failed + $(count "$report" failed) + $(count "$report" errors)))
  skipped=$((skipped + $(count "$report" skipped)))
  echo "== $name: the classes that took longest (seconds, tests), of $(($(date +%s) - started)) s with the build"
  slowest "$report"
  causes+=$(failures "$report")$'\n'
}

slowest() { # FILE: the test classes of an xunit report that took longest, with their seconds
  grep -oE '<test [^>]*' "$1" | sed -nE 's/.* time="([0-9.]*)".* type="([^"]*)".*/\2 \1/p' \
    | awk '{ seconds[$1] += $2; tests[$1]++ } END { for (name in seconds) printf "%9.1f s  %4d  %s\n", seconds[name], tests[name], name }' \
    | sort -rn | awk 'NR <= 10'
}

failures() { # FILE: the failed tests of an xunit report, a line each with the beginning of its message
  tr '\n' ' ' <"$1" | sed 's/<test /\n&/g' | { grep -E '^<test [^>]*result="Fail"' || true; } \
    | sed -E 's/^<test [^>]* name="([^"]*)"[^>]*>(<failure[^>]*><message><!\[CDATA\[)?(.*)/FAILED \1: \3/; s/(\]\]>|<).*//' | cut -c1-400
}

# The certificate tests hold what we issue against the openssl program.
if ! command -v openssl >/dev/null; then
  echo "== install openssl"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssl
fi

for name in "$@"; do
  [[ $name != e2e ]] || bash tests/browser.sh
  [[ $name == unit ]] || make --no-print-directory publish
  tier "$name"
done

# A skipped test is one that this run promised and did not do.
if (( passed == 0 || skipped > 0 )); then broken=1; fi
if (( broken == 1 && failed == 0 )); then failed=1; fi
printf '%s' "$causes" | sed '/^$/d'
echo
echo "$passed passed, $failed failed, $skipped skipped"
(( failed == 0 ))
