// Package node prepares the Node process in which the CDK library runs, so that it says nothing that a reader must ignore
// and leaves nothing behind.
//
// The library reads the environment when its Go packages are initialised, before main. This package is initialised before
// them: the language initialises packages in the order of their import paths where nothing else decides, this path sorts
// before theirs, and it imports nothing that they do not.
package node

import (
	"errors"
	"os"
	"os/exec"
)

var folder string

func init() {
	// Node 20 works. That it is past its end of life is for whoever installs Node, not for every run to say.
	if _, set := os.LookupEnv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"); !set {
		os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
	}
	// The library's own way to end the process (jsii.Close) prints a message about its end now and then. So it is left to
	// end with this one, and its temporary files are put where CleanUp finds them.
	if made, err := os.MkdirTemp("", "denybatch-cdk-"); err == nil {
		folder = made
		os.Setenv("TMPDIR", folder)
	}
}

// Check says what to do where there is no Node.
func Check() error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not installed, and the CDK library runs in it: install Node.js 20 or newer")
	}
	return nil
}

// CleanUp removes the temporary files. The library must not be used any more.
func CleanUp() { os.RemoveAll(folder) }
