import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart, NotUnderstood } from './errors';
import type { Image } from './images';
import type { Container, PodSpec } from './pod-spec';

/** Who a container's process is, and what it may do. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: number[];
  /** With `CAP_`, as bubblewrap wants them. Always none for another uid than 0: Kubernetes grants no ambient capabilities. */
  readonly capabilities: string[];
  /** From the image's /etc/passwd, as runc sets HOME. */
  readonly home: string;
}

/** What containerd grants a container that asks for nothing (containerd, oci.WithDefaultUnixCapabilities). */
const DEFAULT_CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID'],
  ...['SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
];

/** The identity the two security contexts and the image make (Kubernetes docs: "Configure a Security Context for a Pod or Container"). */
export function identityOf(container: Container, pod: PodSpec, image: Image): Identity {
  const uid = container.securityContext?.runAsUser ?? pod.securityContext?.runAsUser ?? image.user ?? 0;
  const nonRoot = container.securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot ?? false;
  if (nonRoot && uid === 0) {
    const asked = container.securityContext?.runAsUser ?? pod.securityContext?.runAsUser;
    const problem =
      asked === undefined ? 'container has runAsNonRoot and image will run as root' : "container's runAsUser breaks non-root policy";
    throw new CannotStart('CreateContainerConfigError', problem);
  }
  const user = passwdEntry(image.root, uid);
  const gid = container.securityContext?.runAsGroup ?? pod.securityContext?.runAsGroup ?? user?.gid ?? 0;
  const merged = pod.securityContext?.supplementalGroupsPolicy === 'Strict' || !user ? [] : groupsOf(image.root, user.name);
  const fsGroup = pod.securityContext?.fsGroup === undefined ? [] : [pod.securityContext.fsGroup];
  const groups = [...new Set([gid, ...fsGroup, ...(pod.securityContext?.supplementalGroups ?? []), ...merged])];
  return { uid, gid, groups, capabilities: uid === 0 ? capabilitiesOf(container) : [], home: user?.home ?? '/' };
}

function capabilitiesOf(container: Container): string[] {
  const { add = [], drop = [] } = container.securityContext?.capabilities ?? {};
  for (const name of [...add, ...drop]) {
    if (!/^[A-Z_]+$/.test(name) || name.startsWith('CAP_'))
      throw new NotUnderstood(`${container.name}: capability ${name}: write it as in CHOWN`);
  }
  if (add.includes('ALL')) throw new NotUnderstood(`${container.name}: adding ALL capabilities is not understood by the rehearsal`);
  const kept = drop.includes('ALL') ? [] : DEFAULT_CAPABILITIES.filter(name => !drop.includes(name));
  return [...new Set([...kept, ...add])].map(name => `CAP_${name}`);
}

function passwdEntry(root: string, uid: number): { name: string; gid: number; home: string } | undefined {
  const entry = lines(join(root, 'etc/passwd')).find(fields => Number(fields[2]) === uid);
  return entry && { name: entry[0] ?? '', gid: Number(entry[3]), home: entry[5] || '/' };
}

/** The groups the image's /etc/group lists the user in: containerd merges them in, whatever the pod says. */
function groupsOf(root: string, user: string): number[] {
  const own = lines(join(root, 'etc/group')).filter(fields => (fields[3] ?? '').split(',').includes(user));
  return own.map(fields => Number(fields[2]));
}

function lines(file: string): string[][] {
  if (!existsSync(file)) return [];
  const all = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return all.map(line => line.split(':'));
}
