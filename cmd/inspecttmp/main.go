package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"denybatch/internal/sheet"
)

func main() {
	limit := 0
	file := ""
	a := os.Args[2:]
	for i := 0; i < len(a); i++ {
		switch a[i] {
		case "--json":
		case "--limit":
			i++
			limit, _ = strconv.Atoi(a[i])
		default:
			file = a[i]
		}
	}
	b, err := sheet.OpenFile(file)
	if err == nil {
		var ins sheet.Inspection
		if ins, err = b.Inspect(limit); err == nil {
			b.Close()
			json.NewEncoder(os.Stdout).Encode(ins)
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
