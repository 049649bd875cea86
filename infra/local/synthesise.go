package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// synthesise runs infra/cdk, which builds the functions too, and returns the folder of the cloud assembly.
func synthesise(ctx context.Context, p place) (string, error) {
	say("synthesising the stack")
	assembly := p.file("cdk.out")
	args := []string{"run", "./infra/cdk", "--out", assembly}
	for name, value := range stackContext(os.Getenv) {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.root
	cmd.Env = stackEnvironment(os.Environ())
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	return assembly, nil
}

// stackContext is what differs from a stack in AWS: the processor is this machine's.
func stackContext(getenv func(string) string) map[string]string {
	set := map[string]string{"arch": "x86_64"}
	if runtime.GOARCH == "arm64" {
		set["arch"] = "arm64"
	}
	for name, variable := range map[string]string{"deny-bulk-timeout": "TIMEOUT", "max-receives": "MAX_RECEIVES"} {
		if value := getenv(variable); value != "" {
			set[name] = value
		}
	}
	set["invx-login"], _ = invxLogin(getenv)
	for name, variable := range map[string]string{"invx-url": "DENYBATCH_INVX_URL", "invx-org": "DENYBATCH_INVX_ORG"} {
		if getenv(variable) == "" {
			set[name] = nowhere[name]
			say("%s is not set: the functions get %s, which leads nowhere", variable, nowhere[name])
		}
	}
	return set
}

// invxLogin is the way to log in that the caller's environment holds a secret for, and the variable that holds it.
func invxLogin(getenv func(string) string) (way, secret string) {
	switch {
	case getenv("DENYBATCH_INVX_CREDENTIALS") != "":
		return "organisations", "DENYBATCH_INVX_CREDENTIALS"
	case getenv("DENYBATCH_INVX_HANDLE") != "":
		return "handle", "DENYBATCH_INVX_PASSWORD"
	}
	return "token", "DENYBATCH_INVX_TOKEN"
}

// nowhere stands in for settings that only matter once a file is dropped.
var nowhere = map[string]string{"invx-url": "http://127.0.0.1:9", "invx-org": "nobody"}

// stackEnvironment leaves out the ARNs of secrets in AWS: the emulator has none of them.
func stackEnvironment(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !(strings.HasPrefix(name, "DENYBATCH_") && strings.HasSuffix(name, "_ARN")) {
			kept = append(kept, entry)
		}
	}
	return kept
}
