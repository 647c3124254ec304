# shellcheck shell=bash disable=SC2154 # the variables are those of run.sh
# readme.sh — part of run.sh: what README says under Install and Operate, typed line by line, and compared with what it
# shows. Only the files' names are others, and nobody is there to answer dnf's question or to use an editor.

# section NAME: its code blocks, or with a second argument the first command in each row of the table headed by that.
section() {
	awk -v name="## $1" -v table="${2:-}" '
		/^## / { inside = $0 == name }
		!inside { next }
		/^```/ { block = !block; next }
		table == "" && block
		table != "" && /^$/ { rows = 0 }
		rows && !/^\| ---/ { split($0, part, "`"); if (part[2] != "") print part[2] }
		table != "" && index($0, "| " table " |") == 1 { rows = 1 }' README.md
}
# as_here COMMAND
as_here() {
	# shellcheck disable=SC2001 # several patterns at once
	sed 's|^\(dnf install\) \./publicip-poc-\*\.x86_64\.rpm|\1 /mnt/share/first.rpm|
		s|^\(dnf upgrade\) \./publicip-poc-\*\.x86_64\.rpm|\1 /mnt/share/later.rpm|
		s|^dnf|& -y|
		s|^systemctl edit .*|SYSTEMD_EDITOR="cp /mnt/share/typed" script -qec "&" /dev/null|' <<<"$1"
}
masked_times() { sed 's/ since .*/ since some time/'; }
shows() { x "$1" | masked_times | grep -Fxf "$tmp/shown" | cmp - "$tmp/shown"; }
# as_typed SECTION: runs each command; what stands below it is what it shows, or what is typed into the editor.
as_typed() {
	local line command='' count=0
	while IFS= read -r -u 4 line; do
		if [[ $line != '# '* && -n $line ]]; then echo "$line" >>"$tmp/below"; continue; fi
		if [ -n "$command" ]; then
			echo "# $command"
			count=$((count + 1))
			if [[ $command = 'systemctl edit'* ]]; then
				cp "$tmp/below" "$share/typed"
				x "$(as_here "$command")"
			elif [ -s "$tmp/below" ]; then
				masked_times <"$tmp/below" >"$tmp/shown"
				until_true 8 shows "$(as_here "$command")" || { x "$command"; return 1; }
			else
				x "$(as_here "$command")"
			fi
		fi
		command=${line#'# '}
		: >"$tmp/below"
	done 4< <(section "$1"; echo)
	echo "$count commands" >&3
}

readme_install() {
	x 'rm -rf /etc/sysconfig/publicip-poc*'
	x 'systemctl restart systemd-journald' # it suppresses what comes after 10,000 lines in 30 s, as the steps before have sent
	as_typed Install
	expect "$(get -H 'X-Forwarded-For: 8.8.8.8, 192.0.2.1' -H 'Accept: text/plain' http://127.0.0.1/)" 192.0.2.1
	x 'systemctl restart publicip-poc; curl -s http://localhost/' # so that one request is what the status shows
}
# Then it is at the other port, for the networks that it names and for no other.
readme_operate() {
	as_typed Operate
	fails get http://127.0.0.1/
	get http://127.0.0.1:8080/ | grep '</html>'
	x 'ip address add 10.0.1.5/32 dev lo; ip address add 10.0.3.5/32 dev lo'
	get --interface 10.0.1.5 http://127.0.0.1:8080/ | grep '</html>'
	fails get -m 1 --interface 10.0.3.5 http://127.0.0.1:8080/
}
# The rows of the first table, in their order: checked, restarted, off, upgraded while off, removed.
readme_table() {
	local commands
	mapfile -t commands < <(section Operate to)
	expect "${#commands[@]}" 5
	expect "$(x "${commands[0]}")" 'OK: [::]:8080; log level info; client: X-Forwarded-For entry 1 from the right'
	x "$(as_here "${commands[1]}")"
	get http://127.0.0.1:8080/ | grep '</html>'
	x "$(as_here "${commands[2]}")"
	expect "$(units)" 'disabled disabled inactive inactive'
	x "$(as_here "${commands[3]}")"
	expect "$(x 'rpm -q --qf %{RELEASE} publicip-poc')" 2
	expect "$(units)" 'disabled disabled inactive inactive'
	x "$(as_here "${commands[4]}")"
	fails x 'rpm -q publicip-poc'
	x '[ -e /etc/sysconfig/publicip-poc.rpmsave ]'
}

step 'README: Install, as typed' readme_install
step 'README: Operate, as typed and as shown' readme_operate
step "README: Operate's table, as typed" readme_table
