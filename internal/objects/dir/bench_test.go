package dir_test

import (
	"fmt"
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
)

func BenchmarkCreate(b *testing.B) {
	bench(b, func(b *testing.B, s objects.Store) {
		for i := 0; b.Loop(); i++ {
			if _, err := objects.CreateBytes(b.Context(), s, fmt.Sprintf("due/%d/deny/%d", i/1000, i), make([]byte, 200)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkReplace(b *testing.B) {
	bench(b, func(b *testing.B, s objects.Store) {
		info, err := objects.CreateBytes(b.Context(), s, "batches/x/batch.json", nil)
		for b.Loop() {
			if err != nil {
				b.Fatal(err)
			}
			info, err = objects.ReplaceBytes(b.Context(), s, "batches/x/batch.json", info.ETag, make([]byte, 200))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	bench(b, func(b *testing.B, s objects.Store) {
		if _, err := objects.CreateBytes(b.Context(), s, "batches/x/batch.json", make([]byte, 200)); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := objects.Read(b.Context(), s, "batches/x/batch.json", 1000); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkList1000(b *testing.B) {
	bench(b, func(b *testing.B, s objects.Store) {
		for i := range 1000 {
			if _, err := objects.CreateBytes(b.Context(), s, fmt.Sprintf("due/%d/deny/%d", i/100, i), nil); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			for _, err := range s.List(b.Context(), "due/", "") {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// bench measures a store with and without sync.
func bench(b *testing.B, run func(*testing.B, objects.Store)) {
	for name, options := range map[string][]dir.Option{"Sync": nil, "WithoutSync": {dir.WithoutSync()}} {
		b.Run(name, func(b *testing.B) {
			s, err := dir.New(b.TempDir(), options...)
			if err != nil {
				b.Fatal(err)
			}
			run(b, s)
		})
	}
}
