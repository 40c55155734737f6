#!/bin/sh
# Back the database up: backup FOLDER
#
# Makes FOLDER/<time>/ with todo.dump (pg_dump's custom format), globals.sql (roles, without
# passwords), manifest.json (schema revision, rows per table, hash of the content) and
# SHA256SUMS; keeps the newest TODO_BACKUP_KEEP (7) of them. The folder appears under its name
# when it is complete. One snapshot is dumped and described, so the manifest tells what is in the dump.
set -eu
export LC_ALL=C

folder=${1:?usage: backup FOLDER}
keep=${TODO_BACKUP_KEEP:-7}

say() {
  echo "backup: $*" >&2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
umask 077

password_file=${TODO_DATABASE_BACKUP_PASSWORD_FILE:?}
if [ ! -s "$password_file" ]; then
  say "the secret file $password_file is missing or empty; mount it and start again"
  exit 3
fi
# In a password file a colon and a backslash are escaped.
printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$password_file")" > "$scratch/pgpass"
export PGPASSFILE="$scratch/pgpass" PGCONNECT_TIMEOUT=10
export PGHOST="${TODO_DATABASE_HOST:?}" PGPORT="${TODO_DATABASE_PORT:-5432}"
export PGUSER="${TODO_DATABASE_BACKUP_USER:-todo_backup}" PGSSLMODE="${TODO_DATABASE_SSLMODE:-prefer}"
export PGDATABASE="${TODO_DATABASE_NAME:-todo}"

remove_oldest() {
  find "$folder" -mindepth 1 -maxdepth 1 -type d -name '20*' | sort --reverse | tail --lines=+"$((keep + 1))" | while read -r old; do
    rm -r "$old"
    say "removed $old"
  done
}

# Backups into one folder take turns; a killed one leaves only its .partial folder.
exec 9> "$folder/.lock"
flock --wait 120 9 || { say "another backup into $folder has been running for 120 s"; exit 1; }
rm -rf "$folder"/.partial
mkdir "$folder/.partial"
# What was begun on a full volume must not keep it full.
trap 'rm -rf "$scratch" "$folder/.partial"' EXIT
cd "$folder/.partial"

# A transaction that stays open for as long as its snapshot is read; it ends with this shell.
mkfifo "$scratch/statements" "$scratch/answers"
psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --no-password < "$scratch/statements" > "$scratch/answers" 9>&- &
exec 8> "$scratch/statements" 7< "$scratch/answers"
cat >&8 << 'SQL'
set idle_in_transaction_session_timeout = 0;
begin isolation level repeatable read read only;
select current_setting('server_version');
select pg_export_snapshot();
SQL
if ! read -r server_version <&7 || ! read -r snapshot <&7; then
  say "$PGHOST:$PGPORT gives $PGUSER no snapshot of database $PGDATABASE"
  exit 1
fi

# A backup has its second for itself.
while
  created=$(date --utc +%Y-%m-%dT%H:%M:%SZ)
  name=$(echo "$created" | tr -d ':-')
  [ -e "$folder/$name" ]
do
  sleep 0.2
done
# Row-level security stays on: a policy lets this role read every row.
if ! pg_dump --format=custom --enable-row-security --exclude-schema='before_restore_*' --no-password --snapshot="$snapshot" --file=todo.dump; then
  say "nothing was kept; what $PGUSER may not read needs GRANT SELECT and, with row-level security, a policy"
  exit 1
fi
pg_dumpall --globals-only --no-role-passwords --no-password --database="$PGDATABASE" --file=globals.sql
described=$(describe-database --snapshot "$snapshot")
cat > manifest.json << JSON
{
  "created_at": "$created",
  "database": "$PGDATABASE",
  "server_version": "$server_version",
$described
}
JSON
exec 8>&- 7<&-
sha256sum globals.sql manifest.json todo.dump > SHA256SUMS
sync
cd "$folder"
mv --no-target-directory .partial "$name"
remove_oldest
cat "$name/manifest.json"
echo "backup: $folder/$name"
