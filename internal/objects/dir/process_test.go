package dir_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest"
)

// The tests below run this test binary again as worker processes on one folder. A worker prints a line for everything
// that it was told is done, so that the test can hold the store to it.

const (
	workerEnv = "DENYBATCH_TEST_WORKER" // the worker's name
	rootEnv   = "DENYBATCH_TEST_ROOT"
	roundsEnv = "DENYBATCH_TEST_ROUNDS"
)

func TestMain(m *testing.M) {
	if me := os.Getenv(workerEnv); me != "" {
		if err := work(me); err != nil {
			fmt.Fprintln(os.Stderr, "worker", me, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work is one worker: in each round it claims an object, counts, replaces a large object, and has others come and go.
func work(me string) error {
	s, err := dir.New(os.Getenv(rootEnv), dir.WithoutSync())
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(os.Getenv(roundsEnv))
	for n := 0; n < rounds && err == nil; n++ {
		err = round(context.Background(), s, me, n, os.Stdout)
	}
	return err
}

func round(ctx context.Context, s objects.Store, me string, n int, out io.Writer) error {
	claim := fmt.Sprintf("claims/%04d", n)
	switch _, err := objects.CreateBytes(ctx, s, claim, []byte(me)); {
	case err == nil:
		fmt.Fprintln(out, "claimed", claim)
	case !errors.Is(err, objects.ErrExists):
		return err
	}
	if err := objectstest.Increment(ctx, s, "counter"); err != nil {
		return err
	}
	fmt.Fprintln(out, "counted")
	if err := rewrite(ctx, s, me); err != nil {
		return err
	}
	for _, key := range []string{claim + "/below/" + me, "here/and/there"} {
		if _, err := objects.CreateBytes(ctx, s, key, nil); err != nil && !errors.Is(err, objects.ErrExists) {
			return err
		}
		if err := s.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// rewrite replaces the object "large" by one that consists of the first letter of me.
func rewrite(ctx context.Context, s objects.Store, me string) error {
	_, info, err := objects.Read(ctx, s, "large", largeSize)
	if err != nil {
		return err
	}
	_, err = objects.ReplaceBytes(ctx, s, "large", info.ETag, bytes.Repeat([]byte(me[:1]), largeSize))
	if errors.Is(err, objects.ErrChanged) {
		return nil
	}
	return err
}

const largeSize = 100 << 10

// told is what workers were told.
type told struct {
	claims map[string]string // key -> worker
	counts int
}

// workers starts processes and collects what they print until all have ended.
type workers struct {
	t     *testing.T
	root  string
	lines chan [2]string // worker, line
	ended chan error
	names int
}

func (w *workers) start(rounds int) *exec.Cmd {
	me := fmt.Sprintf("%c%d", 'a'+w.names%26, w.names)
	w.names++
	cmd := exec.CommandContext(w.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), workerEnv+"="+me, rootEnv+"="+w.root, roundsEnv+"="+strconv.Itoa(rounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break // a last line without an end was not printed whole
			}
			w.lines <- [2]string{me, strings.TrimSpace(line)}
		}
		_, _ = io.Copy(io.Discard, out)
		w.ended <- cmd.Wait()
	}()
	return cmd
}

// collect returns what the workers were told, once n of them have ended.
func (w *workers) collect(n int, ended func(error)) told {
	all := told{claims: map[string]string{}}
	for n > 0 {
		select {
		case line := <-w.lines:
			all.add(w.t, line[0], line[1])
		case err := <-w.ended:
			ended(err)
			n--
		}
	}
	for len(w.lines) > 0 {
		line := <-w.lines
		all.add(w.t, line[0], line[1])
	}
	return all
}

func (all *told) add(t *testing.T, worker, line string) {
	key, claimed := strings.CutPrefix(line, "claimed ")
	if !claimed {
		all.counts++
		return
	}
	if other, ok := all.claims[key]; ok {
		t.Errorf("%s and %s both claimed %s", other, worker, key)
	}
	all.claims[key] = worker
}

func newWorkers(t *testing.T) (*workers, *dir.Store) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	create(t, s, "counter", "0")
	create(t, s, "large", strings.Repeat("-", largeSize))
	return &workers{t: t, root: root, lines: make(chan [2]string, 1<<16), ended: make(chan error, 1000)}, s
}

// check holds the store to what the workers were told, of whom killed did not live to hear their last answer.
func (all told) check(t *testing.T, s objects.Store, killed int) {
	t.Helper()
	for key, worker := range all.claims {
		if got, _, err := objects.Read(t.Context(), s, key, 100); err != nil || string(got) != worker {
			t.Errorf("%s was claimed by %s, but is %q (error %v)", key, worker, got, err)
		}
	}
	b, _, err := objects.Read(t.Context(), s, "counter", 100)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(string(b)); err != nil || n < all.counts || n > all.counts+killed {
		t.Errorf("the counter is %q, want %d to %d (error %v)", b, all.counts, all.counts+killed, err)
	}
	large, _, err := objects.Read(t.Context(), s, "large", largeSize)
	if err != nil || len(large) != largeSize || bytes.Count(large, large[:1]) != largeSize {
		t.Errorf("the large object has %d bytes, not all alike (error %v)", len(large), err)
	}
	for info, err := range s.List(t.Context(), "claims/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info.Key, "below") && killed > 0 {
			continue // its worker was killed before it deleted it
		}
		if got, _, err := objects.Read(t.Context(), s, info.Key, 100); err != nil || len(got) == 0 {
			t.Errorf("%s is %q (error %v)", info.Key, got, err)
		}
	}
}

func TestProcessesShareAFolder(t *testing.T) {
	t.Parallel()
	const processes, rounds = 4, 40
	w, s := newWorkers(t)
	for range processes {
		w.start(rounds)
	}
	all := w.collect(processes, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if all.counts != processes*rounds || len(all.claims) != rounds {
		t.Errorf("%d counted, %d claimed, want %d and %d", all.counts, len(all.claims), processes*rounds, rounds)
	}
	all.check(t, s, 0)
}

func TestKilledProcessesLeaveNoTrace(t *testing.T) {
	t.Parallel()
	const processes, kills = 3, 40
	w, s := newWorkers(t)
	running := make([]*exec.Cmd, processes)
	for i := range running {
		running[i] = w.start(1 << 20)
	}
	for n := range kills {
		time.Sleep(time.Duration(rand.IntN(80)) * time.Millisecond)
		i := n % processes
		if err := running[i].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		running[i] = w.start(1 << 20)
	}
	for _, cmd := range running {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	all := w.collect(processes+kills, func(error) {})
	t.Logf("%d counted, %d claimed", all.counts, len(all.claims))
	if all.counts == 0 || len(all.claims) == 0 {
		t.Fatalf("%d counted, %d claimed before they were killed", all.counts, len(all.claims))
	}
	all.check(t, s, processes+kills)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := round(ctx, s, "z", 0, io.Discard); err != nil {
		t.Errorf("after all were killed: %v", err)
	}
	open(t, w.root)
	if left, err := os.ReadDir(filepath.Join(w.root, ".denybatch", "tmp")); err != nil || len(left) != 1 {
		t.Errorf("%d stores have unfinished objects, want only this one (error %v)", len(left), err)
	}
}
