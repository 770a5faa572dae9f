# SPDX-License-Identifier: Apache-2.0
# Read once by a login shell, after its profile (session.c). Many images' /etc/profile sets PATH anew;
# this puts the folders back that the image's own PATH has: in front, but the bundle's at the end.
if [ -n "$MICROVM_PATH" ]; then
  microvm_front=
  microvm_rest=$MICROVM_PATH:
  while [ -n "$microvm_rest" ]; do
    microvm_folder=${microvm_rest%%:*}
    microvm_rest=${microvm_rest#*:}
    case ":$PATH:$microvm_front" in
      *":$microvm_folder:"*) ;;
      *)
        if [ "$microvm_folder" = /.microvm/bin ]; then
          PATH=$PATH:$microvm_folder
        else
          microvm_front=$microvm_front$microvm_folder:
        fi
        ;;
    esac
  done
  PATH=$microvm_front$PATH
  export PATH
  unset MICROVM_PATH microvm_front microvm_rest microvm_folder
  [ "$ENV" != /.microvm/etc/session-path.sh ] || unset ENV
  [ "$PROMPT_COMMAND" != '. /.microvm/etc/session-path.sh' ] || unset PROMPT_COMMAND
fi
