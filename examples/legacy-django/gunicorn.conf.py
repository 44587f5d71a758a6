import os

bind = os.environ.get("BIND", "127.0.0.1:8001")
wsgi_app = "wsgi"
workers = 1
worker_class = "gthread"
# Most of them sleep at any time (LEGACY_SLOWNESS_MS).
threads = 32
keepalive = 5
graceful_timeout = 2
# A worker that was frozen for a while, as tests do, is not to be killed for it when it goes on.
timeout = 600
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True
loglevel = "warning"
