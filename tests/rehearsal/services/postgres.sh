#!/bin/sh
# PostgreSQL as a managed service gives it: TLS only, and an administrator who may create roles and databases but is no superuser.
# /secrets/superuser-password holds the administrator's password; nobody knows the superuser's.
set -eu
sh "$(dirname "$0")/certificate.sh" postgres /tmp/tls
head -c 32 /dev/urandom | base64 >/tmp/unknown
initdb --pgdata=/tmp/data --username=postgres --pwfile=/tmp/unknown --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >/dev/null
rm /tmp/unknown
cat >>/tmp/data/postgresql.conf <<'CONF'
listen_addresses = '*'
unix_socket_directories = '/tmp'
ssl = on
ssl_cert_file = '/tmp/tls/tls.crt'
ssl_key_file = '/tmp/tls/tls.key'
CONF
echo 'hostssl all all 0.0.0.0/0 scram-sha-256' >/tmp/data/pg_hba.conf
printf "CREATE ROLE todo_admin LOGIN CREATEROLE CREATEDB PASSWORD '%s'\n" "$(cat /secrets/superuser-password)" | postgres --single -D /tmp/data postgres >/dev/null
exec postgres -D /tmp/data
