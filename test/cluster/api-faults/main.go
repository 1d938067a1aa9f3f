// Stands between pods and the API server, and has requests go wrong when a test says so. Whoever asks is known to the API server by
// the token that is passed on.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

type connection struct{}

func main() {
	listen := flag.String("listen", "", "where pods are led to")
	server := flag.String("server", "", "the API server's URL")
	authority := flag.String("authority", "", "certificate that the API server's is signed by")
	certificate := flag.String("certificate", "", "certificate that is shown to pods")
	key := flag.String("key", "", "its key")
	directory := flag.String("faults", "", "directory of the faults that tests plant")
	flag.Parse()

	target, err := url.Parse(*server)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(*authority)
	if err != nil {
		log.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host
		},
		// HTTP/1.1, by which a connection can become a stream: of `exec`, say.
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, MaxIdleConnsPerHost: 100},
		FlushInterval: -1,
		// To pods, the API server is not there: not an answer of somebody between.
		ErrorHandler: func(_ http.ResponseWriter, request *http.Request, problem error) {
			log.Printf("%s %s: %v", request.Method, request.URL.Path, problem)
			cut(request)
		},
	}
	planted := &faults{directory: *directory, matched: map[string]int{}}
	front := &http.Server{
		Addr:        *listen,
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { planted.pass(proxy, w, r) }),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connection{}, c) },
	}
	log.Fatal(front.ListenAndServeTLS(*certificate, *key))
}

// Breaks a request's connection, and with it whatever else goes on in it.
func cut(request *http.Request) {
	if under, ok := request.Context().Value(connection{}).(*tls.Conn); ok {
		under.NetConn().Close()
	}
	panic(http.ErrAbortHandler)
}
