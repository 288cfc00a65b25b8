#!/usr/bin/env bash
# Runs the named tiers (unit, e2e, soak) and closes with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly results=artifacts/test-results
readonly most_retried=5
mkdir -p "$results"
passed=0 failed=0 skipped=0 broken=0 told=''

count() { # FILE ATTRIBUTE: adds up an attribute of the <assembly> elements of an xunit report
  { grep -oE '<assembly [^>]*' "$1" || true; } | { grep -oE " $2=\"[0-9]+\"" || true; } | tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

# The seed of the order of classes and tests is fixed: an order that fails here fails everywhere.
run() { # NAME REPORT OPTION...
  dotnet run --project "tests/$1/$1.csproj" --configuration Release --no-build -- :1 -xml "$2" -noColor -longRunning 60 "${@:3}"
}

tier() {
  local name=$1 report="$results/$1.xml" status=0 lost started
  started=$(date +%s)
  rm -f "$results/$name"{,-again}.xml
  echo "== $name: build"
  dotnet build "tests/$name/$name.csproj" --configuration Release --nologo --verbosity quiet
  echo "== $name: run"
  run "$name" "$report" || status=$?
  if [[ ! -s $report ]]; then
    echo "$name: no report was written" >&2
    broken=1
    return
  fi
  lost=$(($(count "$report" failed) + $(count "$report" errors)))
  if (( status != 0 && lost == 0 )); then broken=1; fi
  passed=$((passed + $(count "$report" passed)))
  failed=$((failed + lost))
  skipped=$((skipped + $(count "$report" skipped)))
  echo "== $name: the classes that took longest (seconds, tests), of $(($(date +%s) - started)) s with the build"
  slowest "$report"
  if [[ $name == e2e ]] && (( lost > 0 && lost <= most_retried && $(count "$report" errors) == 0 )); then
    retry "$name" "$report"
  else
    told+=$(tests "$report" Fail | awk -F '\t' '{ print "FAILED " $1 ": " $3 }')$'\n'
  fi
}

# Tests of real clusters on a shared machine: what failed gets one more try, alone. What passes then is told, not hidden.
retry() { # NAME REPORT: moves the tests that pass now from the failed to the passed ones
  local name=$1 report=$2 again="$results/$1-again.xml" test method message options=()
  while IFS=$'\t' read -r test method message; do options+=(-method "$method"); done < <(tests "$report" Fail)
  echo "== $name: what failed, once more"
  run "$name" "$again" -parallel none "${options[@]}" || true
  [[ -s $again ]] || echo '<none/>' >"$again"
  while IFS=$'\t' read -r test method message; do
    if has "$again" Pass "$test" && ! has "$again" Fail "$test"; then
      passed=$((passed + 1)) failed=$((failed - 1))
      told+="UNSTABLE $test: $message"$'\n'
    else
      told+="FAILED $test: $message"$'\n'
    fi
  done < <(tests "$report" Fail)
  # Another case of the same theory, which passed the first time.
  while IFS=$'\t' read -r test method message; do
    has "$report" Fail "$test" || told+="UNSTABLE $test: $message"$'\n'
  done < <(tests "$again" Fail)
}

slowest() { # FILE: the test classes of an xunit report that took longest, with their seconds
  grep -oE '<test [^>]*' "$1" | sed -nE 's/.* time="([0-9.]*)".* type="([^"]*)".*/\2 \1/p' \
    | awk '{ seconds[$1] += $2; tests[$1]++ } END { for (name in seconds) printf "%9.1f s  %4d  %s\n", seconds[name], tests[name], name }' \
    | sort -rn | awk 'NR <= 10'
}

tests() { # FILE RESULT: the tests of an xunit report with that result, a line each: name, method and the beginning of its message, by tabs
  tr '\n\t' '  ' <"$1" | sed 's/<test /\n&/g' | awk -v result="$2" '
    function value(key) { return match($0, " " key "=\"[^\"]*\"") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }
    /^<test / && value("result") == result {
      message = match($0, /<message>(<!\[CDATA\[)?/) ? substr($0, RSTART + RLENGTH) : ""
      sub(/(\]\]>|<\/message>).*/, "", message)
      print value("name") "\t" value("type") "." value("method") "\t" substr(message, 1, 300)
    }'
}

has() { # FILE RESULT NAME
  tests "$1" "$2" | cut -f 1 | grep -xF -- "$3" >/dev/null
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
printf '%s' "$told" | sed '/^$/d'
echo
echo "$passed passed, $failed failed, $skipped skipped"
(( failed == 0 ))
