package ceiling

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// exchange is a command with its reply.
type exchange struct {
	*command
	reply []byte
}

// proxy stands between clients and a redis-server. It lets one batch of commands through at a time, so that it knows in which order the
// server ran them; only commands that wait, and subscriptions, pass beside.
type proxy struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	turn sync.Mutex // held while a batch is at the server
	// below: guarded by turn
	recording bool
	record    []exchange
	scripts   [][]byte // sources of the scripts that clients have used
	resp3     bool     // clients speak RESP3
	failed    error

	mu    sync.Mutex
	conns map[net.Conn]bool // nil when closed
}

func startProxy(server string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, server: server, conns: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.connect(client) })
		}
	})
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
	p.mu.Unlock()
	p.wg.Wait()
}

// track hands the connection to close; false when everything is closed already, and then so is the connection.
func (p *proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *proxy) connect(client net.Conn) {
	if !p.track(client) {
		return
	}
	defer p.forget(client)
	server, err := net.Dial("tcp", p.server)
	if err != nil || !p.track(server) {
		return
	}
	defer p.forget(server)
	err = p.serve(client, server)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		p.turn.Lock()
		defer p.turn.Unlock()
		p.failed = errors.Join(p.failed, err)
	}
}

func (p *proxy) serve(client, server net.Conn) error {
	fromClient, fromServer := bufio.NewReaderSize(client, 1<<16), bufio.NewReaderSize(server, 1<<16)
	for {
		// What the client has sent in one go, as a pipeline, goes on in one go.
		var batch []*command
		for len(batch) == 0 || fromClient.Buffered() > 0 {
			c, err := readCommand(fromClient)
			if err != nil {
				return err
			}
			batch = append(batch, c)
		}
		for len(batch) > 0 {
			if batch[0].subscribes() {
				return p.passThrough(client, server, batch, fromClient, fromServer)
			}
			n := 1
			for !batch[0].waits() && n < len(batch) && !batch[n].waits() && !batch[n].subscribes() {
				n++
			}
			replies, err := p.exchange(server, fromServer, batch[:n])
			if err != nil {
				return err
			}
			if _, err := client.Write(replies); err != nil {
				return err
			}
			batch = batch[n:]
		}
	}
}

// exchange sends commands to the server and returns its replies.
func (p *proxy) exchange(server net.Conn, fromServer *bufio.Reader, batch []*command) ([]byte, error) {
	waits := batch[0].waits()
	if !waits {
		p.turn.Lock()
		defer p.turn.Unlock()
	}
	var sent, all []byte
	for _, c := range batch {
		sent = append(sent, c.raw...)
	}
	if _, err := server.Write(sent); err != nil {
		return nil, err
	}
	for _, c := range batch {
		at := len(all)
		var err error
		if all, err = readReply(all, fromServer); err != nil {
			return nil, err
		}
		if !waits {
			p.note(c, all[at:len(all):len(all)])
		}
	}
	return all, nil
}

// note keeps what a replay needs: the exchange itself, and the scripts.
func (p *proxy) note(c *command, reply []byte) {
	switch {
	case c.arg(0) == "EVAL" || c.arg(0) == "EVAL_RO":
		p.scripts = append(p.scripts, c.args[1])
	case c.arg(0) == "SCRIPT" && c.arg(1) == "LOAD":
		p.scripts = append(p.scripts, c.args[2])
	case c.arg(0) == "HELLO" && c.arg(1) == "3":
		p.resp3 = reply[0] != '-'
	case c.arg(0) == "FUNCTION", c.arg(0) == "MULTI" && p.recording:
		p.failed = fmt.Errorf("the recorder does not know how to replay %s", c.arg(0))
	}
	if p.recording {
		p.record = append(p.record, exchange{c, reply})
	}
}

// passThrough copies bytes both ways until one side closes.
func (p *proxy) passThrough(client, server net.Conn, batch []*command, fromClient, fromServer *bufio.Reader) error {
	for _, c := range batch {
		if _, err := server.Write(c.raw); err != nil {
			return err
		}
	}
	p.wg.Go(func() {
		_, _ = io.Copy(client, fromServer)
		_ = client.Close()
	})
	_, err := io.Copy(server, fromClient)
	_ = server.Close()
	return err
}

func shaOf(script []byte) string {
	sum := sha1.Sum(script)
	return hex.EncodeToString(sum[:])
}
