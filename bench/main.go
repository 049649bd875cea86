// Command bench measures denybatch against the numbers of its design (section 8) and prints what it finds beside each
// goal. It judges nothing by its exit status: wall times depend on the machine.
//
// Whatever is measured runs in a process of its own: denybatch, its simulator as upstream, and the script to compare with.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// measures are what can be asked for with --only, in the order in which they are printed.
var measures = []struct {
	name string
	run  func(*bench) ([]figure, error)
}{
	{"wall", (*bench).wall},
	{"speed", (*bench).speed},
	{"memory", (*bench).memory},
	{"isolation", (*bench).isolation},
	{"lambda", (*bench).lambda},
}

// bench is what all measures share.
type bench struct {
	ctx    context.Context
	folder string // for everything that is written
	binary string // denybatch
	python string // of the script to compare with
	rows   int    // of every input; 0 for each measure's own
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	b := bench{}
	only := flag.String("only", "", "measure only this: wall, speed, memory, isolation or lambda")
	flag.IntVar(&b.rows, "rows", 0, "rows of every input (default: what the design says)")
	flag.StringVar(&b.python, "python", filepath.Join(".venv", "bin", "python3"), "Python with aiohttp and openpyxl, for the script to compare with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b.ctx = ctx
	if err := b.run(*only); err != nil {
		log.Print(err)
	}
}

func (b *bench) run(only string) error {
	folder, err := os.MkdirTemp("", "denybatch-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b.folder, b.binary = folder, filepath.Join(folder, "denybatch.exe")
	if err := b.build(); err != nil {
		return err
	}
	var all []figure
	for _, m := range measures {
		if only != "" && only != m.name {
			continue
		}
		log.Printf("measuring %s", m.name)
		figures, err := m.run(b)
		if err != nil {
			log.Printf("%s: %v", m.name, err)
		}
		all = append(all, figures...)
	}
	show(os.Stdout, all)
	return b.ctx.Err()
}

func (b *bench) build() error {
	out, err := exec.CommandContext(b.ctx, "go", "build", "-o", b.binary, "denybatch/cmd/denybatch").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building denybatch: %w\n%s", err, out)
	}
	return nil
}

// rowsOr is what --rows says, or else n.
func (b *bench) rowsOr(n int) int {
	if b.rows > 0 {
		return b.rows
	}
	return n
}
