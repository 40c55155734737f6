-- What the database holds, in the session that asks: the schema's revision, and for each table its rows and a sum over their hashes that does
-- not depend on their order. What a restore has put aside is not part of it.
-- A row's text depends on the first five, and a server may have its own ideas of the others.
set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set bytea_output = 'hex'; set extra_float_digits = 1;
set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
select 'select ''revision'', version_num from public.alembic_version' where to_regclass('public.alembic_version') is not null
\gexec
select format(
  'select ''rows'', count(*), coalesce(sum((''x'' || left(encode(sha256(convert_to("whole row"::text, ''UTF8'')), ''hex''), 16))::bit(64)::bigint::numeric), 0), %L from %I.%I as "whole row"',
  to_json(nspname || '.' || relname), nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and nspname not like 'pg\_%' and nspname <> 'information_schema' and nspname not like 'before\_restore\_%'
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
order by nspname collate "C", relname collate "C"
\gexec
