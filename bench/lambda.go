package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// What a function may be (design, section 8).
const (
	zipLimit   = 8 << 20
	startLimit = 60 * time.Millisecond
	starts     = 15 // of which the median counts
)

// lambda is the size of the function's package, and how long its process takes until it handles a call.
func (b *bench) lambda() (figures []figure, err error) {
	for _, arch := range []string{"arm64", "amd64"} {
		size, err := b.zipped(arch)
		if err != nil {
			return figures, err
		}
		figures = append(figures, figure{
			what: "zip of deny-bulk, " + arch, value: fmt.Sprintf("%.2f MiB", float64(size)/(1<<20)), base: "8 MiB",
			ratio: float64(size) / zipLimit, goal: atMost(1),
		})
	}
	took, err := b.start()
	if err != nil {
		return figures, err
	}
	return append(figures, figure{
		what: "deny-bulk, process start to first call handled", value: took.Round(100 * time.Microsecond).String(), base: startLimit.String(),
		ratio: float64(took) / float64(startLimit), goal: atMost(1),
	}), nil
}

// bootstrap builds the function as it is deployed.
func (b *bench) bootstrap(arch string) (string, error) {
	path := filepath.Join(b.folder, "bootstrap-"+arch)
	cmd := exec.CommandContext(b.ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", path, "denybatch/functions/deny-bulk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building deny-bulk: %w\n%s", err, out)
	}
	return path, nil
}

// zipped is the size of the package for one architecture.
func (b *bench) zipped(arch string) (int, error) {
	path, err := b.bootstrap(arch)
	if err != nil {
		return 0, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestCompression) })
	f, err := w.Create("bootstrap")
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	return packed.Len(), err
}

// start is the median time from the start of the process until it has answered its first event, one that asks for
// nothing, so that it is the process and not the work that is measured.
func (b *bench) start() (time.Duration, error) {
	path, err := b.bootstrap("amd64")
	if err != nil {
		return 0, err
	}
	var times []time.Duration
	for range starts {
		took, err := b.startOnce(path)
		if err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// startOnce plays the Lambda runtime for one call.
func (b *bench) startOnce(bootstrap string) (time.Duration, error) {
	answered := make(chan time.Time, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if len(answered) > 0 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		io.WriteString(w, `{"Event":"s3:TestEvent"}`)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, r *http.Request) {
		answered <- time.Now()
		w.WriteHeader(http.StatusAccepted)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	cmd := exec.CommandContext(b.ctx, bootstrap)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + server.Listener.Addr().String(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"DENYBATCH_EXCHANGE=s3://exchange", "DENYBATCH_STATE=s3://state", "DENYBATCH_INVX_URL=http://127.0.0.1:9", "DENYBATCH_INVX_ORG=o", "DENYBATCH_INVX_TOKEN=t",
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	select {
	case at := <-answered:
		return at.Sub(began), nil
	case <-time.After(10 * time.Second):
		return 0, fmt.Errorf("deny-bulk did not answer its first call in 10 s")
	}
}
