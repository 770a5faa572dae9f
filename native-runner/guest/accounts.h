// SPDX-License-Identifier: Apache-2.0
// Who a user is, by the image's own /etc/passwd and /etc/group: the same rules as Docker's USER.
// Pure: reads texts handed in, so that a hostile file can do no more than name ids. The C
// library's getpwnam is not used: it would load the image's NSS modules into init.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_MAX_GROUPS 64
#define ACCOUNT_TEXT_BYTES 256

struct account {
  uid_t uid;
  gid_t gid;
  gid_t groups[ACCOUNT_MAX_GROUPS];  // supplementary
  size_t group_count;
  char name[ACCOUNT_TEXT_BYTES];   // "" if passwd has no such user
  char home[ACCOUNT_TEXT_BYTES];   // "/" if unknown
  char shell[ACCOUNT_TEXT_BYTES];  // "" if unknown
};

enum account_result { ACCOUNT_FOUND, ACCOUNT_NO_USER, ACCOUNT_NO_GROUP };

// `spec`: "", NAME, UID, each with an optional ":GROUP" or ":GID"; "" is root. A number need not be in
// passwd. A named group replaces the user's own groups. `passwd` and `group` are the files'
// texts, "" if the image has none.
enum account_result account_resolve(struct account *account, const char *spec, const char *passwd,
                                    const char *group);

// The name of user 0, home "/root" and no shell if passwd does not say otherwise.
void account_root(struct account *account, const char *passwd);
