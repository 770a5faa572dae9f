// SPDX-License-Identifier: Apache-2.0
// The calls of libkrun (its public header include/libkrun.h) that we know, as one list: name without
// `krun_`, the method's name in JavaScript, the types of its arguments. All return int32_t: 0 or a
// value on success, a negative errno on failure. Everything that must agree with the real header is
// made from this list, and test/integration/krun-addon.test.ts holds it against a real one.
#pragma once

#include <cstdint>
#include <sys/types.h>

using KrunStrings = const char *const *;  // ends with a null pointer
using KrunMac = uint8_t *;                // six bytes, read only

#define KRUN_CALLS(CALL)                                                                           \
  CALL(set_log_level, setLogLevel, uint32_t)                                                       \
  CALL(init_log, initLog, int, uint32_t, uint32_t, uint32_t)                                       \
  CALL(create_ctx, createContext)                                                                  \
  CALL(free_ctx, freeContext, uint32_t)                                                            \
  CALL(set_vm_config, setVmConfig, uint32_t, uint8_t, uint32_t)                                    \
  CALL(set_root, setRoot, uint32_t, const char *)                                                  \
  CALL(add_disk3, addDisk3, uint32_t, const char *, const char *, uint32_t, bool, bool, uint32_t)  \
  CALL(set_root_disk_remount, setRootDiskRemount, uint32_t, const char *, const char *,            \
       const char *)                                                                               \
  CALL(add_virtiofs, addVirtiofs, uint32_t, const char *, const char *)                            \
  CALL(add_virtiofs3, addVirtiofs3, uint32_t, const char *, const char *, uint64_t, bool)          \
  CALL(add_net_unixstream, addNetUnixstream, uint32_t, const char *, int, KrunMac, uint32_t,       \
       uint32_t)                                                                                   \
  CALL(set_passt_fd, setPasstFd, uint32_t, int)                                                    \
  CALL(set_net_mac, setNetMac, uint32_t, KrunMac)                                                  \
  CALL(disable_implicit_console, disableImplicitConsole, uint32_t)                                 \
  CALL(add_virtio_console_multiport, addVirtioConsoleMultiport, uint32_t)                          \
  CALL(add_console_port_tty, addConsolePortTty, uint32_t, uint32_t, const char *, int)             \
  CALL(add_console_port_inout, addConsolePortInout, uint32_t, uint32_t, const char *, int, int)    \
  CALL(disable_implicit_vsock, disableImplicitVsock, uint32_t)                                     \
  CALL(disable_implicit_init, disableImplicitInit, uint32_t)                                       \
  CALL(set_kernel, setKernel, uint32_t, const char *, uint32_t, const char *, const char *)        \
  CALL(set_workdir, setWorkdir, uint32_t, const char *)                                            \
  CALL(set_exec, setExec, uint32_t, const char *, KrunStrings, KrunStrings)                        \
  CALL(set_rlimits, setRlimits, uint32_t, KrunStrings)                                             \
  CALL(setuid, setUid, uint32_t, uid_t)                                                            \
  CALL(setgid, setGid, uint32_t, gid_t)                                                            \
  CALL(get_shutdown_eventfd, getShutdownEventfd, uint32_t)                                         \
  CALL(has_feature, hasFeature, uint64_t)                                                          \
  CALL(get_max_vcpus, getMaxVcpus)                                                                 \
  CALL(start_enter, startEnter, uint32_t)
