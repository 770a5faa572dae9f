# SPDX-License-Identifier: Apache-2.0
# Built by scripts/native/build.mjs, which says where node-addon-api lies and whether the sanitizers are on.
{
  "variables": { "sanitize%": "" },
  "targets": [
    {
      "target_name": "krun",
      "sources": ["addon.cc", "library.cc", "terminal.cc"],
      "include_dirs": ["<(node_addon_api)"],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra", "-Werror"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-fvisibility=hidden"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "12.0",
        "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Werror"]
      },
      "conditions": [
        ["OS=='linux'", { "libraries": ["-ldl"], "ldflags": ["-Wl,-z,relro,-z,now"] }],
        [
          "sanitize!=''",
          {
            "cflags!": ["-O3"],
            "cflags": ["-O1", "-fsanitize=<(sanitize)", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-g"],
            "ldflags": ["-fsanitize=<(sanitize)"]
          }
        ]
      ]
    }
  ]
}
