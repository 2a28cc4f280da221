#!/usr/bin/env bash
# Deploys Audit Events to a hosted Supabase project. May be run again at any time: each step brings the project to what this checkout says.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/deploy-functions.sh [--dry-run] [--env-file FILE] [STEP ...]

Steps, all of them in this order unless some are named:
  database    apply the migrations that the database does not have yet
  bucket      make the private bucket audit-archive
  secrets     give the functions the settings of FILE (default .env) that start with AUDIT_
  functions   upload the functions; Supabase bundles them, no Docker is needed

Environment:
  SUPABASE_PROJECT_REF    the project, 20 letters; from its dashboard's address
  SUPABASE_ACCESS_TOKEN   yours, from supabase.com/dashboard/account/tokens; or run `supabase login`
  SUPABASE_DB_URL         its database, direct or the session pooler (port 5432), with the password of postgres; for `database`
  SUPABASE_CLI            the Supabase CLI, 3.x, when it is not on the PATH

--dry-run prints each command and runs none.
To roll back, check out the former version and run the step `functions`. Migrations only go forward.
TEXT
}

fail() {
  echo "deploy: $1" >&2
  exit 1
}

# Prints the command as it can be pasted; the database's URL holds a password, so that its name is printed instead.
run() {
  local shown
  shown=$(printf ' %q' "$@")
  if [ -n "${SUPABASE_DB_URL:-}" ]; then shown=${shown//"$(printf '%q' "$SUPABASE_DB_URL")"/\"\$SUPABASE_DB_URL\"}; fi
  echo "+${shown}"
  if [ "$dry_run" = no ]; then "$@"; fi
}

find_cli() {
  local installed=node_modules/@supabase/cli-linux-x64/bin/supabase
  if [ -n "${SUPABASE_CLI:-}" ]; then
    echo "$SUPABASE_CLI"
  elif [ -x "$installed" ]; then
    echo "$installed"
  else
    command -v supabase || fail "the Supabase CLI: is not installed; see https://supabase.com/docs/guides/local-development/cli/getting-started"
  fi
}

setting() {
  sed -n "s/^$1=//p" "$env_file" | tail -n 1 | sed -e "s/^\"\(.*\)\"\$/\1/" -e "s/^'\(.*\)'\$/\1/"
}

# What a function would refuse at its start, told before anything is changed.
check_settings() {
  [ -r "$env_file" ] || fail "$env_file: cannot be read; copy .env.example and fill it in"
  local name missing=""
  for name in AUDIT_SIGNING_KEY AUDIT_LOG_ORIGIN AUDIT_CURSOR_KEY; do
    [ -n "$(setting "$name")" ] || missing="$missing $name"
  done
  [ -z "$missing" ] || fail "$env_file: sets no$missing"
  case "$(setting AUDIT_DATABASE_URL)" in
    *.pooler.supabase.com:5432/*) fail "AUDIT_DATABASE_URL: is the session pooler; functions need the transaction pooler, port 6543" ;;
  esac
  case "$(setting AUDIT_ARCHIVE_URL)" in
    file:*) fail "AUDIT_ARCHIVE_URL: is a folder; functions keep no files: use supabase:audit-archive" ;;
  esac
}

deploy_database() {
  [ -n "${SUPABASE_DB_URL:-}" ] || fail "SUPABASE_DB_URL: is not set; it is needed to apply migrations"
  run "$cli" db push --remote="$SUPABASE_DB_URL" --yes
}

deploy_bucket() {
  run "$cli" seed buckets --remote="$SUPABASE_PROJECT_REF" --yes
}

# By a file, because arguments can be read by everybody on this machine. Supabase sets its own names and refuses them here.
deploy_secrets() {
  local chosen
  chosen=$(mktemp)
  trap "rm -f '$chosen'" EXIT
  grep -E '^AUDIT_[A-Z_]+=.' "$env_file" >"$chosen"
  run "$cli" secrets set --env-file "$chosen" --remote="$SUPABASE_PROJECT_REF" --yes
}

deploy_functions() {
  run "$cli" functions deploy --use-api --remote="$SUPABASE_PROJECT_REF" --yes
}

dry_run=no
env_file=.env
steps=()
while [ $# -gt 0 ]; do
  case "$1" in
    --dry-run) dry_run=yes ;;
    --env-file) [ $# -gt 1 ] || fail "--env-file: needs a file"; env_file=$2; shift ;;
    --help | -h) usage; exit ;;
    database | bucket | secrets | functions) steps+=("$1") ;;
    *) usage >&2; fail "$1: is no step" ;;
  esac
  shift
done
[ ${#steps[@]} -gt 0 ] || steps=(database bucket secrets functions)
env_file=$(realpath -m "$env_file")
cd "$(dirname "$(realpath "$0")")/.."

[[ "${SUPABASE_PROJECT_REF:-}" =~ ^[a-z]{20}$ ]] || fail "SUPABASE_PROJECT_REF: must be the project's 20 letters"
cli=$(find_cli)
version=$("$cli" --version)
[[ "$version" =~ ^3\. ]] || fail "the Supabase CLI: is version $version; 3.x is needed"
case " ${steps[*]} " in *" secrets "*) check_settings ;; esac
for step in "${steps[@]}"; do "deploy_$step"; done
