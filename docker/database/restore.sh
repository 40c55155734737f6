#!/bin/sh
# Restore a backup: restore [--force] < backup.tar
#
# The archive holds what `backup` made: todo.dump, manifest.json, globals.sql, SHA256SUMS, at its top
# or in one folder. Beside a server it restores as superuser over the socket; with TODO_DATABASE_HOST
# into that server, as the role that owns the tables. Refuses a database that has rows unless --force
# is given. Everything is restored in one transaction, and what came back is compared with the
# manifest: schema revision, rows per table, hash of the content.
# Exit codes: 1 failed and nothing was changed, or not what the manifest says; 3 refused or bad input.
set -eu
export LC_ALL=C

say() {
  echo "restore: $*" >&2
}

force=no
case "$#:${1:-}" in
  0:) ;;
  1:--force) force=yes ;;
  *) say "usage: restore [--force] < backup.tar"; exit 3 ;;
esac

secrets=/run/secrets/todo-db
if [ -n "${TODO_DATABASE_HOST:-}" ]; then
  user=${TODO_DATABASE_MIGRATOR_USER:-todo_migrator}
  password_file=${TODO_DATABASE_MIGRATOR_PASSWORD_FILE:-$secrets/migrator-password}
else
  user=postgres
  password_file=${TODO_DATABASE_ADMIN_PASSWORD_FILE:-$secrets/superuser-password}
fi
database=${TODO_DATABASE_NAME:-todo}
# Beside the data: the volume has room for a dump, /tmp may not.
scratch=$(mktemp -d -p "${TMPDIR:-$(dirname "$PGDATA")}" restore.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
umask 077
if [ ! -s "$password_file" ]; then
  say "the secret file $password_file is missing or empty"
  exit 3
fi
printf '*:*:*:%s:%s\n' "$user" "$(sed 's/[\\:]/\\&/g' "$password_file")" > "$scratch/pgpass"
export PGPASSFILE="$scratch/pgpass" PGUSER="$user" PGDATABASE="$database" PGCONNECT_TIMEOUT=10
export PGHOST="${TODO_DATABASE_HOST:-${TODO_DATABASE_SOCKET:-/var/run/postgresql}}" PGPORT="${TODO_DATABASE_PORT:-5432}" PGSSLMODE="${TODO_DATABASE_SSLMODE:-prefer}"
# Whoever holds a lock on a table for longer is told about, not waited for.
export PGOPTIONS='-c lock_timeout=30s'

mkdir "$scratch/backup"
tar --extract --directory="$scratch/backup" || { say "standard input is no archive made by backup"; exit 3; }
sums=$(find "$scratch/backup" -maxdepth 2 -name SHA256SUMS)
if [ ! -f "$sums" ]; then
  say "the archive has no SHA256SUMS: it was not made by backup"
  exit 3
fi
cd "$(dirname "$sums")"
sha256sum --check --quiet --strict SHA256SUMS || { say "the archive is damaged"; exit 3; }

counts=$(
  psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 << 'SQL'
select format('select count(*) from public.%I', tablename) from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'
\gexec
SQL
)
rows=$(printf '%s\n' "$counts" | awk '{ rows += $1 } END { print rows + 0 }')
if [ "$rows" -gt 0 ] && [ "$force" = no ]; then
  say "the database has $rows rows; nothing was changed. --force replaces them"
  exit 3
fi

pg_restore --dbname="$database" --clean --if-exists --single-transaction --exit-on-error todo.dump

# The same program that described the backup describes what came back. Archives of earlier versions have another hash of the content.
keys='schema_revision|rows|content_hash'
if ! grep --quiet '"content_hash"' manifest.json; then
  keys='schema_revision|rows'
  say "this archive has a hash of an earlier kind: revision and rows are compared, the content is not"
fi
described() {
  grep --extended-regexp "\"($keys)\"" "$1" | sed 's/,$//'
}
describe-database > "$scratch/now"
described manifest.json > "$scratch/expected"
described "$scratch/now" > "$scratch/found"
if ! cmp --silent "$scratch/expected" "$scratch/found"; then
  say "what came back is not what the manifest says"
  diff "$scratch/expected" "$scratch/found" >&2 || true
  exit 1
fi
say "restored and compared with its manifest"
cat manifest.json
