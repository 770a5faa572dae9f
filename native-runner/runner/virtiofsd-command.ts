// SPDX-License-Identifier: Apache-2.0
// The command line that serves a machine's shared folders to QEMU: one virtiofsd for all of them, since QEMU's
// machine has one slot left. It runs in a mount namespace of its own, in which a small folder in memory holds
// each share by its tag; virtiofsd then makes that folder its root, so nothing else of the host is within its reach.
// Read-only is a property of the mount there: the host's kernel holds it, whatever the guest or virtiofsd does.
// Pure. Two virtiofsd exist: QEMU's own in C (up to QEMU 7.2) and the one in Rust that followed it.
import type { RunnerShare } from '../../src/contract/runner-config'
import type { Virtiofsd } from '../../src/main/lib/virtiofsd'

/** Name of its socket in the machine's folder for sockets. */
export const SHARES_SOCKET = 'virtiofsd.sock'

// virtiofsd needs nothing of /sys, which is everywhere: so no folder for this has to be made on the host.
const STAGE = '/sys'
const SOCKETS = `${STAGE}/socket`
const SHARES = `${STAGE}/shares`

/**
 * Arguments: folder for the socket; tag, `ro` or `rw`, and folder of each share; `--`; the command to become.
 * A share is private, so that nothing mounted on the host later appears in it. Mounts within a read-only one are
 * made so one by one; /proc/self/mountinfo writes a space in a path as \040 (proc(5)).
 * /var gets an empty folder: the C virtiofsd wants to leave a lock file in /var/run.
 */
const STAGE_SCRIPT = `set -e
mount -t tmpfs -o mode=755,size=64k shares ${STAGE}
mkdir ${SOCKETS} ${SHARES}
mount --bind "$1" ${SOCKETS}
shift
while [ "$1" != -- ]; do
  mkdir "${SHARES}/$1"
  mount --rbind "$3" "${SHARES}/$1"
  mount --make-rprivate "${SHARES}/$1"
  if [ "$2" = ro ]; then
    while read -r _ _ _ _ point _; do
      case "$point" in
        "${SHARES}/$1" | "${SHARES}/$1/"*) mount -o remount,bind,ro "$(printf %b "$point")" ;;
      esac
    done < /proc/self/mountinfo
  fi
  shift 3
done
shift
mount -o remount,bind,ro ${STAGE}
mount -t tmpfs -o mode=755,size=64k var /var
mkdir /var/run
ulimit -n "$(ulimit -H -n)"
exec "$@"`

export interface ShareOptions {
  /** Absolute path. */
  readonly executable: string
  readonly virtiofsd: Virtiofsd
  readonly shares: readonly RunnerShare[]
  readonly socketDir: string
  /** Whether we are root; anyone else becomes that in a user namespace of his own. */
  readonly root: boolean
  /** Whether we can act as any user: the host's root can, root of a small user namespace cannot. */
  readonly anyUser: boolean
}

/** Arguments for unshare(1). */
export function shareArguments(options: ShareOptions): string[] {
  const { executable, shares, socketDir, root } = options
  return [
    ...(root ? [] : ['--user', '--map-root-user']),
    ...['--mount', '--propagation', 'slave', '--'],
    ...['/bin/sh', '-c', STAGE_SCRIPT, 'shares', socketDir],
    ...shares.flatMap(({ tag, readOnly, hostPath }) => [tag, readOnly ? 'ro' : 'rw', hostPath]),
    ...['--', executable, ...virtiofsdArguments(options)],
  ]
}

function virtiofsdArguments({ virtiofsd, shares, anyUser }: ShareOptions): string[] {
  // `cache=auto`: what changes on the host is seen within a second. Descriptors: as the script set them.
  const common = [`--socket-path=${SOCKETS}/${SHARES_SOCKET}`, '--rlimit-nofile=0']
  if (virtiofsd.kind === 'c')
    return [
      ...common,
      ...[
        '-f',
        '-o',
        `source=${SHARES},sandbox=namespace,cache=auto,announce_submounts,log_level=warn`,
      ],
    ]
  return [
    ...common,
    ...[`--shared-dir=${SHARES}`, '--sandbox=namespace', '--cache=auto', '--announce-submounts'],
    ...['--log-level=warn'],
    ...(virtiofsd.translatesOwners ? owners(shares[0]?.owner, anyUser) : []),
  ]
}

/** Every id but the one that means none. */
const ALL_IDS = 4_294_967_295

/**
 * In its namespace virtiofsd is user 0, whoever that is on the host. Where it can be nobody else, what any user of
 * the guest makes becomes its own.
 */
function owners(owner: RunnerShare['owner'], anyUser: boolean): string[] {
  if (owner === undefined && anyUser) return []
  const translate = (what: 'uid' | 'gid', shown: number | undefined): string[] => [
    `--translate-${what}=squash-guest:0:0:${ALL_IDS}`,
    ...(shown === undefined ? [] : [`--translate-${what}=squash-host:0:${shown}:${ALL_IDS}`]),
  ]
  return [...translate('uid', owner?.uid), ...translate('gid', owner?.gid)]
}
