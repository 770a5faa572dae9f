// SPDX-License-Identifier: Apache-2.0
// libkrun for JavaScript: one method per C call, arguments checked and owned for the length of the
// call, every negative return an Error that names call and errno. Knows nothing of what the calls
// are for; native-runner/krun/libkrun.ts is its typed face.
#include <napi.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "library.h"
#include "terminal.h"

namespace {

/** Takes one argument from JavaScript and keeps what the C call gets a pointer to. */
template <typename T, typename = void>
struct Argument;

template <typename T>
struct Argument<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  T value;

  explicit Argument(const Napi::Value &from) {
    if (!from.IsNumber()) throw Napi::TypeError::New(from.Env(), "a number is expected");
    const double number = from.As<Napi::Number>().DoubleValue();
    // The largest double below 2^64 still converts; everything we pass is far smaller.
    constexpr double lowest = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double beyond = 2.0 * static_cast<double>(std::numeric_limits<T>::max() / 2 + 1);
    if (std::trunc(number) != number || number < lowest || number >= beyond)
      throw Napi::RangeError::New(from.Env(), "a number is out of range");
    value = static_cast<T>(number);
  }
  T get() const { return value; }
};

template <>
struct Argument<bool> {
  bool value;

  explicit Argument(const Napi::Value &from) {
    if (!from.IsBoolean()) throw Napi::TypeError::New(from.Env(), "true or false is expected");
    value = from.As<Napi::Boolean>();
  }
  bool get() const { return value; }
};

/** C would silently cut a string at its first NUL. */
std::string text_of(const Napi::Value &from) {
  if (!from.IsString()) throw Napi::TypeError::New(from.Env(), "a string is expected");
  std::string text = from.As<Napi::String>();
  if (text.find('\0') != std::string::npos)
    throw Napi::TypeError::New(from.Env(), "a string has a NUL in it");
  return text;
}

/** A string, or null for a null pointer. */
template <>
struct Argument<const char *> {
  bool present;
  std::string text;

  explicit Argument(const Napi::Value &from) : present(!from.IsNull()) {
    if (present) text = text_of(from);
  }
  const char *get() const { return present ? text.c_str() : nullptr; }
};

template <>
struct Argument<KrunStrings> {
  std::vector<std::string> texts;
  std::vector<const char *> pointers;

  explicit Argument(const Napi::Value &from) {
    if (!from.IsArray()) throw Napi::TypeError::New(from.Env(), "an array is expected");
    const Napi::Array array = from.As<Napi::Array>();
    for (uint32_t at = 0; at < array.Length(); ++at) texts.push_back(text_of(array.Get(at)));
    for (const std::string &text : texts) pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
  }
  Argument(const Argument &) = delete;
  KrunStrings get() const { return pointers.data(); }
};

template <>
struct Argument<KrunMac> {
  static constexpr size_t bytes = 6;
  uint8_t mac[bytes];

  explicit Argument(const Napi::Value &from) {
    if (!from.IsTypedArray() || from.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
      throw Napi::TypeError::New(from.Env(), "six bytes are expected");
    const Napi::Uint8Array array = from.As<Napi::Uint8Array>();
    if (array.ElementLength() != bytes)
      throw Napi::TypeError::New(from.Env(), "six bytes are expected");
    std::memcpy(mac, array.Data(), bytes);
  }
  KrunMac get() { return mac; }
};

/** Fields: call; code and errno unless the library lacks the call. */
Napi::Error call_error(Napi::Env env, const char *call, int reason) {
  // On Unix libuv's errors are negative errnos.
  const char *name = uv_err_name(-reason);
  const std::string message = std::string(call) + ": " + name + ", " + std::strerror(reason);
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("call", Napi::String::New(env, call));
  error.Set("code", Napi::String::New(env, name));
  error.Set("errno", Napi::Number::New(env, reason));
  return error;
}

template <typename... Args, size_t... At>
Napi::Value invoke(const Napi::CallbackInfo &info, const char *name, int32_t (*call)(Args...),
                   std::index_sequence<At...>) {
  const Napi::Env env = info.Env();
  if (call == nullptr) {
    Napi::Error error = Napi::Error::New(env, std::string("this libkrun has no ") + name);
    error.Set("call", Napi::String::New(env, name));
    throw error;
  }
  if (info.Length() != sizeof...(Args))
    throw Napi::TypeError::New(env, std::string(name) + ": wrong number of arguments");
  [[maybe_unused]] std::tuple<Argument<Args>...> arguments(info[At]...);
  const int32_t result = call(std::get<At>(arguments).get()...);
  if (result < 0) throw call_error(env, name, -result);
  return Napi::Number::New(env, result);
}

class LibkrunObject : public Napi::ObjectWrap<LibkrunObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Libkrun",
                       {
#define CALL(name, method, ...) InstanceMethod<&LibkrunObject::method>(#method),
                           KRUN_CALLS(CALL)
#undef CALL
                               InstanceMethod<&LibkrunObject::has>("has"),
                           InstanceAccessor<&LibkrunObject::path>("path"),
                       });
  }

  /** new Libkrun(candidates): throws an Error with `tried`, a list of { path, reason }. */
  explicit LibkrunObject(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    const Napi::Env env = info.Env();
    std::vector<LoadAttempt> attempts;
    std::optional<Library> library = open_library(Argument<KrunStrings>(info[0]).texts, attempts);
    if (!library) throw load_error(env, attempts);
    library_ = *library;
  }

 private:
  Library library_;

#define CALL(name, method, ...)                                                                    \
  Napi::Value method(const Napi::CallbackInfo &info) {                                             \
    return invoke_with(info, "krun_" #name, library_.calls.name);                                  \
  }
  KRUN_CALLS(CALL)
#undef CALL

  template <typename... Args>
  static Napi::Value invoke_with(const Napi::CallbackInfo &info, const char *name,
                                 int32_t (*call)(Args...)) {
    return invoke(info, name, call, std::index_sequence_for<Args...>{});
  }

  /** has(method): whether the library has the call behind it. */
  Napi::Value has(const Napi::CallbackInfo &info) {
    const std::string wanted = text_of(info[0]);
#define CALL(name, method, ...)                                                                    \
  if (wanted == #method) return Napi::Boolean::New(info.Env(), library_.calls.name != nullptr);
    KRUN_CALLS(CALL)
#undef CALL
    throw Napi::TypeError::New(info.Env(), "no such method: " + wanted);
  }

  Napi::Value path(const Napi::CallbackInfo &info) {
    return Napi::String::New(info.Env(), library_.path);
  }

  static Napi::Error load_error(Napi::Env env, const std::vector<LoadAttempt> &attempts) {
    Napi::Array tried = Napi::Array::New(env, attempts.size());
    for (uint32_t at = 0; at < attempts.size(); ++at) {
      Napi::Object attempt = Napi::Object::New(env);
      attempt.Set("path", attempts[at].path);
      attempt.Set("reason", attempts[at].reason);
      tried.Set(at, attempt);
    }
    Napi::Error error = Napi::Error::New(env, "libkrun is not found");
    error.Set("tried", tried);
    return error;
  }
};

/** openTerminal(master): { fd, path } of its other side. */
Napi::Value open_terminal_for(const Napi::CallbackInfo &info) {
  const Terminal terminal = open_terminal(Argument<int>(info[0]).get());
  if (terminal.failed != nullptr) throw call_error(info.Env(), terminal.failed, errno);
  Napi::Object opened = Napi::Object::New(info.Env());
  opened.Set("fd", terminal.fd);
  opened.Set("path", terminal.path);
  return opened;
}

/** duplicate(fd): another descriptor of the same file. */
Napi::Value duplicate(const Napi::CallbackInfo &info) {
  const int copy = fcntl(Argument<int>(info[0]).get(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw call_error(info.Env(), "dup", errno);
  return Napi::Number::New(info.Env(), copy);
}

/** redirect(from, to): `to` becomes another descriptor of what `from` is. */
void redirect(const Napi::CallbackInfo &info) {
  const int from = Argument<int>(info[0]).get();
  const int to = Argument<int>(info[1]).get();
  if (dup2(from, to) < 0) throw call_error(info.Env(), "dup2", errno);
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Libkrun", LibkrunObject::define(env));
  exports.Set("openTerminal", Napi::Function::New(env, open_terminal_for, "openTerminal"));
  exports.Set("duplicate", Napi::Function::New(env, duplicate, "duplicate"));
  exports.Set("redirect", Napi::Function::New(env, redirect, "redirect"));
  return exports;
}

NODE_API_MODULE(krun, initialize)

}  // namespace
