#!/bin/sh
# Makes containerd read /etc/containerd/certs.d, and restarts it only for that. Always succeeds: at worst, pulls go upstream.
# By capi-registry-hook; see its docs/nodes.md.
mode=${1:-auto} certs=/etc/containerd/certs.d main=/etc/containerd/config.toml drop=/etc/containerd/conf.d/registry-addon.toml
say() { echo "registry-addon: $*"; }
leave() { say "$*; pulls do not go through the registry"; exit 0; }
dump() { if [ -f "$1" ]; then containerd --config "$1" config dump; else containerd config default; fi 2>/dev/null; }
path() { sed -n '/^ *\[plugins\..*cri.*\.registry\]/,/^ *\[/s/^ *config_path = .\(.*\).$/\1/p' "$1" | head -n 1; }
rest() { sed -e '/^ *config_path = /d' -e '/^ *imports = /d' "$1"; }
lists() { case ":$(path "$1"):" in *:$certs:*) return 0 ;; esac; return 1; }
# The transfer service, by which containerd pulls since 2.1, reads a list of directories as the name of one.
reads() { [ "$(path "$1")" = "$certs" ] || { lists "$1" && ! grep -q '^ *use_local_image_pull = false' "$1"; }; }
works() { dump "$1" >"$tmp/after" && reads "$tmp/after" && [ "$(rest "$tmp/before")" = "$(rest "$tmp/after")" ]; }
restart() { ! command -v systemctl >/dev/null || systemctl try-restart containerd; }

command -v containerd >/dev/null || leave "there is no containerd"
tmp=$(mktemp -d) || leave "there is no room for temporary files"
trap 'rm -rf "$tmp"' EXIT
unit=$(systemctl show -p ExecStart containerd 2>/dev/null | sed -n 's/.* \(-c\|--config\)[ =]\([^ ;]*\).*/\2/p' | tail -n 1)
main=${unit:-$main}
dump "$main" >"$tmp/before" || leave "containerd can't read $main"
reads "$tmp/before" && { say "containerd reads $certs already"; exit 0; }
[ -z "$(path "$tmp/before")" ] || lists "$tmp/before" || leave "containerd reads another config_path"
for other in $(path "$tmp/before" | tr : ' '); do
  [ "$other" = "$certs" ] || [ -z "$(ls -A "$other" 2>/dev/null)" ] || leave "containerd reads one directory only, and $other has files too"
done
grep -Eq 'registry\.(mirrors\.|configs\..*\.tls\])' "$tmp/before" && leave "containerd has registry.mirrors or registry.configs with tls, which rule out config_path"

newest=$(sed -n 's/^version = \([0-9]*\)$/\1/p' "$tmp/before")
version=$(sed -n 's/^ *version *= *\([0-9]*\).*/\1/p' "$main" 2>/dev/null | head -n 1)
[ -f "$main" ] || version=$newest
case $version in
  2) id=io.containerd.grpc.v1.cri ;;
  [3-9]) id=io.containerd.cri.v1.images ;;
  *) version=1; if [ "${newest:-2}" -gt 2 ]; then id=io.containerd.cri.v1.images; else id=cri; fi ;;
esac
line="  config_path = \"$certs\""

mkdir -p "${drop%/*}"
printf 'version = %s\n\n[plugins."%s".registry]\n%s\n' "$version" "$id" "$line" >"$drop"
if works "$main"; then
  restart && { say "added $drop"; exit 0; }
  rm -f "$drop"; restart
  leave "containerd did not start with $drop"
fi
rm -f "$drop"
[ "$mode" = auto ] || leave "a drop-in has no effect, or more than one"

if [ -f "$main" ]; then cp -p "$main" "$main.registry-addon"; else echo "version = $version" >"$main.registry-addon"; fi
cp -p "$main.registry-addon" "$tmp/main"
awk -v id="$id" -v line="$line" '
  { bare = $0; gsub(/[ \t"\047]/, "", bare) }
  /^[ \t]*\[/ { inside = 0 }
  inside && /^[ \t]*config_path[ \t]*=/ { next }
  { print }
  bare == "[plugins." id ".registry]" { print line; inside = 1; found = 1 }
  END { if (!found) print "\n[plugins.\"" id "\".registry]\n" line }' "$tmp/main" >"$main.registry-addon"
works "$main.registry-addon" || { rm -f "$main.registry-addon"; leave "$main can't be changed without changing more"; }
mv "$main.registry-addon" "$main"
restart && { say "changed $main"; exit 0; }
cp -p "$tmp/main" "$main"; restart
leave "containerd did not start with the changed $main"
