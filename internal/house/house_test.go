package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the checkout. Tests run in the folder of their package.
var root = filepath.Join("..", "..")

// notOurs are folders of what was built or installed here.
var notOurs = map[string]bool{".git": true, ".venv": true, ".tools": true, "build": true, ".aws-sam": true, "node_modules": true, "cdk.out": true}

// eachFile visits the files of the tree, by their path from the root.
func eachFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (notOurs[d.Name()] || strings.HasSuffix(path, ".denybatch")):
			return fs.SkipDir
		case d.Type().IsRegular():
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files are those of the tree whose name ends so.
func files(t *testing.T, ending string) (paths []string) {
	t.Helper()
	eachFile(t, func(path string) {
		if strings.HasSuffix(path, ending) {
			paths = append(paths, path)
		}
	})
	return paths
}

func parse(t *testing.T, path string, mode parser.Mode) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, content(t, path), mode)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var (
	makeCommand = regexp.MustCompile("(?m)(?:`|^    )make ([a-z0-9-]+)")
	makeTarget  = regexp.MustCompile(`(?m)^([.a-z0-9-]+):(?:[^=]|$)`)
)

func TestMakefileHasTheTargetsThatDocumentsName(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllSubmatch(content(t, "Makefile"), -1) {
		targets[string(m[1])] = true
	}
	for _, path := range files(t, ".md") {
		for _, m := range makeCommand.FindAllSubmatch(content(t, path), -1) {
			if name := string(m[1]); !targets[name] {
				t.Errorf("%s says `make %s`, but the Makefile has no such target: add it or correct the document", path, name)
			}
		}
	}
}

var explanation = regexp.MustCompile("(?m)^\\| `(\\S+)` \\|")

func TestEveryLibraryHasItsReason(t *testing.T) {
	var explained []string
	for _, m := range explanation.FindAllSubmatch(content(t, "docs/decisions.md"), -1) {
		explained = append(explained, string(m[1]))
	}
	for _, module := range imported(t) {
		if !slices.ContainsFunc(explained, func(line string) bool { return below(module, line) }) {
			t.Errorf("%s is used, but docs/decisions.md has no line about it: add one to the table of libraries", module)
		}
	}
}

var required = regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v`)

// imported are the modules of go.mod that our code imports, whatever go.mod's comments say.
func imported(t *testing.T) (modules []string) {
	imports := map[string]bool{}
	for _, path := range files(t, ".go") {
		for _, spec := range parse(t, path, parser.ImportsOnly).Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			imports[name] = true
		}
	}
	for _, m := range required.FindAllSubmatch(content(t, "go.mod"), -1) {
		module := string(m[1])
		for name := range imports {
			if below(name, module) {
				modules = append(modules, module)
				break
			}
		}
	}
	if len(modules) == 0 {
		t.Fatal("no library was found in go.mod: this test cannot read it any more")
	}
	return modules
}

// below reports whether an import path is path or lies below it.
func below(name, path string) bool { return name == path || strings.HasPrefix(name, path+"/") }

// machine paths, put together here so that this file does not hold them.
var machinePath = regexp.MustCompile(`(^|[\s"'=(\x60:])/(` + strings.Join([]string{"ro" + "ot", "wo" + "rk", "home/[a-z]+", "Us" + "ers/[a-z]+"}, "|") + `)/`)

func TestNothingKnowsTheMachineItWasWrittenOn(t *testing.T) {
	eachFile(t, func(path string) {
		b := content(t, path)
		if bytes.IndexByte(b, 0) >= 0 {
			return // no text
		}
		if at := machinePath.FindIndex(b); at != nil {
			line := 1 + bytes.Count(b[:at[0]+1], []byte("\n"))
			t.Errorf("%s, line %d: names a folder of one machine (%s…): write a path from the root of the repository", path, line, bytes.TrimSpace(b[at[0]:at[1]]))
		}
	})
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, path := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata/") {
			continue
		}
		folder := filepath.Dir(path)
		doc := parse(t, path, parser.ParseComments|parser.PackageClauseOnly).Doc
		said[folder] = said[folder] || doc != nil
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment: say above one of its package clauses what the package gives", folder)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, path := range files(t, ".md") {
		for _, m := range link.FindAllSubmatch(content(t, path), -1) {
			target := filepath.Join(root, filepath.Dir(path), string(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there: correct the link", path, m[1])
			}
		}
	}
}
