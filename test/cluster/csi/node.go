package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type node struct {
	csi.UnimplementedNodeServer
	pool *pool
	name string
}

func (n *node) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name}, nil
}

func (n *node) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	response := &csi.NodeGetCapabilitiesResponse{}
	for _, may := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.NodeServiceCapability_RPC{Type: may}
		response.Capabilities = append(response.Capabilities, &csi.NodeServiceCapability{Type: &csi.NodeServiceCapability_Rpc{Rpc: rpc}})
	}
	return response, nil
}

// Mounts the volume once for all pods of the node.
func (n *node) NodeStageVolume(_ context.Context, request *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	n.pool.mutex.Lock()
	defer n.pool.mutex.Unlock()
	target := request.GetStagingTargetPath()
	if !isMounted(target) {
		if err := answer(mount(target, n.pool.image(request.GetVolumeId()), "loop")); err != nil {
			return nil, err
		}
	}
	return &csi.NodeStageVolumeResponse{}, nil
}

func (n *node) NodeUnstageVolume(_ context.Context, request *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	return &csi.NodeUnstageVolumeResponse{}, answer(unmount(request.GetStagingTargetPath()))
}

func (n *node) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if isMounted(request.GetTargetPath()) {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	options := "bind"
	if request.GetReadonly() {
		options = "bind,ro"
	}
	return &csi.NodePublishVolumeResponse{}, answer(mount(request.GetTargetPath(), request.GetStagingTargetPath(), options))
}

func (n *node) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if err := answer(unmount(request.GetTargetPath())); err != nil {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, answer(os.RemoveAll(request.GetTargetPath()))
}

func isMounted(path string) bool { return exec.Command("mountpoint", "--quiet", path).Run() == nil }

func mount(target, source, options string) error {
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	return run("mount", "--options", options, source, target)
}

func unmount(path string) error {
	if !isMounted(path) {
		return nil
	}
	return run("umount", path)
}

func answer(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Internal, err.Error())
}
