import { node, output } from '../kubectl';

// What the driver's storage system holds, on the node.

const POOL = '/var/lib/csi/pool';
const TRUNCATE = `
btrfs property set "$1" ro false
mount --options loop "$1/$2" /mnt
trap 'umount /mnt' EXIT
truncate --size="$4" "/mnt/$3"
`;

/** A snapshot as the driver's storage system has it. */
interface StoredSnapshot {
  readonly volume: string;
  readonly cut: string;
}

/** What the storage system calls the snapshot that a VolumeSnapshot stands for. */
export async function handleOf(namespace: string, snapshot: string): Promise<string> {
  const bound = '--output=jsonpath={.status.boundVolumeSnapshotContentName}';
  const content = await output(['get', 'volumesnapshot', snapshot, `--namespace=${namespace}`, bound]);
  return output(['get', 'volumesnapshotcontent', content, '--output=jsonpath={.status.snapshotHandle}']);
}

/** What the storage system has of a handle; undefined when that is nothing. */
export async function storedSnapshot(handle: string): Promise<StoredSnapshot | undefined> {
  const { stdout } = await node().run(['cat', `${POOL}/state.json`]);
  return JSON.parse(stdout).snapshots[handle];
}

/** Cuts a file of a stored snapshot to a size, as a storage system that loses blocks. */
export async function truncateInSnapshot(handle: string, file: string, bytes: number): Promise<void> {
  const stored = await storedSnapshot(handle);
  if (!stored) throw new Error(`no snapshot ${handle} is stored`);
  const words = [`${POOL}/cuts/${stored.cut}`, `${stored.volume}.img`, file, String(bytes)];
  const { exitCode, stderr } = await node().run(['sh', '-ec', TRUNCATE, 'truncate', ...words]);
  if (exitCode !== 0) throw new Error(stderr);
}
