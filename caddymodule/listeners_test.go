//go:build unix

package caddymodule

import (
	"net"
	goruntime "runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// inherit returns the number of a descriptor of a listener at address, as a
// process has it that was started with one: no *os.File of its own knows of it.
func inherit(t *testing.T, address string) (number string, listens string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		socket(uintptr(fd)).Close()
		sockets.Lock()
		defer sockets.Unlock()
		delete(sockets.files, uintptr(fd))
	})
	return strconv.Itoa(fd), l.Addr().String()
}

// collected waits until what is not used has been collected, and what that closes
// is closed.
func collected(t *testing.T) {
	t.Helper()
	for range 2 { // finalizers of one round run in any order
		done := make(chan struct{})
		goruntime.SetFinalizer(new([64]byte), func(*[64]byte) { close(done) })
		goruntime.GC()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing is collected")
		}
	}
}

func TestInherited_LookingAtASocketDoesNotCloseIt(t *testing.T) {
	number, address := inherit(t, "127.0.0.1:0")
	for i := range 5 {
		if open, err := inherited(number); err != nil || open {
			t.Fatalf("look %d: %t, %v", i+1, open, err)
		}
		collected(t)
	}
	fd, _ := strconv.Atoi(number)
	l, err := net.FileListener(socket(uintptr(fd)))
	if err != nil {
		t.Fatalf("the socket was closed: %v", err)
	}
	defer l.Close()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	for _, do := range []func() (net.Conn, error){func() (net.Conn, error) { return net.Dial("tcp", address) }, l.Accept} {
		conn, err := do()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
}

func TestInherited_WhetherOthersReachASocketIsAskedOfTheSocket(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:0": false, "[::1]:0": false, "0.0.0.0:0": true} {
		t.Run(address, func(t *testing.T) {
			number, _ := inherit(t, address)
			for _, listen := range []string{"fd/" + number, "fd/0" + number} {
				if open, err := reachable(listen); err != nil || open != want {
					t.Errorf("%s: %t, %v", listen, open, err)
				}
			}
		})
	}
}

func TestInherited_WhatIsNoSocketIsAnError(t *testing.T) {
	for _, number := range []string{"", "-1", "three", "65536", "65535"} {
		if open, err := inherited(number); err == nil {
			t.Errorf("%q: %t", number, open)
		}
	}
}
