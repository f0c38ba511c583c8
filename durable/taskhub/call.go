package taskhub

// call is one call of a script, and what became of it.
type call struct {
	script *script
	key    string
	args   words
	// changes is how many changes the call is to commit, epoch that of the partition; 0: it is no commit.
	changes int
	epoch   int64

	// withSource has the server learn the script from the call.
	withSource bool

	batch *batch
	reply any
	err   error
}

// weight is about how much work the call is for the server.
func (c *call) weight() int { return max(c.changes, 1) }

// command is what the server gets for a call, or for some that commit to the same partition.
type command struct {
	calls   []*call
	changes int
	reply   any
	err     error
}

// together makes commands of calls, which keep their order at each partition.
func together(calls []*call) []command {
	var commands []command
	last := map[string]int{} // the last command to a partition
	for i, c := range calls {
		if at, ok := last[c.key]; ok && commands[at].takes(c) {
			commands[at].calls = append(commands[at].calls, c)
			commands[at].changes += c.changes
			continue
		}
		last[c.key] = len(commands)
		commands = append(commands, command{calls: calls[i : i+1 : i+1], changes: c.changes})
	}
	return commands
}

func (m *command) takes(c *call) bool {
	first := m.calls[0]
	return first.changes > 0 && c.changes > 0 && first.epoch == c.epoch && m.changes+c.changes <= scriptChanges
}

// append adds the command in the form in which it is sent.
func (m *command) append(b []byte) []byte {
	first := m.calls[0]
	n := 4
	if first.changes > 0 {
		n++
	}
	for _, c := range m.calls {
		n += c.args.n
	}
	w := words{b: appendHead(b, '*', n)}
	if first.withSource {
		w.text("EVAL", first.script.source, "1", first.key)
	} else {
		w.text("EVALSHA", first.script.sha, "1", first.key)
	}
	if first.changes > 0 {
		w.number(first.epoch)
	}
	for _, c := range m.calls {
		w.b = append(w.b, c.args.b...)
	}
	return w.b
}

// share gives the calls their parts of the reply.
func (m *command) share() {
	replies, isList := m.reply.([]any)
	for _, c := range m.calls {
		c.reply, c.err = m.reply, m.err
		if isList && len(m.calls) > 1 {
			n := min(c.changes, len(replies))
			c.reply, replies = replies[:n:n], replies[n:]
		}
	}
}
