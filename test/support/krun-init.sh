#!/.microvm/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Leaves the machine to our init as libkrun's own does: file systems mounted, all mounts shared, the standard
# streams on ports of those names, and itself replaced.
PATH=/.microvm/bin
mkdir -p /dev /proc /sys
mount -t devtmpfs devtmpfs /dev
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm
mount -t devpts -o nosuid,noexec devpts /dev/pts
mount -t tmpfs -o nosuid,noexec tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
mount --make-rshared /

port() {
  while :; do
    for folder in /sys/class/virtio-ports/*; do
      read -r name < "$folder/name"
      [ "$name" = "$1" ] && echo "/dev/${folder##*/}" && return
    done
  done
}
exec < "$(port krun-stdin)" 2> "$(port krun-stderr)"
export KRUN_INIT_PID1=1 MICROVM_CONTROL=stdio
exec /.microvm/init
