package local_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"denybatch/internal/denial"
	"denybatch/internal/local"
	"denybatch/internal/objects"
	"denybatch/pkg/upstream/upstreamtest"
)

// file is a spreadsheet of so many documents.
func file(n int) string {
	var b strings.Builder
	b.WriteString("docId,comments\n")
	for i := range n {
		b.WriteString(document(i) + ",Goods not received\n")
	}
	return b.String()
}

func document(i int) string { return fmt.Sprintf("0d0c1f6e-0000-4000-8000-%012x", i) }

// The whole circle: files are dropped, batches end, a sweep asks, ROIT calls back, and the next sweeps act on it.
func TestCircle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.sim.AddRequests(upstreamtest.ROITRequest{RequestID: "fails-once", Then: []string{"ERROR", "DONE"}})
		end := w.start()
		time.Sleep(5 * time.Second)
		w.says(1, "Sweep: nothing is due")
		w.drop("inbox/deny/"+org+"/june.csv", file(3))
		w.drop("inbox/check/"+org+"/june.csv", file(2))
		w.drop("inbox/reprocess/"+integration+"/fix.csv", "requestId\ngood\nfails-once\ngood\n")
		time.Sleep(10 * time.Second)
		w.says(1, "june.csv: picked up", "inbox/deny/")
		w.says(1, "june.csv: ended", "3 denied", "report.xlsx")
		w.says(1, "june.csv: ended", "2 would_send")
		w.says(1, "fix.csv is there; the next sweep reads it")
		w.says(0, "Callback")
		time.Sleep(time.Minute)
		w.says(1, "Sweep", "2 accepted, 1 duplicate", "report.xlsx")
		w.says(1, "Callback", "good says DONE; it is done now")
		w.says(1, "Callback", "fails-once says ERROR; it is failed now")
		time.Sleep(20 * time.Minute)
		w.says(1, "Sweep", ": 1 accepted.")
		w.says(1, "Callback", "fails-once says DONE; it is done now")
		end()
		if got := w.reports("reports/reprocess/"); len(got) != 2 {
			t.Errorf("reports %q", got)
		}
		for id, want := range map[string]int{"good": 1, "fails-once": 2} {
			if got := w.sim.RequestTruth(integration, id); got.Applied != want || got.Doubles != 0 || got.Status != "DONE" {
				t.Errorf("%s: %+v", id, got)
			}
		}
		if n := w.sim.Counters().Applied; n != 3 {
			t.Errorf("%d documents were denied", n)
		}
	})
}

// A file is left until nobody writes it any more, whatever reads it, and never twice.
func TestFilesBeingWrittenAreLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		deny, fix := "inbox/deny/"+org+"/long.csv", "inbox/reprocess/"+integration+"/fix.csv"
		w.drop(deny, "docId,comments\n")
		w.drop(fix, "requestId\n")
		end := w.start()
		for i := range 100 {
			time.Sleep(time.Second)
			w.append(deny, document(i)+",Goods not received\n")
			w.append(fix, fmt.Sprintf("r%d\n", i))
			if n := w.sim.Counters(); n.BulkCalls+n.ReprocessCalls > 0 {
				t.Fatalf("after %d seconds it is read, and is still being written", i)
			}
		}
		time.Sleep(2 * time.Minute)
		w.says(1, "long.csv: picked up")
		w.says(1, "long.csv: ended", "100 denied")
		w.says(1, "Sweep", "100 accepted")
		end()
	})
}

// What programs leave beside files is ignored, what lies in no known folder is not.
func TestOddFiles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.drop("inbox/deny/"+org+"/~$june.xlsx", "x")
		w.drop("inbox/deny/"+org+"/.june.csv.swp", "x")
		w.drop("inbox/reprocess/"+integration+"/.DS_Store", "x")
		w.drop("inbox/stray.csv", "x")
		w.drop("inbox/deny/stray.csv", "x")
		w.drop("inbox/reprocess/stray.csv", "x")
		w.drop("inbox/deny/"+org+"/un\nreadable.csv", "colour\nred\n")
		w.drop("inbox/deny/nobody/june.csv", file(1))
		end := w.start()
		time.Sleep(10 * time.Second)
		end()
		w.says(3, "stray.csv is in no folder of mine")
		w.says(1, "un; readable.csv: refused", "has no column docId", "refused.txt")
		w.says(1, "nobody/june.csv", "no credentials are configured", "1 not_sent")
		w.says(0, "~$")
		w.says(0, "swp")
		w.says(0, "DS_Store")
		if n := w.sim.Counters(); n.BulkCalls+n.ReprocessCalls != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// The same content again is not the same as silence; another content is another batch.
func TestTheSameFileAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.drop("inbox/deny/"+org+"/june.csv", file(2))
		w.drop("inbox/check/"+org+"/june.csv", file(2))
		end := w.start()
		time.Sleep(5 * time.Second)
		end()
		end = w.start()
		time.Sleep(5 * time.Second)
		w.says(2, "picked up")
		w.says(0, "dealt with before") // they are not news
		w.drop("inbox/deny/"+org+"/june.csv", file(2))
		w.drop("inbox/check/"+org+"/june.csv", file(2))
		time.Sleep(5 * time.Second)
		w.says(2, "dealt with before", "reports/", "Under another name")
		w.drop("inbox/deny/"+org+"/june.csv", file(3))
		time.Sleep(5 * time.Second)
		w.says(1, "ended", "1 denied, 2 already_denied")
		end()
		if n := w.sim.Counters(); n.Applied != 3 || n.DoubleDenials != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A batch that an end interrupts is handed over, and the next start goes on.
func TestEndInTheMiddle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Latency: time.Second})
		w.drop("inbox/deny/"+org+"/june.csv", file(200))
		w.drop("inbox/deny/"+org+"/waits.csv", "docId,comments\nother,Not ours\n")
		rows := "requestId\n"
		for i := range 30 {
			rows += fmt.Sprintf("r%d\n", i)
		}
		w.drop("inbox/reprocess/"+integration+"/fix.csv", rows)
		end := w.start()
		time.Sleep(6 * time.Second)
		end()
		w.says(1, "june.csv: handed over to the next start")
		w.says(1, "Sweep", "stopped before the end", "not_sent")
		w.says(0, "waits.csv")
		asked := w.sim.Counters()
		if asked.Applied == 0 || asked.Applied == 200 || asked.Reprocessed == 0 || asked.Reprocessed == 30 {
			t.Fatalf("it was not in the middle: %+v", asked)
		}
		end = w.start()
		time.Sleep(3 * time.Minute)
		end()
		w.says(1, "june.csv: goes on where it was left")
		w.says(1, "june.csv: ended", "200 denied")
		w.says(1, "waits.csv: ended", "1 denied")
		if n := w.sim.Counters(); n.Applied != 201 || n.DoubleDenials != 0 || n.Reprocessed != 30 || n.DoubleReprocesses != 0 {
			t.Errorf("%+v", n)
		}
		if got := w.reports("reports/deny/" + org + "/june/"); len(got) != 1 {
			t.Errorf("reports %q", got)
		}
	})
}

// A batch that upstream's outage stopped is run again by a sweep, once upstream is back.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.noROIT = true // batches are looked after all the same
		w.sim.Stop()
		w.drop("inbox/deny/"+org+"/june.csv", file(20))
		end := w.start()
		time.Sleep(45 * time.Second)
		w.says(1, "june.csv: stopped before the end", "20 not_sent")
		if err := w.sim.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		w.says(1, "june.csv: run 2 begins")
		w.says(1, "june.csv: ended", "20 denied", "run-2")
		w.says(1, "Sweep", "1 accepted")
		time.Sleep(40 * time.Minute)
		w.says(1, "june.csv: run")
		end()
	})
}

// Without ROIT, requests wait for it, and what was due stays due.
func TestWithoutROIT(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Then: []string{"ERROR", "DONE"}}})
		w.drop("inbox/reprocess/"+integration+"/first.csv", "requestId\nfails-once\n")
		end := w.start()
		time.Sleep(10 * time.Second)
		end()
		w.noROIT = true
		end = w.start()
		w.drop("inbox/reprocess/"+integration+"/second.csv", "requestId\nlater\n")
		time.Sleep(time.Hour)
		end()
		w.says(1, "second.csv is left alone, because ROIT is not configured")
		w.says(1, "Sweep 2")
		if n := w.sim.Counters().ReprocessCalls; n != 1 {
			t.Errorf("%d calls", n)
		}
		w.noROIT = false
		end = w.start()
		time.Sleep(time.Minute)
		end()
		w.says(1, "Sweep 2", "2 accepted")
	})
}

// Without InvX, a file to deny is answered all the same.
func TestWithoutInvX(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.noInvX = true
		w.drop("inbox/deny/"+org+"/june.csv", file(2))
		end := w.start()
		time.Sleep(10 * time.Second)
		end()
		w.says(1, "june.csv", "no credentials are configured for this organisation", "2 not_sent")
		if got := w.results(w.reports("reports/deny/")[0], "docId"); !slices.Equal(got, []string{document(0) + " not_sent", document(1) + " not_sent"}) {
			t.Errorf("%q", got)
		}
	})
}

// Two systems do not work on one state.
func TestTwoSystems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		end := w.start()
		time.Sleep(time.Second)
		err := w.system(w.doors).Run(t.Context())
		if _, locked := errors.AsType[*local.LockedError](err); !locked || !strings.Contains(err.Error(), "runs the system on this state") {
			t.Errorf("%v", err)
		}
		end()
	})
}

// A batch or a sweep that another process of this machine is at waits for that one.
func TestAnotherProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		w.drop("inbox/deny/"+org+"/june.csv", file(2))
		locks := w.folder + "/state/locks/"
		sweeping, err := local.Lock(locks+local.SweepLock, "")
		if err != nil {
			t.Fatal(err)
		}
		end := w.start()
		time.Sleep(10 * time.Second)
		w.says(1, "Sweep: none", "another denybatch process is sweeping")
		end()
		w.drop("inbox/deny/"+org+"/june.csv", file(3))
		working, err := local.Lock(locks+denial.BatchID(local.FolderBucket, "inbox/deny/"+org+"/june.csv", fmt.Sprintf("%x", sha256.Sum256([]byte(file(3))))[:32])+".lock", "")
		if err != nil {
			t.Fatal(err)
		}
		end = w.start()
		time.Sleep(30 * time.Second)
		w.says(1, "june.csv: another process works on it")
		working()
		sweeping()
		time.Sleep(10 * time.Second)
		w.says(1, "june.csv: ended", "1 denied, 2 already_denied")
		end()
	})
}

// What fails is tried a few times and then left to the next start, with a line each time.
func TestDamagedRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		key := "inbox/deny/" + org + "/june.csv"
		w.drop(key, file(2))
		record := "batches/" + denial.BatchID(local.FolderBucket, key, fmt.Sprintf("%x", sha256.Sum256([]byte(file(2))))[:32]) + "/batch.json"
		if _, err := objects.CreateBytes(t.Context(), w.state, record, []byte("{")); err != nil {
			t.Fatal(err)
		}
		end := w.start()
		time.Sleep(5 * time.Minute)
		end()
		w.says(4, "june.csv: failed, and is tried again", "is damaged")
		w.says(1, "june.csv: failed, and is left alone after 5 tries")
		if err := w.state.Delete(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		end = w.start()
		time.Sleep(5 * time.Second)
		end()
		w.says(1, "june.csv: ended", "2 denied")
	})
}

// A file that is taken away again, or is larger than any may be, harms nobody.
func TestGoneAndTooLarge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{})
		gone, large := "inbox/deny/"+org+"/gone.csv", "inbox/deny/"+org+"/large.csv"
		w.drop(gone, file(1))
		w.drop(large, "")
		if err := os.Truncate(w.folder+"/exchange/"+large, 1<<30+1); err != nil {
			t.Skip(err)
		}
		end := w.start()
		time.Sleep(time.Second)
		if err := w.exchange.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		end()
		w.says(0, "gone.csv")
		w.says(1, "large.csv: refused", "the file is too large")
	})
}

func TestListen(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "127.0.0.1"} {
		if l, err := local.Listen(t.Context(), addr); err == nil {
			l.Close()
			t.Errorf("%s is listened at", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0"} {
		l, err := local.Listen(t.Context(), addr)
		var refused *net.OpError
		if errors.As(err, &refused) && addr == "[::1]:0" {
			continue // a machine without IPv6
		}
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		l.Close()
	}
}
