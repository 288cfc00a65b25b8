#!/bin/sh
# Cluster DNS: one hosts file per Service and per headless Service's endpoints, served by dnsmasq. All other names do not exist.
get="kubectl --kubeconfig=/etc/kubernetes/admin.kubeconfig get --all-namespaces --watch --output-watch-events"
domain=cluster.local

# A single service line: event namespace name clusterIP
services='{{.type}} {{.object.metadata.namespace}} {{.object.metadata.name}} {{.object.spec.clusterIP}}
'
# A headless Service's endpoints: event namespace name address,hostname...
endpoints='{{.type}} {{.object.metadata.namespace}} {{.object.metadata.name}}{{if .object.metadata.labels}}{{if (index .object.metadata.labels "service.kubernetes.io/headless") | printf "%v" | eq ""}}{{range .object.subsets}}{{range .addresses}} {{.ip}},{{.hostname}}{{end}}{{end}}{{end}}{{end}}
'

dnsmasq --keep-in-foreground --user=root --no-resolv --no-hosts --addn-hosts=/run/names --local=/#/ --local-ttl=1 --log-facility=- \
  --listen-address="$(cat /etc/kubernetes/address)" --bind-interfaces --pid-file=/run/dnsmasq.pid &
server=$!

put() { # FILE: its new lines are on stdin
  cat >/run/names.new."$1"
  mv /run/names.new."$1" "/run/names/$1"
  kill -HUP "$server"
}

watch_services() {
  $get services -o go-template="$services" | while read -r event namespace name address; do
    [ "$event" != DELETED ] && [ "$address" != None ] || address=
    { [ -z "$address" ] || echo "$address $name.$namespace.svc.$domain"; } | put "service.$namespace.$name"
  done
}

watch_endpoints() {
  $get endpoints -o go-template="$endpoints" | while read -r event namespace name addresses; do
    [ "$event" != DELETED ] || addresses=
    for entry in $addresses; do
      echo "${entry%,*} $name.$namespace.svc.$domain"
      case ${entry#*,} in "" | "<no value>") ;; *) echo "${entry%,*} ${entry#*,}.$name.$namespace.svc.$domain" ;; esac
    done | put "endpoints.$namespace.$name"
  done
}

while :; do watch_services; sleep 1; done &
while :; do watch_endpoints; sleep 1; done
