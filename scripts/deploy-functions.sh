#!/usr/bin/env bash
# Deploys Audit Events to a hosted Supabase project: `npm run deploy` from any folder. `--help` says what it needs.
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "$0")")")
# npm puts a current Node there on Linux, whatever the system has. Without -- it takes our --env-file for its own, and ends with 9 where there is no such file.
PATH="$root/node_modules/.bin:$PATH" exec node -- "$root/scripts/command.js" deploy "$@"
