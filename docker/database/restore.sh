#!/bin/sh
# Restore a backup: restore [--force] < backup.tar
# Put back what the newest restore put aside: restore --undo
# Drop what restores have put aside: restore --forget
#
# The archive holds what `backup` made: todo.dump, manifest.json, globals.sql, SHA256SUMS, at its top
# or in one folder. Beside a server it restores as superuser over the socket; with TODO_DATABASE_HOST
# into that server, as the role that owns the tables. Refuses a database that has rows unless --force
# is given.
#
# A restore replaces the schema public as a whole, in one transaction: the old one is put aside under
# the name before_restore_<time>, the dump is read into a new one and compared with the manifest
# (schema revision, rows per table, hash of the content), and only then does it become what clients
# see. They wait meanwhile. Tables that the dump does not know leave with the old schema. What is cut
# off anywhere leaves the database as it was. An old schema without rows is not kept.
# Exit codes: 1 failed, 3 refused or bad input; nothing was changed in either case.
set -eu
export LC_ALL=C

say() {
  echo "restore: $*" >&2
}

action=restore
force=no
case "$#:${1:-}" in
  0:) ;;
  1:--force) force=yes ;;
  1:--undo) action=undo ;;
  1:--forget) action=forget ;;
  *) say "usage: restore [--force] < backup.tar, restore --undo, restore --forget"; exit 3 ;;
esac

secrets=/run/secrets/todo-db
if [ -n "${TODO_DATABASE_HOST:-}" ]; then
  user=${TODO_DATABASE_MIGRATOR_USER:-todo_migrator}
  password_file=${TODO_DATABASE_MIGRATOR_PASSWORD_FILE:-$secrets/migrator-password}
else
  user=postgres
  password_file=${TODO_DATABASE_ADMIN_PASSWORD_FILE:-$secrets/superuser-password}
fi
# Beside the data: the volume has room for a dump, /tmp may not.
room=${TMPDIR:-$(dirname "$PGDATA")}
exec 9> "$room/.restore.lock"
flock --nonblock 9 || { say "another restore is running"; exit 1; }
# What a killed one has left.
rm -rf "$room"/restore.??????
scratch=$(mktemp -d -p "$room" restore.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
umask 077
if [ ! -s "$password_file" ]; then
  say "the secret file $password_file is missing or empty"
  exit 3
fi
printf '*:*:*:%s:%s\n' "$user" "$(sed 's/[\\:]/\\&/g' "$password_file")" > "$scratch/pgpass"
export PGPASSFILE="$scratch/pgpass" PGUSER="$user" PGDATABASE="${TODO_DATABASE_NAME:-todo}" PGCONNECT_TIMEOUT=10
export PGHOST="${TODO_DATABASE_HOST:-${TODO_DATABASE_SOCKET:-/var/run/postgresql}}" PGPORT="${TODO_DATABASE_PORT:-5432}" PGSSLMODE="${TODO_DATABASE_SSLMODE:-prefer}"
# Whoever holds a lock on a table for longer is told about, not waited for.
export PGOPTIONS="-c lock_timeout=${TODO_RESTORE_LOCK_TIMEOUT:-30s} -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"

sql() {
  psql --no-psqlrc --quiet --tuples-only --no-align --field-separator='|' --set=ON_ERROR_STOP=1 "$@"
}

# Clients that write wait from here on. What belongs to somebody else cannot be locked and is not the application's.
LOCK_TABLES="
do \$\$
declare
  each record;
begin
  for each in
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and pg_has_role(relowner, 'USAGE') order by oid
  loop
    execute format('lock table public.%I in access exclusive mode', each.relname);
  end loop;
end
\$\$;"
# Of the same owner, and open to the same roles.
NEW_SCHEMA="
do \$\$
declare
  old constant pg_namespace := (select pg_namespace from pg_namespace where nspname = 'PUT_ASIDE');
  each record;
begin
  execute format('create schema public authorization %I', pg_get_userbyid(old.nspowner));
  for each in select * from aclexplode(coalesce(old.nspacl, acldefault('n', old.nspowner))) where grantee <> old.nspowner loop
    execute format(
      'grant %s on schema public to %s', each.privilege_type,
      case when each.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(each.grantee)) end);
  end loop;
end
\$\$;"
KEPT="select nspname from pg_namespace where nspname like 'before\\_restore\\_%' order by nspname desc"

# Names are made of the second; two within one would meet.
name_of_now() {
  date --utc +before_restore_%Y%m%dt%H%M%Sz
}

if [ "$action" = forget ]; then
  kept=$(echo "$KEPT" | sql)
  [ -n "$kept" ] || { say "nothing was put aside"; exit 0; }
  echo "$kept" | sed 's/.*/drop schema & cascade;/' | sql --single-transaction 2> "$scratch/said" || { cat "$scratch/said" >&2; say "nothing was dropped"; exit 1; }
  say "dropped $(echo "$kept" | tr '\n' ' ')"
  exit 0
fi

if [ "$action" = undo ]; then
  newest=$(echo "$KEPT" | sql | head -n 1)
  [ -n "$newest" ] || { say "nothing was put aside that could come back"; exit 3; }
  put_aside=$(name_of_now)
  printf '%s alter schema public rename to %s; alter schema %s rename to public;\n' "$LOCK_TABLES" "$put_aside" "$newest" | sql --single-transaction || { say "nothing was changed"; exit 1; }
  say "$newest is back; what was there is put aside as $put_aside"
  exit 0
fi

mkdir "$scratch/backup"
tar --extract --directory="$scratch/backup" || { say "standard input is no archive made by backup"; exit 3; }
sums=$(find "$scratch/backup" -maxdepth 2 -name SHA256SUMS)
if [ ! -f "$sums" ]; then
  say "the archive has no SHA256SUMS: it was not made by backup"
  exit 3
fi
cd "$(dirname "$sums")"
sha256sum --check --quiet --strict SHA256SUMS || { say "the archive is damaged"; exit 3; }
if ! pg_restore --list todo.dump > "$scratch/contents" 2> "$scratch/said"; then
  cat "$scratch/said" >&2
  say "the archive's dump cannot be read by $(pg_restore --version); it is of server $(sed -n 's/.*"server_version": "\([^"]*\)".*/\1/p' manifest.json)"
  exit 3
fi
if ! grep --quiet ' TABLE public alembic_version ' "$scratch/contents"; then
  say "the archive is of another application: it has no table public.alembic_version"
  exit 3
fi

counts=$(
  sql << 'SQL'
select format('select count(*) from public.%I', relname) from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'alembic_version'
\gexec
SQL
)
rows=$(printf '%s\n' "$counts" | awk '{ rows += $1 } END { print rows + 0 }')
if [ "$rows" -gt 0 ] && [ "$force" = no ]; then
  say "the database has $rows rows; nothing was changed. --force replaces them"
  exit 3
fi

# One session for all of it: it ends with this shell, and its transaction with it.
mkfifo "$scratch/statements" "$scratch/answers"
sql < "$scratch/statements" > "$scratch/answers" 2> "$scratch/said" 9>&- &
session=$!
exec 8> "$scratch/statements" 7< "$scratch/answers"
# What cannot be written any more has a reason that the session has said.
ask() {
  printf '%s\n' "$@" >&8 2> /dev/null || true
}
gave_up() {
  exec 8>&- 7<&-
  wait "$session" || true
  cat "$scratch/said" >&2
  say "$*; nothing was changed"
  exit 1
}
# Every answer up to the mark.
answered() {
  while read -r line <&7; do
    [ "$line" != "$1" ] || return 0
    printf '%s\n' "$line"
  done
  return 1
}
trap '' PIPE

put_aside=$(name_of_now)
ask 'begin;' "$LOCK_TABLES" "alter schema public rename to $put_aside;" "$(echo "$NEW_SCHEMA" | sed "s/PUT_ASIDE/$put_aside/")"
[ "$rows" -gt 0 ] || ask "drop schema $put_aside cascade;"
ask '\echo ready' '\o /dev/null'
answered ready > /dev/null || gave_up "the old schema cannot be put aside"
pg_restore --file=- todo.dump >&8 2>> "$scratch/said" || gave_up "the dump cannot be read into the database"
# The dump has set it off, which a table whose owner is under its policies too does not allow to read.
ask '\o' 'set row_security = on;'
cat /usr/share/todo-chat/describe.sql >&8 2> /dev/null || true
ask '\echo described'
answered described > "$scratch/rows" || gave_up "the dump cannot be read into the database"

# The same program that described the backup describes what came back. Archives of earlier versions have another hash of the content.
keys='schema_revision|rows|content_hash'
if ! grep --quiet '"content_hash"' manifest.json; then
  keys='schema_revision|rows'
  say "this archive has a hash of an earlier kind: revision and rows are compared, the content is not"
fi
described() {
  grep --extended-regexp "\"($keys)\"" "$1" | sed 's/,$//'
}
describe-database --from "$scratch/rows" > "$scratch/now"
described manifest.json > "$scratch/expected"
described "$scratch/now" > "$scratch/found"
if ! cmp --silent "$scratch/expected" "$scratch/found"; then
  diff "$scratch/expected" "$scratch/found" >&2 || true
  gave_up "what came back is not what the manifest says"
fi
ask 'commit;' '\echo committed'
answered committed > /dev/null || gave_up "the server did not take the restored content"
exec 8>&- 7<&-
wait "$session"
[ "$rows" -eq 0 ] || say "the $rows rows from before are put aside as $put_aside: --undo brings them back, --forget drops them"
say "restored and compared with its manifest"
cat manifest.json
