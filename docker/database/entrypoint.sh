#!/bin/sh
# Start PostgreSQL; on an empty volume make the database first.
#
# The data directory is made under another name, with every write on disk before it is
# renamed: a start that was cut off leaves nothing that a later start would take for a database.
set -eu

export SECRETS=/run/secrets/todo-db
TLS=/run/secrets/todo-db-tls
init_dir=/usr/share/todo-chat/init
unfinished=$PGDATA.unfinished

say() {
  echo "database: $*" >&2
}

require_secrets() {
  for role in superuser migrator chat tasks mcp backup; do
    if [ ! -s "$SECRETS/$role-password" ]; then
      say "the secret file $SECRETS/$role-password is missing or empty; mount it and start again"
      exit 3
    fi
  done
}

# One server per volume, also while two containers have it: after a forced deletion the old one is still shutting down
# when its successor starts. PostgreSQL's own lock file does not tell them apart, the server is process 1 in both; the
# successor would start, lose that file to the old one's shutdown, and lose committed rows. Every process of the server
# inherits the descriptor, so the kernel releases the lock when the last one has ended.
lock_volume() {
  exec 9> "$(dirname "$PGDATA")/lock"
  if ! flock --nonblock 9; then
    say "waiting for another server on this volume to end"
    if ! flock --timeout 50 9; then
      say "another server still runs on this volume; end its container, this one will be started again"
      exit 1
    fi
  fi
}

# Only a socket that nobody else reaches: the port opens when the roles are complete.
run_init_scripts() {
  socket=$(mktemp -d)
  echo 'local all postgres trust' > "$socket/hba"
  pg_ctl --pgdata="$unfinished" --silent --wait --timeout=60 start --log="$socket/log" \
    --options="-c listen_addresses= -c unix_socket_directories=$socket -c fsync=off -c hba_file=$socket/hba" \
    || { cat "$socket/log" >&2; exit 1; }
  for script in "$init_dir"/*.sql; do
    say "running $(basename "$script")"
    PGHOST=$socket psql --quiet --no-psqlrc --username=postgres --dbname=postgres --file="$script"
  done
  pg_ctl --pgdata="$unfinished" --silent --wait --mode=fast stop
  rm -r "$socket"
}

initialise() {
  require_secrets
  rm -rf "$unfinished"
  say "making a new database in $PGDATA"
  initdb --pgdata="$unfinished" --username=postgres --pwfile="$SECRETS/superuser-password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync > /dev/null
  run_init_scripts
  sync
  mv "$unfinished" "$PGDATA"
  sync
}

lock_volume
[ -s "$PGDATA/PG_VERSION" ] || initialise
# A volume's fsGroup opens the directory to the group, which PostgreSQL refuses.
chmod 0700 "$PGDATA"

set -- -c config_file=/etc/todo-chat/postgresql.conf -c hba_file=/etc/todo-chat/pg_hba.conf "$@"
if [ -s "$TLS/tls.crt" ] && [ -s "$TLS/tls.key" ]; then
  set -- -c ssl=on -c ssl_cert_file="$TLS/tls.crt" -c ssl_key_file="$TLS/tls.key" "$@"
fi
exec postgres -D "$PGDATA" "$@"
