#!/usr/bin/env bash
# Starts the service with 500 made-up users and its own Redis in a temporary folder, and lets schemathesis call every
# operation of its OpenAPI document, all checks on: as somebody who may do everything, then, with fewer cases, as somebody
# who may do less, and as nobody. FUZZ_EXAMPLES: cases an operation; FUZZ_SEED: repeats a run; FUZZ_CALLERS: only these of
# "everything limited nobody".
set -euo pipefail

SCHEMATHESIS=4.32.5
TOOL=.tools/schemathesis-$SCHEMATHESIS
SEED=${FUZZ_SEED:-$RANDOM}
EXAMPLES=${FUZZ_EXAMPLES:-100}

if [ ! -x "$TOOL/bin/schemathesis" ]; then
  echo "fetching schemathesis $SCHEMATHESIS"
  python3 -m venv "$TOOL"
  "$TOOL/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"
fi

data=$(mktemp -d)
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
# Nobody is refused for how much there is to do: every case is to be answered for what it is. Everything is counted.
most=999999999
REDIS_URL='' DATA_DIR=$data PORT=$port LOG_LEVEL=warn \
  RATE_LIMIT_READS=$most RATE_LIMIT_SEARCHES=$most RATE_LIMIT_WRITES=$most RATE_LIMIT_REFUSALS=0 \
  OVERLOAD_SEARCHES_DELAY_MS=0 OVERLOAD_DELAY_MS=0 \
  node src/main.ts all --seed-users 500 >"$data/service.log" 2>&1 &
service=$!
finish() {
  kill "$service" 2>/dev/null || true
  wait "$service" 2>/dev/null || true
  rm -rf "$data"
}
trap finish EXIT

for _ in $(seq 300); do
  node -e "fetch('http://127.0.0.1:$port/health/ready').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))" && break
  kill -0 "$service" 2>/dev/null || { cat "$data/service.log" >&2; exit 1; }
done

token() {
  DATA_DIR=$data node src/main.ts token --subject fuzz "$@"
}

# fuzz <caller> <cases> <option>...
fuzz() {
  local caller=$1 cases=$2
  shift 2
  echo "as $caller, seed $SEED"
  # One worker: hypothesis' own introspection is not safe in several threads of Python 3.11.
  FUZZ_CALLER=$caller SCHEMATHESIS_HOOKS=test/fuzz/hooks.py "$TOOL/bin/schemathesis" \
    --config-file test/fuzz/schemathesis.toml run "http://127.0.0.1:$port/docs/json" --checks all \
    --max-examples "$cases" --seed "$SEED" --continue-on-failure --workers 1 --request-timeout 10 --no-color "$@"
}

may_all=$(token --all-scopes)
may_less=$(token --branches B001 --user-id 1 --scope users:read users:write roles:write users:audit operate)
fewer=$((EXAMPLES / 4 + 1))
failed=0
for caller in ${FUZZ_CALLERS:-everything limited nobody}; do
  case $caller in
    everything) fuzz everything "$EXAMPLES" --header "Authorization: Bearer $may_all" || failed=1 ;;
    limited) fuzz limited "$fewer" --header "Authorization: Bearer $may_less" || failed=1 ;;
    nobody) fuzz nobody "$fewer" || failed=1 ;;
    *) echo "there is no caller $caller" >&2; exit 2 ;;
  esac
done

if grep -q '"level":50' "$data/service.log"; then
  grep '"level":50' "$data/service.log" >&2
  echo 'the service logged errors' >&2
  exit 1
fi
exit $failed
