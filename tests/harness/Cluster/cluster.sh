#!/usr/bin/env bash
# A real single-node Kubernetes on this machine, without Docker, an image registry or the internet.
#
#   tests/harness/Cluster/cluster.sh up [NAME]       starts it and says how to use it; does nothing when it runs
#   tests/harness/Cluster/cluster.sh down [NAME]     ends it and removes everything it left, also after a crash
#   tests/harness/Cluster/cluster.sh status [NAME]   exit code 0: ready, 3: not running, 4: starting or broken
#   tests/harness/Cluster/cluster.sh shell NAME [COMMAND...]   a shell or a command on the node
#   tests/harness/Cluster/cluster.sh prepare NAME    fetches and writes all that "hold" needs, prints the state folder
#   tests/harness/Cluster/cluster.sh hold NAME       becomes the cluster: it ends with this process (what the tests use)
#
# The node lives in namespaces of its own (processes, mounts, network, host name) and in control groups of its own, on a root file
# system made of the packages that tools.sh unpacks. So it changes nothing outside, and ends as a whole when its first process does.
# Outside are only: a folder in ${TMPDIR:-/tmp}, empty control groups after the end (removed by "down"), and one end of a virtual
# cable, which the kernel removes with the other one. Needs root and control groups of version 1.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly ready_seconds=180
command=${1:-}
name=${2:-dev}
[[ $# -lt 2 ]] || shift
[[ $# -lt 1 ]] || shift
readonly state=${TMPDIR:-/tmp}/capi-registry-hook-cluster-$name
readonly group=capi-registry-hook.$name

say() { printf 'cluster %s: %s\n' "$name" "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# --- what is there ---------------------------------------------------------------------------------------------------

groups() { find /sys/fs/cgroup -mindepth 2 -type d -name "$group" -prune 2>/dev/null || true; }

processes() { groups | while read -r folder; do find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true; done | sort -un; }

is_running() { [[ -n $(processes) ]]; }

is_ready() { is_running && [[ -e $state/node/run/cluster-ready ]]; }

# The node's first process, as seen from here.
first_process() {
  local process
  for process in $(processes); do
    if [[ $(awk '/^NSpid:/ { print $NF, NF }' "/proc/$process/status" 2>/dev/null) == "1 3" ]]; then
      printf '%s\n' "$process"
      return
    fi
  done
  die "is not running: start it with 'make cluster-up'"
}

on_node() { nsenter --target "$(first_process)" --mount --uts --ipc --net --pid --cgroup --root --wd="/" "$@"; }

# --- down ------------------------------------------------------------------------------------------------------------

down() {
  local attempt folder
  for ((attempt = 0; attempt < 100; attempt++)); do
    is_running || break
    # shellcheck disable=SC2046 # one word each
    kill -KILL $(processes) 2>/dev/null || true
    sleep 0.1
  done
  ! is_running || die "these processes can't be ended: $(processes | tr '\n' ' ')"
  for ((attempt = 0; attempt < 20; attempt++)); do
    groups | while read -r folder; do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
    [[ -n $(groups) ]] || break
    sleep 0.1
  done
  [[ -z $(groups) ]] || die "these control groups can't be removed: $(groups | tr '\n' ' ')"
  rm -rf "$state"
}

# Clusters of tests carry the test's process id in their name: nobody else will end one whose test is gone.
remove_abandoned() {
  local folder owner
  for folder in "${TMPDIR:-/tmp}"/capi-registry-hook-cluster-test-*; do
    owner=${folder##*-test-}
    owner=${owner%%-*}
    [[ ! -d $folder || -d /proc/$owner ]] || "${BASH_SOURCE[0]}" down "${folder##*capi-registry-hook-cluster-}" || true
  done
}

# --- prepare ---------------------------------------------------------------------------------------------------------

require_machine() {
  [[ $name =~ ^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$ ]] ||
    die "'$name' is not a name for a cluster: use up to 32 lower case letters, digits and dashes"
  [[ $(id -u) == 0 ]] || die "this needs root: namespaces, mounts and a virtual network cable"
  grep -qs 'cgroup .*[, ]memory[, ]' /proc/mounts ||
    die "this machine has control groups of version 2 only, and Kubernetes 1.20 needs version 1: use kind (E2E_CLUSTER=kind)"
}

# Both ends of the cable: 10.213.0.0/24 in steps of four addresses, the first that nobody on this machine uses.
choose_addresses() {
  local slot
  for ((slot = 0; slot < 64; slot++)); do
    [[ -z $("$tools/bin/ip" -4 -o addr show to "10.213.0.$((slot * 4))/30") ]] || continue
    # Two starts at once: the one that makes the folder has the addresses, until its state is gone.
    [[ -z $(grep -lsx "10.213.0.$((slot * 4 + 2))" "${TMPDIR:-/tmp}"/capi-registry-hook-cluster-*/node-address) ]] || continue
    printf '10.213.0.%s\n' $((slot * 4 + 1)) >"$state/host-address"
    printf '10.213.0.%s\n' $((slot * 4 + 2)) >"$state/node-address"
    printf 'capihook%s\n' "$slot" >"$state/cable"
    return
  done
  die "all addresses in 10.213.0.0/24 are taken: end other clusters with 'cluster.sh down NAME'"
}

write_certificates() {
  local pki=$state/node/etc/kubernetes
  "$tools/bin/openssl" genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$pki/accounts.key" 2>/dev/null
  "$tools/bin/openssl" pkey -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub"
  cat >"$state/openssl.cnf" <<END
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1,IP:$node
END
  "$tools/bin/openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 30 -config "$state/openssl.cnf" \
    -extensions ca -subj "/CN=cluster-$name" -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
  "$tools/bin/openssl" req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 30 -config "$state/openssl.cnf" \
    -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -extensions server -subj "/CN=kube-apiserver" -keyout "$pki/server.key" -out "$pki/server.crt" 2>/dev/null
}

write_kubeconfig() { # USER TOKEN FILE
  cat >"$3" <<END
apiVersion: v1
kind: Config
clusters:
- name: $name
  cluster: {server: "https://$node:6443", certificate-authority-data: $(base64 -w0 "$state/node/etc/kubernetes/ca.crt")}
users:
- name: $1
  user: {token: $2}
contexts:
- name: $name
  context: {cluster: $name, user: $1}
current-context: $name
END
  chmod 600 "$3"
}

# user, its groups: who may talk to the API server.
write_access() {
  local user groups token etc=$state/node/etc/kubernetes
  : >"$etc/tokens.csv"
  chmod 600 "$etc/tokens.csv"
  while read -r user groups; do
    token=$("$tools/bin/openssl" rand -hex 16)
    printf '%s,%s,%s,"%s"\n' "$token" "$user" "$user" "$groups" >>"$etc/tokens.csv"
    write_kubeconfig "$user" "$token" "$etc/${user##*:}.kubeconfig"
  done <<END
admin system:masters
system:kube-controller-manager
system:kube-scheduler
system:kube-proxy
system:node:node system:nodes
END
  cp "$etc/admin.kubeconfig" "$state/kubeconfig"
}

prepare() {
  local kubernetes images
  require_machine
  remove_abandoned
  ! is_running || die "is running already"
  down
  tools=$("$here/../tools.sh" busybox kubectl)
  kubernetes=$("$here/../kubernetes.sh")
  images=$("$here/images.sh" pause busybox)
  mkdir -p "$state"/node/{dev,etc/{cni/net.d,containerd/certs.d,kubernetes},images,opt/{kubernetes,kubectl},proc,root,run,sys,tmp,usr,var/{lib,log,tmp}}
  ln -s usr/bin usr/sbin usr/lib usr/lib64 "$state/node/"
  ln -s ../run "$state/node/var/run"
  chmod 1777 "$state/node/tmp"
  printf '%s\n' "$tools" >"$state/tools"
  printf '%s\n' "$kubernetes" >"$state/kubernetes"
  choose_addresses
  node=$(<"$state/node-address")
  cp "$images"/{pause,busybox}.tar "$state/node/images/"
  cp "$here"/node/*.sh "$state/node/root/"
  cp "$here"/node/{pods.conflist,containerd.toml,kubelet.yaml,cluster.yaml,etc/*} "$state/node/etc/kubernetes/"
  sed -i "s/@NODE@/$node/" "$state"/node/etc/kubernetes/{kubelet.yaml,resolv.conf,hosts}
  mv "$state/node/etc/kubernetes/pods.conflist" "$state/node/etc/cni/net.d/"
  mv "$state"/node/etc/kubernetes/{passwd,group,hosts,resolv.conf,nsswitch.conf} "$state/node/etc/"
  cp "$state/node-address" "$state/node/etc/kubernetes/address"
  "$tools/bin/openssl" rand -hex 16 >"$state/node/etc/machine-id"
  write_certificates
  write_access
}

# --- hold: from here on this process is the cluster ------------------------------------------------------------------

# Into control groups of our own, one in each hierarchy below the one we are in.
enter_groups() {
  local controllers path folder
  while IFS=: read -r _ controllers path; do
    folder=/sys/fs/cgroup/${controllers#name=}
    [[ -n $controllers ]] || folder=/sys/fs/cgroup/unified
    folder=$folder${path%/}/$group
    mkdir -p "$folder" 2>/dev/null || continue
    if [[ ,$controllers, == *,cpuset,* ]]; then # processes are refused until it says where they may run
      cat "${folder%/*}/cpuset.cpus" >"$folder/cpuset.cpus"
      cat "${folder%/*}/cpuset.mems" >"$folder/cpuset.mems"
    fi
    echo $$ >"$folder/cgroup.procs"
  done < <(cat /proc/self/cgroup) # as it was before: the file changes under a reader that moves
}

hold() {
  [[ -f $state/kubeconfig ]] || die "is not prepared: run 'cluster.sh prepare $name'"
  enter_groups
  exec {outside}</proc/self/ns/net
  export outside
  exec unshare --mount --uts --ipc --net --cgroup "$here/node/enter.sh" "$state"
}

# --- up --------------------------------------------------------------------------------------------------------------

up() {
  local started=$SECONDS seen=0 lines
  if is_ready; then
    say "is running"
    explain
    return
  fi
  ! is_running || down
  prepare
  say "starting"
  setsid "${BASH_SOURCE[0]}" hold "$name" </dev/null >"$state/hold.log" 2>&1 &
  until is_ready; do
    sleep 0.2
    ((SECONDS - started < ready_seconds)) && kill -0 $! 2>/dev/null || fail "did not become ready"
    lines=$(wc -l 2>/dev/null <"$state/node/run/progress" || echo 0)
    [[ $lines -eq $seen ]] || tail -n +$((seen + 1)) "$state/node/run/progress" | while read -r line; do say "$line"; done
    seen=$lines
  done
  say "ready after $((SECONDS - started)) s"
  explain
}

fail() {
  local kept
  kept=$(mktemp -d "${TMPDIR:-/tmp}/capi-registry-hook-logs.XXXXXX")
  cp -r "$state/hold.log" "$state/node/var/log" "$kept/" 2>/dev/null || true
  tail -n 5 "$kept/hold.log" >&2 || true
  down
  die "$1; its logs: $kept"
}

explain() {
  cat <<END
export KUBECONFIG=$state/kubeconfig
kubectl:          $(<"$state/tools")/bin/kubectl get pods --all-namespaces
on the node:      $here/cluster.sh shell $name
logs:             $state/node/var/log
for the tests:    E2E_CLUSTER=existing E2E_KUBECONFIG=$state/kubeconfig E2E_HOST_ADDRESS=$(<"$state/host-address") E2E_NODE_COMMAND="$here/cluster.sh shell $name"
END
}

status() {
  if is_ready; then
    explain
    KUBECONFIG=$state/kubeconfig "$(<"$state/tools")/bin/kubectl" get nodes,pods --all-namespaces || return 4
  elif is_running; then
    say "is starting, or broken: see $state/node/var/log, and 'make cluster-down'"
    return 4
  else
    say "is not running"
    return 3
  fi
}

case $command in
  up) up ;;
  down) down && say "is gone" ;;
  status) status ;;
  prepare) prepare && printf '%s\n' "$state" ;;
  hold) hold ;;
  shell) if [[ $# -gt 0 ]]; then on_node "$@"; else on_node /bin/sh; fi ;;
  *) die "'$command' is not a command: use up, down, status, shell, prepare or hold" ;;
esac
