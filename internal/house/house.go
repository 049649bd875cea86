// Package house holds the rules that no compiler checks, as tests: what the README promises is there, what the documents
// list is all there is, and nothing in the tree knows the machine it was written on. A failing test says what to do.
package house
