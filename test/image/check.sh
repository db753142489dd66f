# What the scripts that run inside an image have in common.
set -eu
state=/var/lib/keyferry

# check WHAT COMMAND…: the command must succeed.
check() {
  what=$1
  shift
  "$@" || { echo "FAILED: $what" >&2; exit 1; }
  echo "ok  $what"
}

# refuses TEXT COMMAND…: the command must fail and say TEXT.
refuses() {
  text=$1
  shift
  if said=$("$@" 2>&1); then return 1; fi
  contains "$text" "$said"
}

contains() { case $2 in *"$1"*) ;; *) printf 'not in it: %s\n%s\n' "$1" "$2" >&2; return 1 ;; esac; }

equal() { [ "$1" = "$2" ] || { printf 'want: %s\nhave: %s\n' "$1" "$2" >&2; return 1; }; }

# elsewhere TEST…: what find says of everything but the kernel's file systems, the
# volume and the directories for temporary files.
elsewhere() {
  find / \( -path /proc -o -path /sys -o -path /dev -o -path "$state" -o -path /tmp -o -path /var/tmp -o -path /run/lock \) \
    -prune -o "$@" -print 2>/dev/null || true
}

unprivileged() {
  check 'find sees what is in the image' equal /usr/local/bin/keyferry "$(elsewhere -type f -name keyferry)"
  check 'the user is 65532:65532' equal '65532 65532' "$(id -u) $(id -G)"
  check 'it has no capabilities' grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status
  check 'no program gives it more rights' equal '' "$(elsewhere -type f -perm /6000)"
  check 'it can write nowhere but in the volume and temporary directories' equal '' "$(elsewhere ! -type l -writable)"
  check 'a write to / fails' refuses 'denied' sh -c ': >/probe'
  check 'the volume is its own alone' equal '700 65532:65532' "$(stat -c '%a %u:%g' $state)"
}
