import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { Machine, succeed } from './node/machine';
import { nodeRoot } from './node/root';

// What is left of a node, and whether the machine below it notices. Nothing of Kubernetes: it takes seconds.

const NAME = `machine-${process.pid}`;
const SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/hostname',
];

afterEach(() => Machine.end(NAME));

/** What this machine has that a node could leave behind: by name, so that neighbours' are told apart. */
function traces(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const groups = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', `*${NAME}`], { encoding: 'utf8' }).stdout.split('\n');
  return [...mounts, ...groups, ...readdirSync('/var/tmp')].filter(trace => trace.includes(NAME));
}

function processesIn(namespace: string): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
    } catch {
      return false; // gone
    }
  });
}

const settings = () => SETTINGS.map(name => readFileSync(`/proc/sys/${name}`, 'utf8'));
const start = async () => Machine.start(NAME, await nodeRoot());
const onNode = (machine: Machine, script: string) => succeed(machine.run(['sh', '-euc', script]), script);

test('a node that ends leaves nothing, and the kernel is set as it was', async () => {
  const before = settings();
  const machine = await start();
  const namespace = (await onNode(machine, 'readlink /proc/1/ns/pid')).trim();
  await onNode(
    machine,
    'mount -t tmpfs tmpfs /mnt && ip netns add pod && mkdir /sys/fs/cgroup/memory/pod 2>/dev/null || mkdir /sys/fs/cgroup/pod',
  );
  await onNode(machine, 'setsid sleep 1000000 </dev/null >/dev/null 2>&1 & echo 7 >/proc/sys/net/ipv4/ip_default_ttl');
  expect(await onNode(machine, 'cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic; hostname')).toBe('1\n10\nnode\n');
  expect(settings()).toEqual(before);
  expect(processesIn(namespace).length).toBeGreaterThan(1);
  expect(traces()).not.toEqual([]);
  await Machine.end(NAME);
  expect(processesIn(namespace)).toEqual([]);
  expect(traces()).toEqual([]);
  expect(settings()).toEqual(before);
});

test('no packet leaves a node', async () => {
  const machine = await start();
  expect(await onNode(machine, 'ip -o link | sed "s/^[0-9]*: \\([^:@]*\\).*/\\1/"')).toBe('lo\nnode\n');
  expect(await onNode(machine, 'ip route get 192.0.2.1 2>&1 || :')).toContain('No route to host');
});

test('whatever a node was killed by, the next one of its name starts afresh', async () => {
  const first = await start();
  await onNode(first, 'echo of the first >/var/lib/kubelet/file; echo too >/etc/file');
  const pid = Number(JSON.parse(readFileSync(`${Machine.directory(NAME)}/init.json`, 'utf8')).pid);
  process.kill(pid, 'SIGKILL');
  while (existsSync(`/proc/${pid}/exe`)) await new Promise(resolve => setTimeout(resolve, 10));
  expect(Machine.running(NAME)).toBeUndefined();
  const second = await start();
  expect(await onNode(second, 'ls -A /var/lib/kubelet; ls /etc/file 2>/dev/null || echo none')).toBe('none\n');
  await expect(start()).rejects.toThrow(/runs already/);
});
