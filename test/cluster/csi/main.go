// A CSI driver for tests: volumes are file systems in images, snapshots are of one instant, alone or in groups, and go wrong when a
// test says so. It serves the provisioner, the snapshotter and the kubelet of one node.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	name := flag.String("driver", "snapshots.csi.example", "what classes call the driver")
	nodeName := flag.String("node", "node", "the node's name")
	kubelet := flag.String("kubelet", "/var/lib/kubelet", "the kubelet's directory")
	file := flag.String("pool", "/var/lib/csi/pool.img", "the file that holds all volumes and snapshots")
	bytes := flag.Int64("pool-bytes", 64<<30, "its size; it takes only what is written")
	faults := flag.String("faults", "/var/lib/csi/faults.json", "the faults that tests plant")
	flag.Parse()

	storage, err := openPool(*file, filepath.Join(filepath.Dir(*file), "pool"), *bytes)
	if err != nil {
		log.Fatal(err)
	}
	endpoint := filepath.Join(*kubelet, "plugins", *name, "csi.sock")
	driver := grpc.NewServer(grpc.UnaryInterceptor(logged))
	serves := &controller{pool: storage, faults: *faults}
	csi.RegisterIdentityServer(driver, &identity{name: *name})
	csi.RegisterControllerServer(driver, serves)
	csi.RegisterGroupControllerServer(driver, serves)
	csi.RegisterNodeServer(driver, &node{pool: storage, name: *nodeName})
	registrar := grpc.NewServer()
	registration.RegisterRegistrationServer(registrar, &registered{name: *name, endpoint: endpoint})

	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	go serve(driver, endpoint)
	go serve(registrar, filepath.Join(*kubelet, "plugins_registry", *name+"-reg.sock"))
	<-ended
	registrar.Stop()
	driver.GracefulStop()
}

func serve(server *grpc.Server, socket string) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		log.Fatal(err)
	}
	// One that a driver left which was killed.
	if err := os.RemoveAll(socket); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	response, err := handle(ctx, request)
	if err != nil || filepath.Base(info.FullMethod) != "Probe" {
		log.Printf("%s %v: %v %v", filepath.Base(info.FullMethod), request, response, err)
	}
	return response, err
}
