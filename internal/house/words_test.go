package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"denybatch/internal/verdict"
)

const guide = "docs/spreadsheets.md"

func TestGuideExplainsEveryVerdict(t *testing.T) {
	text := content(t, guide)
	for _, r := range verdict.Results {
		if !bytes.Contains(text, []byte("\n| `"+string(r)+"` |")) {
			t.Errorf("%s does not explain the result %s: add it to the table of verdicts", guide, r)
		}
	}
}

func TestGuideListsEveryHeading(t *testing.T) {
	text := content(t, guide)
	for _, heading := range literals(t, "internal/denial/columns.go", "columns", "weak") {
		if !bytes.Contains(text, []byte("`"+heading+"`")) {
			t.Errorf("the heading %q is accepted, but %s does not list it: add it to the headings", heading, guide)
		}
	}
}

var code = regexp.MustCompile(`fault\{"([a-z-]+)"|code\w+ += "([a-z-]+)"`)

func TestGuideExplainsEveryLocalCode(t *testing.T) {
	text := content(t, guide)
	for _, source := range []string{"internal/denial/faults.go", "internal/denial/plan.go"} {
		for _, m := range code.FindAllSubmatch(content(t, source), -1) {
			if name := string(m[1]) + string(m[2]); !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("%s gives the code %s, but %s does not explain it: add it", source, name, guide)
			}
		}
	}
}

var variable = regexp.MustCompile(`DENYBATCH_[A-Z_]+[A-Z]`)

func TestReadmeNamesVariablesThatAreRead(t *testing.T) {
	read := map[string]bool{}
	for _, source := range files(t, ".go") {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, name := range variable.FindAllString(string(content(t, source)), -1) {
			read[name] = true
		}
	}
	for _, document := range files(t, ".md") {
		for _, name := range variable.FindAllString(string(content(t, document)), -1) {
			if !read[name] {
				t.Errorf("%s names %s, which no code reads: correct the name", document, name)
			}
		}
	}
}

// literals are the strings in these variables of a file, but for keys of maps and names of fields.
func literals(t *testing.T, source string, variables ...string) (words []string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, name := range variables {
		wanted[name] = true
	}
	for _, decl := range parse(t, source, parser.SkipObjectResolution).Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, spec := range gen.Specs {
			if v := spec.(*ast.ValueSpec); wanted[v.Names[0].Name] {
				words = append(words, stringsIn(v)...)
			}
		}
	}
	if len(words) == 0 {
		t.Fatalf("%s has no such variables any more: tell this test where the headings are", path.Base(source))
	}
	return words
}

func stringsIn(n ast.Node) (words []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			word, _ := strconv.Unquote(lit.Value)
			words = append(words, word)
		}
		return true
	})
	return words
}

func TestGuideExplainsWhatBecomesOfRequests(t *testing.T) {
	text := content(t, guide)
	for _, r := range verdict.RequestResults {
		if !bytes.Contains(text, []byte("\n| `"+string(r)+"` |")) {
			t.Errorf("%s does not explain the result %s: add it to the table of results of requests", guide, r)
		}
	}
	for _, heading := range literals(t, "internal/sweep/rows.go", "columns") {
		if !bytes.Contains(text, []byte("`"+heading+"`")) {
			t.Errorf("the heading %q is accepted, but %s does not list it: add it to the headings", heading, guide)
		}
	}
	for _, source := range slices.Concat(goFiles(t, "internal/request/"), goFiles(t, "internal/sweep/")) {
		for _, m := range requestCode.FindAllSubmatch(content(t, source), -1) {
			if name := string(m[1]); name != "throttled" && name != "unreachable" && name != "cancelled" && name != "not-let-in" && !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("%s gives the code %s, but %s does not explain it: add it", source, name, guide)
			}
		}
	}
}

// requestCode finds the codes of rulings and outcomes. Those of asks that were not made stand in no report: their line says
// waiting.
var requestCode = regexp.MustCompile(`(?:Code: |Code = )"([a-z-]+)"`)

func goFiles(t *testing.T, folder string) (paths []string) {
	t.Helper()
	for _, path := range files(t, ".go") {
		if strings.HasPrefix(path, folder) && !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, path)
		}
	}
	return paths
}

var alarm = regexp.MustCompile(`s\.alarm\("([A-Za-z]+)`)

func TestOperationsExplainEveryAlarm(t *testing.T) {
	text := content(t, "docs/operations.md")
	for _, m := range alarm.FindAllSubmatch(content(t, "infra/cdk/alarms.go"), -1) {
		if !bytes.Contains(text, []byte("| `<stack>-"+string(m[1]))) {
			t.Errorf("infra/cdk has the alarm %s, but docs/operations.md does not say what to do: add it to the table of alarms", m[1])
		}
	}
}

var setting = regexp.MustCompile(`r\.(?:number|choice|rate|mail|days|arn|plain|setting|context)\((?:u\.variables, |variables, )?"([a-z][a-z-]+)"`)

func TestDeployNamesEverySetting(t *testing.T) {
	text := content(t, "docs/deploy.md")
	found := setting.FindAllSubmatch(content(t, "infra/cdk/settings.go"), -1)
	if len(found) < 25 {
		t.Fatalf("only %d settings were found in infra/cdk/settings.go: this test cannot read it any more", len(found))
	}
	for _, m := range found {
		if !bytes.Contains(text, []byte("`"+string(m[1])+"`")) {
			t.Errorf("infra/cdk reads the setting %s, but docs/deploy.md does not name it: add it to the table of settings", m[1])
		}
	}
}
