// Package effects has orchestrators that do I/O and look at what is around them.
package effects

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/durango-functions/durango/durable"
	"github.com/redis/go-redis/v9"
)

func Files(o *durable.Orchestration) {
	data, _ := os.ReadFile("a") // want `orchestrator Files calls os\.ReadFile: each replay does it again, and may see another outcome; move it to an activity, or record its result with durable\.SideEffect`
	f, _ := os.Create("b")      // want `calls os\.Create`
	f.Write(data)               // want `calls os\.File\.Write`
	bufio.NewScanner(os.Stdin)  // want `uses os\.Stdin`
	filepath.Glob("*")          // want `calls filepath\.Glob`
	exec.Command("true").Run()  // want `calls exec\.(Command|Cmd\.Run)`
}

func Environment(o *durable.Orchestration) {
	_ = os.Getenv("A")         // want `orchestrator Environment calls os\.Getenv: a replay, perhaps on another host, may see another value; pass it as input, or record it with durable\.SideEffect`
	_, _ = os.Hostname()       // want `calls os\.Hostname`
	_ = os.Args[0]             // want `uses os\.Args`
	_ = runtime.NumGoroutine() // want `calls runtime\.NumGoroutine`
	os.Exit(1)                 // want `calls os\.Exit: it ends the host with all that runs there; return an error`
}

func Network(o *durable.Orchestration, conn net.Conn) {
	http.Get("http://localhost")   // want `orchestrator Network calls http\.Get`
	http.DefaultClient.Get("")     // want `uses http\.DefaultClient`
	(&http.Client{}).Do(nil)       // want `calls http\.Client\.Do`
	net.Dial("tcp", "localhost:1") // want `calls net\.Dial`
	conn.Write(nil)                // want `calls net\.Conn\.Write`
}

func Databases(o *durable.Orchestration, db *sql.DB, rdb *redis.Client, ctx context.Context) {
	db.Query("select 1")         // want `orchestrator Databases calls sql\.DB\.Query`
	rdb.Get(ctx, "key").Result() // want `calls redis\.Client\.Get`
	redis.NewClient(nil)         // want `calls redis\.NewClient`
}

func Logs(o *durable.Orchestration) {
	log.Printf("a")             // want `orchestrator Logs calls log\.Printf: each replay writes it again; use o\.Logger\(\)`
	log.Fatal("a")              // want `calls log\.Fatal: it ends the host`
	log.New(nil, "", 0).Print() // want `calls log\.Logger\.Print`
	slog.Info("a")              // want `calls slog\.Info`
	slog.Default().Info("a")    // want `calls slog\.Default`
	fmt.Println("a")            // want `calls fmt\.Println`
	println("a")                // want `calls println`
	fmt.Fprintln(os.Stderr)     // want `uses os\.Stderr`
}

func Contexts(o *durable.Orchestration, parent context.Context) {
	ctx := context.Background()                          // want `orchestrator Contexts calls context\.Background: what takes a context does I/O or waits, and each replay does it again; move that to an activity`
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want `calls context\.WithTimeout: the deadline is one of the host's clock; await the task and o\.CreateTimer with durable\.WhenAny`
	defer cancel()
	o.Logger().Log(context.TODO(), slog.LevelInfo, "a") // a logger wants one
	_ = ctx
}

func Clients(o *durable.Orchestration, client *durable.Client, ctx context.Context) {
	client.StartNew(ctx, "Other", nil) // want `orchestrator Clients calls durable\.Client\.StartNew: each replay does it again; use the methods of \*durable\.Orchestration, or use the client in an activity`
}

func Fine(o *durable.Orchestration, in json.RawMessage) error {
	o.Logger().Info("started")
	u, err := url.Parse("http://localhost/" + strings.ToUpper(fmt.Sprintf("%d", http.StatusOK)))
	if errors.Is(err, os.ErrNotExist) || os.IsNotExist(err) {
		return fmt.Errorf("parsing %s: %w", u, err)
	}
	header := http.Header{}
	header.Set("A", "b")
	if net.ParseIP("127.0.0.1") == nil || filepath.Join("a", "b") == "" || runtime.GOOS == "" {
		return errors.New("no")
	}
	var v map[string]any
	if err := json.Unmarshal(in, &v); err != nil {
		return err
	}
	host, err := durable.SideEffect(o, func() string {
		name, _ := os.Hostname()
		return name
	})
	fmt.Fprintln(&strings.Builder{}, host)
	return err
}
