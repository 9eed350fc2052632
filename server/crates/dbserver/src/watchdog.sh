# Runs a database server for payhist, and stops it when payhist is gone, however it went.
# Arguments: seconds that the server has to stop, then the server's command line.
# Standard input is a pipe that only payhist holds open: end of file means that payhist ended or wants the server stopped.
# Standard output gets one line, the server's pid; standard error is the server's log.
grace=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- >&2 &
server=$!
# The server is our child and not yet waited for, so this pid cannot have become somebody else's.
trap 'kill -TERM "$server" 2>/dev/null' TERM
trap '' INT HUP
echo "$server"
exec >&2
(
    read -r _ <&3
    exec 3<&-
    kill -TERM $$
    while [ "$grace" -gt 0 ]; do
        sleep 1
        grace=$((grace - 1))
    done
    kill -KILL "$server"
) 2>/dev/null &
guard=$!
exec 3<&-
# A trapped signal ends `wait` early: wait again until the server is really gone.
while
    wait "$server"
    status=$?
    kill -0 "$server" 2>/dev/null
do :; done
kill -KILL "$guard" 2>/dev/null
exit "$status"
