// Command gateway stands in for Apache APISIX in tests: its Admin API for routes and upstreams, its discovery in Consul, and
// the proxying that these ask for. README.md says what it has and what it leaves out.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"devstack/gateway/internal/admin"
	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/control"
	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/nginx"
	"devstack/gateway/internal/proxy"
	"devstack/gateway/internal/store"
)

const shutdownTime = 3 * time.Second

type options struct {
	admin, proxy, control string
	keyFile, consul, data string
	logLevel              slog.Level
}

func main() {
	var o options
	flag.StringVar(&o.admin, "admin", "127.0.0.1:0", "address of the Admin API")
	flag.StringVar(&o.proxy, "proxy", "127.0.0.1:0", "address of the data plane")
	flag.StringVar(&o.control, "control", "127.0.0.1:0", "address of the control API, for tests")
	flag.StringVar(&o.keyFile, "admin-key-file", "", "file with the admin key; a second line is a key that may only read")
	flag.StringVar(&o.consul, "consul", "http://127.0.0.1:8500", "address of Consul")
	flag.StringVar(&o.data, "data", "", "file that keeps the objects over a restart; none: they are lost")
	flag.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least level that is logged")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: o.logLevel})))
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if o.keyFile == "" {
		return fmt.Errorf("-admin-key-file is missing: the file with the admin key")
	}
	keys, err := admin.ReadKeys(o.keyFile)
	if err != nil {
		return err
	}
	schemas, err := apischema.Load()
	if err != nil {
		return err
	}
	objects, err := store.Open(o.data)
	if err != nil {
		return err
	}
	consul := discovery.New(o.consul, os.Getenv("CONSUL_HTTP_TOKEN"))
	gateway := proxy.New(consul, schemas)
	objects.Listen(gateway)
	go consul.Run(ctx)
	go gateway.Run(ctx)

	adminListener, adminSocket, err := control.NewListener(o.admin)
	if err != nil {
		return err
	}
	proxyListener, proxySocket, err := control.NewListener(o.proxy)
	if err != nil {
		return err
	}
	controlListener, controlSocket, err := control.NewListener(o.control)
	if err != nil {
		return err
	}
	controller := control.New(admin.New(objects, schemas, keys), objects, gateway, consul, adminListener)
	adminListener.Serve(adminSocket, http.HandlerFunc(controller.Admin))
	proxyListener.Serve(proxySocket, gateway)
	controlListener.Serve(controlSocket, controller)
	slog.Info("this is a stand-in for Apache APISIX, for tests", "server", nginx.Server, "consul", o.consul, "data", o.data)
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"ready": true, "admin": adminListener.Address(), "proxy": proxyListener.Address(), "control": controlListener.Address(),
	})
	if err != nil {
		return err
	}

	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	for _, listener := range []*control.Listener{adminListener, proxyListener, controlListener} {
		listener.Shutdown(ending)
	}
	return nil
}
