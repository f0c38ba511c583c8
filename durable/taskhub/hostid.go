package taskhub

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// LocalHostID makes the ID of this process as a host. Besides being unique it says where the process runs, so that another host
// on the same machine can tell that it has died and need not wait for its lease to end.
//
// Form: <host name>~<boot and pid namespace>~<pid>~<start time>~<random>.
func LocalHostID() string {
	return HostIDOf(os.Getpid(), startTime(os.Getpid()))
}

// HostIDOf makes the ID of a process of this machine, given when it started in the kernel's clock ticks.
func HostIDOf(pid int, start string) string {
	name, err := os.Hostname()
	if err != nil {
		name = "host"
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return strings.Join([]string{
		strings.ReplaceAll(name, "~", "-"), machine(), strconv.Itoa(pid), start, hex.EncodeToString(random),
	}, "~")
}

// hasDied reports whether the host was a process of this machine that is gone. In doubt it has not died.
func hasDied(hostID string) bool {
	parts := strings.Split(hostID, "~")
	if len(parts) != 5 || parts[1] == "" || parts[1] != machine() {
		return false
	}
	pid, err := strconv.Atoi(parts[2])
	if err != nil {
		return false
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	start := startTime(pid)
	return start != "" && start != parts[3]
}

// machine names this boot of this machine and this pid namespace, "" where the system does not tell.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(boot) < 8 {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return string(boot[:8]) + strings.Trim(strings.TrimPrefix(ns, "pid:"), "[]")
}

// startTime is when the process started, in the kernel's clock ticks, "" when it cannot be told or the process has ended but was not
// waited for.
func startTime(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The command's name stands in parentheses and may hold anything; the fields are counted behind it.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return ""
	}
	if fields[0] == "Z" {
		return "ended"
	}
	return fields[19]
}
