#!/bin/sh
# Starts the server of this pod, or with `ping` asks whether it answers. Runs in Valkey's and in Redis's own image, whose
# programs are called otherwise. The password is in no argument and in no file outside of memory.
set -eu
settings=${REDIS_SETTINGS:-/etc/redis}
run=${REDIS_RUN:-/run/redis}
password=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis/password}")

if [ "${1:-}" = ping ]; then
  client=$(command -v valkey-cli || command -v redis-cli)
  [ "$(REDISCLI_AUTH=$password "$client" -p "${REDIS_PORT:-6379}" --user users-service ping)" = PONG ]
  exit
fi

umask 077
# Nobody but this user, with the least rights that the service needs (docs/redis.md).
{
  echo "user default off"
  echo "user users-service on >$password $(tr '\n' ' ' <"$settings/rights")"
} >"$run/users.acl"
server=$(command -v valkey-server || command -v redis-server)
exec "$server" "$settings/redis.conf"
