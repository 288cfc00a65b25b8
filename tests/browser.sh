#!/usr/bin/env bash
# Installs the browser in which the tests look at the page: Debian's chromium without a screen. With "fonts" also those of the pictures.
set -euo pipefail

packages=()
[[ -x /usr/bin/chromium-headless-shell ]] || packages+=(chromium-headless-shell)
if [[ ${1:-} == fonts ]]; then
  for name in fonts-inter fonts-jetbrains-mono; do
    dpkg-query --show "$name" >/dev/null 2>&1 || packages+=("$name")
  done
fi
[[ ${#packages[@]} -gt 0 ]] || exit 0

echo "== install ${packages[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
