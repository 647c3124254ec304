# shellcheck shell=bash disable=SC2154 # work, net, here, signal_url are run.sh's
# What can be read off the template without running it; part of run.sh.

template=cloudformation/infrastructure.yaml
findings() { # COMMAND…: it may print no finding at all
	"$@" | tee "$work/findings"
	[ ! -s "$work/findings" ]
}

# One region of each kind: commercial, GovCloud, China.
step 'cfn-lint has no finding (five regions)' findings cfn-lint \
	--regions us-east-1 eu-west-1 ap-southeast-2 us-gov-west-1 cn-north-1 -- "$template"
step 'checkov has none but the explained ones (checkov.yaml)' \
	checkov --config-file "$here/checkov.yaml" --file "$template"
step 'it is the article'\''s template, and limits are exact' python3 "$here/template.py"
step 'settings and permissions are the same in template, scripts and README' python3 "$here/agreement.py"
