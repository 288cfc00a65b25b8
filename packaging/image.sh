#!/usr/bin/env bash
# Makes the image of the service from the published program and Debian's packages, without Docker.
#
#   packaging/image.sh     fills artifacts/image, unless it is up to date, and prints the image's digest
#
#   layout/          an OCI image layout: the image and its software bill of materials, which refers to it
#   image.tar        the image alone, for "docker load", "podman load", "ctr images import" and "kind load image-archive"
#   sbom.spdx.json   the software bill of materials
#   digest           the digest of the image
#
# IMAGE_REGISTRY      the registry in the image's name; default: registry.example.com, as in the chart
# SOURCE_DATE_EPOCH   the only time in the image, in seconds since 1970; default: that of the commit
# REFRESH=1           asks Debian for newer packages first
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
readonly here root
readonly program=$root/artifacts/publish/capi-registry-hook
readonly target=$root/artifacts/image
registry=${IMAGE_REGISTRY:-registry.example.com}

die() {
  printf 'image.sh: error: %s\n' "$*" >&2
  exit 1
}

commit() { git -C "$root" "$@" 2>/dev/null || true; }

version() { sed -nE 's|.*<VersionPrefix>(.*)</VersionPrefix>.*|\1|p' "$root/Directory.Build.props"; }

# What the image is made from, as one line.
sources() {
  {
    printf '%s %s %s %s\n' "$registry" "$(version)" "$created" "$revision"
    cat "$packages/SHA256SUMS" "$program" "$program.deps.json" "$here"/Program.cs "$here"/Images/*.cs
  } | sha256sum | cut -d' ' -f1
}

main() {
  local created revision packages work
  [[ -f $program ]] || die "$program is missing: run 'make publish' first"
  created=${SOURCE_DATE_EPOCH:-$(commit log -1 --format=%ct)}
  created=${created:-0}
  revision=$(commit rev-parse HEAD)
  packages=$("$here/packages.sh" ${REFRESH:+--refresh})
  mkdir -p "$root/artifacts"
  exec 8>"$root/artifacts/image.lock"
  flock --timeout 300 8 || die "another run did not end within 300 s"
  if [[ $(cat "$target/sources" 2>/dev/null) != "$(sources)" ]]; then
    dotnet msbuild "$here/packaging.csproj" -restore -property:Configuration=Release -nologo -verbosity:quiet >&2
    rm -rf "$target".??????
    work=$(mktemp -d "$target.XXXXXX")
    "$here/bin/Release/net10.0/CapiRegistryHook.Packaging" image --program "$program" --packages "$packages" --registry "$registry" \
      --image-version "$(version)" --created "$created" --revision "$revision" --output "$work" >/dev/null
    sources >"$work/sources"
    chmod 755 "$work"
    rm -rf "$target"
    mv "$work" "$target"
  fi
  cat "$target/digest"
}

main
