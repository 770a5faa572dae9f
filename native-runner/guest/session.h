// SPDX-License-Identifier: Apache-2.0
// The other life of this binary: the shell that dropbear starts for root.
//   -session               an interactive login: root's own shell, as a login shell, in root's home
//   session -c COMMAND     a command: root's shell runs it in the image's workdir
//   session -c SFTP        the sftp subsystem (SSHD_SFTP_COMMAND): the bundle's sftp-server
// All run in the machine's root with the environment of the image and the machine. Shell and home are those of
// the image's /etc/passwd; the bundle's busybox stands in where there is no usable shell.
#pragma once

// Does not return: becomes the shell, or ends with 126 and a message.
__attribute__((noreturn)) void session_main(int argc, char **argv);
