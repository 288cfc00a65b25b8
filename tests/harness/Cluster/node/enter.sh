#!/usr/bin/env bash
# From the machine into the node: runs in new namespaces for mounts, network, names and control groups, and ends as the node's first
# process in a new one for processes. Called by cluster.sh; $outside is open on the machine's network namespace.
set -euo pipefail

state=$1
step=${2:-network}
tools=$(<"$state/tools")
root=$state/node

# A cable to the machine, and a default route into nowhere: no packet leaves, and what can't be reached is silent, as behind a firewall.
lay_cable() {
  local cable ip=$tools/bin/ip
  cable=$(<"$state/cable")
  "$ip" link set lo up
  "$ip" link add eth0 type veth peer name "$cable" netns "/proc/self/fd/$outside"
  "$ip" addr add "$(<"$state/node-address")/30" dev eth0
  "$ip" link set eth0 up
  nsenter --net="/proc/self/fd/$outside" "$ip" addr add "$(<"$state/host-address")/30" dev "$cable"
  nsenter --net="/proc/self/fd/$outside" "$ip" link set "$cable" up
  # Not every kernel has dummy devices. This is a second cable, both ends in here; nobody answers, and nobody is asked for an address.
  "$ip" link add nowhere type veth peer name nobody
  "$ip" link set nowhere arp off up
  "$ip" link set nobody up
  "$ip" route add default dev nowhere src "$(<"$state/node-address")"
  # No cloud is asked what it knows about this machine: silence would cost kubelet seconds.
  "$ip" route add unreachable 169.254.0.0/16
  hostname node
}

mount_root() {
  local controllers
  mount --make-rprivate /
  mount --bind "$root" "$root"
  mount --bind -o ro "$tools/debian/root/usr" "$root/usr"
  mount --bind -o ro "$(<"$state/kubernetes")" "$root/opt/kubernetes"
  mount --bind -o ro "$tools/npm3" "$root/opt/kubectl"
  mount --rbind /dev "$root/dev"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs cgroup "$root/sys/fs/cgroup"
  # Mounted from inside, they show our own part of each hierarchy as the whole.
  cut -d: -f2 /proc/self/cgroup | while read -r controllers; do
    [[ -n $controllers ]] || continue
    mkdir "$root/sys/fs/cgroup/${controllers#name=}"
    if [[ $controllers == name=* ]]; then controllers=none,$controllers; fi
    mount -t cgroup -o "$controllers" cgroup "$root/sys/fs/cgroup/${controllers#none,name=}"
  done
}

# kubelet wants these values and would write them for the whole machine. It sees them as they should be, and leaves them alone.
cover_settings() {
  local key value
  while read -r key value; do
    [[ -e $root/proc/sys/$key ]] || continue
    printf '%s\n' "$value" >"$root/run/${key//\//.}"
    mount --bind "$root/run/${key//\//.}" "$root/proc/sys/$key"
  done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END
}

case $step in
  network)
    lay_cable
    exec {outside}<&-
    exec unshare --pid --fork --kill-child "${BASH_SOURCE[0]}" "$state" root
    ;;
  root)
    mount_root
    cover_settings
    cd "$root"
    mkdir -p old
    pivot_root . old
    exec env -i PATH=/opt/kubernetes:/opt/kubectl:/usr/sbin:/usr/bin HOME=/root /bin/sh /root/first.sh
    ;;
esac
