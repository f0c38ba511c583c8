package node

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/worker"
)

func TestExports(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, source, entryPoint string
		err                      string
	}{
		"function":              {"index.js", `module.exports = async () => "ok"`, "", ""},
		"function, entry point": {"index.js", `module.exports = async () => "ok"`, "other", ""},
		"single":                {"index.js", `exports.anything = async () => "ok"`, "", ""},
		"run":                   {"index.js", `exports.a = 1; exports.run = async () => "ok"`, "", ""},
		"index":                 {"index.js", `exports.a = 1; exports.index = async () => "ok"`, "", ""},
		"run before index":      {"index.js", `exports.index = 1; exports.run = async () => "ok"`, "", ""},
		"named":                 {"index.js", `exports.run = 1; exports.mine = async () => "ok"`, "mine", ""},
		"class instance":        {"index.js", `class A { constructor() { this.v = "ok" } async run() { return this.v } }; module.exports = new A()`, "run", ""},
		"this":                  {"index.js", `module.exports = { v: "ok", async run() { return this.v } }`, "", ""},
		"mjs":                   {"index.mjs", `export default async () => "ok"`, "", ""},
		"mjs, two":              {"index.mjs", `export const a = 1; export async function run() { return "ok" }`, "", ""},
		"mjs, await":            {"index.mjs", `const x = await Promise.resolve("ok"); export default async () => x`, "", ""},
		"cjs":                   {"index.cjs", `module.exports = async () => "ok"`, "", ""},
		"many": {
			"index.js", `exports.a = exports.b = async () => "ok"`, "", "Unable to determine function entry point. If multiple functions are exported, you must indicate " +
				"the entry point, either by naming it 'run' or 'index', or by naming it explicitly via the 'entryPoint' metadata property.",
		},
		"no such": {
			"index.js", `exports.run = async () => "ok"`, "mine", "Unable to determine function entry point: mine. If multiple functions are exported, you must indicate " +
				"the entry point, either by naming it 'run' or 'index', or by naming it explicitly via the 'entryPoint' metadata property.",
		},
		"nothing": {"index.js", ``, "", "Unable to determine function entry point. If multiple"},
		"no function": {
			"index.js", `exports.run = 5`, "", "The resolved entry point is not a function and cannot be invoked by the functions runtime. Make sure the function has " +
				"been correctly exported.",
		},
		"text": {"index.js", `module.exports = "x"`, "", "Unable to determine function entry point."},
	}
	files := map[string]string{}
	for name, tt := range tests {
		files[folder(name)+"/"+tt.file] = tt.source
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn := activity(a, folder(name)+"/"+tt.file)
			fn.EntryPoint = tt.entryPoint
			err := a.ch.Load(ctxFor(t), fn)
			if tt.err == "" {
				require.NoError(t, err)
				require.Equal(t, "ok", a.mustInvoke(fn))
				return
			}
			var loadErr *worker.LoadError
			require.ErrorAs(t, err, &loadErr)
			require.Contains(t, loadErr.Message, tt.err)
			require.Equal(t, "Worker was unable to load function "+fn.Name+": '"+loadErr.Message+"'", err.Error())
			require.Empty(t, loadErr.Stack)
			_, again := a.invoke(fn)
			require.Equal(t, err, again)
		})
	}
}

func TestESMByPackageJSON(t *testing.T) {
	t.Parallel()
	a := startApp(t, map[string]string{
		"package.json":       "\ufeff" + `{"type":"module"}`,
		"Module/index.js":    `import { basename } from "path"; export default async () => basename(import.meta.url);`,
		"Common/index.cjs":   `module.exports = async () => "common";`,
		"Nested/index.js":    `module.exports = async () => "nested";`,
		"Nested/notice.text": ``,
	})
	require.Equal(t, "index.js", a.mustInvoke(activity(a, "Module/index.js")))
	require.Equal(t, "common", a.mustInvoke(activity(a, "Common/index.cjs")))
	err := a.ch.Load(ctxFor(t), activity(a, "Nested/index.js"))
	require.ErrorContains(t, err, "module is not defined in ES module scope")

	b := startApp(t, map[string]string{"F/package.json": `{"type":"module"}`, "F/index.js": `export default async () => "near";`})
	require.Equal(t, "near", b.mustInvoke(activity(b, "F/index.js")))
}

func TestLoadErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, source string
		want         []string
	}{
		"syntax": {
			"index.js", "const a = 1;\nfunction x() {\n  const b = ;\n}\n",
			[]string{"syntax error in syntax/index.js, line 3: Unexpected token ';'\n  const b = ;\n            ^"},
		},
		"syntax of a module": {
			"index.mjs", "const a = 1;\nexport default function x() {\n  const b = ;\n}\n",
			[]string{"syntax error in syntax_of_a_module/index.mjs, line 3: Unexpected token ';'\n  const b = ;\n            ^"},
		},
		"syntax of a required file": {
			"index.js", `require("../lib/bad.js");`, []string{"syntax error in lib/bad.js, line 2: Unexpected identifier", "\nhello world\n"},
		},
		"JSON": {"index.js", `module.exports = require("../lib/bad.json");`, []string{"lib/bad.json: ", "JSON at position"}},
		"package": {
			"index.js", `require("durable-functions");`,
			[]string{"package 'durable-functions' not found, required by package/index.js: run `npm install` in the app's folder "},
		},
		"scoped package": {
			"index.js", `require("@azure/x/lib/y");`,
			[]string{"package '@azure/x' not found, required by scoped_package/index.js: it is not listed in package.json: run `npm install @azure/x` in the app's folder "},
		},
		"imported package": {
			"index.mjs", `import "durable-functions/x.js";`,
			[]string{"package 'durable-functions' not found, required by imported_package/index.mjs: run `npm install` in the app's folder "},
		},
		"file":          {"index.js", `require("../nope");`, []string{"file '../nope' not found, required by file/index.js"}},
		"imported file": {"index.mjs", `import "../nope.js";`, []string{"file 'nope.js' not found, required by imported_file/index.mjs"}},
		"inner file":    {"index.js", `require("there/nope");`, []string{"module 'there/nope' not found, required by inner_file/index.js: package 'there' is there"}},
		"throws":        {"index.js", "\n\nthrow new Error('no settings');", []string{"no settings (throws/index.js, line 3)"}},
		"throws text":   {"index.js", "throw 'no settings';", []string{"no settings"}},
		"rejects":       {"index.mjs", "\nawait Promise.reject(new Error('no settings'));", []string{"no settings (rejects/index.mjs, line 2)"}},
	}
	files := map[string]string{
		"package.json":  `{"dependencies":{"durable-functions":"2.1.4"}}`,
		"lib/bad.js":    "const a = 1;\nhello world\n",
		"lib/bad.json":  "{\"a\": 1,\n x}",
		"Good/index.js": `module.exports = async () => "good"`,

		"node_modules/there/package.json": `{}`,
	}
	for name, tt := range tests {
		files[folder(name)+"/"+tt.file] = tt.source
	}
	a := startApp(t, files)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := a.ch.Load(ctxFor(t), activity(a, folder(name)+"/"+tt.file))
			var loadErr *worker.LoadError
			require.ErrorAs(t, err, &loadErr)
			for _, want := range tt.want {
				require.Contains(t, loadErr.Message, want)
			}
			if strings.Contains(loadErr.Message, "app's folder") {
				require.Contains(t, loadErr.Message, filepath.Base(a.root))
			}
			require.NotContains(t, loadErr.Message, a.root+"/"+folder(name))
			require.Equal(t, "good", a.mustInvoke(activity(a, "Good/index.js")))
		})
	}
}

func TestFunctionWithoutScript(t *testing.T) {
	t.Parallel()
	a := startApp(t, nil)
	fn := activity(a, "F/index.js")
	require.ErrorContains(t, a.ch.Load(ctxFor(t), fn), "file ")
	none := activity(a, "G/index.js")
	none.ScriptFile = ""
	require.EqualError(t, a.ch.Load(ctxFor(t), none), "Worker was unable to load function G: 'the function has no script file'")
}
