// Receives what a notifier tells, by HTTPS, with an authority of its own, and writes down a line for each request.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

type request struct {
	Path    string      `json:"path"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body"`
}

func main() {
	listen := flag.String("listen", "", "address and port")
	authority := flag.String("authority", "", "where the authority's certificate is written")
	requests := flag.String("requests", "", "where requests are written")
	flag.Parse()

	host, _, err := net.SplitHostPort(*listen)
	check(err)
	certificate := certify(host, *authority)
	file, err := os.OpenFile(*requests, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(err)
	var writing sync.Mutex
	handler := http.HandlerFunc(func(writer http.ResponseWriter, asked *http.Request) {
		body, _ := io.ReadAll(asked.Body)
		line, err := json.Marshal(request{asked.URL.RequestURI(), asked.Header, string(body)})
		check(err)
		writing.Lock()
		defer writing.Unlock()
		_, err = file.Write(append(line, '\n'))
		check(err)
	})
	server := &http.Server{Addr: *listen, Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	log.Fatal(server.ListenAndServeTLS("", ""))
}

// A certificate for an address, by an authority that nobody else knows.
func certify(host string, file string) tls.Certificate {
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	check(err)
	check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644))
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.ParseIP(host)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err = x509.CreateCertificate(rand.Reader, server, authority, &own.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: own}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
