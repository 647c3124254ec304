"""What linters miss in cloudformation/infrastructure.yaml: that it still is the article's
template, and that each limit it sets is exactly the one meant. Says what is not."""

import difflib
import pprint
import re
import sys

from cfnlint.decode import cfn_yaml

PATH = "cloudformation/infrastructure.yaml"
TEXT = open(PATH, encoding="utf-8").read()
TEMPLATE = cfn_yaml.load(PATH)
RESOURCES = TEMPLATE["Resources"]


def same(what, actual, expected):
    if actual != expected:
        lines = (pprint.pformat(value, width=100).splitlines() for value in (expected, actual))
        sys.exit("\n".join([what, *difflib.unified_diff(*lines, "wanted", "is", lineterm="", n=0)]))


def ref(name):
    return {"Ref": name}


def sub(text):
    return {"Fn::Sub": text}


def properties(name, *without):
    """Those of a resource, without the names, tags and texts that have tests of their own."""
    return {k: v for k, v in RESOURCES[name].get("Properties", {}).items() if k not in ("Tags", "Name", "Description", *without)}


def of_type(kind):
    return [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::" + kind]


def every(key):
    """What each resource that has it says under this key."""
    return {name: resource[key] for name, resource in RESOURCES.items() if key in resource}


def listed(text):
    return [" ".join(line.split()) for line in text.strip().splitlines()]


same("it fits in a request", len(TEXT.encode()) < 50_000, True)

# == The article's ids, outputs, exports and names
for kind, ids in {
        "EC2::VPC": "VPC", "EC2::InternetGateway": "InternetGateway", "EC2::VPCGatewayAttachment": "AttachGateway",
        "EC2::Subnet": "PublicSubnet PublicSubnet2 PrivateSubnet", "EC2::RouteTable": "PublicRouteTable PrivateRouteTable",
        "EC2::Route": "PublicRoute", "EC2::SubnetRouteTableAssociation": "PublicSubnetRouteTableAssociation "
        "PublicSubnet2RouteTableAssociation PrivateSubnetRouteTableAssociation",
        "EC2::SecurityGroup": "ALBSecurityGroup EC2SecurityGroup", "ElasticLoadBalancingV2::LoadBalancer": "ApplicationLoadBalancer",
        "ElasticLoadBalancingV2::TargetGroup": "TargetGroup", "ElasticLoadBalancingV2::Listener": "Listener"}.items():
    same(f"ids of {kind}", set(ids.split()) - set(of_type(kind)), set())
same("outputs", {n: o["Value"] for n, o in TEMPLATE["Outputs"].items() if n != "ShellCommand"}, {
    "ALBEndpoint": {"Fn::GetAtt": ["ApplicationLoadBalancer", "DNSName"]}, "VPCId": ref("VPC"), "TestURL": {"Fn::If": [
        "Https", sub("https://${HostName}"), sub("http://${ApplicationLoadBalancer.DNSName}")]}})
same("exports", {n: o["Export"]["Name"] for n, o in TEMPLATE["Outputs"].items() if "Export" in o}, {
    "ALBEndpoint": sub("${AWS::StackName}-ALB-DNS"), "VPCId": sub("${AWS::StackName}-VPC-ID")})
names = {}
for name, resource in RESOURCES.items():
    if tags := {t["Key"]: t["Value"] for t in resource.get("Properties", {}).get("Tags", [])}:
        same(f"{name}'s project", tags.get("project"), "poc-ip")
        names[name] = tags.get("Name", sub(""))["Fn::Sub"].removeprefix("${AWS::StackName}-")
same("names behind the stack's, PublicIP-PoC by default", names, {
    "VPC": "VPC", "InternetGateway": "IGW", "PublicSubnet": "Public-Subnet", "PublicSubnet2": "Public-Subnet-2",
    "PrivateSubnet": "Private-Subnet", "PrivateSubnet2": "Private-Subnet-2", "PublicRouteTable": "Public-RT",
    "PrivateRouteTable": "Private-RT", "ALBSecurityGroup": "ALB-SG", "EC2SecurityGroup": "EC2-SG", "ShellSecurityGroup": "Shell-SG",
    "ShellEndpoint": "Shell", "InstanceRole": "", "EC2Instances": "EC2", "ApplicationLoadBalancer": "ALB", "TargetGroup": "TG"})
same("names that must be unique", {n: r["Properties"]["Name"] for n, r in RESOURCES.items() if "Name" in r.get("Properties", {})}, {
    "ApplicationLoadBalancer": sub("${AWS::StackName}-ALB"), "TargetGroup": sub("${AWS::StackName}-TG")})

# == Parameters: grouped, described, with defaults but for the package; nothing a shell would read
# (refusals.sh tries what deploy.sh refuses by the same patterns)
groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
same("grouped parameters", sorted(p for g in groups for p in g["Parameters"]), sorted(TEMPLATE["Parameters"]))
for name, parameter in TEMPLATE["Parameters"].items():
    same(f"{name} has a description", bool(parameter.get("Description")), True)
    same(f"{name} has a default", "Default" in parameter, not name.startswith("Package"))
    pattern = parameter.get("AllowedPattern") or "|".join(map(str, parameter["AllowedValues"]))
    same(f"{name} accepts", [value for value in ("a'b", "$(id)", 'a"b', "a b", "a;b") if re.fullmatch(pattern, value)], [])
for name, good, bad in [
        ("PackageKey", "publicip-poc/S/0a1b/publicip-poc-1.0.0~rc1-1.x86_64.rpm", ["x.rpm", "publicip-poc/x.deb"]),
        ("PackageSha256", "0a" * 32, ["0A" * 32, "0a" * 31, "0a" * 33]),
        ("Zones", "us-gov-west-1a", ["us-east-1", "us-east-1-bos-1a"])]:
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    same(f"{name} accepts", [value for value in [good, *bad] if re.fullmatch(pattern, value)], [good])
same("values", {n: p["AllowedValues"] for n, p in TEMPLATE["Parameters"].items() if "AllowedValues" in p}, {
    "Instances": list(range(1, 21)), "ClientAddress": ["trusted", "first"], "ShellAccess": ["yes", "no"], "ImageParameter": [
        f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" for arch in ("x86_64", "arm64")]})
same("image ids in the text", re.findall(r"\bami-[0-9a-f]{8,}|amzn2", TEXT), [])


# == What a combination of them means, and which are refused
def holds(expression, parameters):
    """A condition or assertion, with these parameters and the defaults of the others."""
    (function, of), = expression.items()
    if function == "Ref":
        return parameters.get(of, TEMPLATE["Parameters"][of].get("Default"))
    if function == "Condition":
        return holds(TEMPLATE["Conditions"][of], parameters)
    of = [holds(part, parameters) if isinstance(part, dict) else part for part in of]
    return {"Fn::Equals": lambda: of[0] == of[1], "Fn::Not": lambda: not of[0], "Fn::And": lambda: all(of),
            "Fn::Or": lambda: any(of), "Fn::Join": lambda: of[0].join(of[1].split(","))}[function]()


assertion, = [a["Assert"] for rule in TEMPLATE["Rules"].values() for a in rule["Assertions"]]
for certificate in ("", "arn"):
    for host in ("", "name"):
        same(f"certificate '{certificate}' with host '{host}'",
             holds(assertion, {"CertificateArn": certificate, "HostName": host}), bool(certificate) == bool(host))
usual = {"Trusted", "Shell", "NoZones", "NoClientCidr6", "Ipv6"}
narrow = {"ClientCidr": "203.0.113.7/32"}
for parameters, expected in [
        ({}, usual), ({"ClientAddress": "first"}, usual - {"Trusted"}), ({"ShellAccess": "no"}, usual - {"Shell"}),
        ({"Zones": "us-east-1a,us-east-1b"}, usual - {"NoZones"}),
        (narrow, usual - {"Ipv6"}),  # not open to all of IPv6
        ({**narrow, "ClientCidr6": "2001:db8::/32"}, usual - {"NoClientCidr6"}),
        ({"ClientCidr6": "2001:db8::/32"}, usual - {"NoClientCidr6"}),
        ({"CertificateArn": "arn"}, usual | {"Https", "HttpsIpv6"}),
        ({"CertificateArn": "arn", **narrow}, usual - {"Ipv6"} | {"Https"})]:
    same(f"conditions with {parameters}", {n for n, c in TEMPLATE["Conditions"].items() if holds(c, parameters)}, expected)
same("what is there on a condition", {**every("Condition"), "ShellCommand": TEMPLATE["Outputs"]["ShellCommand"]["Condition"]}, {
    "HttpIngress6": "Ipv6", "HttpsIngress": "Https", "HttpsIngress6": "HttpsIpv6", "HttpsListener": "Https",
    **dict.fromkeys(["ShellSecurityGroup", "ShellIngress", "ShellEndpoint", "ShellCommand"], "Shell")})
same("what waits for what", every("DependsOn"), {
    "PublicSubnet": "VPCIpv6", "PublicSubnet2": "VPCIpv6", "PublicRoute": "AttachGateway",
    "PublicRoute6": ["AttachGateway", "VPCIpv6"], "ApplicationLoadBalancer": ["AttachGateway", "PublicRoute6"], "Ready": "EC2Instances",
    "EC2Instances": ["S3Endpoint", "PrivateSubnetRouteTableAssociation", "PrivateSubnet2RouteTableAssociation"]})

# == The network: two zones, a public and a private subnet in each; only the public ones lead to the internet
same("the VPC", properties("VPC"), {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True})
same("its IPv6", properties("VPCIpv6"), {"VpcId": ref("VPC"), "AmazonProvidedIpv6CidrBlock": True})
same("the gateway", properties("AttachGateway"), {"VpcId": ref("VPC"), "InternetGatewayId": ref("InternetGateway")})
same("another VPC", [n for n in of_type("EC2::SecurityGroup") + of_type("EC2::RouteTable")
                     if properties(n).get("VpcId") != ref("VPC")], [])
for name, zone, block, table in [
        ("PublicSubnet", 0, "10.0.1.0/24", "PublicRouteTable"), ("PublicSubnet2", 1, "10.0.2.0/24", "PublicRouteTable"),
        ("PrivateSubnet", 0, "10.0.3.0/24", "PrivateRouteTable"), ("PrivateSubnet2", 1, "10.0.4.0/24", "PrivateRouteTable")]:
    public = {"MapPublicIpOnLaunch": True, "Ipv6CidrBlock": {"Fn::Select": [zone, {"Fn::Cidr": [
        {"Fn::Select": [0, {"Fn::GetAtt": ["VPC", "Ipv6CidrBlocks"]}]}, 2, 64]}]}} if name.startswith("Public") else {}
    same(name, properties(name), {"VpcId": ref("VPC"), "CidrBlock": block, **public, "AvailabilityZone": {
        "Fn::Select": [zone, {"Fn::If": ["NoZones", {"Fn::GetAZs": ""}, ref("Zones")]}]}})
    same(f"{name}'s routes", properties(name + "RouteTableAssociation"), {"SubnetId": ref(name), "RouteTableId": ref(table)})
same("routes", {n: properties(n) for n in of_type("EC2::Route")}, {name: {
    "RouteTableId": ref("PublicRouteTable"), key: block, "GatewayId": ref("InternetGateway")} for name, key, block in [
        ("PublicRoute", "DestinationCidrBlock", "0.0.0.0/0"), ("PublicRoute6", "DestinationIpv6CidrBlock", "::/0")]})
endpoint = properties("S3Endpoint")
packages = sub("arn:${AWS::Partition}:s3:::${PackageBucket}/publicip-poc/*")
same("the endpoint's policy", endpoint.pop("PolicyDocument"), {"Version": "2012-10-17", "Statement": [
    {"Sid": "Packages", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": packages,
     "Condition": {"ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["InstanceRole", "Arn"]}}}},
    {"Sid": "Signal", "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
     "Resource": sub("arn:${AWS::Partition}:s3:::cloudformation-waitcondition-${AWS::Region}/*")}]})
same("the endpoint", endpoint, {"VpcId": ref("VPC"), "RouteTableIds": [ref("PrivateRouteTable")], "VpcEndpointType": "Gateway",
                                "ServiceName": sub("com.amazonaws.${AWS::Region}.s3")})


# == Who reaches whom
def rule(group, direction, properties):
    peer, = [properties[k] for k in properties if re.match("Cidr|Source|Destination", k)]
    if isinstance(peer, dict):
        peer = peer.get("Ref") or "{} ? {} : {Ref}".format(*peer["Fn::If"][:2], **peer["Fn::If"][2])
    return f"{group} {direction} {properties['IpProtocol']} {properties['FromPort']}-{properties['ToPort']} {peer}"


rules = [rule(name, way, one) for name in of_type("EC2::SecurityGroup") for way, key in (
    ("in", "SecurityGroupIngress"), ("out", "SecurityGroupEgress")) for one in properties(name).get(key, [])]
rules += [rule(properties(n)["GroupId"]["Ref"], "in", properties(n)) for n in of_type("EC2::SecurityGroupIngress")]
same("security groups", rules, listed("""
    ALBSecurityGroup   in  tcp 80-80   ClientCidr
    ALBSecurityGroup   out tcp 80-80   10.0.3.0/24
    ALBSecurityGroup   out tcp 80-80   10.0.4.0/24
    EC2SecurityGroup   in  tcp 80-80   ALBSecurityGroup
    EC2SecurityGroup   out tcp 443-443 0.0.0.0/0
    ShellSecurityGroup out tcp 22-22   EC2SecurityGroup
    ALBSecurityGroup   in  tcp 80-80   NoClientCidr6 ? ::/0 : ClientCidr6
    ALBSecurityGroup   in  tcp 443-443 ClientCidr
    ALBSecurityGroup   in  tcp 443-443 NoClientCidr6 ? ::/0 : ClientCidr6
    EC2SecurityGroup   in  tcp 22-22   ShellSecurityGroup"""))
same("rules out of a group elsewhere", of_type("EC2::SecurityGroupEgress"), [])
same("the shell's endpoint", properties("ShellEndpoint"), {
    "SubnetId": ref("PrivateSubnet"), "SecurityGroupIds": [ref("ShellSecurityGroup")], "PreserveClientIp": False})

# == The instances: IMDSv2, encrypted disk, one permission, replaced with their user-data, healed by what the balancer sees
same("the role", properties("InstanceRole"), {
    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": sub("ec2.${AWS::URLSuffix}")}, "Action": "sts:AssumeRole"}]},
    "Policies": [{"PolicyName": "packages", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": packages}]}}]})
same("its profile", properties("InstanceProfile"), {"Roles": [ref("InstanceRole")]})
launch = dict(properties("InstanceTemplate")["LaunchTemplateData"])
script, filled_in = launch.pop("UserData")["Fn::Base64"]["Fn::Sub"]
same("an instance", launch, {
    "ImageId": ref("ImageParameter"), "InstanceType": ref("InstanceType"), "SecurityGroupIds": [ref("EC2SecurityGroup")],
    "IamInstanceProfile": {"Arn": {"Fn::GetAtt": ["InstanceProfile", "Arn"]}},
    "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {
        "VolumeType": "gp3", "VolumeSize": 8, "Encrypted": True, "DeleteOnTermination": True}}],
    "TagSpecifications": [{"ResourceType": "volume", "Tags": [
        {"Key": "Name", "Value": sub("${AWS::StackName}-EC2")}, {"Key": "project", "Value": "poc-ip"}]}]})
same("the group", properties("EC2Instances"), {
    "LaunchTemplate": {"LaunchTemplateId": ref("InstanceTemplate"),
                       "Version": {"Fn::GetAtt": ["InstanceTemplate", "LatestVersionNumber"]}},
    "VPCZoneIdentifier": [ref("PrivateSubnet"), ref("PrivateSubnet2")], "TargetGroupARNs": [ref("TargetGroup")],
    "MinSize": ref("Instances"), "MaxSize": ref("Instances"), "HealthCheckType": "ELB", "HealthCheckGracePeriod": 420})
same("its instances' tags", [t["PropagateAtLaunch"] for t in RESOURCES["EC2Instances"]["Properties"]["Tags"]], [True, True])
same("updates", every("UpdatePolicy"), {"EC2Instances": {"AutoScalingReplacingUpdate": {"WillReplace": True}}})
same("complete means all of them", properties("Ready"), {"Handle": ref("ReadyHandle"), "Count": ref("Instances"), "Timeout": "900"})
same("user-data fits", len(script) < 12_000, True)
same("user-data signals", script.count("'${ReadyHandle}'"), 1)
same("every use of what deploy.sh renames", sorted(set(re.findall(r"\w*(?:Ready|InstanceTemplate)\w*", TEXT))),
     ["InstanceTemplate", "Ready", "ReadyHandle"])

# == The load balancer, and what the service knows of it
balancer, target = properties("ApplicationLoadBalancer"), properties("TargetGroup")
same("the balancer's attributes", {a["Key"]: a["Value"] for a in balancer.pop("LoadBalancerAttributes")}, {
    "routing.http.xff_header_processing.mode": "append", "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest", "idle_timeout.timeout_seconds": "60"})
same("the balancer", balancer, {
    "Scheme": "internet-facing", "IpAddressType": "dualstack", "Type": "application",
    "Subnets": [ref("PublicSubnet"), ref("PublicSubnet2")], "SecurityGroups": [ref("ALBSecurityGroup")]})
same("the target group", target, {
    "Port": 80, "Protocol": "HTTP", "VpcId": ref("VPC"), "TargetType": "instance", "HealthCheckPath": "/",
    "HealthCheckProtocol": "HTTP", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2, "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]})
forward = {"Type": "forward", "TargetGroupArn": ref("TargetGroup")}
redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
same("listeners", {n: properties(n) for n in of_type("ElasticLoadBalancingV2::Listener")}, {
    "Listener": {"LoadBalancerArn": ref("ApplicationLoadBalancer"), "Port": 80, "Protocol": "HTTP",
                 "DefaultActions": [{"Fn::If": ["Https", redirect, forward]}]},
    "HttpsListener": {"LoadBalancerArn": ref("ApplicationLoadBalancer"), "Port": 443, "Protocol": "HTTPS",
                      "DefaultActions": [forward], "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                      "Certificates": [{"CertificateArn": ref("CertificateArn")}]}})
same("rules of listeners", of_type("ElasticLoadBalancingV2::ListenerRule"), [])
subnets = [RESOURCES[s["Ref"]]["Properties"]["CidrBlock"] for s in balancer["Subnets"]]
same("who reaches the socket", re.findall(r"^IPAddress(?:Deny|Allow)=.*", script, re.M),
     ["IPAddressDeny=any", f"IPAddressAllow=localhost {' '.join(subnets)}"])
same("whose header is believed", filled_in, {
    "TrustedHops": {"Fn::If": ["Trusted", "1", ""]}, "TrustedPeers": {"Fn::If": ["Trusted", ",".join(subnets), ""]}})
