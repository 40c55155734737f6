#!/bin/sh
# A certificate of the rehearsal's own authority (/authority) for this service: its name with and without
# the domains of the engine's network, and its address.
# usage: certificate.sh NAME FOLDER    writes FOLDER/tls.crt and FOLDER/tls.key
set -eu
name=$1 folder=$2
domains=$(awk '/^search/ { $1 = ""; print }' /etc/resolv.conf)
address=$(awk '/32 host LOCAL/ && last !~ /^127/ { print last; exit } { last = $2 }' /proc/net/fib_trie)
mkdir -p "$folder"
umask 077
openssl req -newkey rsa:2048 -nodes -keyout "$folder/tls.key" -subj "/CN=$name" -out "$folder/request" 2>/dev/null
{
  printf 'subjectAltName=IP:%s,DNS:localhost,DNS:%s' "$address" "$name"
  for domain in $domains; do printf ',DNS:%s.%s' "$name" "$domain"; done
} >"$folder/names"
openssl x509 -req -in "$folder/request" -CA /authority/ca.crt -CAkey /authority/ca.key -CAserial /tmp/serial -CAcreateserial -days 2 -extfile "$folder/names" -out "$folder/tls.crt" 2>/dev/null
rm "$folder/request" "$folder/names"
