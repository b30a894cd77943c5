# What `up`, `down` and `part` share: how a part is started, found again and waited for. Sourced, with $state set.

start() { # start NAME COMMAND...: in the background, output to logs/NAME, pid to pids/NAME, the command itself to commands/NAME
    local name=$1; shift
    printf '%q ' "$@" >"$state/commands/$name"
    setsid nohup "$@" >>"$state/logs/$name" 2>&1 </dev/null &
    echo $! >"$state/pids/$name"
}
alive() { # alive NAME: its pid, if that is still the process that was started and not a later one of the same number
    local pid
    pid=$(cat "$state/pids/$1" 2>/dev/null) && grep -qzF -- "$state" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
}
wait_for() { # wait_for NAME SECONDS COMMAND...: until the command succeeds
    local name=$1 seconds=$2; shift 2
    local end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ] || ! kill -0 "$(cat "$state/pids/$name")" 2>/dev/null; then
            echo "$name did not come up; the end of its log:" >&2; tail -5 "$state/logs/$name" >&2; exit 1
        fi
        sleep 0.2
    done
}
