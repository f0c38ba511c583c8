package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// scenarioApp is one of the apps with the functions of testdata/scenarios.
type scenarioApp struct {
	name string
	// sdk is the generation of durable-functions, "go" for the app in Go.
	sdk string
	// crowd is how many orchestrations a test starts that kills hosts: so many that the app is still at it when they are killed.
	crowd int
	// forgets keeps no orchestration in memory between its episodes.
	forgets bool
}

var scenarioApps = []scenarioApp{
	{name: "javascript", sdk: "app21", crowd: 200},
	{name: "go", sdk: "go", crowd: 1000},
	{name: "go, nothing kept in memory", sdk: "go", crowd: 1000, forgets: true},
}

// goApps are those in Go.
var goApps = scenarioApps[1:]

// onEachApp runs a test on each of the apps.
func onEachApp(t *testing.T, run func(t *testing.T, app scenarioApp)) {
	t.Helper()
	onEach(t, scenarioApps, run)
}

func onEach(t *testing.T, apps []scenarioApp, run func(t *testing.T, app scenarioApp)) {
	t.Helper()
	for _, app := range apps {
		t.Run(app.name, func(t *testing.T) {
			t.Parallel()
			run(t, app)
		})
	}
}

// options are those of a host with the app. Several hosts may have them.
func (a scenarioApp) options(t testing.TB, redis string) options {
	t.Helper()
	o := options{Redis: redis, Dir: t.TempDir()}
	if a.sdk != "go" {
		o.Root = scenarios(t, a.sdk)
		return o
	}
	var err error
	o.Program, err = goProgram("goscenarios")
	require.NoError(t, err)
	o.Root = app(t, filepath.Join("testdata", "goscenarios"), "")
	if a.forgets {
		o.Env = append(o.Env, "AzureFunctionsJobHost__extensions__durableTask__maxCachedBytes=-1")
	}
	return o
}

// named are the options for a host whose name the activity Mark notes.
func (o options) named(name string) options {
	o.Env = append([]string{"E2E_NAME=" + name}, o.Env...)
	return o
}
