#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# /usr/bin/microvm of the deb and rpm packages.
exec '/opt/MicroVM Desktop/resources/bin/microvm' "$@"
