package main

import (
	"context"
	"errors"
	"io"
	"net"
)

// relay listens at ports of the gateway, the address of this machine that containers see, and hands every connection on to
// the same port on loopback, where our servers listen and nothing else of the network reaches them. It ends with the context.
func relay(ctx context.Context, gateway string, ports []string) error {
	var config net.ListenConfig
	for _, port := range ports {
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(gateway, port))
		if err != nil {
			return err
		}
		defer listener.Close()
		go accept(ctx, listener, net.JoinHostPort("127.0.0.1", port))
	}
	<-ctx.Done()
	return nil
}

func accept(ctx context.Context, listener net.Listener, to string) {
	for {
		caller, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go lead(ctx, caller, to)
		}
	}
}

// lead copies both ways until both sides have said everything.
func lead(ctx context.Context, caller net.Conn, to string) {
	defer caller.Close()
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pour(server, caller)
	}()
	pour(caller, server)
	<-done
}

func pour(into, from net.Conn) {
	io.Copy(into, from)
	if half, ok := into.(*net.TCPConn); ok {
		half.CloseWrite()
	}
}
