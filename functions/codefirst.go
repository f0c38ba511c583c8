package functions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// packagesOfV4 are npm packages whose functions register themselves in code, with the first major version that has it so.
var packagesOfV4 = []struct {
	name  string
	major *regexp.Regexp
}{
	{"@azure/functions", regexp.MustCompile(`^\D*([4-9]|\d\d+)(\D|$)`)},
	{"durable-functions", regexp.MustCompile(`^\D*([3-9]|\d\d+)(\D|$)`)},
}

// codeFirstWarnings tells of an app without any function folder whose package.json asks for the programming model v4.
func codeFirstWarnings(root string) []string {
	text, err := os.ReadFile(filepath.Join(root, "package.json"))
	if err != nil {
		return nil
	}
	var pkg struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if json.Unmarshal(text, &pkg) != nil {
		return nil // npm is the one to complain
	}
	for _, p := range packagesOfV4 {
		if version := pkg.Dependencies[p.name]; p.major.MatchString(version) {
			return []string{fmt.Sprintf("package.json asks for %s %s, whose programming model v4 is not supported yet: "+
				"functions are folders with a function.json.", p.name, version)}
		}
	}
	return nil
}
