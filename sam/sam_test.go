package sam

import (
	"os/exec"
	"strings"
	"testing"
)

// The whole of make sam, as users run it: all three functions in containers, and true reports. It installs nothing, which is no
// business of a test's; where something is missing, or no container can run, it says so in a line and with status 3.
func TestFunctionsRunInContainers(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "scripts/sam", "run")
	cmd.Dir, cmd.Env = root, ownEnvironment()
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 3 {
		leaveOut(t, strings.TrimSpace(string(said)))
	}
	if err != nil || !strings.HasSuffix(string(said), "All three functions did in their containers what they should\n") {
		t.Fatalf("scripts/sam: %v\n%s", err, said)
	}
	t.Logf("%s", said)
}
