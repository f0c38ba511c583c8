package functions

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/durango-functions/durango/internal/jsonpos"
)

// nodeLanguage is the language of functions in JavaScript.
const nodeLanguage = "node"

// DefaultLanguages returns the worker languages by extension of the script file.
func DefaultLanguages() map[string]string {
	return map[string]string{
		".js": nodeLanguage, ".mjs": nodeLanguage, ".cjs": nodeLanguage,
		".py": "python", ".ps1": "powershell", ".jar": "java",
		".csx": "CSharp", ".cs": "CSharp", ".dll": "DotNetAssembly",
		goExtension: Go,
	}
}

const (
	noScript = "Unable to determine the primary function script. Make sure at least one script file is present. Try renaming your entry " +
		"point script to 'run' or alternatively you can specify the name of the entry point script explicitly by adding a " +
		"'scriptFile' property to your function metadata."
	missingScript = "Invalid script file name configuration. The 'scriptFile' property is set to a file that does not exist."
)

// readScript chooses the script file and infers its language (azure-functions-host HostFunctionMetadataProvider.cs:177-280). A function
// with a handler in Go needs none.
func (l *loader) readScript(n *jsonpos.Node) {
	if !n.IsNull() {
		text, err := n.Text()
		switch {
		case err != nil:
			l.fail(err)
			return
		case strings.EqualFold(filepath.Ext(text), goExtension):
			l.goScript(text)
			return
		case text != "":
			l.namedScript(text, n)
			l.checkOneLanguage()
			return
		}
	}
	files, err := scriptCandidates(l.fn.Dir)
	if err != nil {
		l.fail(err)
		return
	}
	script := primaryScript(files)
	if script != "" {
		l.setScript(filepath.Join(l.fn.Dir, script))
	}
	switch goFile := goFileOf(files); {
	case l.fn.Language == Go, script == "" && goFile != "", l.fn.Language == "" && l.hasHandler():
		l.goScript(goFile)
	case script != "":
		l.checkOneLanguage()
	case !l.opts.CustomHandler:
		hint := "the folder has no file but " + ConfigFile
		if len(files) > 0 {
			hint = "the folder has " + strings.Join(files[:min(len(files), 5)], ", ")
		}
		l.reason(noScript, nil, hint)
	}
}

// namedScript takes the script that function.json names, relative to the function's folder.
func (l *loader) namedScript(name string, at *jsonpos.Node) {
	for _, candidate := range []string{name, strings.ReplaceAll(name, `\`, "/")} {
		path := candidate
		if !filepath.IsAbs(path) {
			path = filepath.Join(l.fn.Dir, path)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			l.setScript(path)
			return
		}
	}
	hint := "no file " + jsonpos.Quote(name)
	dir := filepath.Dir(filepath.Join(l.fn.Dir, strings.ReplaceAll(name, `\`, "/")))
	if files, err := scriptCandidates(dir); err == nil {
		hint += strings.TrimSuffix(jsonpos.DidYouMean(filepath.Base(name), files), ")")
		if strings.Contains(hint, "(") {
			hint += ")"
		}
	}
	l.reason(missingScript, at, hint)
}

func (l *loader) setScript(path string) {
	l.fn.ScriptFile = filepath.Clean(path)
	languages := l.opts.Languages
	if languages == nil {
		languages = DefaultLanguages()
	}
	l.fn.Language = languages[strings.ToLower(filepath.Ext(path))]
}

// scriptCandidates lists the files in dir but function.json and the leftovers of editors, sorted.
func scriptCandidates(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		if strings.EqualFold(name, ConfigFile) || isTemporary(name) {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files, nil
}

// primaryScript picks the script among the files of a folder: the only one, else the first called run.* or index.js and the like.
func primaryScript(files []string) string {
	if len(files) == 1 {
		return files[0]
	}
	for _, f := range files {
		lower := strings.ToLower(f)
		switch {
		case strings.TrimSuffix(lower, filepath.Ext(lower)) == "run":
			return f
		case lower == "index.js", lower == "index.mjs", lower == "index.cjs", lower == "__init__.py":
			return f
		}
	}
	return ""
}
