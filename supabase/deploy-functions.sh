#!/usr/bin/env bash
# The same as scripts/deploy-functions.sh, for who deploys from this folder.
exec "$(dirname "$0")/../scripts/deploy-functions.sh" "$@"
