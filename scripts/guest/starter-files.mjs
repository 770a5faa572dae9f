// SPDX-License-Identifier: Apache-2.0
// The files of the starter image, besides busybox: what makes a bare set of tools a place to work in.

import { directory, file, symlink } from './tar-file.mjs'

/** @typedef {import('./tar-file.mjs').TarEntry} TarEntry */

/** Lines of `uid`, `gid`, home and shell as the programs expect; nobody can log in with a password. */
const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
`
const group = `root:x:0:
daemon:x:1:
adm:x:4:
tty:x:5:
disk:x:6:
www-data:x:33:
users:x:100:
nogroup:x:65534:
`
const shadow = `root:*:::::::
daemon:*:::::::
nobody:*:::::::
`

const profile = `# Read by every login shell.
export PATH="\${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
export LANG="\${LANG:-C.UTF-8}"
export PAGER=less
export LESS=-R
umask 022

if [ "$(id -u)" -eq 0 ]; then
  PS1='\\[\\e[1;32m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]# '
else
  PS1='\\[\\e[1;32m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]$ '
fi

alias ls='ls --color=auto'
alias ll='ls -l'
alias grep='grep --color=auto'

for script in /etc/profile.d/*.sh; do
  [ ! -r "$script" ] || . "$script"
done
unset script
`

/** @param {string} version of busybox */
const osRelease = (version) => `NAME="MicroVM starter"
ID=microvm-starter
VERSION_ID=${version}
PRETTY_NAME="MicroVM starter (busybox ${version})"
`

/** @param {number} count of tools */
const motd = (count) => `
This is a Linux machine of its own, with ${count} small tools.

  ip addr              its network address; ping 192.168.127.1 reaches the gateway
  wget -O - URL        fetch something from the outside
  httpd -f -p 8080     serve this folder; forward port 8080 to see it on your computer
  busybox | less       everything that is here

Ctrl+D leaves and keeps it running; poweroff turns it off. Its files stay.
`

/** @param {{ version: string, tools: number }} busybox @returns {TarEntry[]} */
export function starterFiles({ version, tools }) {
  return [
    ...['bin', 'sbin', 'lib', 'etc', 'etc/profile.d', 'home', 'mnt', 'opt', 'srv'].map((path) =>
      directory(path),
    ),
    ...['dev', 'proc', 'sys', 'run'].map((path) => directory(path)),
    ...['usr', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/share'].map((path) => directory(path)),
    ...['usr/local', 'usr/local/bin', 'usr/local/sbin'].map((path) => directory(path)),
    ...['var', 'var/cache', 'var/lib', 'var/log', 'var/spool'].map((path) => directory(path)),
    symlink('var/run', '../run'),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    directory('var/tmp', 0o1777),
    file('etc/passwd', passwd),
    file('etc/group', group),
    file('etc/shadow', shadow, 0o600),
    file('etc/shells', '/bin/sh\n/bin/ash\n'),
    file('etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost\n'),
    file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    file('etc/profile', profile),
    file('etc/motd', motd(tools)),
    file('usr/lib/os-release', osRelease(version)),
    symlink('etc/os-release', '../usr/lib/os-release'),
  ]
}
