#!/bin/sh
# Starts one Redis of several, or with `sentinel` one of the Sentinels that make one of them the master; with `ping` before it
# asks whether that answers. Runs in Valkey's and in Redis's own image, whose programs are called otherwise. The password is in no
# argument and in no file outside of memory. REDIS_PEERS and REDIS_SENTINELS are all of each, as `host:port`, by names that
# outlast the pods; REDIS_SELF is how this one's begins.
set -eu
settings=${REDIS_SETTINGS:-/etc/redis}
run=${REDIS_RUN:-/run/redis}
password=$(cat "${REDIS_PASSWORD_FILE:-/run/secrets/redis/password}")
client=$(command -v valkey-cli || command -v redis-cli)
server=$(command -v valkey-server || command -v redis-server)
group=users
# So long a server that says nothing is waited for.
answer_seconds=2
# Sentinels see that a master is gone, agree, and have a replica take over in this time.
handover_seconds=20

ask() {
  address=$1
  shift
  REDISCLI_AUTH=$password timeout "$answer_seconds" "$client" -h "${address%:*}" -p "${address##*:}" "$@" 2>/dev/null |
    tr -d '\r'
}

# The value that stands after a name, in what Sentinels answer.
after() { grep -x -A 1 "$1" | sed -n 2p; }

own() {
  for address in $1; do
    case $address in "$REDIS_SELF" | "$REDIS_SELF".*) echo "$address" ;; esac
  done
}

# Of the latest failover that any of the Sentinels has heard of.
named_by_sentinels() {
  for sentinel in $REDIS_SENTINELS; do
    epoch=$(ask "$sentinel" SENTINEL MASTER "$group" | after config-epoch || true)
    # Not the address beside it: until all replicas follow the new master, who leads a failover tells of the old one there.
    said=$(ask "$sentinel" SENTINEL GET-MASTER-ADDR-BY-NAME "$group" || true)
    port=$(echo "$said" | sed -n 2p)
    case $epoch in '' | *[!0-9]*) continue ;; esac
    case $port in '' | *[!0-9]*) continue ;; esac
    echo "$epoch $(echo "$said" | sed -n 1p):$port"
  done | sort -rn | head -n 1 | cut -d ' ' -f 2 | grep .
}

replication() { ask "$1" --user users-service INFO replication || true; }

# Of those that take themselves for the master, whom most follow.
master_by_its_own_word() {
  for peer in $REDIS_PEERS; do
    said=$(replication "$peer")
    case $said in *role:master*) echo "$(echo "$said" | sed -n 's/^connected_slaves://p') $peer" ;; esac
  done | sort -rn | head -n 1 | cut -d ' ' -f 2 | grep .
}

followed_by_others() {
  for peer in $REDIS_PEERS; do
    said=$(replication "$peer")
    host=$(echo "$said" | sed -n 's/^master_host://p')
    [ -z "$host" ] || echo "$host:$(echo "$said" | sed -n 's/^master_port://p')"
  done | head -n 1 | grep .
}

# What was in it is gone, and those who follow have it still: let one of them be the master.
hand_over() {
  followed_by_others >/dev/null || return 0
  for sentinel in $REDIS_SENTINELS; do
    [ "$(ask "$sentinel" SENTINEL FAILOVER "$group" || true)" != OK ] || break
  done
  waited=0
  while [ "$(named_by_sentinels || true)" = "$self" ] && [ "$waited" -lt "$handover_seconds" ]; do
    sleep 1
    waited=$((waited + 1))
  done
}

start_redis() {
  self=$(own "$REDIS_PEERS")
  [ "$(named_by_sentinels || true)" != "$self" ] || hand_over
  master=$(named_by_sentinels || master_by_its_own_word || followed_by_others || echo "${REDIS_PEERS%% *}")
  {
    echo "user default off"
    echo "user users-service on >$password $(tr '\n' ' ' <"$settings/rights")"
    # By https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ and …/security/acl/.
    echo "user replication on >$password +psync +replconf +ping"
    echo "user sentinel on >$password allchannels +multi +slaveof +replicaof +ping +exec +subscribe +config|rewrite +role +publish" \
      "+info +client|setname +client|kill +script|kill"
  } >"$run/users.acl"
  # Sentinels write into it whom it follows.
  {
    cat "$settings/redis.conf"
    echo
    echo "replica-announce-ip ${self%:*}"
    echo "replica-announce-port ${self##*:}"
    echo "masteruser replication"
    echo "masterauth $password"
    [ "$master" = "$self" ] || echo "replicaof ${master%:*} ${master##*:}"
  } >"$run/redis.conf"
  exec "$server" "$run/redis.conf"
}

start_sentinel() {
  self=$(own "$REDIS_SENTINELS")
  # Nobody to watch yet.
  until master=$(named_by_sentinels || master_by_its_own_word || followed_by_others); do sleep 1; done
  {
    cat "$settings/sentinel.conf"
    echo
    echo "requirepass $password"
    echo "sentinel sentinel-pass $password"
    echo "sentinel announce-ip ${self%:*}"
    echo "sentinel announce-port ${self##*:}"
    echo "sentinel monitor $group ${master%:*} ${master##*:} 2"
    echo "sentinel auth-user $group sentinel"
    echo "sentinel auth-pass $group $password"
  } >"$run/sentinel.conf"
  exec "$server" "$run/sentinel.conf" --sentinel
}

umask 077
case ${1:-}${2:-} in
ping) [ "$(ask "$(own "$REDIS_PEERS")" --user users-service PING)" = PONG ] ;;
pingsentinel) [ "$(ask "$(own "$REDIS_SENTINELS")" PING)" = PONG ] ;;
sentinel) start_sentinel ;;
*) start_redis ;;
esac
