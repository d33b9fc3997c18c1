"""Runs a server, and ends it when whoever started it goes away: `tied.py COMMAND...`.

The starter holds our standard input and writes nothing to it; the end of file
comes when it closes it or dies, however it dies, so no server outlives a test.
"""

import os
import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 3


def main() -> None:
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=lambda: os._exit(server.wait()), daemon=True).start()
    try:
        sys.stdin.buffer.read()
    finally:
        # The whole session: some servers have children of their own.
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


main()
