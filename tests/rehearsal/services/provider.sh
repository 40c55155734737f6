#!/bin/sh
# The identity provider of the browser tests, inside TLS, for the hosts of staging and production.
set -eu
domain_of() { for domain in $(awk '/^search/ { $1 = ""; print }' /etc/resolv.conf); do getent hosts "$1.$domain" >/dev/null && { echo "$domain"; return; }; done; }
PORT=8443
ISSUER=https://provider.$(domain_of provider):$PORT
CLIENT_ID=todo-chat
CLIENT_SECRET=$(cat /secrets/oidc-client-secret)
REDIRECT_URIS=https://staging.todo.test/api/auth/callback,https://todo.test/api/auth/callback
TLS_CERT_FILE=/tmp/tls/tls.crt TLS_KEY_FILE=/tmp/tls/tls.key
export PORT ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URIS TLS_CERT_FILE TLS_KEY_FILE
exec npx tsx tests/identity/provider.ts
