"""A stand-in for the AWS CLI where moto has no answer: takes it from DIRECTORY/COMMAND.json, page by page
(one JSON value a line), through the real CLI's --query and text output; a line of text instead is an error,
and a command without a file succeeds.   canned.py DIRECTORY SERVICE COMMAND …"""

import json
import pathlib
import sys

import jmespath
from awscli.text import format_text

directory, service, command, *options = sys.argv[1:]
file = pathlib.Path(directory, command + ".json")
with open(f"{directory}/calls", "a", encoding="utf-8") as calls:
    print(service, command, *options, file=calls)
for page in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
    if not page.startswith("{"):
        sys.exit(page)
    format_text(jmespath.search(options[options.index("--query") + 1], json.loads(page)), sys.stdout)
