// A Go service that answers GET /v1/users/{userId} out of the same Redis hashes as ours, built to be as cheap as its
// author knows how: what the hot read of the users service is compared with. bench/README.md says what was tried.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/labstack/echo/v4"
)

// entry is a user as Redis holds it. An empty body: there is no such user.
type entry struct {
	version, body string
	// near: it came out of this process's own memory.
	near bool
}

// A reader answers the entry of the hash with this key.
type reader func(key string) (entry, error)

var readers = map[string]func(redis, prefix string) (reader, error){
	"goredis": goRedisReader,
	"rueidis": rueidisReader,
}

func main() {
	client := flag.String("client", "", "goredis or rueidis")
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	redis := flag.String("redis", "", "address of Redis")
	prefix := flag.String("prefix", "", "what a user's key begins with; the id follows")
	tag := flag.String("tag", "", "what a user's entity tag begins with, without the quote; the version follows")
	flag.Parse()

	connect, known := readers[*client]
	if !known {
		log.Fatalf("there is no client %q", *client)
	}
	read, err := connect(*redis, *prefix)
	if err != nil {
		log.Fatal(err)
	}
	// No middleware: each costs every request something, and none is needed for what is compared.
	router := echo.New()
	router.GET("/v1/users/:id", getUser(read, *prefix, *tag))
	// No timeouts: each is a timer or two a request.
	server := &http.Server{Addr: *listen, Handler: router}
	go endOnSignal(server)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

func endOnSignal(server *http.Server) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
