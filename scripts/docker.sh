# The container engine of scripts/sam: the one of this machine where it can be reached, or else one of our own, which lives in
# namespaces of its own. When those end, the kernel ends everything in them, and takes their network away.
#
# It uses of scripts/sam: run and sockets, folders that are removed at its end; installs; start, in_background; missing.

case $(uname -m) in
arm64 | aarch64) architecture=arm64 ;;
*) architecture=x86_64 ;;
esac
official_image=public.ecr.aws/lambda/provided:al2023-$architecture
runtime_image=public.ecr.aws/lambda/provided:al2023-rapid-$architecture # with the runtime interface emulator in it
fetched_image=.tools/sam/runtime-$architecture.tar

engine_reachable() { command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1; }

# install_engine makes sure that there is an engine, or a way to start one.
install_engine() {
	if engine_reachable && { registry_reachable || command -v busybox >/dev/null; }; then
		return
	fi
	if [[ $(uname -s) != Linux || $(id -u) != 0 ]]; then
		missing "no Docker engine can be reached: install Docker and start it, or run this as root on Debian or Ubuntu"
	fi
	if ! command -v dockerd >/dev/null || ! command -v busybox >/dev/null; then
		$installs || missing "no Docker engine is installed: make sam"
		command -v apt-get >/dev/null || missing "dockerd and busybox are not installed, and there is no apt-get to install them"
		echo "SAM runs functions in containers. Installing an engine: apt-get install docker.io busybox-static"
		install_packages docker.io busybox-static
	fi
	unshare --net --mount --pid --fork true 2>/dev/null || missing "this machine lets nobody make namespaces, so no container can run here"
}

install_packages() {
	local log
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
		tail -5 "$log" >&2
		rm -f "$log"
		missing "$* could not be installed"
	fi
	rm -f "$log"
}

# in_a_network_of_its_own runs a command where loopback is the only network, as the first process of its own.
in_a_network_of_its_own() {
	in_background unshare --net --mount --pid --fork --kill-child --mount-proc "$@"
	wait $!
}

# start_engine starts one of our own. It needs nothing of the kernel's packet filters: published ports go through its proxy.
start_engine() {
	export DOCKER_HOST=unix://$sockets/docker.sock
	start engine dockerd --host "$DOCKER_HOST" --exec-root "$sockets/run" --pidfile "$sockets/pid" \
		--data-root "$run/docker" --storage-driver vfs --cgroup-parent "/$(basename "$sockets")" \
		--iptables=false --ip6tables=false --ip-forward=false "$@"
	local engine=$!
	for ((tries = 0; ; tries++)); do
		! docker info >/dev/null 2>&1 || return 0
		if ((tries == 150)) || ! kill -0 "$engine" 2>/dev/null; then
			missing "a Docker engine cannot be started here: $(grep -v level=info "$run/engine.log" | tail -n 1)"
		fi
		sleep 0.2
	done
}

# containers_gateway is the address of this machine in the network of the containers.
containers_gateway() {
	docker network inspect bridge | .tools/sam/bin/python -c '
import ipaddress, json, sys
network = json.load(sys.stdin)[0]["IPAM"]["Config"][0]
print(network.get("Gateway") or next(ipaddress.ip_network(network["Subnet"]).hosts()))'
}

# registry_reachable decides quickly whether AWS's public images can be had.
registry_reachable() {
	timeout 8 .tools/sam/bin/python -c '
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("https://public.ecr.aws/v2/", timeout=5)
except urllib.error.HTTPError as answer:
    sys.exit(answer.code != 401) # it wants to know who asks
except OSError:
    sys.exit(1)' 2>/dev/null
}

# fetch_runtime_image gets the official image, once, for the engine of our own, which has no network to get it itself.
fetch_runtime_image() {
	if ! [[ -e $fetched_image ]] && registry_reachable; then
		echo "Fetching the runtime image $official_image"
		in_background unshare --mount --pid --fork --kill-child --mount-proc scripts/sam fetch "$run" "$sockets"
		wait $! || echo "It could not be fetched: $(tail -n 1 "$run/pull.answer" 2>/dev/null)"
	fi
}

fetch() {
	run=$1 sockets=$2
	trap 'end_all 2>/dev/null' EXIT
	trap 'exit 130' INT TERM HUP
	start_engine --bridge=none
	timeout 600 docker pull --quiet "$official_image" >"$run/pull.answer" 2>&1
	docker save --output "$fetched_image.$$" "$official_image"
	mv "$fetched_image.$$" "$fetched_image"
}

load_runtime_image() {
	if [[ -e $fetched_image ]]; then
		docker load --quiet --input "$fetched_image" >/dev/null
		echo "The runtime image is $official_image"
	else
		import_runtime_image
	fi
}

# runtime_image is for the engine of this machine.
runtime_image() {
	if docker image inspect "$runtime_image" >/dev/null 2>&1; then
		return
	fi
	if docker image inspect "$official_image" >/dev/null 2>&1 || { registry_reachable && timeout 600 docker pull --quiet "$official_image" >/dev/null; }; then
		echo "The runtime image is $official_image"
	else
		import_runtime_image
	fi
}

# import_runtime_image makes of what is at hand an image in which SAM can run our functions, which need nothing of an
# operating system but certificates and a folder for temporary files.
import_runtime_image() {
	local root=$run/root
	mkdir -p "$root"/{bin,tmp,etc/ssl/certs,var/task,var/rapid}
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp .tools/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$architecture" "$root/var/rapid/aws-lambda-rie"
	cp .tools/sam/lib/python3*/site-packages/certifi/cacert.pem "$root/etc/ssl/certs/ca-certificates.crt"
	tar -C "$root" -c . | docker import - "$runtime_image" >/dev/null
	echo "No image registry can be reached: the runtime image is made of busybox and SAM's own runtime interface emulator"
}

# remove_containers removes what SAM leaves on the engine of this machine when it is cut off.
remove_containers() {
	if [[ -n ${options-} ]]; then
		docker ps --all --quiet --filter label=sam.cli.container.type=lambda | while read -r id; do
			if docker inspect "$id" | grep -qF "$run/built/"; then
				docker rm --force "$id" >/dev/null || true
			fi
		done
	fi
}

# remove_engine removes the control groups of our own engine, which the kernel keeps.
remove_engine() {
	find /sys/fs/cgroup -depth -type d -path "*/$(basename "$sockets")*" -exec rmdir {} + 2>/dev/null || true
}
