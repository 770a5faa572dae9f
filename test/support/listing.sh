# SPDX-License-Identifier: Apache-2.0
# Prints everything stat, xattrs and content say of the root file system it runs in, but for what
# every running machine makes its own: kernel file systems, /tmp, and the names init writes.
set -e
export LC_ALL=C
walk() {
  find / \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /.microvm \
    -o -path /etc/hostname -o -path /etc/hosts -o -path /etc/resolv.conf \) -prune -o "$@"
}
# size, links and, of the folders above, mtime are the file system's own affair for a folder
walk -type d ! -path / ! -path /etc ! -path /root -printf '%p d %m %U:%G %T@\n' | sort
walk ! -type d -printf '%p %y %m %U:%G %s %T@ links=%n %l\n' | sort
echo '# devices'
walk \( -type c -o -type b \) -exec stat -c '%n %t:%T' {} + | sort
echo '# hard links'
walk -type f -links +1 -printf '%i %p\n' | sort | awk '{ if ($1 != last) { group++; last = $1 } print group, $2 }' |
  awk '{ names[$1] = names[$1] " " $2 } END { for (g in names) print names[g] }' | sort
echo '# attributes'
getfattr -R -h -P -d -m '^(user|security)\.' -e hex --absolute-names /opt /usr/bin 2>/dev/null |
  awk 'BEGIN { RS = "" } { gsub("\n", " "); print }' | sort
echo '# content'
walk -type f -exec sha256sum {} + | sort -k 2
