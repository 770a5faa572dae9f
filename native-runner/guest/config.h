// SPDX-License-Identifier: Apache-2.0
// Reads what the host wants of this machine, made new for each start: from the config drive (/dev/vdc),
// or, where the machine's root is a directory of the host, from a folder in it.
//
// THE LAYOUT, which src/main/guest/config-drive.ts writes. Plain files (in an EROFS image), so that
// nothing needs a parser; "word" is text without newline, "number" is decimal digits.
//   version            number: 1
//   hostname           word
//   authorized-keys    text as in ~/.ssh/authorized_keys
//   host-key           private key in dropbear's own format
//   env                NAME=value, each ended by NUL: the image's and the machine's, merged
//   argv               words, each ended by NUL; empty: the machine idles
//   workdir            word: absolute path
//   user               word: as in an image's config; empty: root
//   stop-signal        number
//   stop-grace-ms      number
//   tmp-mib            number: size of /tmp
//   network/address    word, dotted; also network/gateway and network/dns
//   network/prefix     number; also network/mtu
//   shares/N/tag       word; N counts from 0 without a gap, there may be none: a folder of the host
//   shares/N/target    word: absolute path, where it is mounted
//   shares/N/read-only number: 0 or 1
//   disks/N/device     word; N counts from 0 without a gap, there may be none: an extra disk's block device
//   disks/N/sectors    number: how many of 512 bytes it has; those of one device are its last ones, in order
//   disks/N/read-only  number: 0 or 1
//   disks/N/target     word: absolute path, where it is mounted; empty: nowhere
//   files/PATH         each is copied to /PATH with its owner and mode, replacing what is there;
//                      directories that exist keep theirs
#pragma once

#include <netinet/in.h>

#include "disks.h"
#include "shares.h"
#include "words.h"

#define CONFIG_HOSTNAME_BYTES 64
#define CONFIG_WORD_BYTES 4096

struct guest_config {
  char hostname[CONFIG_HOSTNAME_BYTES];
  char *authorized_keys;
  char *host_key;
  size_t host_key_length;
  struct words env;
  struct words argv;
  char workdir[CONFIG_WORD_BYTES];
  char user[CONFIG_WORD_BYTES];
  int stop_signal;
  unsigned stop_grace_ms;
  unsigned tmp_mib;
  char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], dns[INET_ADDRSTRLEN];
  unsigned prefix, mtu;
  struct share shares[SHARES_MAX];
  size_t share_count;
  struct disk disks[DISKS_MAX];
  size_t disk_count;
  int files;  // directory descriptor; -1 if there are none
};

// Anything missing or malformed is fatal: the host wrote it.
// Mounts the drive on `mount_point` and reads it.
void config_read_drive(struct guest_config *config, const char *device, const char *mount_point);
// Reads a folder that the machine can see later, too, and removes the host key from it.
void config_read_folder(struct guest_config *config, const char *path);
