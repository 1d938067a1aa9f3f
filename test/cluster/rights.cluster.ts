import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { succeed } from '../e2e/support/rehearse';
import { node } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { onVolume } from './server';
import { backup, installDefinitions, location, workload } from './velero/objects';

// A job that asks the API may do what it does, and nothing else: every right that its Role gives is used, and without it a step fails and
// says which right it lacks.

/** Rights that no run uses that goes well, and when one does. */
const ONLY_WHEN: { [role: string]: { [right: string]: string } } = {
  'made-snapshot': {},
  'kept-verify': { 'list events': 'a volume does not come up: why' },
  'kept-restore': {
    'delete persistentvolumeclaims': 'a restore that fails takes back the claims that it has made',
    'list pods': 'and not those that a pod uses already',
    'list events': 'a volume does not come up: why',
  },
  'native-snapshot': { 'delete volumesnapshots': 'a group was coordinated, before the driver took it' },
  'nightly-check': {},
  'nightly-drill': { 'get backups': 'a request names one', 'delete restores': 'Velero does not begin it' },
};
const ROLES = Object.keys(ONLY_WHEN);
/** Of an operation that ends well. */
const VERDICTS: { [operation: string]: string } = {
  ...{ snapshot: 'published', verify: 'verified', restore: 'restored', check: 'succeeded', drill: 'succeeded' },
};

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
  readonly verbs: string[];
}

let shop: Namespace;
let velero: { stop(): Promise<void> } | undefined;

beforeAll(async () => {
  shop = await Namespace.create(`rights-${Date.now().toString(36)}`, RESTRICTED);
  process.env.NAMESPACE = shop.name;
  await installDefinitions();
  await shop.applyApp('test/cluster/rights/main.ts');
  // A volume without files is no proof of anything.
  await onVolume(shop, 'files', 'busybox:1.37.0-musl', ['sh', '-c', 'echo a picture >/data/cat.jpg']);
  await shop.apply(
    workload('Deployment', 'velero'),
    workload('DaemonSet', 'node-agent'),
    location('offsite', { phase: 'Available' }, true),
    backup('nightly', 1, { csiVolumeSnapshotsAttempted: 1, csiVolumeSnapshotsCompleted: 1 }),
  );
  await shop.output('rollout', 'status', 'deployment/velero', '--timeout=5m');
  await shop.output('rollout', 'status', 'daemonset/node-agent', '--timeout=5m');
  velero = restoring();
  for (const series of ['kept', 'made', 'native']) await succeed(shop.run(`${series}-snapshot`), 'published');
}, 900_000);
afterAll(async () => {
  await velero?.stop();
  await shop?.delete();
}, 600_000);

/** Has every Restore end well, some seconds after it was made, as Velero does, until it is stopped. */
function restoring(): { stop(): Promise<void> } {
  let stopped = false;
  const restoreAll = async () => {
    while (!stopped) {
      for (const { metadata, status } of await shop.objects('restores.velero.io')) {
        if (Date.now() - Date.parse(metadata.creationTimestamp) < 3000) continue;
        const ended = { status: { phase: 'Completed', progress: { itemsRestored: 40 } } };
        const patch = ['patch', 'restores.velero.io', metadata.name, '--type=merge', `--patch=${JSON.stringify(ended)}`];
        if (!status?.phase) await shop.output(...patch);
      }
      await sleep(500);
    }
  };
  const done = restoreAll();
  return {
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

const rulesOf = async (role: string): Promise<Rule[]> => (await shop.object('role', role))?.rules;
const setRules = (role: string, rules: Rule[]) =>
  shop.output('patch', 'role', role, '--type=merge', `--patch=${JSON.stringify({ rules })}`);

/** Rights that matter where a run before has left its lease. */
const OF_LEASES = ['get pods', 'get leases', 'update leases'];

/** As a run does that is killed: its pod is gone. */
async function leaveLease(name: string): Promise<void> {
  const spec = { holderIdentity: 'a-pod-that-is-gone', acquireTime: '2026-01-01T00:00:00.000000Z' };
  await shop.apply({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec });
}

interface Right {
  readonly rule: Rule;
  readonly verb: string;
  readonly resource: string;
  /** As one says it. */
  readonly words: string;
}

const rightsIn = (rules: Rule[]): Right[] =>
  rules.flatMap(rule =>
    rule.resources.flatMap(resource => rule.verbs.map(verb => ({ rule, verb, resource, words: `${verb} ${resource}` }))),
  );

const without = (rules: Rule[], { rule, verb }: Right) =>
  rules
    .map(each => (each === rule ? { ...each, verbs: each.verbs.filter(other => other !== verb) } : each))
    .filter(({ verbs }) => verbs.length > 0);

/** What a run says that lacks a right. */
const names = (log: string, { verb, resource }: Right) =>
  log.includes(`cannot ${verb} resource "${resource}"`) || new RegExp(`does not allow it to ${verb} ${resource}`).test(log);

// Most of each is waiting for pods.
test.concurrent.each(ROLES)('without any one of the rights of %s a run says which one it lacks', async role => {
  const rules = await rulesOf(role);
  const silent: string[] = [];
  try {
    for (const right of rightsIn(rules)) {
      if (right.words in (ONLY_WHEN[role] ?? {})) continue;
      if (OF_LEASES.includes(right.words)) await leaveLease(role);
      await setRules(role, without(rules, right));
      const { log } = await shop.run(role);
      if (!names(log, right)) silent.push(`${right.words}: ${log}`);
      if (role === 'kept-restore') await shop.output('delete', 'persistentvolumeclaim', 'files-again', '--ignore-not-found');
    }
  } finally {
    await setRules(role, rules);
  }
  expect(silent).toEqual([]);
  await succeed(shop.run(role), VERDICTS[role.slice(role.lastIndexOf('-') + 1)] ?? '');
});

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}

test.each(ROLES)('%s has no right that it does not use', async role => {
  const user = `system:serviceaccount:${shop.name}:${role}`;
  const used = readFileSync(node().path('/var/log/audit.log'), 'utf8')
    .split('\n')
    .filter(line => line.includes(user))
    .map((line): AuditEvent => JSON.parse(line))
    .filter(({ user: { username }, responseStatus }) => username === user && responseStatus?.code !== 403)
    .map(({ verb, objectRef }) => `${verb} ${[objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/')}`);
  const unused = rightsIn(await rulesOf(role))
    .map(({ words }) => words)
    .filter(words => !used.includes(words) && !(words in (ONLY_WHEN[role] ?? {})));
  expect(unused).toEqual([]);
});
