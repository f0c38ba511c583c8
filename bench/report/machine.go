package report

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what the figures were taken on. Names that tell which machine it was are left out.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Redis  string `json:"redis"`
}

// ThisMachine describes the machine.
func ThisMachine(redisVersion string) Machine {
	return Machine{
		CPU: cmp.Or(procValue("/proc/cpuinfo", "model name"), runtime.GOARCH), Cores: runtime.NumCPU(), Memory: memory(),
		Kernel: kernel(), Go: strings.TrimPrefix(runtime.Version(), "go"), Redis: redisVersion,
	}
}

func (m Machine) String() string {
	return fmt.Sprintf("%d cores of %s, %s, %s, Go %s, Redis %s", m.Cores, m.CPU, m.Memory, m.Kernel, m.Go, m.Redis)
}

func kernel() string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(data))
}

func memory() string {
	kb, _ := strconv.Atoi(strings.TrimSuffix(procValue("/proc/meminfo", "MemTotal"), " kB"))
	return fmt.Sprintf("%d GB", (kb+1<<19)>>20)
}

// procValue finds "key : value" in a file of /proc.
func procValue(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
