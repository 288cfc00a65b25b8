#!/usr/bin/env bash
# Runs the named tiers (unit, e2e) and closes with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly results=artifacts/test-results
mkdir -p "$results"
passed=0 failed=0 skipped=0 broken=0

count() { # FILE ATTRIBUTE: adds up an attribute of the <assembly> elements of an xunit report
  { grep -oE '<assembly [^>]*' "$1" || true; } | { grep -oE " $2=\"[0-9]+\"" || true; } | tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

tier() {
  local name=$1 report="$results/$1.xml"
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
}

# The simulated fleet takes some minutes at its full size; a developer's run takes a tenth of it.
[[ -z ${CI:-} ]] || export FLEET_CLUSTERS=${FLEET_CLUSTERS:-500}

# The certificate tests hold what we issue against the openssl program.
if ! command -v openssl >/dev/null; then
  echo "== install openssl"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssl
fi

for name in "$@"; do
  [[ $name == e2e ]] && make --no-print-directory publish
  tier "$name"
done

# A skipped test is one that this run promised and did not do.
if (( passed == 0 || skipped > 0 )); then broken=1; fi
if (( broken == 1 && failed == 0 )); then failed=1; fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
(( failed == 0 ))
