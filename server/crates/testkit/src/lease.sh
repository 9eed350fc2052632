# Owns a shared test server for as long as any test process needs it.
# Standard input is the lock of the server's folder, standard output the pipe to its watchdog: when we end, the server stops.
# Arguments: the file that every test process holds locked (shared), and the file that says that the server is ready.
users=$1
ready=$2
idle=0
while :; do
    sleep 2
    # Nobody held the lock: but perhaps only between two test processes.
    if flock -n -x "$users" true; then idle=$((idle + 1)); else idle=0; fi
    # A process that comes now either gets its shared lock first, or finds no `ready` and starts a server anew.
    if [ "$idle" -ge 7 ] && flock -n -x "$users" rm -f "$ready"; then exit 0; fi
done
