#!/bin/sh
# The node's first process: starts everything in order and then stays. /bin/sh is busybox; only the node's own files are in sight.
set -eu

umount -l /old
rmdir /old
mount --make-rshared /
etc=/etc/kubernetes
node=$(cat $etc/address)
admin="kubectl --kubeconfig=$etc/admin.kubeconfig"

say() { echo "$*" >>/run/progress; }

server() { # NAME PROGRAM ARGUMENT...: in the background, with a log of its own
  log=/var/log/$1.log
  shift
  "$@" >>"$log" 2>&1 &
}

wait_for() { # WHAT COMMAND...
  what=$1
  shift
  say "waiting for $what"
  until "$@" >/dev/null 2>&1; do usleep 100000; done
}

mkdir -p /tmp/hostpath_pv /run/names
say "starting etcd, kube-apiserver and containerd"
server etcd etcd --data-dir=/var/lib/etcd --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
  --listen-peer-urls=http://127.0.0.1:0 --unsafe-no-fsync --logger=zap --log-level=warn
server kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address="$node" \
  --secure-port=6443 --tls-cert-file=$etc/server.crt --tls-private-key-file=$etc/server.key --token-auth-file=$etc/tokens.csv \
  --authorization-mode=Node,RBAC --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=$etc/accounts.pub \
  --service-account-signing-key-file=$etc/accounts.key --service-cluster-ip-range=10.96.0.0/16 --allow-privileged=true \
  --kubelet-preferred-address-types=InternalIP
server containerd containerd --config $etc/containerd.toml

wait_for containerd ctr --connect-timeout 1s version
for image in /images/*.tar; do
  ctr --namespace k8s.io images import "$image" >>/var/log/images.log 2>&1
done
wait_for "the API server" $admin get --raw /readyz

say "starting the controllers, the scheduler, kubelet and kube-proxy"
server kube-controller-manager kube-controller-manager --kubeconfig=$etc/kube-controller-manager.kubeconfig --leader-elect=false \
  --service-account-private-key-file=$etc/accounts.key --root-ca-file=$etc/ca.crt --use-service-account-credentials=true \
  --enable-hostpath-provisioner=true --pvclaimbinder-sync-period=1s
server kube-scheduler kube-scheduler --kubeconfig=$etc/kube-scheduler.kubeconfig --leader-elect=false
server kubelet kubelet --kubeconfig=$etc/node.kubeconfig --config=$etc/kubelet.yaml --hostname-override=node --node-ip="$node" \
  --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock --root-dir=/var/lib/kubelet
server kube-proxy kube-proxy --kubeconfig=$etc/kube-proxy.kubeconfig --hostname-override=node --proxy-mode=iptables \
  --cluster-cidr=10.244.0.0/16 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
$admin apply -f $etc/cluster.yaml >>/var/log/cluster.log 2>&1
server names /bin/sh /root/names.sh
server volumes /bin/sh /root/volumes.sh

wait_for "the node to be ready" $admin wait --for=condition=Ready --timeout=1s node/node
wait_for "the default service account" $admin get serviceaccount default
touch /run/cluster-ready
say "ready"

# The first process inherits every process that lost its parent: wait collects them.
while :; do
  sleep 3600 &
  wait $! || true
done
