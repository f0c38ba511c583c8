package host

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/durango-functions/durango/internal/redisconn"
)

// redisClients are the Redis clients of bindings, one per address, from their first use until the host stops.
type redisClients struct {
	h       *Host
	mu      sync.Mutex
	clients map[string]*redis.Client
	closed  bool
}

// resolve returns the client for a binding's connection: the name of an app setting. Without a name, and with the name of the task hub's
// own setting when that is not set, it is the task hub's Redis, which may be the embedded one.
func (c *redisClients) resolve(connection string) (redis.UniversalClient, error) {
	a := c.h.current.Load()
	lookup := c.h.first.Lookup
	if a != nil {
		lookup = a.settings.Lookup
	}
	address := ""
	if connection != "" {
		address, _ = lookup(connection)
	}
	if address == "" && connection != "" && !strings.EqualFold(connection, c.h.config.DurableTask.StorageProvider.ConnectionName) {
		return nil, fmt.Errorf("connection '%s' is not set: give this app setting the address of Redis, such as redis://localhost:6379, "+
			"in local.settings.json or in the environment", connection)
	}
	return c.client(address, connection)
}

func (c *redisClients) client(address, connection string) (redis.UniversalClient, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errStopping
	}
	if client := c.clients[address]; client != nil {
		return client, nil
	}
	var options *redis.Options
	if address == "" {
		if options = c.h.durable.options(); options == nil {
			return nil, errors.New("the task hub's Redis is not connected yet")
		}
	} else {
		parsed, err := redisconn.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("connection '%s': %w", connection, err)
		}
		options = parsed
	}
	client := redis.NewClient(options)
	if c.clients == nil {
		c.clients = map[string]*redis.Client{}
	}
	c.clients[address] = client
	return client, nil
}

// close closes the clients; there are none afterwards.
func (c *redisClients) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, client := range c.clients {
		errs = append(errs, client.Close())
	}
	return errors.Join(errs...)
}
