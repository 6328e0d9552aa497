#!/bin/sh
# Any program in any language: `consul-init run -- sh any_program.sh`. Here it is a shell that starts a server. The signal goes
# to both, after the drain; `exec` would save the shell's process.
mkdir -p "${TMPDIR:-/tmp}/any_program" && cd "${TMPDIR:-/tmp}/any_program" && echo ok >health || exit 1
python3 -m http.server --bind 0.0.0.0 "$SERVICE_PORT"
echo "the server has ended"
