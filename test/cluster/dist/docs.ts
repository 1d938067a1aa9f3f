import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { output, until } from '../kubectl';
import { type ClusterObject, Namespace, RESTRICTED } from '../namespace';
import { CONTAINED, unprivileged } from '../restricted';
import { startShell } from '../server';
import { neverPasted, Terminal } from './paste';
import { contentOf, server, shop } from './shop';

/** Commands that are no commands to paste, or whose place is another file. */
const NOT_HERE: { readonly [reason: string]: string[] } = {
  'is only spoken of': [
    'docs/how-it-works.md: kubectl apply --prune',
    'docs/engines.md: etcdctl snapshot status',
    'lib/backup/database-restore.ts: kubectl create job --from=cronjob/<name>',
    'lib/backup/database-verification.ts: kubectl create job --from',
    'lib/backup/log-archive.ts: kubectl get deployment',
    'lib/backup/on-demand.ts: kubectl create job --from=cronjob/<name> <name>-1',
    'lib/backup/repository-check.ts: restic check',
    'lib/kubernetes/kubernetes-object.ts: kubectl apply',
    'lib/observability/age-monitor.ts: kubectl get jobs',
    'lib/observability/notifier.ts: kubectl describe cronjob',
    'lib/kubernetes/kubernetes-object.ts: kubectl diff',
    'lib/core/retention.ts: restic forget --keep-within',
    'lib/engines/etcd/etcd.ts: etcdctl snapshot save',
    'lib/repositories/restic/restic-location.ts: restic options',
    'lib/velero/protection.ts: kubectl exec',
    'lib/volumes/volumes-from-snapshot-handles.ts: kubectl apply --server-side',
    'lib/velero/resource-modifiers.ts: kubectl patch',
  ],
  'is run for each file of dist/ by test/cluster/dist/applied.ts': [
    'docs/gitops.md: kubectl diff --server-side -f dist/',
    'docs/gitops.md: kubectl apply --server-side -f dist/',
  ],
  'needs a receiver of messages, as test/cluster/notifier.cluster.ts has': [
    "docs/notifier.md: kubectl -n shop create secret generic slack --from-literal=url='https://hooks.slack.com/services/...'",
    'docs/notifier.md: kubectl -n shop describe cronjob orders-backup',
    'docs/notifier.md: kubectl -n shop get deployment backup-notifier',
  ],
  "needs PostgreSQL's official image, which no test has": [
    'docs/quick-start.md: kubectl -n shop apply -f server.yaml',
    'docs/quick-start.md: kubectl -n shop rollout status statefulset orders-db',
    'docs/quick-start.md: kubectl -n shop exec -it orders-db-0 -- psql -U postgres orders',
  ],
  'needs a group of snapshots, as test/cluster/snapshots.cluster.ts has': [
    'docs/volumes.md: kubectl -n shop scale statefulset gallery-db --replicas=0',
    'docs/volumes.md: kubectl -n shop delete pvc data-gallery-db-0',
    'docs/volumes.md: kubectl -n shop create job --from=cronjob/gallery-restore gallery-restore-1',
    'docs/volumes.md: kubectl -n shop scale statefulset gallery-db --replicas=1',
    "docs/troubleshooting.md: kubectl get volumesnapshotcontents -o custom-columns='SNAPSHOT:.spec.volumeSnapshotRef.name,CREATED:.metadata.creationTimestamp' | grep shop-20261121t020000z-x7k2p",
    'docs/troubleshooting.md: kubectl -n shop label volumesnapshots -l cdk8s-backup/recovery-point=20261121T020000Z-x7k2p --field-manager=cdk8s-backup-publish --overwrite cdk8s-backup/looked-at=2026-11-22',
    "docs/troubleshooting.md: kubectl get volumesnapshotcontents -o custom-columns='OF:.spec.volumeSnapshotRef.name,DRIVER:.spec.driver'",
    'lib/volumes/group/volume-snapshot-group-restore.ts: kubectl scale statefulset db --replicas=0',
    'lib/volumes/group/volume-snapshot-group-restore.ts: kubectl delete pvc data-db-0',
    'lib/volumes/group/volume-snapshot-group-restore.ts: kubectl create job --from=cronjob/shop-restore shop-restore-1',
    'lib/volumes/group/volume-snapshot-group-restore.ts: kubectl scale statefulset db --replicas=1',
    "lib/volumes/volumes-from-snapshot-handles.ts: kubectl get volumesnapshotcontents -o go-template='{{range .items}}{{.spec.volumeSnapshotRef.namespace}} {{.spec.volumeSnapshotRef.name}} {{.status.snapshotHandle}}{{\"\\n\"}}{{end}}' | grep '^shop shop-20260801t023000z-x7k2p-'",
  ],
  'needs age, as test/e2e/repositories/encryption.e2e.ts has it': [
    'docs/copies.md: age --decrypt --identity identity.txt facts.age',
    'docs/copies.md: age --decrypt --identity identity.txt 001.zst.age | zstd -dc',
  ],
  'is run by test/e2e/app/demo.e2e.ts, as it is built': ['README.md: npx cdk8s-backup demo'],
  'needs Velero': [
    'lib/velero/restore-job.ts: kubectl -n velero create job --from=cronjob/<name> <name>-1',
    'lib/velero/restore-job.ts: kubectl -n velero create configmap <name>-request --from-literal=backup=<Backup>',
  ],
};

const REQUEST = 'kubectl -n shop create configmap orders-restore-request';
const RESULTS =
  'kubectl -n shop get pods -l cdk8s-backup/series=orders --sort-by=.metadata.creationTimestamp -o custom-columns=\'POD:.metadata.name,WAITS:.status..state.waiting.message,PLACED:.status.conditions[?(@.type=="PodScheduled")].message,KUBELET:.status.message,RESULT:.status.containerStatuses[*].state.terminated.message\'';
const WATCH = 'until kubectl -n shop logs -f job/orders-restore-1 | grep .; do sleep 2; done';
const ROOM = { 'cdk8s-backup-tests/room': 'yes' };

/** What README and docs tell somebody to type in whose namespace dist/shop.k8s.yaml is; after `postgresComesBack`. */
export function docsWork(): void {
  let terminal: Terminal;
  let before: string;

  beforeAll(async () => {
    terminal = await Terminal.open(shop.name);
    before = await contentOf('orders');
  });
  afterAll(async () => {
    terminal?.close();
    const others = "select datname from pg_database where datname ~ '^(orders_|by_hand)'";
    for (const database of (await server.sql('postgres', others)).split('\n').filter(Boolean))
      await server.sql('postgres', `drop database ${database}`);
  });

  test('results and ends of runs are shown', async () => {
    const results = await terminal.shows(RESULTS);
    expect(results).toMatch(/^orders-verify-\S+ +<none> +<none> +<none> +{"what":"verify",.*"verdict":"verified"/m);
    const why = await terminal.shows(
      'kubectl -n shop get pods -l cdk8s-backup/series=orders --sort-by=.metadata.creationTimestamp -o custom-columns=\'POD:.metadata.name,WAITS:.status..state.waiting.message,PLACED:.status.conditions[?(@.type=="PodScheduled")].message,WHY:.status.containerStatuses[*].state.terminated.reason,KUBELET:.status.message,RESULT:.status.containerStatuses[*].state.terminated.message\'',
    );
    expect(why).toMatch(/^orders-verify-\S+ +<none> +<none> +Completed,Completed +<none> +{"what":"verify",.*"verdict":"verified"/m);
    const jobs = await terminal.shows(
      "kubectl -n shop get jobs -l cdk8s-backup/series=orders -o custom-columns='JOB:.metadata.name,END:.status.conditions[*].type,WHY:.status.conditions[*].message'",
    );
    expect(jobs).toMatch(/^orders-backup-\S+ +SuccessCriteriaMet,Complete +/m);
    const cronJob = await terminal.shows('kubectl -n shop get cronjob orders-backup -o yaml');
    for (const field of [/^ +suspend: false$/m, /^ +lastSuccessfulTime: /m]) expect(cronJob).toMatch(field);
  });

  test('what keeps a pod from beginning is shown, and it goes on when it is there', async () => {
    const credentials = await shop.object('secret', 'orders-backup');
    await shop.output('delete', 'secret', 'orders-backup');
    await terminal.shows('kubectl -n shop create job --from=cronjob/orders-backup orders-backup-1');
    try {
      await until('what it waits for is shown', async () =>
        /^orders-backup-1-\S+ +secret "orders-backup" not found /m.test(await terminal.shows(RESULTS)),
      );
      await shop.apply(withoutHistory(credentials as ClusterObject));
      expect((await shop.ended('orders-backup-1')).succeeded).toBe(true);
      await shop.createJob('orders-backup-2', 'orders-backup', spec => {
        spec.template.spec.volumes.push({ name: 'absent', persistentVolumeClaim: { claimName: 'absent' } });
      });
      await until('what has no place is shown', async () =>
        /^orders-backup-2-\S+ +<none> +\S.*persistentvolumeclaim "absent" not found/m.test(await terminal.shows(RESULTS)),
      );
    } finally {
      await shop.apply(withoutHistory(credentials as ClusterObject));
      await shop.output('delete', 'job', 'orders-backup-1', 'orders-backup-2', '--ignore-not-found');
    }
  });

  test('what keeps pods from being made is in the events', async () => {
    await shop.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard: { 'count/pods': '0' } } });
    const job = await shop.start('orders-backup');
    try {
      const refused = () => terminal.shows('kubectl -n shop get events --field-selector reason=FailedCreate');
      await until('the event is there', async () => /exceeded quota: none/.test(await refused()));
      expect(await terminal.shows('kubectl -n shop get events --sort-by=.lastTimestamp')).toContain('exceeded quota: none');
    } finally {
      await shop.output('delete', 'job', job);
      await shop.output('delete', 'resourcequota', 'none');
    }
  });

  test('a first night by hand: what must exist, a backup and its proof, each watched', async () => {
    const elsewhere = { shop: 'shop-of-docs' };
    await terminal.shows('kubectl create namespace shop', elsewhere);
    try {
      const backup =
        "kubectl -n shop create secret generic orders-backup --from-literal=username=backup --from-literal=password='<password>'";
      const owner =
        "kubectl -n shop create secret generic orders-owner --from-literal=username=postgres --from-literal=password='<another password>'";
      for (const command of [backup, owner]) await terminal.shows(command, elsewhere);
    } finally {
      await output(['delete', 'namespace', 'shop-of-docs', '--wait=false']);
    }
    await terminal.shows('kubectl -n shop create job --from=cronjob/orders-backup orders-backup-1');
    const published = await terminal.shows('until kubectl -n shop logs -f job/orders-backup-1 | grep .; do sleep 2; done');
    expect(published.trim().split('\n').at(-1)).toMatch(/"verdict":"published"/);
    await terminal.shows('kubectl -n shop create job --from=cronjob/orders-verify orders-verify-1');
    const verified = await terminal.shows('until kubectl -n shop logs -f job/orders-verify-1 | grep .; do sleep 2; done');
    expect(verified.trim().split('\n').at(-1)).toMatch(/"verdict":"verified"/);
    await shop.output('delete', 'job', 'orders-backup-1', 'orders-verify-1');
  });

  test('a request, a restore that is watched, and the request taken away', async () => {
    await server.sql('orders', 'truncate pgbench_accounts');
    await terminal.shows(`${REQUEST} --from-literal=replace=yes`);
    await terminal.shows('kubectl -n shop create job --from=cronjob/orders-restore orders-restore-1');
    const watched = await terminal.shows(WATCH);
    expect(watched.trim().split('\n').at(-1)).toMatch(/"verdict":"restored"/);
    await terminal.shows('kubectl -n shop delete configmap orders-restore-request');
    expect(await contentOf('orders')).toBe(before);
  });

  test('the same from the docstring, where the context has the namespace', async () => {
    await shop.output('delete', 'job', 'orders-restore-1', '--ignore-not-found');
    await terminal.shows('kubectl create configmap orders-restore-request --from-literal=recoveryPoint=newest --from-literal=replace=yes');
    await terminal.shows('kubectl create job --from=cronjob/orders-restore orders-restore-1');
    expect((await shop.ended('orders-restore-1')).succeeded).toBe(true);
    await terminal.shows('kubectl delete configmap orders-restore-request');
  });

  test('beside the original; while no node has room for the pod, whoever watches goes on waiting', async () => {
    await terminal.shows(`${REQUEST} --from-literal=database=orders --from-literal=into=orders_look`);
    await shop.output('delete', 'job', 'orders-restore-1');
    await shop.createJob('orders-restore-1', 'orders-restore', spec => {
      Object.assign(spec.template.spec, { nodeSelector: ROOM });
    });
    const unscheduled = '--output=jsonpath={.items[*].status.conditions[?(@.type=="PodScheduled")].reason}';
    const why = () => shop.output('get', 'pods', '--selector=job-name=orders-restore-1', unscheduled);
    await until('the scheduler has found no node', async () => (await why()) === 'Unschedulable');
    const watched = terminal.shows(WATCH);
    try {
      expect(await Promise.race([watched, terminal.type('sleep 3')])).toMatchObject({ exitCode: 0, stdout: '' });
      await output(['label', 'nodes', '--all', 'cdk8s-backup-tests/room=yes']);
      expect((await watched).trim().split('\n').at(-1)).toMatch(/"verdict":"restored"/);
    } finally {
      await output(['label', 'nodes', '--all', 'cdk8s-backup-tests/room-']);
    }
    expect(await contentOf('orders_look')).toBe(before);
    await shop.output('delete', 'configmap', 'orders-restore-request');
  });

  test('a request for what is not there names what is, and touches nothing', async () => {
    await terminal.shows(`${REQUEST} --from-literal=recoveryPoint=which`);
    await terminal.shows('kubectl -n shop create job --from=cronjob/orders-restore orders-what-is-there');
    const said = await terminal.shows('until kubectl -n shop logs -f job/orders-what-is-there | grep .; do sleep 2; done');
    expect(said).toMatch(/Series orders has: (\d{8}T\d{6}Z-[a-z0-9]{5} (un)?verified(, )?)+/);
    await terminal.shows('kubectl -n shop delete configmap orders-restore-request');
    await terminal.shows('kubectl -n shop delete job orders-what-is-there');
    expect(await contentOf('orders')).toBe(before);
  });

  test.each([
    ['a timeline', `${REQUEST} --from-literal=recoveryPoint=2026-08-01T12:00:00Z --from-literal=timeline=1`],
    ['all that was stored before a gap', `${REQUEST} --from-literal=until=gap`],
  ])('a request for %s is made of words that a restore of files and log knows', async (_, command) => {
    await terminal.shows(command);
    const { data } = (await shop.object('configmap', 'orders-restore-request')) as ClusterObject;
    await shop.output('delete', 'configmap', 'orders-restore-request');
    const [, known = ''] = /value: (recoveryPoint .*)\n/.exec(readFileSync('dist/ledger.k8s.yaml', 'utf8')) ?? [];
    expect(known.split(' ')).toEqual(expect.arrayContaining(Object.keys(data)));
  });

  test('a namespace that is a copy is brought to rest', async () => {
    const copy = await Namespace.create('copy', RESTRICTED);
    try {
      const here = JSON.parse(await shop.output('get', 'cronjobs', '--output=json'));
      const moved = here.items.map(({ apiVersion, kind, metadata: { name, labels }, spec }: never) => ({
        ...{ apiVersion, kind, metadata: { name, labels }, spec },
      }));
      await copy.apply(...moved, RECEIVER);
      await terminal.shows(
        `kubectl -n copy get cronjobs -l app.kubernetes.io/name=cdk8s-backup -o name | xargs -n 1 kubectl -n copy patch --type merge -p '{"spec":{"suspend":true}}'`,
      );
      await terminal.shows('kubectl -n copy scale deployment -l app.kubernetes.io/name=cdk8s-backup --replicas=0');
      expect((await copy.objects('cronjobs')).map(({ spec }) => spec.suspend)).toEqual(moved.map(() => true));
      expect((await copy.objects('deployments')).map(({ spec }) => spec.replicas)).toEqual([0]);
      await terminal.shows(`kubectl patch cronjob <name> --type merge -p '{"spec":{"suspend":false}}'`, {
        '<name>': 'orders-backup -n copy',
      });
    } finally {
      await copy.delete();
    }
  });

  test('old ConfigMaps of scripts are found, and those in use are not', async () => {
    const used = (await shop.objects('configmaps')).map(({ metadata }) => metadata.name).filter(name => name.startsWith('backup-scripts-'));
    await shop.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'backup-scripts-shell-0123456789' } });
    await terminal.shows(
      "kubectl -n shop get cronjobs,jobs,deployments,statefulsets -o yaml | grep -o 'backup-scripts-[a-z0-9-]*' | sort -u >in-use",
    );
    const old = await terminal.shows('kubectl -n shop get configmaps -o name | grep /backup-scripts- | grep -vwFf in-use');
    expect(used.length).toBeGreaterThan(0);
    expect(old).toBe('configmap/backup-scripts-shell-0123456789\n');
    await shop.output('delete', 'configmap', 'backup-scripts-shell-0123456789');
  });

  test('files are read by hand, where their volume is mounted', async () => {
    await startShell(shop, { name: 'reader', image: 'postgres:15.19-bookworm', claim: 'backups' });
    const inReader = `kubectl exec reader -- sh -ec 'cd /data; `;
    const listed = await terminal.shows('ls <claim>/<path>/orders', { ls: `${inReader}ls`, '<claim>/<path>': '.', orders: "orders'" });
    const [id = ''] = listed.split('\n');
    expect(id).toMatch(/^\d{8}T\d{6}Z-[a-z0-9]{5}$/);
    const inPoint = `${inReader}cd orders/${id}; `;
    expect(await terminal.shows('sha256sum -c SHA256SUMS', { sha256sum: `${inPoint}sha256sum`, SUMS: "SUMS'" })).toMatch(
      /^orders\.dump\.zst: OK$/m,
    );
    await server.sql('postgres', 'create database by_hand');
    await terminal.shows('zstd -dc orders.dump.zst | pg_restore -d ...', {
      'zstd -dc': `${inPoint}zstd -dc`,
      '...': "postgresql://owner:of%20owner@orders-db/by_hand'",
    });
    expect(await contentOf('by_hand')).toBe(before);
    await shop.output('delete', 'pod', 'reader');
  });

  test('questions to the cluster are answered', async () => {
    const [pod] = await shop.objects('pods', 'cdk8s-backup/series=shop-all');
    const initialized = await terminal.shows(
      `kubectl get pods -o jsonpath='{range .items[*].status.initContainerStatuses[*]}{.name}: {.state.terminated.message}{"\\n"}{end}'`,
    );
    if (pod) expect(initialized).toMatch(/^restic: $/m);
    const authority = await terminal.shows(`kubectl get configmap kube-root-ca.crt -o jsonpath='{.data.ca\\.crt}' | sha256sum`);
    expect(authority).toMatch(/^[0-9a-f]{64} /);
    const endpoints = await terminal.shows('kubectl get endpointslices -l kubernetes.io/service-name=kubernetes', {
      'kubectl get': 'kubectl -n default get',
    });
    expect(endpoints).toContain('6443');
    expect(await terminal.shows('kubectl get csidrivers')).toContain('csi');
    expect((await terminal.paste('kubectl get volumesnapshots -L cdk8s-backup/recovery-point')).exitCode).toBe(0);
  });
}

/** Last of all: a command that is new in the docs needs somebody who says here how it is run. */
export function everyCommandWasPasted(): void {
  test('every command of README, docs and docstrings was run, or has its place elsewhere', () => {
    const elsewhere = Object.values(NOT_HERE).flat();
    expect(neverPasted().filter(each => !elsewhere.includes(each))).toEqual([]);
    expect(
      elsewhere.filter(each => !neverPasted().includes(each)),
      'what the docs do not have any more',
    ).toEqual([]);
  });
}

/** As whoever has made it once would apply it again. */
function withoutHistory({ apiVersion, kind, metadata: { name }, ...rest }: ClusterObject): object {
  return { apiVersion, kind, metadata: { name }, data: rest.data };
}

/** As a log archive is, in a copy: it has a label, and does nothing here. */
const RECEIVER = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'log', labels: { 'app.kubernetes.io/name': 'cdk8s-backup' } } },
  spec: {
    selector: { matchLabels: { app: 'log' } },
    template: {
      metadata: { labels: { app: 'log' } },
      spec: {
        securityContext: unprivileged(),
        containers: [{ name: 'log', image: 'busybox:1.37.0-musl', command: ['sleep', '1'], securityContext: CONTAINED }],
      },
    },
  },
};
