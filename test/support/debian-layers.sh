# SPDX-License-Identifier: Apache-2.0
# Usage: debian-layers.sh WORK. Makes WORK/layer1.tar … layer5.tar from WORK/rootfs.
cd "$1"
umask 022
pack() { tar --format=pax --xattrs --xattrs-include='*' --numeric-owner --sort=name -C "$2" -cf "$1" .; }

# 1: the distribution as it is
rm -rf rootfs/var/cache/apt/archives/*.deb rootfs/var/lib/apt/lists/*
pack layer1.tar rootfs

# 2: one of everything
o=two/opt
mkdir -p "$o/opaque" "$o/becomes-file/inside" "$o/target-dir"
chmod 755 two "$o"
cp rootfs/bin/true "$o/setuid" && chmod 4755 "$o/setuid"
cp rootfs/bin/true "$o/setgid" && chown 0:42 "$o/setgid" && chmod 2755 "$o/setgid"
mkdir "$o/sticky" && chmod 1777 "$o/sticky"
mknod "$o/null" c 1 3 && chmod 666 "$o/null"
mknod "$o/loop" b 7 259 && mkfifo "$o/fifo"
echo owned > "$o/owned" && chown 3000000000:1234 "$o/owned"
echo hard > "$o/hard-a" && ln "$o/hard-a" "$o/hard-b"
: > "$o/empty"
cp rootfs/bin/true "$o/capable"
# cap_setuid is bit 7: its value holds a byte of 0x80, which is no text
setcap cap_setuid,cap_net_raw=ep "$o/capable"
echo x > "$o/attributed" && setfattr -n user.colour -v blue "$o/attributed"
setfattr -n user.binary -v 0x00ff0a3d80 "$o/attributed"
echo long > "$o/$(printf 'n%.0s' $(seq 255))"
echo utf8 > "$o/naïve ☃ name"
deep=$o; for i in 1 2 3 4 5 6; do deep=$deep/$(printf "d$i%.0s" $(seq 40)); done
mkdir -p "$deep" && echo deep > "$deep/file"
truncate -s 3M "$o/sparse" && echo end >> "$o/sparse"
ln -s /opt/empty "$o/absolute" && ln -s ../usr "$o/relative" && ln -s nowhere "$o/dangling"
ln -s target-dir "$o/dir-link"
echo a > "$o/opaque/a" && echo b > "$o/opaque/b"
echo f > "$o/becomes-directory" && echo i > "$o/becomes-file/inside/file"
echo gone > "$o/removed" && echo same > "$o/rewritten"
touch -d '2001-02-03 04:05:06.123456789' "$o/empty"
touch -d '1965-01-01 00:00:00' "$o/hard-a"
pack layer2.tar two

# 3: whiteouts, an opaque directory, types that change
o=three/opt
mkdir -p "$o/opaque" "$o/becomes-directory" three/usr/share
: > "$o/.wh.removed" && : > three/usr/share/.wh.doc
: > "$o/opaque/.wh..wh..opq" && echo c > "$o/opaque/c"
echo in > "$o/becomes-directory/file" && echo now > "$o/becomes-file"
echo 'other content' > "$o/rewritten"
pack layer3.tar three

# 4: a hard link to a file of a lower layer, and a file through a lower link to a directory
o=four/opt
mkdir -p "$o" && cp -p two/opt/hard-a "$o/hard-a" && ln "$o/hard-a" "$o/hard-late"
tar --format=pax --numeric-owner --sort=name -C four -cf layer4.tar ./opt/hard-a ./opt/hard-late
tar --delete -f layer4.tar ./opt/hard-a

# 5: back again what layer 3 took away
mkdir -p five/usr/share/doc && echo back > five/usr/share/doc/README
pack layer5.tar five
