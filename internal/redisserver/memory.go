package redisserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// startMemory starts a server in this process. It listens on a loopback port, so it asks for a password that only this process knows.
func startMemory(cfg Config) (*Server, error) {
	m := miniredis.NewMiniRedis()
	password := rand.Text()
	m.RequireAuth(password)
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("starting the Redis in memory: %w", err)
	}
	cfg.Logger.Warn(fmt.Sprintf("state will not survive a restart: %s is not on PATH", cfg.Command))
	stopAgeing := Age(m)
	var once sync.Once
	return &Server{
		options: optionsFor("tcp", m.Addr(), password),
		stop: func(context.Context) error {
			once.Do(func() {
				stopAgeing()
				m.Close()
			})
			return nil
		},
	}, nil
}
