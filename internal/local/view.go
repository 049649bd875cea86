package local

import (
	"context"
	"iter"

	"denybatch/internal/objects"
)

// view is a store in whose listings some objects do not show.
type view struct {
	objects.Store
	shows func(objects.Info) bool
}

// List implements [objects.Store].
func (v view) List(ctx context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		for info, err := range v.Store.List(ctx, prefix, after) {
			if (err != nil || v.shows(info)) && !yield(info, err) {
				return
			}
		}
	}
}
