// Command goserver is a service that knows nothing of Consul: it answers every request with ok, and on SIGTERM stops at
// once, as the worst of servers do. It says on stdout when the signal came.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Printf("%.3f SIGTERM\n", float64(time.Now().UnixMilli())/1000)
		os.Exit(0)
	}()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	bind := os.Getenv("SERVER_BIND")
	if bind == "" {
		bind = "127.0.0.1"
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(bind+":"+os.Getenv("SERVICE_PORT"), handler))
	os.Exit(1)
}
