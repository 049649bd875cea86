// Package ledger keeps records with compare-and-swap, an index of what is due, and leases, all on objects alone.
//
// # The order that loses nothing
//
// A record says when it is due; the index only helps to find it without reading all records. So the index may hold too
// much, but never too little: whoever makes a record due first schedules it and then writes the record. An entry for
// which there is no such record is harmless, and [Index.Ready] drops it.
//
// It does so only when the entry has been due for [Grace]. Until then a worker may stand between the two steps: it has
// found the entry there already and is about to write the record that needs it. Nobody else drops entries, so no crash
// and no race leaves a record that is due and not found, as long as a worker takes less than Grace from one step to the
// next. No Lambda function lives that long.
package ledger
