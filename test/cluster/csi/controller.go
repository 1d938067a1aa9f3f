package main

import (
	"context"
	"sort"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Below that, ext4 has no room for its journal.
const smallest = 16 << 20

type controller struct {
	csi.UnimplementedControllerServer
	csi.UnimplementedGroupControllerServer
	pool   *pool
	faults string
}

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, may := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.ControllerServiceCapability_RPC{Type: may}
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{Type: &csi.ControllerServiceCapability_Rpc{Rpc: rpc}})
	}
	return response, nil
}

func (c *controller) GroupControllerGetCapabilities(context.Context, *csi.GroupControllerGetCapabilitiesRequest) (*csi.GroupControllerGetCapabilitiesResponse, error) {
	rpc := &csi.GroupControllerServiceCapability_RPC{Type: csi.GroupControllerServiceCapability_RPC_CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT}
	may := &csi.GroupControllerServiceCapability{Type: &csi.GroupControllerServiceCapability_Rpc{Rpc: rpc}}
	return &csi.GroupControllerGetCapabilitiesResponse{Capabilities: []*csi.GroupControllerServiceCapability{may}}, nil
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	confirmed := &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: request.GetVolumeCapabilities()}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: confirmed}, nil
}

func (c *controller) CreateVolume(_ context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	for _, wanted := range request.GetVolumeCapabilities() {
		if wanted.GetBlock() != nil {
			return nil, status.Error(codes.InvalidArgument, "volumes have file systems here")
		}
	}
	source := request.GetVolumeContentSource()
	made, there := c.pool.volumeNamed(request.GetName())
	if !there {
		parameters := request.GetParameters()
		wanted := volume{
			Name:      request.GetName(),
			Namespace: parameters["csi.storage.k8s.io/pvc/namespace"],
			Claim:     parameters["csi.storage.k8s.io/pvc/name"],
			Bytes:     max(request.GetCapacityRange().GetRequiredBytes(), smallest),
		}
		image, done, err := c.imageOf(source)
		if err != nil {
			return nil, err
		}
		defer done()
		if made, err = c.pool.addVolume(wanted, image); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{VolumeId: made.ID, CapacityBytes: made.Bytes, ContentSource: source}}, nil
}

// The image that a new volume is a copy of, and what has to be done when it has been copied.
func (c *controller) imageOf(source *csi.VolumeContentSource) (string, func(), error) {
	nothing := func() {}
	switch {
	case source.GetSnapshot() != nil:
		s, there := c.pool.Snapshots[source.GetSnapshot().GetSnapshotId()]
		if !there {
			return "", nothing, status.Errorf(codes.NotFound, "snapshot %s does not exist", source.GetSnapshot().GetSnapshotId())
		}
		return c.pool.imageOf(s), nothing, nil
	case source.GetVolume() != nil:
		v, there := c.pool.Volumes[source.GetVolume().GetVolumeId()]
		if !there {
			return "", nothing, status.Errorf(codes.NotFound, "volume %s does not exist", source.GetVolume().GetVolumeId())
		}
		cut, _, err := c.pool.cut()
		if err != nil {
			return "", nothing, status.Error(codes.Internal, err.Error())
		}
		return c.pool.imageOf(snapshot{Cut: cut, Volume: v.ID}), func() { _ = c.pool.dropCut(cut) }, nil
	}
	return "", nothing, nil
}

func (c *controller) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	if err := c.pool.removeVolume(request.GetVolumeId()); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteVolumeResponse{}, nil
}

func (c *controller) CreateSnapshot(ctx context.Context, request *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	made, there := c.pool.snapshotNamed(request.GetName())
	if there && made.Volume != request.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is of volume %s", request.GetName(), made.Volume)
	}
	if !there {
		cut, err := c.cutOf(ctx, []string{request.GetSourceVolumeId()})
		if err != nil {
			return nil, err
		}
		if made, err = c.addMember(request.GetName(), "", request.GetSourceVolumeId(), cut); err != nil {
			return nil, err
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: asSnapshot(made)}, nil
}

// What a cut was made for: the volumes, all at one instant, unless a fault befalls it.
type made struct {
	cut   string
	at    time.Time
	ready bool
}

func (c *controller) cutOf(ctx context.Context, volumes []string) (made, error) {
	claims := []string{}
	for _, id := range volumes {
		v, there := c.pool.Volumes[id]
		if !there {
			return made{}, status.Errorf(codes.NotFound, "volume %s does not exist", id)
		}
		claims = append(claims, v.Claim)
	}
	struck, err := strike(c.faults, claims)
	if err != nil {
		return made{}, status.Error(codes.Internal, err.Error())
	}
	switch struck.Kind {
	case "error":
		return made{}, status.Error(codes.ResourceExhausted, "planted by a test")
	case "never-cut":
		return made{}, c.waitUnlocked(ctx)
	}
	var cut string
	var at time.Time
	if struck.Kind == "torn" {
		cut, at, err = c.pool.tear(volumes[0])
	} else {
		cut, at, err = c.pool.cut()
	}
	if err != nil {
		return made{}, status.Error(codes.Internal, err.Error())
	}
	return made{cut: cut, at: at, ready: struck.Kind != "never-ready"}, nil
}

// Waits until the caller gives up, while others go on.
func (c *controller) waitUnlocked(ctx context.Context) error {
	c.pool.mutex.Unlock()
	defer c.pool.mutex.Lock()
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

func (c *controller) addMember(name, group, volume string, of made) (snapshot, error) {
	wanted := snapshot{Name: name, Volume: volume, Group: group, Cut: of.cut, Bytes: c.pool.Volumes[volume].Bytes, At: of.at, Ready: of.ready}
	s, err := c.pool.addSnapshot(wanted)
	if err != nil {
		return snapshot{}, status.Error(codes.Internal, err.Error())
	}
	return s, nil
}

func (c *controller) DeleteSnapshot(_ context.Context, request *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	if s, there := c.pool.Snapshots[request.GetSnapshotId()]; there && s.Group != "" {
		return nil, status.Errorf(codes.FailedPrecondition, "snapshot %s goes with its group %s", s.ID, s.Group)
	}
	if err := c.pool.removeSnapshot(request.GetSnapshotId()); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteSnapshotResponse{}, nil
}

func (c *controller) ListSnapshots(_ context.Context, request *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	response := &csi.ListSnapshotsResponse{}
	for _, s := range c.pool.Snapshots {
		if (request.GetSnapshotId() == "" || request.GetSnapshotId() == s.ID) && (request.GetSourceVolumeId() == "" || request.GetSourceVolumeId() == s.Volume) {
			response.Entries = append(response.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: asSnapshot(s)})
		}
	}
	sort.Slice(response.Entries, func(i, j int) bool {
		return response.Entries[i].Snapshot.SnapshotId < response.Entries[j].Snapshot.SnapshotId
	})
	return response, nil
}

func (c *controller) CreateVolumeGroupSnapshot(ctx context.Context, request *csi.CreateVolumeGroupSnapshotRequest) (*csi.CreateVolumeGroupSnapshotResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	for _, g := range c.pool.Groups {
		if g.Name == request.GetName() {
			return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: c.asGroup(g)}, nil
		}
	}
	of, err := c.cutOf(ctx, request.GetSourceVolumeIds())
	if err != nil {
		return nil, err
	}
	g := group{ID: c.pool.next("group"), Name: request.GetName()}
	c.pool.Groups[g.ID] = g
	for _, volume := range request.GetSourceVolumeIds() {
		if _, err := c.addMember(g.ID+"-"+volume, g.ID, volume, of); err != nil {
			return nil, err
		}
	}
	return &csi.CreateVolumeGroupSnapshotResponse{GroupSnapshot: c.asGroup(g)}, nil
}

func (c *controller) DeleteVolumeGroupSnapshot(_ context.Context, request *csi.DeleteVolumeGroupSnapshotRequest) (*csi.DeleteVolumeGroupSnapshotResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	for _, s := range c.pool.membersOf(request.GetGroupSnapshotId()) {
		if err := c.pool.removeSnapshot(s.ID); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	delete(c.pool.Groups, request.GetGroupSnapshotId())
	if err := c.pool.keep(); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteVolumeGroupSnapshotResponse{}, nil
}

func (c *controller) GetVolumeGroupSnapshot(_ context.Context, request *csi.GetVolumeGroupSnapshotRequest) (*csi.GetVolumeGroupSnapshotResponse, error) {
	c.pool.mutex.Lock()
	defer c.pool.mutex.Unlock()
	g, there := c.pool.Groups[request.GetGroupSnapshotId()]
	if !there {
		return nil, status.Errorf(codes.NotFound, "group %s does not exist", request.GetGroupSnapshotId())
	}
	return &csi.GetVolumeGroupSnapshotResponse{GroupSnapshot: c.asGroup(g)}, nil
}

func (c *controller) asGroup(g group) *csi.VolumeGroupSnapshot {
	answer := &csi.VolumeGroupSnapshot{GroupSnapshotId: g.ID, ReadyToUse: true}
	for _, s := range c.pool.membersOf(g.ID) {
		answer.Snapshots = append(answer.Snapshots, asSnapshot(s))
		answer.CreationTime = timestamppb.New(s.At)
		answer.ReadyToUse = answer.ReadyToUse && s.Ready
	}
	return answer
}

func asSnapshot(s snapshot) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.Volume, GroupSnapshotId: s.Group,
		SizeBytes: s.Bytes, CreationTime: timestamppb.New(s.At), ReadyToUse: s.Ready,
	}
}
