package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

const region = "us-east-1"

// place is where a local cloud lives: a port, and a folder with everything that belongs to it. Several may run side by side.
type place struct {
	root   string // of the checkout
	port   int
	folder string
}

func findPlace(getenv func(string) string) (place, error) {
	p := place{port: 4566}
	if text := getenv("PORT"); text != "" {
		var err error
		if p.port, err = strconv.Atoi(text); err != nil || p.port < 1 || p.port > 65535 {
			return p, fmt.Errorf("PORT is %q: it must be a whole number from 1 to 65535", text)
		}
	}
	var err error
	if p.root, err = os.Getwd(); err != nil {
		return p, err
	}
	if _, err := os.Stat(filepath.Join(p.root, "go.mod")); err != nil {
		return p, errors.New("there is no go.mod here: run this in the checkout")
	}
	p.folder = filepath.Join(p.root, "build", fmt.Sprintf("cloud-%d", p.port))
	return p, nil
}

func (p place) endpoint() string        { return fmt.Sprintf("http://%s", p.address()) }
func (p place) address() string         { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p place) file(name string) string { return filepath.Join(p.folder, name) }
