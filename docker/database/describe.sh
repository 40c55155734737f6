#!/bin/sh
# Describe what the database holds: describe-database [SNAPSHOT]
#
# Prints the lines of a manifest that are true of the content: the schema's revision, the rows of each table, and a hash of all rows that
# does not depend on their order. The server computes them, so memory and disk here do not grow with the data. The connection comes from
# libpq's variables; SNAPSHOT is one that an open transaction has exported.
set -eu

same_snapshot=
[ "$#" -eq 0 ] || same_snapshot="set transaction snapshot '$1';"

rows=$(
  psql --no-psqlrc --quiet --tuples-only --no-align --field-separator='|' --set=ON_ERROR_STOP=1 << SQL
-- A row's text depends on the first five, and a server may have its own ideas of the others.
set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set bytea_output = 'hex'; set extra_float_digits = 1;
set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
begin isolation level repeatable read read only;
$same_snapshot
select 'select ''revision'', version_num from public.alembic_version' where to_regclass('public.alembic_version') is not null
\gexec
select format(
  'select ''rows'', count(*), coalesce(sum((''x'' || left(encode(sha256(convert_to("whole row"::text, ''UTF8'')), ''hex''), 16))::bit(64)::bigint::numeric), 0), %L from %I.%I as "whole row"',
  to_json(nspname || '.' || relname), nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and nspname not like 'pg\\_%' and nspname <> 'information_schema'
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
order by nspname collate "C", relname collate "C"
\gexec
SQL
)
hash=$(printf '%s\n' "$rows" | grep --invert-match '^revision|' | sha256sum | cut -d ' ' -f 1)
printf '%s\n' "$rows" | awk -F '|' -v hash="$hash" '
  $1 == "revision" { revision = $2 }
  $1 == "rows" {
    table = $0
    sub(/^rows\|[^|]*\|[^|]*\|/, "", table)
    counts = counts (counts == "" ? "" : ", ") table ": " $2
  }
  END { printf "  \"schema_revision\": \"%s\",\n  \"rows\": {%s},\n  \"content_hash\": \"%s\"\n", revision, counts, hash }'
