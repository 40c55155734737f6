#!/bin/sh
# Restore a backup into this PostgreSQL: restore [--force] < backup.tar
#
# The archive holds what `backup` made: todo.dump, manifest.json, globals.sql, SHA256SUMS, at its top
# or in one folder. Runs beside the server, as superuser over its socket. Refuses a database that has
# rows unless --force is given. Everything is restored in one transaction, and what came back is
# compared with the manifest: schema revision, rows per table, hash of the content.
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
socket=${TODO_DATABASE_SOCKET:-/var/run/postgresql}
database=${TODO_DATABASE_NAME:-todo}
# Beside the data: the volume has room for a dump, /tmp may not.
scratch=$(mktemp -d -p "${TMPDIR:-$(dirname "$PGDATA")}" restore.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
umask 077
if [ ! -s "${TODO_DATABASE_ADMIN_PASSWORD_FILE:=$secrets/superuser-password}" ]; then
  say "the secret file $TODO_DATABASE_ADMIN_PASSWORD_FILE is missing or empty"
  exit 3
fi
printf '*:*:*:postgres:%s\n' "$(sed 's/[\\:]/\\&/g' "$TODO_DATABASE_ADMIN_PASSWORD_FILE")" > "$scratch/pgpass"
export PGPASSFILE="$scratch/pgpass" PGHOST="$socket" PGUSER=postgres PGDATABASE="$database" PGCONNECT_TIMEOUT=10
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

rows=0
for table in $(psql --no-psqlrc --tuples-only --no-align --command="select quote_ident(tablename) from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"); do
  rows=$((rows + $(psql --no-psqlrc --tuples-only --no-align --command="select count(*) from public.$table")))
done
if [ "$rows" -gt 0 ] && [ "$force" = no ]; then
  say "the database has $rows rows; nothing was changed. --force replaces them"
  exit 3
fi

pg_restore --dbname="$database" --clean --if-exists --single-transaction --exit-on-error todo.dump

# The same program that described the backup describes what came back.
mkdir "$scratch/check"
TODO_DATABASE_HOST="$socket" TODO_DATABASE_BACKUP_PASSWORD_FILE="${TODO_DATABASE_BACKUP_PASSWORD_FILE:-$secrets/backup-password}" \
  backup "$scratch/check" > "$scratch/check.log"
described() {
  grep --extended-regexp '"(schema_revision|rows|content_sha256)"' "$1"
}
described manifest.json > "$scratch/expected"
described "$scratch"/check/20*/manifest.json > "$scratch/found"
if ! cmp --silent "$scratch/expected" "$scratch/found"; then
  say "what came back is not what the manifest says"
  diff "$scratch/expected" "$scratch/found" >&2 || true
  exit 1
fi
say "restored and compared: revision, rows and content are those of the backup"
cat manifest.json
