package redisconn

import "fmt"

// String says in plain words what the server is and what the state in it will survive.
func (r Report) String() string {
	if r.InMemory {
		return "Redis in memory of this process: state does not survive a restart"
	}
	s := "Redis"
	if r.Version != "" {
		s += " " + r.Version
	}
	s += ": " + r.survives()
	switch {
	case r.Replicas == 1:
		s += "; it has 1 replica"
	case r.Replicas > 1:
		s += fmt.Sprintf("; it has %d replicas", r.Replicas)
	}
	if r.evicting() {
		s += fmt.Sprintf("; its maxmemory-policy %s would drop state if it had a memory limit", r.MaxMemoryPolicy)
	}
	return s
}

func (r Report) survives() string {
	snapshots := ""
	if r.SaveKnown && r.Save != "" {
		snapshots = fmt.Sprintf(" since its last snapshot (save %q)", r.Save)
	}
	switch {
	case r.AppendOnly == "yes" && r.AppendFsync == "always":
		return "state survives a crash of Redis and of its machine (appendonly yes, appendfsync always)"
	case r.AppendOnly == "yes" && r.AppendFsync == "everysec":
		return "state survives a crash of Redis while its disk keeps up; with a slow disk, or a crash of its machine, up to two seconds are lost (appendonly yes, appendfsync everysec)"
	case r.AppendOnly == "yes" && r.AppendFsync == "no":
		return "state survives a crash of Redis; a crash of its machine loses what the operating system had not written yet, about half a minute (appendonly yes, appendfsync no)"
	case r.AppendOnly == "yes":
		return "state survives a crash of Redis (appendonly yes); it does not tell how often it writes to disk (appendfsync)"
	case r.AppendOnly == "no" && snapshots != "":
		return "a crash of Redis loses what has changed" + snapshots + "; set appendonly yes to keep it"
	case r.AppendOnly == "no" && r.SaveKnown:
		return "a restart of Redis loses all state (appendonly no, save \"\"); set appendonly yes to keep it"
	case r.AppendOnly == "no":
		return "a crash of Redis loses at least what has changed since its last snapshot, if it makes any (appendonly no)"
	}
	return "it does not tell what it will survive (neither INFO nor CONFIG names appendonly)"
}
