# shellcheck shell=bash
# What a user may set: what the template has parameters for, and some more; sourced by lib.sh. A name or
# value that is wrong ends the script before it does anything.

# parameters: the template's parameters, one a line: name, setting, default, pattern, what it must be. The
# setting of ClientCidr is CLIENT_CIDR, that of PackageBucket BUCKET.
parameters() {
	awk -v OFS='\037' '
		function value() { sub(/^[^:]*: */, ""); gsub(/^\047|\047$/, ""); return $0 }
		/^[A-Z]/ { inside = /^Parameters:/ }
		!inside { next }
		/^  [A-Z]/ { name = $1; sub(/:/, "", name); initial = "" }
		/^    Default:/ { initial = value() }
		/^    AllowedPattern:/ { pattern = value() }
		/^    AllowedValues: / { value(); gsub(/[][\047 ]/, ""); gsub(/,/, "|"); pattern = "^(" $0 ")$" }
		/^    ConstraintDescription:/ {
			setting = name; sub(/^Package/, "", setting); gsub(/[A-Z]/, "_&", setting)
			print name, toupper(substr(setting, 2)), initial, pattern, value()
		}' cloudformation/infrastructure.yaml
}

# Refuses a misspelt setting: CLIENT_CDIR= would open the page to everyone, REGOIN= delete another stack. Of make's
# command line every name is known; of the environment, only what looks like a setting is judged.
settings=$(parameters | cut -d $'\037' -f 2 | grep -vxE 'ZONES|KEY|SHA256' | xargs)
settings="$settings ARCH PACKAGE KEEP STACK REGION PACKAGES"
given=${MAKEFLAGS:-}
for name in $(grep -oE '(^| )[A-Za-z_][A-Za-z0-9_]*=' <<<"${given//\\?/}" | tr -d ' =') \
	$(compgen -e | grep -E '^(CLIENT_(C[DI]|AD).*|INSTANCES?(_TYPE.*)?|MAX_INSTANCES)$'); do
	case " $settings AWS_PROFILE SIGNING_KEY CARGO URL CHECKIP WAIT " in
	*" $name "*) ;;
	*) wrong "$name is none of the settings: $settings" ;;
	esac
done

# The load balancer is named after it, in 32 characters at most.
STACK=${STACK:-PublicIP-PoC}
[[ $STACK =~ ^[A-Za-z][A-Za-z0-9-]{0,27}$ && $STACK != internal-* ]] ||
	wrong "STACK=$STACK is not a valid stack name: a letter, then up to 27 letters, digits or hyphens"
