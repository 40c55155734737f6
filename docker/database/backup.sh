#!/bin/sh
# Back the database up: backup FOLDER
#
# Makes FOLDER/<time>/ with todo.dump (pg_dump's custom format), globals.sql (roles, without
# passwords), manifest.json (schema revision, rows per table, hash of the content) and
# SHA256SUMS; keeps the newest TODO_BACKUP_KEEP (7) of them. The folder appears under its name
# when it is complete. Counts and hash are read from the dump, so they tell what is in it.
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

# "table<TAB>row" for every row of the dump.
rows() {
  pg_restore --data-only --file=- "$1" | awk '
    copying && $0 == "\\." { copying = 0; next }
    copying { print table "\t" $0; next }
    /^COPY / { table = $2; copying = 1 }'
}

write_manifest() {
  rows todo.dump > "$scratch/rows"
  revision=$(awk -F '\t' '$1 == "public.alembic_version" { print $2 }' "$scratch/rows")
  counts=$(pg_restore --list todo.dump | awk '/ TABLE DATA / { print $6 "." $7 }' | sort | while read -r table; do
    printf '%s"%s": %s' "${separator:-}" "$table" "$(awk -F '\t' -v table="$table" '$1 == table { n++ } END { print n + 0 }' "$scratch/rows")"
    separator=', '
  done)
  content=$(sort "$scratch/rows" | sha256sum | cut -d ' ' -f 1)
  rm "$scratch/rows"
  cat > manifest.json << JSON
{
  "created_at": "$created",
  "database": "$PGDATABASE",
  "schema_revision": "$revision",
  "rows": {$counts},
  "content_sha256": "$content"
}
JSON
}

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
cd "$folder/.partial"

created=$(date --utc +%Y-%m-%dT%H:%M:%SZ)
name=$(echo "$created" | tr -d ':-')
# Row-level security stays on: a policy lets this role read every row.
pg_dump --format=custom --enable-row-security --no-password --file=todo.dump
pg_dumpall --globals-only --no-role-passwords --no-password --database="$PGDATABASE" --file=globals.sql
write_manifest
sha256sum globals.sql manifest.json todo.dump > SHA256SUMS
sync
cd "$folder"
mv --no-target-directory .partial "$name"
remove_oldest
cat "$name/manifest.json"
echo "backup: $folder/$name"
