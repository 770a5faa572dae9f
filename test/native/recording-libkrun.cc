// SPDX-License-Identifier: Apache-2.0
// Stands in for libkrun in tests: takes the calls, writes each as a line of JSON to `calls.jsonl`
// beside itself, and refuses what the real one refuses. Files beside it change what it does:
//   fail      "krun_set_root 13": that call returns -13
//   features  numbers krun_has_feature answers 1 to; without the file network and disks
//   enter     "exit 3", "signal 11": how krun_start_enter ends; without the file, as the guest does
//   guest     path of the script that plays it, in this very process (test/support/fake-guest.mjs)
// Which calls there are, and so which version this is, is decided when it is linked.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdbool>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#ifdef REAL_HEADER
// What follows then does not compile unless it has the real signatures. Old headers are for C only.
extern "C" {
#include REAL_HEADER
}
#endif
#include "../../native-runner/addon/krun-calls.h"

extern "C" {
#define CALL(name, method, ...)                                                                    \
  __attribute__((visibility("default"))) int32_t krun_##name(__VA_ARGS__);
KRUN_CALLS(CALL)
#undef CALL
}

namespace {

struct Disk {
  std::string id, path;
  bool read_only;
};

struct Console {
  int tty = -1, in = -1, out = -1;
};

struct Context {
  bool configured = false, implicit_console = true, booted_by_init = false;
  std::string root, kernel;
  std::vector<Disk> disks;
  std::vector<std::string> shares;
  std::vector<int> networks;
  std::vector<Console> consoles;
  bool has_root() const { return !root.empty() || booted_by_init; }
};

std::map<uint32_t, Context> contexts;
uint32_t next_context = 0;
bool logging = false;

std::string beside(const char *file) {
  Dl_info info;
  dladdr(reinterpret_cast<void *>(&krun_create_ctx), &info);
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + file;
}

std::string first_line(const std::string &path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

std::string quoted(const char *text) {
  if (text == nullptr) return "null";
  std::string result = "\"";
  for (; *text != '\0'; ++text) {
    if (*text == '"' || *text == '\\') result += '\\';
    result += *text;
  }
  return result + '"';
}

// As JSON, one overload per type of an argument.
std::string json(bool value) { return value ? "true" : "false"; }
std::string json(const char *value) { return quoted(value); }
std::string json(KrunStrings values) {
  if (values == nullptr) return "null";
  std::string result;
  for (; *values != nullptr; ++values) result += (result.empty() ? "" : ",") + quoted(*values);
  return "[" + result + "]";
}
std::string json(KrunMac mac) {
  std::string result;
  for (int at = 0; at < 6; ++at) result += (at == 0 ? "" : ",") + std::to_string(mac[at]);
  return "[" + result + "]";
}
template <typename T>
std::string json(T value) {
  return std::to_string(value);
}

/** Writes the call down; what it must return instead of doing anything, or 0. */
template <typename... Args>
int32_t record(const char *name, Args... args) {
  std::string list;
  ((list += (list.empty() ? "" : ",") + json(args)), ...);
  std::ofstream log(beside("calls.jsonl"), std::ios::app);
  log << "{\"call\":\"" << name << "\",\"args\":[" << list << "]}" << std::endl;
  std::ifstream failures(beside("fail"));
  std::string failing;
  int reason;
  while (failures >> failing >> reason)
    if (failing == name) return -reason;
  return 0;
}

/** Does something to a context that exists. */
template <typename Change>
int32_t with(uint32_t id, Change change) {
  const auto found = contexts.find(id);
  return found == contexts.end() ? -ENOENT : change(found->second);
}

int32_t refuse(const char *why) {
  fprintf(stderr, "libkrun: %s\n", why);
  return -EINVAL;
}

#define RECORD(name, ...)                                                                          \
  if (const int32_t refused = record("krun_" #name __VA_OPT__(, ) __VA_ARGS__); refused != 0)      \
  return refused

int32_t begin_log() {
  // The real one panics.
  if (logging) abort();
  logging = true;
  return 0;
}

int32_t check(const Context &context) {
  if (!context.configured) return refuse("no vCPUs, no memory");
  if (context.kernel.empty() && !context.has_root()) return refuse("nothing to boot from");
  if (!context.kernel.empty() && access(context.kernel.c_str(), R_OK) != 0)
    return refuse("cannot open the kernel");
  for (const Disk &disk : context.disks)
    if (access(disk.path.c_str(), disk.read_only ? R_OK : R_OK | W_OK) != 0)
      return refuse(("cannot open disk " + disk.path).c_str());
  for (const std::string &share : context.shares)
    if (access((share + "/.").c_str(), R_OK) != 0)
      return refuse(("cannot share " + share).c_str());
  for (const int fd : context.networks)
    if (fcntl(fd, F_GETFD) < 0) return refuse("the network's descriptor is closed");
  return 0;
}

/** The folder of what the machine writes to, where the test says how its guest behaves. */
std::string machine_folder(const Context &context) {
  for (const Disk &disk : context.disks)
    if (!disk.read_only) return disk.path.substr(0, disk.path.rfind('/'));
  return context.root.substr(0, context.root.rfind('/'));
}

/** What the guest's console and init's control channel are connected to. */
Console guest_ports(const Context &context) {
  if (!context.implicit_console) return context.consoles.at(0);
  return {STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO};
}

/** This process becomes the guest: same pid, same descriptors. */
int32_t play_guest(const Context &context) {
  const Console ports = guest_ports(context);
  const int network = context.networks.at(0);
  // Node marks its standard streams, too, as not to be handed on.
  for (const int fd : {0, 1, 2, ports.tty, ports.in, ports.out, network}) {
    if (fcntl(fd, F_SETFD, 0) != 0) return refuse("a descriptor is closed");
  }
  const std::string script = first_line(beside("guest"));
  const std::string folder = machine_folder(context);
  const std::string fds[] = {std::to_string(ports.tty), std::to_string(ports.in),
                             std::to_string(ports.out), std::to_string(network)};
  execl("/proc/self/exe", "libkrun-guest", script.c_str(), folder.c_str(), fds[0].c_str(),
        fds[1].c_str(), fds[2].c_str(), fds[3].c_str(), nullptr);
  return -errno;
}

}  // namespace

int32_t krun_set_log_level(uint32_t level) {
  RECORD(set_log_level, level);
  return begin_log();
}

int32_t krun_init_log(int target, uint32_t level, uint32_t style, uint32_t options) {
  RECORD(init_log, target, level, style, options);
  if (target < -1 || target == 0 || style > 2 || options > 1) return -EINVAL;
  return begin_log();
}

int32_t krun_create_ctx() {
  RECORD(create_ctx);
  contexts.emplace(next_context, Context{});
  return static_cast<int32_t>(next_context++);
}

int32_t krun_free_ctx(uint32_t id) {
  RECORD(free_ctx, id);
  return contexts.erase(id) == 1 ? 0 : -ENOENT;
}

int32_t krun_set_vm_config(uint32_t id, uint8_t cpus, uint32_t mib) {
  RECORD(set_vm_config, id, static_cast<uint32_t>(cpus), mib);
  return with(id, [&](Context &context) {
    if (cpus == 0 || cpus > 32 || mib == 0) return -EINVAL;
    context.configured = true;
    return 0;
  });
}

int32_t krun_set_root(uint32_t id, const char *path) {
  RECORD(set_root, id, path);
  return with(id, [&](Context &context) {
    // As 1.9 has it.
    if (!context.shares.empty() || context.has_root()) return -EINVAL;
    context.root = path;
    context.shares.push_back(path);
    return 0;
  });
}

int32_t krun_add_disk3(uint32_t id, const char *block, const char *path, uint32_t format,
                       bool read_only, bool direct, uint32_t sync) {
  RECORD(add_disk3, id, block, path, format, read_only, direct, sync);
  return with(id, [&](Context &context) {
    if (format > 2 || sync > 2) return -EINVAL;
    context.disks.push_back({block, path, read_only});
    return 0;
  });
}

int32_t krun_set_root_disk_remount(uint32_t id, const char *device, const char *type,
                                   const char *options) {
  RECORD(set_root_disk_remount, id, device, type, options);
  return with(id, [&](Context &context) {
    if (context.has_root() || context.disks.empty()) return -EINVAL;
    context.booted_by_init = true;
    return 0;
  });
}

int32_t share(uint32_t id, const char *path) {
  return with(id, [&](Context &context) {
    context.shares.push_back(path);
    return 0;
  });
}

int32_t krun_add_virtiofs(uint32_t id, const char *tag, const char *path) {
  RECORD(add_virtiofs, id, tag, path);
  return share(id, path);
}

int32_t krun_add_virtiofs3(uint32_t id, const char *tag, const char *path, uint64_t shm,
                           bool read_only) {
  RECORD(add_virtiofs3, id, tag, path, shm, read_only);
  return share(id, path);
}

int32_t krun_add_net_unixstream(uint32_t id, const char *path, int fd, KrunMac mac,
                                uint32_t features, uint32_t flags) {
  RECORD(add_net_unixstream, id, path, fd, mac, features, flags);
  if ((path == nullptr) == (fd < 0) || flags > 2 || (flags & 1) != 0) return -EINVAL;
  return with(id, [&](Context &context) {
    context.networks.push_back(fd);
    return 0;
  });
}

int32_t krun_set_passt_fd(uint32_t id, int fd) {
  RECORD(set_passt_fd, id, fd);
  if (fd < 0) return -EINVAL;
  return with(id, [&](Context &context) {
    if (!context.networks.empty()) return -EINVAL;
    context.networks.push_back(fd);
    return 0;
  });
}

int32_t krun_disable_implicit_console(uint32_t id) {
  RECORD(disable_implicit_console, id);
  return with(id, [](Context &context) {
    context.implicit_console = false;
    return 0;
  });
}

int32_t krun_add_virtio_console_multiport(uint32_t id) {
  RECORD(add_virtio_console_multiport, id);
  return with(id, [](Context &context) {
    context.consoles.push_back({});
    return static_cast<int32_t>(context.consoles.size()) - 1;
  });
}

int32_t krun_add_console_port_tty(uint32_t id, uint32_t console, const char *name, int fd) {
  RECORD(add_console_port_tty, id, console, name, fd);
  if (fd < 0) return -EINVAL;
  if (isatty(fd) != 1) return -ENOTTY;
  return with(id, [&](Context &context) {
    if (console >= context.consoles.size()) return -EINVAL;
    context.consoles[console].tty = fd;
    return 0;
  });
}

int32_t krun_add_console_port_inout(uint32_t id, uint32_t console, const char *name, int in,
                                    int out) {
  RECORD(add_console_port_inout, id, console, name, in, out);
  return with(id, [&](Context &context) {
    if (console >= context.consoles.size()) return -EINVAL;
    context.consoles[console].in = in;
    context.consoles[console].out = out;
    return 0;
  });
}

int32_t krun_disable_implicit_init(uint32_t id) {
  RECORD(disable_implicit_init, id);
  return with(id, [](Context &context) { return context.has_root() ? -EINVAL : 0; });
}

int32_t krun_set_kernel(uint32_t id, const char *path, uint32_t format, const char *initramfs,
                        const char *command_line) {
  RECORD(set_kernel, id, path, format, initramfs, command_line);
  if (format > 5) return -EINVAL;
  return with(id, [&](Context &context) {
    context.kernel = path;
    return 0;
  });
}

#define NOTHING_TO_REFUSE(name, parameters, ...)                                                   \
  int32_t krun_##name parameters {                                                                 \
    RECORD(name, __VA_ARGS__);                                                                     \
    return with(id, [](Context &) { return 0; });                                                  \
  }
NOTHING_TO_REFUSE(set_net_mac, (uint32_t id, KrunMac mac), id, mac)
NOTHING_TO_REFUSE(disable_implicit_vsock, (uint32_t id), id)
NOTHING_TO_REFUSE(set_workdir, (uint32_t id, const char *path), id, path)
NOTHING_TO_REFUSE(set_exec,
                  (uint32_t id, const char *path, KrunStrings arguments, KrunStrings variables),
                  id, path, arguments, variables)
NOTHING_TO_REFUSE(setuid, (uint32_t id, uid_t uid), id, uid)
NOTHING_TO_REFUSE(setgid, (uint32_t id, gid_t gid), id, gid)

int32_t krun_set_rlimits(uint32_t id, KrunStrings limits) {
  RECORD(set_rlimits, id, limits);
  if (limits == nullptr) return -EINVAL;
  return with(id, [](Context &) { return 0; });
}

int32_t krun_get_shutdown_eventfd(uint32_t id) {
  RECORD(get_shutdown_eventfd, id);
  return with(id, [](Context &) { return -EINVAL; });
}

int32_t krun_has_feature(uint64_t feature) {
  RECORD(has_feature, feature);
  std::ifstream list(beside("features"));
  if (!list) return feature <= 1;
  uint64_t present;
  while (list >> present)
    if (present == feature) return 1;
  return feature > 11 ? -EINVAL : 0;
}

int32_t krun_get_max_vcpus() {
  RECORD(get_max_vcpus);
  return 8;
}

int32_t krun_start_enter(uint32_t id) {
  RECORD(start_enter, id);
  const auto found = contexts.find(id);
  if (found == contexts.end()) return -ENOENT;
  const Context context = found->second;
  contexts.erase(found);
  if (const int32_t refused = check(context); refused != 0) return refused;
  std::ifstream told(beside("enter"));
  std::string how;
  int number;
  if (!(told >> how >> number)) return play_guest(context);
  if (how == "signal") raise(number);
  _exit(number);
}
