// Package ceiling asks how fast Redis could do durango's commits if there were no engine at all.
//
// A proxy stands between durango and a redis-server and records what HelloSequence5 sends: every command, byte by byte, in the order in which
// the server ran them, with the replies. Then the commands that change data, the commits, are sent again by a bare loop to a fresh server in
// the state that the first one had when the recording began: the same owner, the same epochs, the same scripts. As many are on the way at
// once as orchestrations were in flight. Each reply must be what it was, numbers that are times apart; a commit that is refused fails the run.
//
// So that the second server makes the same stream IDs as the first, which commits name later, all streams are first moved to an ID far in
// the future, from where Redis counts on by one.
package ceiling
