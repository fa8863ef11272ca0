package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"
)

// islandEnv is set in a test process that runs on an island.
const islandEnv = "AIMUX_E2E_ISLAND"

// OnIsland reports whether this process runs where Island put it.
func OnIsland() bool { return os.Getenv(islandEnv) != "" }

// Island runs one test function of this test binary again in a network of its
// own, where every port is free, the low ones too, and nothing leads outside.
// Names are asked of 127.0.0.1 there. It returns what the test wrote; refused
// says why the machine allows no such thing.
func Island(t T, test string, env ...string) (out string, refused, err error) {
	t.Helper()
	if err := exec.Command("/proc/self/exe", "-test.run", "^$").Run(); err != nil {
		return "", fmt.Errorf("running this test binary again: %w", err), nil
	}
	attributes := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	runtime.LockOSThread() // the signal is for the end of the thread that starts the process
	defer runtime.UnlockOSThread()
	probe := exec.Command("/proc/self/exe", "-test.run", "^$")
	probe.SysProcAttr = attributes
	if err := probe.Run(); err != nil {
		return "", fmt.Errorf("making a network namespace: %w", err), nil
	}
	c := exec.Command("/proc/self/exe", "-test.run", "^"+test+"$", "-test.v", "-test.timeout", "12m")
	c.SysProcAttr = attributes
	c.Env = append(append(os.Environ(), islandEnv+"=1"), env...)
	data, err := c.CombinedOutput()
	return string(data), nil, err
}

// Settle makes the island habitable: its loopback interface is brought up and
// its resolver asks 127.0.0.1.
func Settle(t T) {
	t.Helper()
	if err := loopbackUp(); err != nil {
		t.Fatalf("bringing the loopback interface up: %v", err)
	}
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		t.Fatalf("writing resolv.conf: %v", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatalf("making mounts private: %v", err)
	}
	if err := syscall.Mount(file, "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		t.Fatalf("mounting resolv.conf: %v", err)
	}
}

// loopbackUp sets the flag of the interface, see netdevice(7).
func loopbackUp() error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING | syscall.IFF_LOOPBACK}
	copy(request.name[:], "lo")
	if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); code != 0 {
		return code
	}
	return nil
}
