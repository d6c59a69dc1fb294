#!/bin/sh
# Builds etcd, kube-apiserver and kube-controller-manager from the Go modules pinned in go.mod, once per version, into
# the user's cache folder. The last line on stdout is that folder: KUBEBUILDER_ASSETS=$(tests/envtest/build.sh | tail -1)
# Exit status: 0 built or already there, 3 Go missing or too old, 1 a module or the compiler failed.
set -eu
cd "$(dirname "$0")"

kubernetes=$(sed -n 's|^\t*k8s.io/kubernetes \(v[0-9.]*\).*|\1|p' go.mod)
out=${XDG_CACHE_HOME:-$HOME/.cache}/tmc-console/envtest/$kubernetes
binaries="etcd kube-apiserver kube-controller-manager"

complete() {
    for binary in $binaries; do [ -x "$out/$binary" ] || return 1; done
}

say() { printf 'envtest build: %s\n' "$*" >&2; }

if complete; then
    echo "$out"
    exit 0
fi

# A 1.36 kube-apiserver built by Go 1.27 or later reports ready and serves broken OpenAPI, so the minor version is exact.
export GOTOOLCHAIN=local GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
wanted=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' go.mod)
if ! command -v go >/dev/null; then
    say "Go $wanted is not installed; install it, or use setup-envtest and set KUBEBUILDER_ASSETS"
    exit 3
fi
case $(go env GOVERSION) in
go"$wanted" | go"$wanted".*) ;;
*)
    say "needs Go $wanted, found $(go env GOVERSION); install it, or use setup-envtest and set KUBEBUILDER_ASSETS"
    exit 3
    ;;
esac

mkdir -p "$out"
log=$out/build.log
if ! go mod download >"$log" 2>&1; then
    say "a Go module cannot be had:"
    tail -n 5 "$log" >&2
    exit 1
fi

# The API server and its clients read these; unset, it would call itself v0.0.0-master and refuse its own emulation version.
version=k8s.io/component-base/version
major_minor=${kubernetes#v}
major=${major_minor%%.*}
minor=${major_minor#*.}
minor=${minor%%.*}
stamp="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor"
stamp="$stamp -X $version.gitTreeState=clean -X $version.gitCommit=module -X $version.buildDate=1970-01-01T00:00:00Z"

# Each binary appears under its name only when it is whole, so a build cut short is taken up again, not used.
for binary in $binaries; do
    case $binary in
    etcd) package=go.etcd.io/etcd/server/v3 ;;
    *) package=k8s.io/kubernetes/cmd/$binary ;;
    esac
    [ -x "$out/$binary" ] && continue
    if ! nice -n 10 go build -p "${ENVTEST_JOBS:-2}" -ldflags "$stamp" -o "$out/.$binary.part" "$package" >>"$log" 2>&1; then
        say "$binary does not build; the whole log is $log:"
        tail -n 5 "$log" >&2
        exit 1
    fi
    mv "$out/.$binary.part" "$out/$binary"
done
echo "$out"
