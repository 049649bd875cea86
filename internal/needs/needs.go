// Package needs finds the programs outside Go that some tests compare denybatch with.
//
// A test whose program is missing is skipped with one line that says how to get it. Where CI=true is set it fails
// instead, because there a check that silently does not run is worth nothing.
package needs

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Program is the path of a program, or the end of the test. The package is what Debian and Ubuntu call what it is in.
func Program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, "install it: apt-get install "+debianPackage+", or the like")
	}
	return path
}

// Python is the path of a Python interpreter that has the module, or the end of the test. It is the one in .venv, which
// the Makefile fills from a list of exact versions.
func Python(t testing.TB, module string) string {
	t.Helper()
	path := filepath.Join(root(t), ".venv", "bin", "python")
	if runtime.GOOS == "windows" {
		path = filepath.Join(root(t), ".venv", "Scripts", "python.exe")
	}
	if err := exec.Command(path, "-c", "import "+module).Run(); err != nil {
		missing(t, "Python with "+module, "run make .venv")
	}
	return path
}

// missing ends the test.
func missing(t testing.TB, what, remedy string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI=true lets nothing be left out: %s", what, remedy)
	}
	t.Skipf("%s is missing: %s", what, remedy)
}

// root is the folder of go.mod. Tests run in the folder of their package.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("there is no go.mod above this folder: run the tests from the checkout")
		}
		folder = above
	}
}
