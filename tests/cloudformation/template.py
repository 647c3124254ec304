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


DEFAULTS = {n: p.get("Default") for n, p in TEMPLATE["Parameters"].items()}


def holds(expression, parameters):
    """A condition or assertion, with these parameters and the defaults of the others."""
    (function, of), = expression.items()
    if function == "Ref":
        return {**DEFAULTS, **parameters}[of]
    if function == "Condition":
        return holds(TEMPLATE["Conditions"][of], parameters)
    of = [holds(part, parameters) if isinstance(part, dict) else part for part in of]
    return {"Fn::Equals": lambda: of[0] == of[1], "Fn::Not": lambda: not of[0], "Fn::And": lambda: all(of),
            "Fn::Or": lambda: any(of), "Fn::Join": lambda: of[0].join(of[1].split(","))}[function]()


def admitted(**parameters):
    """Whether the template's rules let a stack have these."""
    return all(holds(a["Assert"], parameters) for rule in TEMPLATE["Rules"].values() for a in rule["Assertions"])


same("it fits in a request", len(TEXT.encode()) < 50_000, True)

# == The article's ids, outputs, exports and its one parameter
ARTICLE = """
VPC EC2::VPC; InternetGateway EC2::InternetGateway; AttachGateway EC2::VPCGatewayAttachment;
PublicSubnet EC2::Subnet; PublicSubnet2 EC2::Subnet; PrivateSubnet EC2::Subnet;
PublicRouteTable EC2::RouteTable; PublicRoute EC2::Route; PrivateRouteTable EC2::RouteTable;
PublicSubnetRouteTableAssociation EC2::SubnetRouteTableAssociation;
PublicSubnet2RouteTableAssociation EC2::SubnetRouteTableAssociation;
PrivateSubnetRouteTableAssociation EC2::SubnetRouteTableAssociation;
ALBSecurityGroup EC2::SecurityGroup; EC2SecurityGroup EC2::SecurityGroup;
ApplicationLoadBalancer ElasticLoadBalancingV2::LoadBalancer;
TargetGroup ElasticLoadBalancingV2::TargetGroup; Listener ElasticLoadBalancingV2::Listener
"""
for entry in ARTICLE.split(";"):
    name, kind = entry.split()
    same(name, RESOURCES.get(name, {}).get("Type"), "AWS::" + kind)
exports = {k: v.get("Export", {}).get("Name") for k, v in TEMPLATE["Outputs"].items()}
same("exports", exports, {
    "ALBEndpoint": {"Fn::Sub": "${AWS::StackName}-ALB-DNS"}, "TestURL": None,
    "VPCId": {"Fn::Sub": "${AWS::StackName}-VPC-ID"}, "ShellCommand": None})
same("outputs", [TEMPLATE["Outputs"][n]["Value"] for n in ("ALBEndpoint", "TestURL", "VPCId")], [
    {"Fn::GetAtt": ["ApplicationLoadBalancer", "DNSName"]},
    {"Fn::If": ["Https", {"Fn::Sub": "https://${HostName}"}, {"Fn::Sub": "http://${ApplicationLoadBalancer.DNSName}"}]},
    ref("VPC")])
same("the shell's output", TEMPLATE["Outputs"]["ShellCommand"]["Condition"], "Shell")

# == The network: two zones, a public and a private subnet in each; only the public ones lead to the internet
same("the VPC", [properties("VPC")[k] for k in ("CidrBlock", "EnableDnsHostnames", "EnableDnsSupport")], ["10.0.0.0/16", True, True])
for name, zone, block, table in [
        ("PublicSubnet", 0, "10.0.1.0/24", "PublicRouteTable"), ("PublicSubnet2", 1, "10.0.2.0/24", "PublicRouteTable"),
        ("PrivateSubnet", 0, "10.0.3.0/24", "PrivateRouteTable"), ("PrivateSubnet2", 1, "10.0.4.0/24", "PrivateRouteTable")]:
    public = {"MapPublicIpOnLaunch": True, "Ipv6CidrBlock": {"Fn::Select": [zone, {"Fn::Cidr": [
        {"Fn::Select": [0, {"Fn::GetAtt": ["VPC", "Ipv6CidrBlocks"]}]}, 2, 64]}]}} if name.startswith("Public") else {}
    same(name, {k: v for k, v in properties(name).items() if k != "Tags"}, {
        "VpcId": ref("VPC"), "CidrBlock": block, **public,
        "AvailabilityZone": {"Fn::Select": [zone, {"Fn::If": ["NoZones", {"Fn::GetAZs": ""}, ref("Zones")]}]}})
    same(f"{name} waits for the VPC's IPv6", RESOURCES[name].get("DependsOn"), "VPCIpv6" if public else None)
    same(f"{name}'s routes", properties(name + "RouteTableAssociation"), {"SubnetId": ref(name), "RouteTableId": ref(table)})
same("the way to the internet", properties("PublicRoute"), {
    "RouteTableId": ref("PublicRouteTable"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("InternetGateway")})
same("it waits for the gateway", RESOURCES["PublicRoute"]["DependsOn"], "AttachGateway")
for name, resource in RESOURCES.items():
    vpc = resource.get("Properties", {}).get("VpcId", ref("VPC"))
    same(f"{name}'s VPC", vpc, ref("VPC"))
    tags = {t["Key"]: t["Value"] for t in resource.get("Properties", {}).get("Tags", [])}
    if tags:
        same(f"{name}'s tag project", tags.get("project"), "poc-ip")
names = {n: tags["Name"]["Fn::Sub"] for n, r in RESOURCES.items()
         if "Name" in (tags := {t["Key"]: t["Value"] for t in r.get("Properties", {}).get("Tags", [])})}
same("names, the article's if the stack is called PublicIP-PoC", names, {n: "${AWS::StackName}-" + end for n, end in {
    "VPC": "VPC", "InternetGateway": "IGW", "PublicSubnet": "Public-Subnet", "PublicSubnet2": "Public-Subnet-2",
    "PrivateSubnet": "Private-Subnet", "PrivateSubnet2": "Private-Subnet-2", "PublicRouteTable": "Public-RT",
    "PrivateRouteTable": "Private-RT", "ALBSecurityGroup": "ALB-SG", "EC2SecurityGroup": "EC2-SG", "ShellSecurityGroup": "Shell-SG",
    "ShellEndpoint": "Shell", "EC2Instances": "EC2", "ApplicationLoadBalancer": "ALB", "TargetGroup": "TG"}.items()})

# == Parameters: grouped, described, with defaults but for the package; nothing a shell would read
groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
same("grouped parameters", sorted(p for g in groups for p in g["Parameters"]), sorted(TEMPLATE["Parameters"]))
for name, parameter in TEMPLATE["Parameters"].items():
    same(f"{name} has a description", bool(parameter.get("Description")), True)
    same(f"{name} has a default", "Default" in parameter, not name.startswith("Package"))
    same(f"{name} is bounded", "AllowedPattern" in parameter or "AllowedValues" in parameter, True)
same("defaults", {n: p["Default"] for n, p in TEMPLATE["Parameters"].items() if p.get("Default")}, {
    "InstanceType": "t3.micro", "Instances": 1, "ClientAddress": "trusted", "ClientCidr": "0.0.0.0/0", "ShellAccess": "yes",
    "ImageParameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"})
for name, values in {"Instances": list(range(1, 21)), "ClientAddress": ["trusted", "first"], "ShellAccess": ["yes", "no"]}.items():
    same(f"{name}'s values", TEMPLATE["Parameters"][name]["AllowedValues"], values)
for name, good, bad in [
        ("PackageBucket", "my-bucket.2", ["My_bucket", "a'b", "ab$(id)", "-ab"]),
        ("PackageKey", "publicip-poc/S/0a1b/publicip-poc-1.0.0~rc1-1.x86_64.rpm",
         ["x.rpm", *(f"publicip-poc/{key}" for key in ("x.deb", "a'b.rpm", "a b.rpm", "$x.rpm"))]),
        ("PackageSha256", "0a" * 32, ["0A" * 32, "0a" * 31, "0a" * 33]),
        ("InstanceType", "t4g.micro", ["t4g", "T3.micro", "t3.micro;"]),
        ("Zones", "us-gov-west-1a", ["us-east-1", "us-east-1-bos-1a", "a b"]),
        ("ClientCidr", "203.0.113.7/32", ["203.0.113.7", "::/0", "256.0.0.0/8", "01.0.0.0/8", "10.0.0.0/33"]),
        ("ClientCidr6", "2001:db8::/32", ["2001:db8::", "10.0.0.0/8", "x::/0", "2001:db8::/129"]),
        ("CertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/0a-1b", ["arn:aws:iam::123456789012:x", "x"]),
        ("HostName", "ip.example.com", ["localhost", "-a.example", "a'b.example", "https://a.example"])]:
    pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
    same(f"{name} accepts {good}", bool(re.fullmatch(pattern, good)), True)
    for value in bad:
        same(f"{name} accepts {value}", bool(re.fullmatch(pattern, value)), False)

# == What a combination of them means, and which are refused
same("neither certificate nor name", admitted(), True)
same("both", admitted(CertificateArn="arn", HostName="name"), True)
same("a certificate alone", admitted(CertificateArn="arn"), False)
same("a name alone", admitted(HostName="name"), False)
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

# == The instance: Amazon Linux 2023 and nothing else, IMDSv2, encrypted disk, replaced with its user-data
same("images", TEMPLATE["Parameters"]["ImageParameter"]["AllowedValues"], [
    f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" for arch in ("x86_64", "arm64")])
same("image ids in the text", re.findall(r"\bami-[0-9a-f]{8,}|amzn2", TEXT), [])
launch = properties("InstanceTemplate")["LaunchTemplateData"]
same("image, type, groups", [launch[k] for k in ("ImageId", "InstanceType", "SecurityGroupIds")],
     [ref("ImageParameter"), ref("InstanceType"), [ref("EC2SecurityGroup")]])
same("metadata", launch["MetadataOptions"],
     {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1})
same("disk", launch["BlockDeviceMappings"], [{"DeviceName": "/dev/xvda", "Ebs": {
    "VolumeType": "gp3", "VolumeSize": 8, "Encrypted": True, "DeleteOnTermination": True}}])
same("the disk's tags", launch["TagSpecifications"], [{"ResourceType": "volume", "Tags": [
    {"Key": "Name", "Value": {"Fn::Sub": "${AWS::StackName}-EC2"}}, {"Key": "project", "Value": "poc-ip"}]}])
same("the role", (launch["IamInstanceProfile"], properties("InstanceProfile")),
     ({"Arn": {"Fn::GetAtt": ["InstanceProfile", "Arn"]}}, {"Roles": [ref("InstanceRole")]}))

# == The group: in both zones, behind the balancer, healed by what the balancer sees, replaced as a whole
group = dict(properties("EC2Instances"))
tags = group.pop("Tags")
same("the group", group, {
    "LaunchTemplate": {"LaunchTemplateId": ref("InstanceTemplate"),
                       "Version": {"Fn::GetAtt": ["InstanceTemplate", "LatestVersionNumber"]}},
    "VPCZoneIdentifier": [ref("PrivateSubnet"), ref("PrivateSubnet2")], "TargetGroupARNs": [ref("TargetGroup")],
    "MinSize": ref("Instances"), "MaxSize": ref("Instances"), "HealthCheckType": "ELB", "HealthCheckGracePeriod": 420})
same("its instances' tags", [(t["Key"], t["PropagateAtLaunch"]) for t in tags], [("Name", True), ("project", True)])
same("its update", RESOURCES["EC2Instances"]["UpdatePolicy"], {"AutoScalingReplacingUpdate": {"WillReplace": True}})
same("instances wait for their way to S3", sorted(RESOURCES["EC2Instances"]["DependsOn"]),
     ["PrivateSubnet2RouteTableAssociation", "PrivateSubnetRouteTableAssociation", "S3Endpoint"])
target = {k: v for k, v in properties("TargetGroup").items() if k not in ("Tags", "TargetGroupAttributes")}
same("the target group", target, {
    "Name": {"Fn::Sub": "${AWS::StackName}-TG"}, "Port": 80, "Protocol": "HTTP", "VpcId": ref("VPC"), "TargetType": "instance",
    "HealthCheckPath": "/", "HealthCheckProtocol": "HTTP", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2})

# == Complete means that all of them serve
same("Ready waits for", (RESOURCES["Ready"]["DependsOn"], properties("Ready")),
     ("EC2Instances", {"Handle": ref("ReadyHandle"), "Count": ref("Instances"), "Timeout": "900"}))
script = launch["UserData"]["Fn::Base64"]["Fn::Sub"][0]
same("user-data begins", script.splitlines()[0], "#!/bin/bash")
same("user-data is strict", "\nset -Eeuo pipefail\n" in script, True)
same("user-data fits", len(script) < 12_000, True)
same("user-data signals", script.count("'${ReadyHandle}'"), 1)
same("every use of what deploy.sh renames", sorted(set(re.findall(r"\w*(?:Ready|InstanceTemplate)\w*", TEXT))),
     ["InstanceTemplate", "Ready", "ReadyHandle"])

# == Who may do what
packages = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${PackageBucket}/publicip-poc/*"}
same("the endpoint's policy", properties("S3Endpoint")["PolicyDocument"], {"Version": "2012-10-17", "Statement": [
    {"Sid": "Packages", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": packages,
     "Condition": {"ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["InstanceRole", "Arn"]}}}},
    {"Sid": "Signal", "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:s3:::cloudformation-waitcondition-${AWS::Region}/*"}}]})
same("the endpoint", [properties("S3Endpoint")[k] for k in ("RouteTableIds", "VpcEndpointType", "ServiceName")],
     [[ref("PrivateRouteTable")], "Gateway", {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"}])
same("the role's policies", [p["PolicyDocument"] for p in properties("InstanceRole")["Policies"]], [
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": packages}]}])
same("the role has no others", "ManagedPolicyArns" in properties("InstanceRole"), False)
same("who takes the role", properties("InstanceRole")["AssumeRolePolicyDocument"], {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}}, "Action": "sts:AssumeRole"}]})

# == Ports
same("into the ALB", rules("ALBSecurityGroup", "SecurityGroupIngress"), [tcp(80, CidrIp=ref("ClientCidr"))])
same("out of the ALB", rules("ALBSecurityGroup", "SecurityGroupEgress"),
     [tcp(80, CidrIp=properties(n)["CidrBlock"]) for n in ("PrivateSubnet", "PrivateSubnet2")])
clients6 = {"Fn::If": ["NoClientCidr6", "::/0", ref("ClientCidr6")]}
for name, condition, port, peer in [
        ("HttpIngress6", "Ipv6", 80, {"CidrIpv6": clients6}), ("HttpsIngress", "Https", 443, {"CidrIp": ref("ClientCidr")}),
        ("HttpsIngress6", "HttpsIpv6", 443, {"CidrIpv6": clients6})]:
    same(name, (RESOURCES[name]["Condition"], {k: v for k, v in properties(name).items() if k != "Description"}),
         (condition, tcp(port, GroupId=ref("ALBSecurityGroup"), **peer)))
same("into the instance", rules("EC2SecurityGroup", "SecurityGroupIngress"),
     [tcp(80, SourceSecurityGroupId=ref("ALBSecurityGroup"))])
same("out of the instance", rules("EC2SecurityGroup", "SecurityGroupEgress"),
     [tcp(443, CidrIp="0.0.0.0/0")])
same("out of the shell's endpoint", rules("ShellSecurityGroup", "SecurityGroupEgress"),
     [tcp(22, DestinationSecurityGroupId=ref("EC2SecurityGroup"))])
same("every other rule", [n for n, r in RESOURCES.items() if r["Type"].startswith("AWS::EC2::SecurityGroup")],
     ["ALBSecurityGroup", "HttpIngress6", "HttpsIngress", "HttpsIngress6", "EC2SecurityGroup", "ShellSecurityGroup",
      "ShellIngress"])
same("the shell's rule", {k: v for k, v in properties("ShellIngress").items() if k != "Description"},
     tcp(22, GroupId=ref("EC2SecurityGroup"), SourceSecurityGroupId=ref("ShellSecurityGroup")))
same("the shell's condition", [RESOURCES[n].get("Condition") for n in ("ShellSecurityGroup", "ShellIngress", "ShellEndpoint")],
     ["Shell"] * 3)
same("routes", [n for n, r in RESOURCES.items() if r["Type"] == "AWS::EC2::Route"], ["PublicRoute", "PublicRoute6"])
same("the way of IPv6", {k: v for k, v in properties("PublicRoute6").items() if k != "RouteTableId"},
     {"DestinationIpv6CidrBlock": "::/0", "GatewayId": ref("InternetGateway")})
same("the VPC's IPv6", properties("VPCIpv6"), {"VpcId": ref("VPC"), "AmazonProvidedIpv6CidrBlock": True})
same("it waits for the block", RESOURCES["PublicRoute6"]["DependsOn"], ["AttachGateway", "VPCIpv6"])
same("the route table of IPv6", properties("PublicRoute6")["RouteTableId"], ref("PublicRouteTable"))
endpoint = properties("ShellEndpoint")
same("the shell's endpoint", [endpoint[k] for k in ("SubnetId", "SecurityGroupIds", "PreserveClientIp")],
     [ref("PrivateSubnet"), [ref("ShellSecurityGroup")], False])
balancer = {k: v for k, v in properties("ApplicationLoadBalancer").items() if k not in ("Tags", "LoadBalancerAttributes")}
same("the balancer", balancer, {
    "Name": {"Fn::Sub": "${AWS::StackName}-ALB"}, "Scheme": "internet-facing", "IpAddressType": "dualstack", "Type": "application",
    "Subnets": [ref("PublicSubnet"), ref("PublicSubnet2")], "SecurityGroups": [ref("ALBSecurityGroup")]})
same("the balancer waits for IPv6", sorted(RESOURCES["ApplicationLoadBalancer"]["DependsOn"]),
     ["AttachGateway", "PublicRoute6"])

# == The load balancer, and what the service knows of it
same("the ALB's attributes", attributes("ApplicationLoadBalancer", "LoadBalancerAttributes"), {
    "routing.http.xff_header_processing.mode": "append", "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.desync_mitigation_mode": "strictest", "idle_timeout.timeout_seconds": "60"})
same("the target group's attributes", attributes("TargetGroup", "TargetGroupAttributes"),
     {"deregistration_delay.timeout_seconds": "10"})
listener, tls = properties("Listener"), properties("HttpsListener")
forward = {"Type": "forward", "TargetGroupArn": ref("TargetGroup")}
redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
same("the listener", listener, {"LoadBalancerArn": ref("ApplicationLoadBalancer"), "Port": 80, "Protocol": "HTTP",
                                "DefaultActions": [{"Fn::If": ["Https", redirect, forward]}]})
same("the HTTPS listener", (RESOURCES["HttpsListener"]["Condition"], tls), ("Https", {
    "LoadBalancerArn": ref("ApplicationLoadBalancer"), "Port": 443, "Protocol": "HTTPS", "DefaultActions": [forward],
    "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "Certificates": [{"CertificateArn": ref("CertificateArn")}]}))
subnets = [properties(s["Ref"])["CidrBlock"] for s in properties("ApplicationLoadBalancer")["Subnets"]]
same("who reaches the socket", re.findall(r"^IPAddress(?:Deny|Allow)=.*", script, re.M),
     ["IPAddressDeny=any", f"IPAddressAllow=localhost {' '.join(subnets)}"])
same("whose header is believed", launch["UserData"]["Fn::Base64"]["Fn::Sub"][1], {
    "TrustedHops": {"Fn::If": ["Trusted", "1", ""]}, "TrustedPeers": {"Fn::If": ["Trusted", ",".join(subnets), ""]}})

sys.exit(failures > 0)
