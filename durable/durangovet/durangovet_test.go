package durangovet

import (
	"go/types"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/go/packages"
)

// The packages of testdata say in comments which diagnostics and facts they want. They are loaded at once: that checks the standard
// library once.
func TestRules(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), Analyzer,
		"clocks", "randomness", "goroutines", "channels", "ordering", "effects", "globals", "globals/settings", "layered", "layered/clock",
		"roles", "exceptions", durablePath)
}

// TestTablesNameWhatThereIs finds misspelt names: each must be in its package. Some only older or newer libraries have; those of other
// modules are not there to be looked at.
func TestTablesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedExportFile},
		slices.Sorted(maps.Keys(standard))...)
	require.NoError(t, err)
	require.Len(t, loaded, len(standard))
	for _, pkg := range loaded {
		require.Empty(t, pkg.Errors)
		for _, entry := range standard[pkg.PkgPath] {
			for name := range strings.FieldsSeq(entry.names) {
				if name = strings.TrimPrefix(name, "-"); strings.HasPrefix(name, "*") || name == "conn.*" {
					continue // conn is what the methods of net's connections belong to; it is not exported
				}
				name, member, isMethod := strings.Cut(name, ".")
				obj := pkg.Types.Scope().Lookup(name)
				require.NotNil(t, obj, "%s.%s", pkg.PkgPath, name)
				if isMethod && member != "*" {
					method, _, _ := types.LookupFieldOrMethod(obj.Type(), true, pkg.Types, member)
					require.NotNil(t, method, "%s.%s.%s", pkg.PkgPath, name, member)
				}
			}
		}
	}
}

// TestDocumentation wants a section for each rule.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/durangovet.md")
	require.NoError(t, err)
	for _, rule := range []string{ruleTime, ruleRandom, ruleGoroutine, ruleChannel, ruleMapOrder, ruleIO, ruleGlobal, ruleIgnore} {
		require.Contains(t, string(page), "\n### "+rule, "docs/durangovet.md has no section of the rule")
	}
}
