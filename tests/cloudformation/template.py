"""What linters miss in cloudformation/infrastructure.yaml: that it still is the article's
template, and that each limit it sets is exactly the one meant. Prints what is not."""

import re
import sys

from cfnlint.decode import cfn_yaml

PATH = "cloudformation/infrastructure.yaml"
TEXT = open(PATH, encoding="utf-8").read()
TEMPLATE = cfn_yaml.load(PATH)
RESOURCES = TEMPLATE["Resources"]
failures = 0


def same(what, actual, expected):
    global failures
    if actual != expected:
        failures += 1
        print(f"{what}:\n  is     {actual}\n  wanted {expected}")


def properties(name):
    return RESOURCES[name]["Properties"]


def attributes(name, key):
    return {a["Key"]: a["Value"] for a in properties(name)[key]}


def rules(name, key):
    """A security group's rules without their descriptions."""
    return [{k: v for k, v in rule.items() if k != "Description"} for rule in properties(name)[key]]


def tcp(port, **peer):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}


def ref(name):
    return {"Ref": name}


same("it fits in a request", len(TEXT.encode()) < 50_000, True)

# == The article's ids, outputs, exports and its one parameter
ARTICLE = """
VPC EC2::VPC; InternetGateway EC2::InternetGateway; AttachGateway EC2::VPCGatewayAttachment;
PublicSubnet EC2::Subnet; PublicSubnet2 EC2::Subnet; PrivateSubnet EC2::Subnet;
PublicRouteTable EC2::RouteTable; PublicRoute EC2::Route; PrivateRouteTable EC2::RouteTable;
PublicSubnetRouteTableAssociation EC2::SubnetRouteTableAssociation;
PublicSubnet2RouteTableAssociation EC2::SubnetRouteTableAssociation;
PrivateSubnetRouteTableAssociation EC2::SubnetRouteTableAssociation;
ALBSecurityGroup EC2::SecurityGroup; EC2SecurityGroup EC2::SecurityGroup; EC2Instance EC2::Instance;
ApplicationLoadBalancer ElasticLoadBalancingV2::LoadBalancer;
TargetGroup ElasticLoadBalancingV2::TargetGroup; Listener ElasticLoadBalancingV2::Listener
"""
for entry in ARTICLE.split(";"):
    name, kind = entry.split()
    same(name, RESOURCES.get(name, {}).get("Type"), "AWS::" + kind)
    tags = {t["Key"]: t["Value"] for t in RESOURCES[name].get("Properties", {}).get("Tags", [])}
    if tags:
        same(f"{name}'s tag project", tags.get("project"), "poc-ip")
exports = {k: v.get("Export", {}).get("Name") for k, v in TEMPLATE["Outputs"].items()}
same("exports", exports, {
    "ALBEndpoint": {"Fn::Sub": "${AWS::StackName}-ALB-DNS"}, "TestURL": None,
    "VPCId": {"Fn::Sub": "${AWS::StackName}-VPC-ID"}, "ShellCommand": None})
same("default type", TEMPLATE["Parameters"]["InstanceType"]["Default"], "t3.micro")
for name, block in {"VPC": "10.0.0.0/16", "PublicSubnet": "10.0.1.0/24", "PublicSubnet2": "10.0.2.0/24",
                    "PrivateSubnet": "10.0.3.0/24"}.items():
    same(f"{name}'s range", properties(name)["CidrBlock"], block)
same("VPC's DNS", [properties("VPC")[k] for k in ("EnableDnsHostnames", "EnableDnsSupport")], [True, True])

# == Parameters: grouped, described, with defaults but for the package; nothing a shell would read
groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
same("grouped parameters", sorted(p for g in groups for p in g["Parameters"]), sorted(TEMPLATE["Parameters"]))
for name, parameter in TEMPLATE["Parameters"].items():
    same(f"{name} has a description", bool(parameter.get("Description")), True)
    same(f"{name} has a default", "Default" in parameter, not name.startswith("Package"))
    same(f"{name} is bounded", "AllowedPattern" in parameter or "AllowedValues" in parameter, True)
for name, good, bad in [
        ("PackageBucket", "my-bucket.2", ["My_bucket", "a'b", "ab$(id)", "-ab"]),
        ("PackageKey", "publicip-poc/S/0a1b/publicip-poc-1.0.0~rc1-1.x86_64.rpm", ["x.deb", "a'b.rpm", "a b.rpm", "$x.rpm"]),
        ("PackageSha256", "0a" * 32, ["0A" * 32, "0a" * 31, "0a" * 33]),
        ("InstanceType", "t4g.micro", ["t4g", "T3.micro", "t3.micro;"]),
        ("ClientCidr", "203.0.113.7/32", ["203.0.113.7", "::/0"]),
        ("S3PrefixList", "pl-63a5400a", ["63a5400a", "pl-"])]:
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    same(f"{name} accepts {good}", bool(re.fullmatch(pattern, good)), True)
    for value in bad:
        same(f"{name} accepts {value}", bool(re.fullmatch(pattern, value)), False)

# == The instance: Amazon Linux 2023 and nothing else, IMDSv2, encrypted disk, replaced with its user-data
same("images", TEMPLATE["Parameters"]["ImageParameter"]["AllowedValues"], [
    f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" for arch in ("x86_64", "arm64")])
same("image", properties("EC2Instance")["ImageId"], ref("ImageParameter"))
same("image ids in the text", re.findall(r"\bami-[0-9a-f]{8,}|amzn2", TEXT), [])
same("instance's template", properties("EC2Instance")["LaunchTemplate"], {
    "LaunchTemplateId": ref("LaunchTemplate"), "Version": {"Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]}})
same("instance waits for its way to S3", sorted(RESOURCES["EC2Instance"]["DependsOn"]),
     ["PrivateSubnetRouteTableAssociation", "S3Endpoint"])
launch = properties("LaunchTemplate")["LaunchTemplateData"]
same("metadata", launch["MetadataOptions"], {"HttpTokens": "required", "HttpPutResponseHopLimit": 1})
disk = launch["BlockDeviceMappings"][0]["Ebs"]
same("disk", (disk["VolumeType"], disk["Encrypted"], disk["DeleteOnTermination"]), ("gp3", True, True))

# == Complete means that it serves; targets change after that
same("Ready waits for", (RESOURCES["Ready"]["DependsOn"], properties("Ready")["Handle"]), ("EC2Instance", ref("ReadyHandle")))
same("targets wait for", RESOURCES["TargetGroup"].get("DependsOn"), "Ready")
script = launch["UserData"]["Fn::Base64"]["Fn::Sub"][0]
same("user-data begins", script.splitlines()[0], "#!/bin/bash")
same("user-data is strict", "\nset -Eeuo pipefail\n" in script, True)
same("user-data fits", len(script) < 12_000, True)
same("user-data signals", script.count("'${ReadyHandle}'"), 1)
same("every use of Ready", sorted(set(re.findall(r"\bReady\w*", TEXT))), ["Ready", "ReadyHandle"])

# == Who may do what
package = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${PackageBucket}/${PackageKey}"}
same("the endpoint's policy", properties("S3Endpoint")["PolicyDocument"], {"Version": "2012-10-17", "Statement": [
    {"Sid": "Package", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": package,
     "Condition": {"ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["InstanceRole", "Arn"]}}}},
    {"Sid": "Signal", "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::cloudformation-waitcondition-${AWS::Region}/*"}}]})
same("the endpoint's routes", properties("S3Endpoint")["RouteTableIds"], [ref("PrivateRouteTable")])
same("the role's policies", [p["PolicyDocument"] for p in properties("InstanceRole")["Policies"]], [
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": package}]}])
same("the role has no others", "ManagedPolicyArns" in properties("InstanceRole"), False)
same("who takes the role", properties("InstanceRole")["AssumeRolePolicyDocument"], {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}}, "Action": "sts:AssumeRole"}]})

# == Ports
nothing = ref("AWS::NoValue")
same("into the ALB", rules("ALBSecurityGroup", "SecurityGroupIngress"), [tcp(80, CidrIp=ref("ClientCidr"))])
same("out of the ALB", rules("ALBSecurityGroup", "SecurityGroupEgress"),
     [tcp(80, CidrIp=properties("PrivateSubnet")["CidrBlock"])])
same("into the instance", rules("EC2SecurityGroup", "SecurityGroupIngress"),
     [tcp(80, SourceSecurityGroupId=ref("ALBSecurityGroup"))])
same("out of the instance", rules("EC2SecurityGroup", "SecurityGroupEgress"),
     [tcp(443, CidrIp={"Fn::If": ["AnyHttps", "0.0.0.0/0", nothing]},
          DestinationPrefixListId={"Fn::If": ["AnyHttps", nothing, ref("S3PrefixList")]})])
same("out of the shell's endpoint", rules("ShellSecurityGroup", "SecurityGroupEgress"),
     [tcp(22, DestinationSecurityGroupId=ref("EC2SecurityGroup"))])
same("every other rule", [n for n, r in RESOURCES.items() if r["Type"].startswith("AWS::EC2::SecurityGroup")],
     ["ALBSecurityGroup", "EC2SecurityGroup", "ShellSecurityGroup", "ShellIngress"])
same("the shell's rule", {k: v for k, v in properties("ShellIngress").items() if k != "Description"},
     tcp(22, GroupId=ref("EC2SecurityGroup"), SourceSecurityGroupId=ref("ShellSecurityGroup")))
same("the shell's condition", [RESOURCES[n].get("Condition") for n in ("ShellSecurityGroup", "ShellIngress", "ShellEndpoint")],
     ["Shell"] * 3)
same("routes", [n for n, r in RESOURCES.items() if r["Type"] == "AWS::EC2::Route"], ["PublicRoute"])

# == The load balancer, and what of it the service is told
same("the ALB's attributes", attributes("ApplicationLoadBalancer", "LoadBalancerAttributes"), {
    "routing.http.xff_header_processing.mode": "append", "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest", "idle_timeout.timeout_seconds": "60"})
same("the target group's attributes", attributes("TargetGroup", "TargetGroupAttributes"),
     {"deregistration_delay.timeout_seconds": "10"})
listener, rule = properties("Listener"), properties("GetAndHead")
same("the listener", (listener["Port"], listener["Protocol"], [a["Type"] for a in listener["DefaultActions"]]),
     (80, "HTTP", ["fixed-response"]))
same("the methods", (rule["Conditions"], rule["Actions"]), (
    [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET", "HEAD"]}}],
    [{"Type": "forward", "TargetGroupArn": ref("TargetGroup")}]))
subnets = [properties(s["Ref"])["CidrBlock"] for s in properties("ApplicationLoadBalancer")["Subnets"]]
same("who reaches the socket", re.findall(r"^IPAddress(?:Deny|Allow)=.*", script, re.M),
     ["IPAddressDeny=any", f"IPAddressAllow=localhost {' '.join(subnets)}"])
same("whose header is believed", launch["UserData"]["Fn::Base64"]["Fn::Sub"][1], {
    "TrustedHops": {"Fn::If": ["Trusted", "1", ""]}, "TrustedPeers": {"Fn::If": ["Trusted", ",".join(subnets), ""]}})

sys.exit(failures > 0)
