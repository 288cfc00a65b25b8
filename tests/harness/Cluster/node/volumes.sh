#!/bin/sh
# The controller manager makes a folder for each claim that only root may write to; pods run as other users. The volume object
# appears right after its folder, long before a pod can have it.
while :; do
  kubectl --kubeconfig=/etc/kubernetes/admin.kubeconfig get persistentvolumes --watch -o name | while read -r _; do
    chmod 777 /tmp/hostpath_pv/* 2>/dev/null
  done
  sleep 1
done
