"""Set for the least CPU time a request; bench/README.md says what was tried."""

import os

bind = os.environ["BIND"]
wsgi_app = "wsgi"
preload_app = True
# One process, as ours: a second one costs each request more, because both wake for the same connections.
workers = 1
# Sync workers close the connection after each answer.
worker_class = "gthread"
threads = 4
keepalive = 75
graceful_timeout = 2
# Heartbeats are files that change all the time: in memory, not on a disk.
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
loglevel = "warning"
