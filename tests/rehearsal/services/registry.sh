#!/bin/sh
# A registry that asks for a name and a password, for pulling too. REGISTRY_USER names who may; /secrets/registry-password holds the password.
set -eu
sh "$(dirname "$0")/certificate.sh" registry /tmp/tls
htpasswd -i -B -n "$REGISTRY_USER" </secrets/registry-password >/tmp/htpasswd
cat >/tmp/registry.yml <<'YAML'
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: /tmp/images}
http:
  addr: :5000
  secret: one-process-only
  tls: {certificate: /tmp/tls/tls.crt, key: /tmp/tls/tls.key}
auth:
  htpasswd: {realm: rehearsal, path: /tmp/htpasswd}
YAML
exec docker-registry serve /tmp/registry.yml
