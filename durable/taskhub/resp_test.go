package taskhub

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadReply(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sent string
		want any
		err  string
	}{
		"status":            {sent: "+OK\r\n", want: "OK"},
		"number":            {sent: ":-12\r\n", want: int64(-12)},
		"text":              {sent: "$5\r\na\r\nbc\r\n", want: "a\r\nbc"},
		"empty text":        {sent: "$0\r\n\r\n", want: ""},
		"no text":           {sent: "$-1\r\n", want: nil},
		"no list":           {sent: "*-1\r\n", want: nil},
		"list":              {sent: "*4\r\n:1\r\n$-1\r\n*1\r\n$1\r\nx\r\n*0\r\n", want: []any{int64(1), nil, []any{"x"}, []any{}}},
		"error in a list":   {sent: "*2\r\n-ERR a\r\n:1\r\n", want: []any{replyError("ERR a"), int64(1)}},
		"error":             {sent: "-NOSCRIPT no\r\n", err: "NOSCRIPT no"},
		"cut line":          {sent: ":1", err: "EOF"},
		"cut text":          {sent: "$5\r\nab", err: "unexpected EOF"},
		"cut list":          {sent: "*2\r\n:1\r\n", err: "EOF"},
		"no number":         {sent: ":1x\r\n", err: `number "1x"`},
		"huge number":       {sent: ":1234567890123456789\r\n", err: "number"},
		"huge text":         {sent: "$99999999999\r\n", err: "announced 99999999999"},
		"other line ends":   {sent: "+OK\n", err: "another protocol"},
		"of RESP 3":         {sent: "%1\r\n+a\r\n:1\r\n", err: "another protocol"},
		"line without kind": {sent: "\r\n", err: "another protocol"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readReply(bufio.NewReader(strings.NewReader(tt.sent)))
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCommandsAreSentAsTheServerReadsThem(t *testing.T) {
	t.Parallel()
	first := &call{script: commitScript, key: "{h:1}:", changes: 1, epoch: 7}
	size := first.args.later()
	for _, v := range []any{"i", []byte("b\r\n"), json.RawMessage(`{}`), -3, int64(4)} {
		require.NoError(t, first.args.any(v))
	}
	first.args.set(size, 120)
	require.ErrorContains(t, first.args.any(1.5), "float64")
	second := &call{script: commitScript, key: "{h:1}:", changes: 1, epoch: 7}
	second.args.text("j")
	m := together([]*call{first, second})
	require.Len(t, m, 1)
	got, err := readReply(bufio.NewReader(strings.NewReader(string(m[0].append(nil)))))
	require.NoError(t, err)
	require.Equal(t, []any{
		"EVALSHA", commitScript.sha, "1", "{h:1}:", "7", "     120", "i", "b\r\n", "{}", "-3", "4", "j",
	}, got)
}

func TestCallsGoTogether(t *testing.T) {
	t.Parallel()
	commit := func(key string, epoch int64, changes int) *call {
		return &call{script: commitScript, key: key, epoch: epoch, changes: changes}
	}
	a1, a2, a3, b, read, newer := commit("a", 1, 1), commit("a", 1, 2), commit("a", 1, scriptChanges-3), commit("b", 1, 1), &call{script: loadScript, key: "a"}, commit("a", 2, 1)
	var got [][]*call
	for _, m := range together([]*call{a1, b, a2, a3, a1, read, a2, newer}) {
		got = append(got, m.calls)
	}
	require.Equal(t, [][]*call{{a1, a2, a3}, {b}, {a1}, {read}, {a2}, {newer}}, got)

	m := command{calls: []*call{a1, a2}, reply: []any{int64(0), int64(-2), []any{int64(0)}}}
	m.share()
	require.Equal(t, []any{int64(0)}, a1.reply)
	require.Equal(t, []any{int64(-2), []any{int64(0)}}, a2.reply)
	fenced := command{calls: []*call{a1, a2}, reply: int64(commitFenced)}
	fenced.share()
	require.Equal(t, int64(commitFenced), a1.reply)
	require.Equal(t, int64(commitFenced), a2.reply)
}
