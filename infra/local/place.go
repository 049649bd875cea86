package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const region = "us-east-1"

// place is where a local cloud lives: a port, and a folder with everything that belongs to it. Several may run side by side.
type place struct {
	root   string // of the checkout
	port   int
	folder string
	strict bool // TLS, and every call held to the policies of the stack
}

var errNotLinux = errors.New("the local cloud runs the functions' own programs, which are for Linux: run it there, or in a Linux container")

func findPlace(getenv func(string) string) (place, error) {
	p := place{port: 4566, strict: getenv("STRICT") != ""}
	if !linux {
		return p, errNotLinux
	}
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

func (p place) endpoint() string {
	if p.strict {
		return "https://" + p.address()
	}
	return "http://" + p.address()
}
func (p place) address() string         { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p place) file(name string) string { return filepath.Join(p.folder, name) }

// reachable is the address of an API on this machine. AWS gives each a host of its own, <id>.execute-api.…, which the emulator
// answers too, but which no resolver knows here.
func (p place) reachable(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return api
	}
	id, _, ok := strings.Cut(u.Host, ".execute-api.")
	if !ok {
		return api
	}
	return p.endpoint() + "/_aws/execute-api/" + id + u.Path
}

func (p place) certificate() string { return p.file("certificate.pem") }

// client makes HTTP requests of the emulator.
func (p place) client() (*http.Client, error) {
	if !p.strict {
		return http.DefaultClient, nil
	}
	text, err := os.ReadFile(p.certificate())
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}, nil
}
