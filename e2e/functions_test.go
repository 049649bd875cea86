package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"denybatch/internal/sweep"
)

// lambda calls the API of Lambda, below the path of one function.
func (c *cloud) lambda(t *testing.T, method, path string) (status int, header http.Header, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+path, bytes.NewReader(nil))
	if err != nil {
		t.Fatal(err)
	}
	who, err := c.config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(t.Context(), who, req, hex.EncodeToString(empty[:]), "lambda", c.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := c.client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, body
}

// sweepNow invokes reprocess beside the schedule, and waits for its answer. The second result is false when Lambda turned the
// call away, because one runs already, or when the function died.
func (c *cloud) sweepNow(t *testing.T) (sweep.Ending, bool) {
	t.Helper()
	status, header, body := c.lambda(t, http.MethodPost, "/2015-03-31/functions/"+c.Functions["reprocess"]+"/invocations")
	if status == http.StatusTooManyRequests {
		return sweep.Ending{}, false
	}
	if status != http.StatusOK {
		t.Fatalf("invoke reprocess: HTTP %d %s", status, body)
	}
	if header.Get("X-Amz-Function-Error") != "" {
		t.Logf("reprocess: %s", body)
		return sweep.Ending{}, false
	}
	var end sweep.Ending
	if err := json.Unmarshal(body, &end); err != nil {
		t.Fatalf("reprocess answers %s: %v", body, err)
	}
	return end, true
}

// runSideBySide lets more than one invocation of reprocess run at a time, as where the account has no concurrency to reserve.
func (c *cloud) runSideBySide(t *testing.T) {
	t.Helper()
	if status, _, body := c.lambda(t, http.MethodDelete, "/2017-10-31/functions/"+c.Functions["reprocess"]+"/concurrency"); status != http.StatusNoContent {
		t.Fatalf("give up the reserved concurrency: HTTP %d %s", status, body)
	}
}

// kill ends the processes of a function of ours as Lambda does when the time is up: without a word.
func (c *cloud) kill(function string) (killed int) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range processes {
		environment, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil || !strings.Contains("\x00"+string(environment), "\x00AWS_LAMBDA_FUNCTION_NAME="+c.Functions[function]+"\x00") ||
			!strings.Contains(string(environment), "AWS_ENDPOINT_URL="+c.Endpoint+"\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if process, err := os.FindProcess(pid); err == nil && process.Kill() == nil {
			killed++
		}
	}
	return killed
}
