package store

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sqlTexts returns every SQL text of the package by its place in the source, but for
// those that are a product's own. Texts are constant expressions: literals, named
// constants and sums of them.
func sqlTexts(t *testing.T) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name.Name(), ".go") && !strings.HasSuffix(name.Name(), "_test.go") && !ofAProduct(name.Name()) {
			file, err := parser.ParseFile(files, name.Name(), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
	}
	e := evaluator{constants: map[string]ast.Expr{}}
	for _, file := range parsed {
		e.addConstants(file)
	}
	texts := map[string]string{}
	verb := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			expression, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := e.text(expression)
			if ok && verb.MatchString(text) {
				texts[files.Position(expression.Pos()).String()] = text
			}
			return !ok
		})
	}
	return texts
}

func ofAProduct(name string) bool {
	return strings.HasPrefix(name, "sqlite") || strings.HasPrefix(name, "postgres")
}

type evaluator struct{ constants map[string]ast.Expr }

func (e evaluator) addConstants(file *ast.File) {
	for _, declaration := range file.Decls {
		if d, ok := declaration.(*ast.GenDecl); ok && d.Tok == token.CONST {
			for _, spec := range d.Specs {
				s := spec.(*ast.ValueSpec)
				for i, value := range s.Values {
					e.constants[s.Names[i].Name] = value
				}
			}
		}
	}
}

// text returns the value of a constant string expression.
func (e evaluator) text(x ast.Expr) (string, bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil && x.Kind == token.STRING
	case *ast.Ident:
		value, ok := e.constants[x.Name]
		if !ok {
			return "", false
		}
		return e.text(value)
	case *ast.BinaryExpr:
		left, ok := e.text(x.X)
		right, alsoOK := e.text(x.Y)
		return left + right, ok && alsoOK && x.Op == token.ADD
	}
	return "", false
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// placeholders returns the numbers of a text's placeholders as they first appear.
func placeholders(text string) []string {
	var numbers []string
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(numbers, match[1]) {
			numbers = append(numbers, match[1])
		}
	}
	return numbers
}

func TestSQLIsFoundInTheSource(t *testing.T) {
	texts := sqlTexts(t)
	if len(texts) < 40 {
		t.Fatalf("only %d texts were found", len(texts))
	}
	for place, text := range texts {
		if strings.Contains(text, "SELECT "+organisationColumns+" FROM organisations WHERE") {
			return
		}
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s: empty", place)
		}
	}
	t.Error("a text with a named constant in it was not put together")
}

func TestSQLNumbersPlaceholdersInTheirOrder(t *testing.T) {
	for place, text := range sqlTexts(t) {
		for i, number := range placeholders(text) {
			if number != strconv.Itoa(i+1) {
				t.Errorf("%s: $%s is the placeholder number %d", place, number, i+1)
			}
		}
		if strings.Contains(text, "?") {
			t.Errorf("%s has a placeholder without a number", place)
		}
	}
}

func TestSQLIsNotSQLitesOwn(t *testing.T) {
	dialect := regexp.MustCompile(`(?i)\b(INSERT OR|REPLACE INTO|GLOB|IFNULL|ROWID|AUTOINCREMENT|WITHOUT ROWID|STRICT|STRFTIME|UNIXEPOCH|DATETIME|JSON_\w+|BLOB|PRAGMA)\b|"`)
	for place, text := range sqlTexts(t) {
		if found := dialect.FindString(text); found != "" {
			t.Errorf("%s has %s", place, found)
		}
	}
	files, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(files) < 3 {
		t.Fatalf("only the migrations %v were found, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := dialect.FindString(string(text)); found != "" {
			t.Errorf("%s has %s", file, found)
		}
	}
}

// What is read from end to end has one row, is a list for operators, or has only what
// is under way; or it is no table at all.
const mayBeScanned = `(store|organisations|imports|commits|freezes|exports USING INDEX exports_running|CONSTANT ROW)\b`

func TestSQLUsesIndexesInSQLite(t *testing.T) {
	scan, mayScan := regexp.MustCompile(`^SCAN`), regexp.MustCompile(`^SCAN `+mayBeScanned)
	sorts := regexp.MustCompile(`TEMP B-TREE`)
	checkPlans(t, sqliteEngine(), sqlitePlan, func(plan []string) (bad string) {
		for _, step := range plan {
			if scan.MatchString(step) && !mayScan.MatchString(step) || sorts.MatchString(step) && !mayScan.MatchString(plan[0]) {
				return step
			}
		}
		return ""
	})
}

func TestSQLUsesIndexesInPostgres(t *testing.T) {
	scan, mayScan, sorts := regexp.MustCompile(`Seq Scan`), regexp.MustCompile(`Seq Scan on `+mayBeScanned), regexp.MustCompile(`Sort  `)
	checkPlans(t, postgresEngine(), postgresPlan, func(plan []string) (bad string) {
		for i, step := range plan {
			if scan.MatchString(step) && !mayScan.MatchString(step) || sorts.MatchString(step) && !slices.ContainsFunc(plan[i:], mayScan.MatchString) {
				return step
			}
		}
		return ""
	})
}

// checkPlans fails for texts that no database of the product takes, and for bad plans.
func checkPlans(t *testing.T, e engine, planOf func(*database, string) ([]string, error), check func(plan []string) (bad string)) {
	folder := t.TempDir()
	databases := []*database{e.server(t, folder).database, e.signer(t, folder).database}
	for place, text := range sqlTexts(t) {
		known := 0
		for _, db := range databases {
			plan, err := planOf(db, text)
			if err != nil {
				continue // a table of the other database
			}
			known++
			if bad := check(plan); bad != "" {
				t.Errorf("%s: %s\n%s", place, bad, text)
			}
		}
		if known == 0 {
			t.Errorf("%s: no database takes\n%s", place, text)
		}
	}
}

func sqlitePlan(db *database, text string) ([]string, error) {
	rows, err := db.writes.Query("EXPLAIN QUERY PLAN "+text, make([]any, len(placeholders(text)))...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, nil, func(r row) (step string, err error) {
		var id, parent, unused int
		err = r.Scan(&id, &parent, &unused, &step)
		return step, err
	})
}

// postgresPlan returns the plan that does not depend on the parameters. Tables are
// empty here, so that PostgreSQL has to be kept from reading them whole, and from sorting
// what an index has in order.
func postgresPlan(db *database, text string) (plan []string, err error) {
	ctx := context.Background()
	conn, err := db.writes.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", len(placeholders(text))), ",")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	for _, statement := range []string{`SET enable_seqscan = off`, `SET enable_sort = off`, `SET plan_cache_mode = force_generic_plan`, `PREPARE planned AS ` + text} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	defer func() {
		_, failed := conn.ExecContext(ctx, `DEALLOCATE planned`)
		err = errors.Join(err, failed)
	}()
	rows, err := conn.QueryContext(ctx, `EXPLAIN EXECUTE planned`+nulls)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, nil, func(r row) (step string, err error) {
		err = r.Scan(&step)
		return step, err
	})
}
