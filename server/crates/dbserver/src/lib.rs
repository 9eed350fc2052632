//! A private MariaDB or MySQL server process on a unix socket.
