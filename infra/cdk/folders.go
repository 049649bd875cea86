package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/aws/jsii-runtime-go"
)

// moduleRoot is the folder of go.mod, at or above the working folder: the CDK command line starts us in infra/cdk.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", errors.New("there is no go.mod above this folder: run this inside the checkout")
		}
		folder = above
	}
}

// assembly is where the synthesised stack goes. Nil leaves it to the CDK command line, which says so in its own way.
func assembly(root, out string) *string {
	switch {
	case out != "":
		return jsii.String(out)
	case os.Getenv("CDK_OUTDIR") != "":
		return nil
	}
	return jsii.String(filepath.Join(root, "build", "cdk.out"))
}

// build compiles functions/<name> into build/<name>/<arch>/bootstrap, which is what the runtime provided.al2023 starts. The same
// source gives the same bytes, so a deployment without changes uploads nothing.
func build(root, name, arch string) (string, error) {
	folder := filepath.Join(root, "build", name, arch)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w",
		"-o", filepath.Join(folder, "bootstrap"), "./functions/"+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+goarch[arch])
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build functions/%s: %w\n%s", name, err, said)
	}
	return folder, nil
}
