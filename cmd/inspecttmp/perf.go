package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
	"time"

	"denybatch/internal/sheet"

	"github.com/xuri/excelize/v2"
)

func init() {
	if len(os.Args) > 2 && os.Args[1] == "gen" {
		gen(os.Args[2])
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "perf" {
		table := make([]byte, 16<<20)
		for i := range table {
			table[i] = byte(i)
		}
		t0 := time.Now()
		b, err := sheet.OpenFile(os.Args[2])
		if err != nil {
			panic(err)
		}
		n, cells, bytes := 0, 0, 0
		for row, err := range b.Rows() {
			if err != nil {
				panic(err)
			}
			n++
			cells += len(row.Cells)
			for _, c := range row.Cells {
				bytes += len(c)
			}
		}
		b.Close()
		d := time.Since(t0)
		var ru syscall.Rusage
		syscall.Getrusage(0, &ru)
		fmt.Println(n, "rows", cells, "cells", bytes, "bytes", d, int(float64(n)/d.Seconds()), "rows/s  cpu", time.Duration(ru.Utime.Nano()+ru.Stime.Nano()), " maxrss MiB", ru.Maxrss/1024, table[5])
		os.Exit(0)
	}
}

func gen(dir string) {
	f, _ := os.Create(dir + "/a.csv")
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "docId,comments,action,name,extra")
	for i := range 1000000 {
		fmt.Fprintf(w, "%08x-1234-4abc-9def-%012d,duplicate of invoice %d,DENY,Company %d,x%d\n", i*2654435761, i, i, i%1000, i)
	}
	w.Flush()
	x := excelize.NewFile()
	sw, _ := x.NewStreamWriter("Sheet1")
	for i := range 1000000 {
		sw.SetRow(fmt.Sprintf("A%d", i+1), []any{fmt.Sprintf("%08x-1234-4abc-9def-%012d", i*2654435761, i), fmt.Sprintf("duplicate of invoice %d", i), "DENY", fmt.Sprintf("Company %d", i%1000), i})
	}
	sw.Flush()
	x.SaveAs(dir + "/inline.xlsx")
}
