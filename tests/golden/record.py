"""Records the golden pages: asks the original program what each .request asks.

    python3 tests/golden/record.py PATH-OF-THE-ORIGINAL/server.py

Only its port is changed. The content of its answer becomes the .html beside the .request.
"""

import pathlib
import socket
import subprocess
import sys
import time

PORT = 18089
source = pathlib.Path(sys.argv[1]).read_text().replace("PORT = 80\n", f"PORT = {PORT}\n")
original = subprocess.Popen([sys.executable, "-c", source], stderr=subprocess.DEVNULL)
time.sleep(1)
try:
    for request in sorted(pathlib.Path(__file__).parent.glob("*.request")):
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            connection.sendall(request.read_bytes())
            answer = connection.makefile("rb").read()
        request.with_suffix(".html").write_bytes(answer.split(b"\r\n\r\n", 1)[1])
        print(request.name)
finally:
    original.kill()
