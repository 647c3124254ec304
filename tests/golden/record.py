"""Records the golden pages: asks the original program what each .request asks.

    python3 tests/golden/record.py PATH-OF-THE-ORIGINAL/server.py

The original runs unchanged, except that it takes a free port and prints it. The content of each
response becomes the .html beside the .request.
"""

import pathlib
import socket
import subprocess
import sys

SERVE = "    httpd.serve_forever()"
source = pathlib.Path(sys.argv[1]).read_text().replace("PORT = 80\n", "PORT = 0\n")
source = source.replace(SERVE, f"    print(httpd.server_address[1], flush=True)\n{SERVE}")
original = subprocess.Popen(
    [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
)
port = int(original.stdout.readline())
try:
    for request in sorted(pathlib.Path(__file__).parent.glob("*.request")):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request.read_bytes())
            answer = connection.makefile("rb").read()
        request.with_suffix(".html").write_bytes(answer.split(b"\r\n\r\n", 1)[1])
        print(request.name)
finally:
    original.kill()
