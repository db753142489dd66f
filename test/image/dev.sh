# Runs inside the development image.

# start: keyferry dev as `docker run` starts it, until it serves.
start() {
  rm -f $state/client.env # an earlier one's is there until dev removes it
  keyferry-dev dev >/tmp/dev.log 2>&1 &
  server=$!
  for _ in $(seq 300); do
    [ ! -e $state/client.env ] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.2
  done
  cat /tmp/dev.log >&2
  return 1
}

# ended: dev ends in order at SIGTERM.
ended() {
  kill -TERM "$server"
  wait "$server" || { cat /tmp/dev.log >&2; return 1; }
}

exports_the_sample_key() {
  keyferry export "$KEYFERRY_KEY_ID" --out "$1" || return 1
  cmp "$1" "$KEYFERRY_KEY_HEX_FILE"
}

server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT

touch /tmp/before
unprivileged
check 'demo succeeds' keyferry-dev demo
check 'demo leaves nothing behind' equal before "$(ls /tmp)"

check 'dev serves, without a flag' start
. $state/client.env
check 'clients are told of https' equal https://127.0.0.1:8480 "$DFNS_API_URL"
check 'it listens on all addresses' grep -qE ' 0+:2120 0+:0000 0A ' /proc/net/tcp /proc/net/tcp6 # 0x2120 is 8480
check 'a client exports the sample key' exports_the_sample_key $state/first.hex
check 'SIGTERM ends it with status 0' ended

key=$KEYFERRY_KEY_ID
check 'dev serves again' start
. $state/client.env
check 'it has the same key' equal "$key" "$KEYFERRY_KEY_ID"
check 'a client exports it again' exports_the_sample_key $state/second.hex
check 'SIGTERM ends it with status 0 again' ended

check 'files appeared in the volume alone' equal '' "$(elsewhere -type f -newer /tmp/before)"
check 'and none in other temporary directories' equal '' "$(find /var/tmp /run/lock /dev/shm -type f -newer /tmp/before)"
