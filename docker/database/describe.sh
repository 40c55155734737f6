#!/bin/sh
# Describe what the database holds: describe-database [--snapshot NAME | --from FILE]
#
# Prints the lines of a manifest that are true of the content: the schema's revision, the rows of each table, and a hash of all rows that
# does not depend on their order. The server computes them, so memory and disk here do not grow with the data. The connection comes from
# libpq's variables; --snapshot names one that an open transaction has exported. With --from the database is not asked: the file holds
# what describe.sql gave in a session of the caller's own.
set -eu

statements=/usr/share/todo-chat/describe.sql
same_snapshot=
rows=
case "${1:-}" in
  '') ;;
  --snapshot) same_snapshot="set transaction snapshot '$2';" ;;
  --from) rows=$(cat "$2") ;;
  *) echo "usage: describe-database [--snapshot NAME | --from FILE]" >&2; exit 3 ;;
esac

if [ "${1:-}" != --from ]; then
  rows=$(
    {
      echo "begin isolation level repeatable read read only; $same_snapshot"
      cat "$statements"
    } | psql --no-psqlrc --quiet --tuples-only --no-align --field-separator='|' --set=ON_ERROR_STOP=1
  )
fi
hash=$(printf '%s\n' "$rows" | grep --invert-match '^revision|' | sha256sum | cut -d ' ' -f 1)
printf '%s\n' "$rows" | awk -F '|' -v hash="$hash" '
  $1 == "revision" { revision = $2 }
  $1 == "rows" {
    table = $0
    sub(/^rows\|[^|]*\|[^|]*\|/, "", table)
    counts = counts (counts == "" ? "" : ", ") table ": " $2
  }
  END { printf "  \"schema_revision\": \"%s\",\n  \"rows\": {%s},\n  \"content_hash\": \"%s\"\n", revision, counts, hash }'
