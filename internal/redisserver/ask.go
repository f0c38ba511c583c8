package redisserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// askTimeout bounds one question to a server on a local socket.
const askTimeout = time.Second

// ask sends one command without arguments that need quoting and returns the first line of the answer. It speaks the protocol itself:
// a go-redis client retries, pools and logs, all in the way of short questions to a server that may not be there yet.
func ask(ctx context.Context, socket, command string) (string, error) {
	dialer := net.Dialer{Timeout: askTimeout}
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := conn.SetDeadline(time.Now().Add(askTimeout)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// ready reports whether the server has its data in memory; loading says that it is alive and on its way.
func ready(ctx context.Context, socket string) (ok, loading bool, err error) {
	answer, err := ask(ctx, socket, "PING")
	switch {
	case err != nil:
		return false, false, err
	case answer == "+PONG":
		return true, false, nil
	case strings.HasPrefix(answer, "-LOADING"):
		return false, true, nil
	default:
		return false, false, fmt.Errorf("the server at %s answers PING with %q", socket, answer)
	}
}
