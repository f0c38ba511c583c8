package durangovet

import (
	"go/types"
	"path"
	"regexp"
	"strings"
)

// entry names what of a package is a hazard: functions and variables by name ("Now"), methods with their type ("DB.Query"), all methods
// of a type ("DB.*"), all functions ("*"), all methods ("*.*"). A name that follows a "-" is none.
type entry struct {
	hazard *hazard
	names  string
}

// standard is the standard library. What is not in here is taken for harmless; facts about the library would say that fmt.Sprintf locks.
var standard = map[string][]entry{
	"context": {
		{noIO, "Background TODO"},
		{deadline, "WithTimeout WithTimeoutCause WithDeadline WithDeadlineCause"},
		{goroutine, "AfterFunc"},
	},
	"crypto/rand": {{random, "* Reader"}},
	"database/sql": {
		{effect, "Open OpenDB DB.* Tx.* Stmt.* Conn.* Row.* Rows.*"},
	},
	"fmt": {
		{logging, "Print Printf Println"},
		{effect, "Scan Scanf Scanln"},
	},
	"hash/maphash": {{random, "MakeSeed Hash.Seed Hash.Sum64"}},
	"io/ioutil":    {{effect, "ReadDir ReadFile TempDir TempFile WriteFile"}},
	"log": {
		{exit, "Fatal Fatalf Fatalln Logger.Fatal Logger.Fatalf Logger.Fatalln"},
		{logging, "* -New Logger.Output Logger.Panic Logger.Panicf Logger.Panicln Logger.Print Logger.Printf Logger.Println"},
	},
	"log/slog": {
		{logging, "Debug DebugContext Default Error ErrorContext Info InfoContext Log LogAttrs SetDefault Warn WarnContext With"},
	},
	"log/syslog":   {{logging, "* *.*"}},
	"math/rand":    {{random, "* -New -NewSource -NewZipf"}},
	"math/rand/v2": {{random, "* -New -NewChaCha8 -NewPCG -NewZipf"}},
	"net": {
		{effect, "-CIDRMask -IPv4 -IPv4Mask -JoinHostPort -ParseCIDR -ParseIP -ParseMAC -SplitHostPort * DefaultResolver" +
			" Buffers.WriteTo Conn.* Dialer.* IPConn.* Interface.* ListenConfig.* Listener.* PacketConn.* Resolver.* TCPConn.*" +
			" TCPListener.* UDPConn.* UnixConn.* UnixListener.* conn.*"},
	},
	"net/http": {
		{effect, "Get Head ListenAndServe ListenAndServeTLS Post PostForm Serve ServeTLS DefaultClient DefaultTransport Client.*" +
			" RoundTripper.* Server.* Transport.*"},
	},
	"net/rpc":  {{effect, "* *.*"}},
	"net/smtp": {{effect, "* *.*"}},
	"os": {
		{exit, "Exit"},
		{environment, "Args Environ Executable ExpandEnv Getegid Getenv Geteuid Getgid Getgroups Getpagesize Getpid Getppid Getuid Getwd" +
			" Hostname LookupEnv TempDir UserCacheDir UserConfigDir UserHomeDir"},
		{effect, "-Expand -IsExist -IsNotExist -IsPathSeparator -IsPermission -IsTimeout -NewSyscallError -SameFile -File.Name" +
			" * Stderr Stdin Stdout File.* Process.* Root.*"},
	},
	"os/exec":       {{effect, "* *.*"}},
	"os/signal":     {{effect, "*"}},
	"os/user":       {{environment, "* User.GroupIds"}},
	"path/filepath": {{effect, "Abs EvalSymlinks Glob Walk WalkDir"}},
	"plugin":        {{effect, "* *.*"}},
	"runtime": {
		{goroutine, "Gosched"},
		{environment, "GOMAXPROCS GOROOT NumCPU NumCgoCall NumGoroutine ReadMemStats Stack"},
	},
	"runtime/debug": {
		{logging, "PrintStack"},
		{environment, "ReadBuildInfo ReadGCStats Stack"},
	},
	"sync": {
		{goroutine, "WaitGroup.Go WaitGroup.Wait"},
		{lock, "Cond.Wait Locker.Lock Mutex.Lock Mutex.TryLock RWMutex.Lock RWMutex.RLock RWMutex.TryLock RWMutex.TryRLock"},
	},
	"syscall": {{effect, "*"}},
	"time": {
		{clock, "Now Since Until"},
		{wait, "After AfterFunc NewTicker NewTimer Sleep Tick"},
		{zone, "Local Time.Local"},
	},
}

// modules are packages of others, without the version at the end of the path.
var modules = map[string][]entry{
	durablePath:                      {{client, "NewClient Client.*"}},
	"github.com/gofrs/uuid":          {{guid, "NewV1 NewV4 NewV6 NewV7"}},
	"github.com/google/uuid":         {{guid, "New NewDCEGroup NewDCEPerson NewDCESecurity NewRandom NewRandomFromReader NewString NewUUID NewV6 NewV7"}},
	"github.com/hashicorp/go-uuid":   {{guid, "GenerateRandomBytes GenerateUUID"}},
	"github.com/lithammer/shortuuid": {{guid, "New"}},
	"github.com/oklog/ulid":          {{guid, "Make Now"}},
	"github.com/rs/xid":              {{guid, "New NewWithTime"}},
	"github.com/satori/go.uuid":      {{guid, "NewV1 NewV2 NewV4"}},
	"github.com/segmentio/ksuid":     {{guid, "New NewRandom NewRandomWithTime"}},
	"github.com/sourcegraph/conc":    {{goroutine, "* *.*"}},
	"golang.org/x/exp/rand":          {{random, "* -New -NewSource -NewZipf"}},
	"golang.org/x/sync/errgroup":     {{goroutine, "* *.*"}},
	"golang.org/x/sync/semaphore":    {{lock, "*.*"}},
	"golang.org/x/sync/singleflight": {{goroutine, "*.*"}},
}

// clients are the modules of databases, queues and clouds: every function and method is taken for I/O, in all their packages but the
// false ones, which are about values.
var clients = map[string]bool{
	"cloud.google.com/go":                  true,
	"cloud.google.com/go/civil":            false,
	"github.com/aws/aws-sdk-go-v2/service": true,
	"github.com/go-redis/redis":            true,
	"github.com/gomodule/redigo":           true,
	"github.com/jackc/pgx":                 true,
	"github.com/jackc/pgx/v5/pgtype":       false,
	"github.com/jmoiron/sqlx":              true,
	"github.com/mediocregopher/radix":      true,
	"github.com/nats-io/nats.go":           true,
	"github.com/redis/go-redis":            true,
	"github.com/redis/rueidis":             true,
	"github.com/valkey-io/valkey-go":       true,
	"go.mongodb.org/mongo-driver":          true,
	"go.mongodb.org/mongo-driver/bson":     false,
	"go.mongodb.org/mongo-driver/v2/bson":  false,
	"gorm.io/gorm":                         true,
	"gorm.io/gorm/clause":                  false,
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// hazardOf says what is wrong with a function, method or package variable of another package; nil: nothing that the tables know.
func hazardOf(obj types.Object) *hazard {
	if obj.Pkg() == nil {
		return nil
	}
	pkg := obj.Pkg().Path()
	entries, known := standard[pkg]
	if !known {
		entries = modules[majorVersion.ReplaceAllString(pkg, "")]
	}
	fn, isFunc := obj.(*types.Func)
	name := obj.Name()
	if isFunc {
		name = methodName(fn)
	}
	for _, e := range entries {
		if e.has(name, isFunc) {
			return e.hazard
		}
	}
	if !known && isFunc && isClient(fn) {
		return effect
	}
	return nil
}

func (e entry) has(name string, isFunc bool) bool {
	typeName, _, isMethod := strings.Cut(name, ".")
	for pattern := range strings.FieldsSeq(e.names) {
		switch {
		case pattern == name,
			isFunc && !isMethod && pattern == "*",
			isMethod && (pattern == "*.*" || pattern == typeName+".*"):
			// An exception may stand anywhere in the list.
			return !strings.Contains(" "+e.names+" ", " -"+name+" ")
		}
	}
	return false
}

// isClient tells whether a function belongs to one of the clients. Their errors can be read without I/O.
func isClient(fn *types.Func) bool {
	if name := fn.Name(); name == "Error" || name == "String" || name == "Unwrap" || name == "Is" {
		return false
	}
	pkg := fn.Pkg().Path()

	for ; pkg != "." && pkg != "/"; pkg = path.Dir(pkg) {
		if is, listed := clients[pkg]; listed {
			return is
		}
	}
	return false
}

// methodName is a function's name, with its receiver's type before it if it is a method: "Now", "DB.Query".
func methodName(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	if named := namedOf(recv.Type()); named != nil {
		return named.Obj().Name() + "." + fn.Name()
	}
	return fn.Name()
}
