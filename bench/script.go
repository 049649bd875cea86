package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const scriptPath = "bench/baseline/asyncio_csv.py"

// script is how many seconds the script to compare with takes, by its own account: without the start of Python.
func (b *bench) script(file string, flags ...string) (float64, error) {
	s, err := b.simulate()
	if err != nil {
		return 0, err
	}
	defer s.stop()
	out := filepath.Join(b.folder, "script-report")
	defer os.Remove(out)
	args := append([]string{scriptPath, file, "--out", out, "--url", s.url,
		"--org", s.env["DENYBATCH_INVX_ORG"], "--token", s.env["DENYBATCH_INVX_TOKEN"]}, flags...)
	said, err := exec.CommandContext(b.ctx, b.python, args...).Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", scriptPath, err)
	}
	var rows, denied int
	var seconds float64
	if _, err := fmt.Sscanf(string(said), "%d rows, %d denied, %f s", &rows, &denied, &seconds); err != nil || denied != rows {
		return 0, fmt.Errorf("%s did not deny every row: %s", scriptPath, said)
	}
	return seconds, nil
}

// hasPython says what is missing of the script's surroundings and how to get it.
func (b *bench) hasPython() error {
	out, err := exec.CommandContext(b.ctx, b.python, "-c", "import aiohttp, openpyxl").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the script to compare with cannot run (%w): python3 -m venv .venv && "+
			".venv/bin/pip install -r bench/baseline/requirements.txt, or name another with --python\n%s", err, out)
	}
	return nil
}
