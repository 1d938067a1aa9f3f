package main

import (
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
)

// Reads an object as kubectl's typed commands send it, which is protobuf, and writes it as JSON.
func main() {
	sent, err := io.ReadAll(os.Stdin)
	var object runtime.Object
	if err == nil {
		object, _, err = scheme.Codecs.UniversalDeserializer().Decode(sent, nil, nil)
	}
	if err == nil {
		err = json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{}).Encode(object, os.Stdout)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}
