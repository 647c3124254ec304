"""What cloudformation/ says in two places must agree: settings and their defaults in template and README,
and the README's permissions with the calls that CloudFormation and the scripts make. Says what does not."""

import difflib
import fnmatch
import json
import pathlib
import pprint
import re
import subprocess
import sys

import cfnlint.data.schemas
from cfnlint.decode import cfn_yaml

FOLDER = pathlib.Path("cloudformation")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.sh")}
TEMPLATE = cfn_yaml.load(str(FOLDER / "infrastructure.yaml"))


def same(what, actual, expected):
    if actual != expected:
        lines = (pprint.pformat(value, width=100).splitlines() for value in (expected, actual))
        sys.exit("\n".join([what, *difflib.unified_diff(*lines, "wanted", "is", lineterm="", n=0)]))


# == Settings: what the scripts take from the template, what they accept besides, and the README's tables
bash = subprocess.run(["bash", "-c", '. cloudformation/lib.sh; parameters; echo "$settings"'],
                      check=True, capture_output=True, text=True).stdout.splitlines()
accepted = bash.pop().split()
read = {}
for line in bash:
    name, setting, default, pattern, _ = line.split("\037")
    read[name] = (default, pattern)
computed = {"PackageKey", "PackageSha256", "ImageParameter", "Zones"}
same("parameters that deploy.sh computes", set(re.findall(r'"([A-Z][a-z]\w*)=\$', SCRIPTS["deploy"])), computed)
for name, parameter in TEMPLATE["Parameters"].items():
    if name != "ImageParameter":
        pattern = parameter.get("AllowedPattern") or "^(" + "|".join(map(str, parameter.get("AllowedValues", []))) + ")$"
        same(f"{name} as settings.sh reads it", read.get(name), (str(parameter.get("Default", "")), pattern))
settings = {re.sub(r"(?<=.)([A-Z])", r"_\1", n.removeprefix("Package")).upper(): str(TEMPLATE["Parameters"][n].get("Default", ""))
            for n in read if n not in computed}
others = {"ARCH", "PACKAGE", "KEEP", "STACK", "REGION", "PACKAGES"}
same("settings that the scripts accept", set(accepted), set(settings) | others)
rows = {name: row[1].strip() for section in README.split("\n## ") if section.startswith("Settings")
        for row in (line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `"))
        for name in re.findall(r"`(\w+)`", row[0])}
same("settings in the README", set(rows), set(accepted))
for name, default in settings.items():
    if name != "CLIENT_CIDR6":  # its default is a sentence
        same(f"{name}'s default in the README", rows.get(name), default)
for name in others - {"REGION"}:
    in_script = re.search(rf"\$\{{{name}:?[-=](\w[\w-]*)\}}", "".join(SCRIPTS.values()))
    same(f"{name}'s default in the README", rows.get(name), in_script[1] if in_script else "")

# == Permissions
policy = json.loads(re.search(r"```json\n(.*?)```", README, re.S)[1])
allowed = {action for s in policy["Statement"] for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
# What a resource's handlers may call, but not for this template:
unused = [
    "cloudwatch:*", "ssm:Get*", "managed-fleets:*",  # scaling policies, images named by SSM in a launch template, managed fleets
    "cognito-idp:*", "vpc-lattice:*", "vpce:*",  # other kinds of listener actions, targets and endpoints
    "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:*RolePermissionsBoundary"]  # the role has neither
schemas = pathlib.Path(cfnlint.data.schemas.__file__).parent
index = json.loads((schemas / "providers/us-east-1.json").read_text())
needed = set()
for kind in {resource["Type"] for resource in TEMPLATE["Resources"].values()}:
    handlers = json.loads((schemas / f"resources/{index[kind]}.json").read_text()).get("handlers", {})
    # `list` is for inventories, not for stacks; the two kinds of a wait condition live in CloudFormation itself
    needed |= {action for name, handler in handlers.items() if name != "list" for action in handler["permissions"]}
same("the schemas say something", len(needed) > 50, True)
needed = {action for action in needed if not any(fnmatch.fnmatch(action, u) for u in unused)}
needed |= {"ssm:GetParameters"}  # for ImageParameter
# What the scripts call, or tell the user to: `aws SERVICE COMMAND`, by default the action of that name
actions = {
    "s3 cp": ["s3:PutObject"], "s3 rm": ["s3:ListBucket", "s3:DeleteObject"], "s3api head-object": ["s3:GetObject"],
    "s3 mb": [], "sts get-caller-identity": [], "sso login": [], "configure get": [], "ec2-instance-connect ssh": [],
    "cloudformation $verb-stack": ["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:TagResource"]}
for call in set(re.findall(r'\baws ([a-z0-9-]+ "?[$a-z][a-z-]+)', "".join(SCRIPTS.values()))):
    call = call.replace('"', "")
    service, command = call.split()
    needed |= set(actions.get(call, [f"{service.replace('s3api', 's3')}:{''.join(w.capitalize() for w in command.split('-'))}"]))
same("what the README does not allow", [n for n in sorted(needed) if not any(fnmatch.fnmatch(n, a) for a in allowed)], [])
same("what it need not allow", [a for a in sorted(allowed) if not any(fnmatch.fnmatch(n, a) for n in needed)], [])
