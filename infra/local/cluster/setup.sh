#!/bin/sh
# Furnishes the new mount and network namespaces of the node, before any part runs.
# Takes: FOLDER (the cluster's), TOOLS ("name=path ..."), NODE, PODS, QUEUE.
set -eu

# The node sees its folder and the tools under short paths of a private /run.
mkdir -p "$FOLDER/run" "$FOLDER/kubelet" "$FOLDER/containerd" "$FOLDER/etcd" "$FOLDER/log/node" "$FOLDER/weights"
chmod 700 "$FOLDER/etcd"
mount -t tmpfs -o mode=755 node "$FOLDER/run"
mkdir -p "$FOLDER/run/serantau" "$FOLDER/run/tools" "$FOLDER/run/lock" "$FOLDER/run/secrets/kubernetes.io"
mount --bind "$FOLDER" "$FOLDER/run/serantau"
for tool in $TOOLS; do
  touch "$FOLDER/run/tools/${tool%%=*}"
  mount --bind "${tool#*=}" "$FOLDER/run/tools/${tool%%=*}"
done
ln -s ../../serantau/config/enforcer "$FOLDER/run/secrets/kubernetes.io/serviceaccount"
mount --rbind "$FOLDER/run" /run

# Programs have their data at the usual places, which are the cluster's own folders.
mount -t tmpfs -o mode=755 node /var/lib
for part in kubelet containerd etcd; do
  mkdir "/var/lib/$part"
  mount --bind "/run/serantau/$part" "/var/lib/$part"
done
mount --bind /run/serantau/log/node /var/log
# A state folder under /var/lib or /run was just hidden: volumes name it by its path on the host.
if [ ! -e "$FOLDER/state.json" ]; then
  mkdir -p "$FOLDER"
  mount --bind /run/serantau "$FOLDER"
fi

# The kubelet insists on kernel settings of the whole machine; it shall find them and write none.
mkdir /run/sysctl
while read -r key value; do
  [ "$(cat "/proc/sys/$key")" = "$value" ] && continue
  file="/run/sysctl/$(echo "$key" | tr / .)"
  echo "$value" >"$file"
  mount --bind "$file" "/proc/sys/$key"
done <<SETTINGS
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SETTINGS

# No default route: nothing in here can leave the link, Service and pod addresses.
ip link set lo up
ip address add "$NODE/24" dev eth0
ip link set eth0 up
for scope in all default; do
  echo 1 >"/proc/sys/net/ipv6/conf/$scope/disable_ipv6"
done
echo 1 >/proc/sys/net/ipv4/ip_forward

# Every new connection from or to a pod is judged by the policy enforcer; while it is dead, none opens.
iptables -w -t mangle -A INPUT -s "$PODS" -m conntrack --ctstate NEW -j NFQUEUE --queue-num "$QUEUE"
iptables -w -t mangle -A FORWARD -m conntrack --ctstate NEW -j NFQUEUE --queue-num "$QUEUE"
# The host's end of the link is no place for pods either; answers to the host pass.
iptables -w -A FORWARD -s "$PODS" ! -d "$PODS" -m conntrack --ctstate NEW -j REJECT --reject-with icmp-net-unreachable
