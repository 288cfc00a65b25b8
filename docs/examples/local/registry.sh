#!/usr/bin/env bash
# A registry in a local cluster that is localhost:5000 for its nodes and for this machine. docs/local.md says how to use it.
#
#   registry.sh install kind [CLUSTER]     in a cluster of kind; default: kind
#   registry.sh install local [CLUSTER]    in a cluster of `make cluster-up`; default: dev
#   registry.sh forward kind|local [CLUSTER]   leads localhost:PORT to the node until it is ended, where kind.yaml does not
#
# PORT    port on this machine; default: 5000. Nodes and pods say localhost:5000 in any case
# CHART   the registry chart; default: the one of this checkout
# HELM    Helm 3 or 4; default: helm
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
readonly here root namespace=registry node_port=30500
readonly files=/etc/containerd/certs.d/localhost:5000
port=${PORT:-5000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  printf 'registry.sh: error: %s\n' "$*" >&2
  exit 1
}

use_kind() {
  nodes() { kind get nodes --name "$cluster"; }
  on_node() { docker exec --interactive "$@"; }
  images=()
  kind get kubeconfig --name "$cluster" >"$work/kubeconfig"
}

# The node has no way out, so it gets the image from here.
use_local() {
  local state=${TMPDIR:-/tmp}/capi-registry-hook-cluster-$cluster
  [[ -f $state/kubeconfig ]] || die "there is no cluster '$cluster': start it with 'make cluster-up NAME=$cluster'"
  nodes() { echo node; }
  on_node() { "$root/tests/harness/Cluster/cluster.sh" shell "$cluster" "${@:2}"; }
  images=(--set image.registry=registry.test --set image.repository=registry --set image.tag=2.8.2)
  cp "$state/kubeconfig" "$work/kubeconfig"
}

load_image() {
  [[ $kind == local ]] || return 0
  on_node node ctr --namespace k8s.io images import - <"$("$root/tests/harness/Cluster/images.sh" registry)/registry.tar" >/dev/null
}

# A certificate that is its own authority, for as long as the Secret is there.
make_certificate() {
  kubectl create namespace "$namespace" --dry-run=client --output=yaml | kubectl apply --filename=- >/dev/null
  if [[ -z $(kubectl get secret registry-tls --namespace "$namespace" --ignore-not-found --output=name) ]]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj /CN=localhost \
      -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:registry.$namespace.svc,DNS:registry.$namespace.svc.cluster.local" \
      -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
    kubectl create secret generic registry-tls --namespace "$namespace" --from-file=tls.crt="$work/tls.crt" \
      --from-file=tls.key="$work/tls.key" --from-file=ca.crt="$work/tls.crt" >/dev/null
  fi
  kubectl get secret registry-tls --namespace "$namespace" --output='go-template={{index .data "ca.crt" | base64decode}}' >"$work/ca.crt"
}

install_chart() {
  "${HELM:-helm}" upgrade --install registry "${CHART:-$root/charts/registry}" --namespace "$namespace" --values "$here/values.yaml" \
    --set "localRegistryHosting.host=localhost:$port" ${images[@]+"${images[@]}"} --wait --timeout 5m >/dev/null
}

write() { # NODE FILE: what is on stdin
  on_node "$1" sh -c 'mkdir -p "$(dirname "$0")" && cat >"$0"' "$2"
}

# containerd reads them at each pull.
configure_nodes() {
  local node
  for node in $(nodes); do
    write "$node" "$files/ca.crt" <"$work/ca.crt"
    write "$node" "$files/hosts.toml" <<END
server = "https://127.0.0.1:$node_port"

[host."https://127.0.0.1:$node_port"]
  capabilities = ["pull", "resolve"]
  ca = "$files/ca.crt"
END
  done
}

# For podman, buildah and skopeo. Docker doesn't verify localhost.
trust_here() {
  local folder=$HOME/.config/containers/certs.d/localhost:$port
  mkdir -p "$folder"
  cp "$work/ca.crt" "$folder/ca.crt"
}

install() {
  load_image
  make_certificate
  install_chart
  configure_nodes
  trust_here
  printf 'Push to localhost:%s/NAME:TAG, and run localhost:5000/NAME:TAG.\n' "$port"
}

forward() {
  local node
  node=$(kubectl get nodes --output='jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}')
  rm -rf "$work"
  exec socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" "TCP:$node:$node_port"
}

command=${1:-}
kind=${2:-}
case $kind in
  kind) cluster=${3:-kind} && use_kind ;;
  local) cluster=${3:-dev} && use_local ;;
  *) die "say where: 'kind' or 'local'" ;;
esac
export KUBECONFIG=$work/kubeconfig
case $command in
  install | forward) "$command" ;;
  *) die "'$command' is not a command: use install or forward" ;;
esac
