// Command durango runs function apps and durable orchestrations on Redis.
package main

import (
	"os"

	"github.com/durango-functions/durango"
)

func main() {
	os.Exit(durango.Main())
}
