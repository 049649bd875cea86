package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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
