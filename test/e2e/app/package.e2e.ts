import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

// What `npm install cdk8s-backup` gives to somebody else: the tarball is unpacked into an empty project, and beside it comes what
// its package.json asks for and nothing more. npm itself would need the network for that.

/** A first project. It is TypeScript and JavaScript at once. */
const MAIN = `
import { Chart } from 'cdk8s';
import { BackupApp, DatabaseBackup, Engine, PostgresVersion, Repository, Retention, SecretRef } from 'cdk8s-backup';
import { VeleroVolume } from 'cdk8s-backup/velero';
import { CsiDriver } from 'cdk8s-backup/volumes';

for (const named of [VeleroVolume, CsiDriver]) if (!named) throw new Error('nothing is exported');
const app = new BackupApp();
const orders = new DatabaseBackup(new Chart(app, 'shop', { namespace: 'shop' }), 'orders', {
  engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
});
orders.addVerification();
orders.addRestore();
app.synth();
`;

/** An application that somebody wrote with a later cdk8s-plus. */
const LATER = `
import { App, Chart, Size } from 'cdk8s';
import { DatabaseBackup, Engine, PodDefaults, PostgresVersion, Repository, Retention, SecretRef } from 'cdk8s-backup';
import { VeleroHook, VeleroProtection, VeleroVolume } from 'cdk8s-backup/velero';
import { VolumeFromSnapshot } from 'cdk8s-backup/volumes';
import { EmptyDirMedium, type k8s, PersistentVolumeAccessMode, StatefulSet, Volume } from 'cdk8s-plus-33';

const app = new App();
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const toleration: k8s.Toleration = { key: 'backup', operator: 'Exists' };
PodDefaults.of(shop).add({ tolerations: [toleration] });
const data = Volume.fromEmptyDir(shop, 'data', 'data', { medium: EmptyDirMedium.DEFAULT });
const server = new StatefulSet(shop, 'orders-db', {
  containers: [{ name: 'main', image: 'postgres:16', portNumber: 5432, volumeMounts: [{ path: '/data', volume: data }] }],
  volumeClaimTemplates: [{ name: 'data', storage: Size.gibibytes(1) }],
});
VeleroProtection.of(server, { preHook: VeleroHook.command({ command: ['sync'] }), volumes: [VeleroVolume.files('data')] });
new DatabaseBackup(shop, 'orders', {
  engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
});
new VolumeFromSnapshot(shop, 'copy', {
  snapshotName: 'yesterday',
  size: Size.gibibytes(1),
  accessModes: [PersistentVolumeAccessMode.READ_WRITE_MANY],
});
app.synth();
`;

const SCRIPTS = ['.sh', '.awk', '.sql', '.escript'];

let project: string;
let installed: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'package-'));
  installed = join(project, 'node_modules/cdk8s-backup');
  run('.', 'npm', 'pack', '--pack-destination', project);
  const [tarball = ''] = readdirSync(project);
  mkdirSync(installed, { recursive: true });
  run(project, 'tar', '-xzf', tarball, '--strip-components=1', '-C', installed);

  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
}, 300_000);
afterAll(() => rmSync(project, { recursive: true }));

function run(cwd: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

test('brings every script of the library', () => {
  const scripts = (folder: string) => filesBelow(folder).filter(file => SCRIPTS.includes(extname(file)));
  expect(scripts(join(installed, 'build', 'lib'))).toEqual(scripts('lib'));
  expect(scripts('lib')).toContain('shell/jobs/run.sh');
});

test('brings its command, which npm makes a program', () => {
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(bin)).toEqual(['cdk8s-backup']);
  const program = join(installed, bin['cdk8s-backup']);
  expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  run(project, process.execPath, program, '--help');
});

test('brings no sources and no tests', () => {
  const known = ['.js', '.d.ts', ...SCRIPTS];
  const strangers = filesBelow(join(installed, 'build')).filter(file => !known.some(end => file.endsWith(end)) || file.includes('test'));
  expect(strangers).toEqual([]);
  expect(
    readdirSync(installed).filter(
      file => !/^(build|docs|examples|package\.json|README.*|CONTRIBUTING.*|CHANGELOG.*|LICENSE.*|NOTICE.*)$/.test(file),
    ),
  ).toEqual([]);
});

test.each([
  ['modules', 'node16', 'node16', ['main.mts', 'main.cts']],
  ['a bundler', 'esnext', 'bundler', ['main.mts']],
  ['cdk8s init, which knows no exports', 'commonjs', 'node10', ['main.ts']],
])(
  'passes the strict type check of a project of %s',
  (_, module, moduleResolution, files) => {
    for (const file of files) writeFileSync(join(project, file), MAIN);
    const strict = ['--noEmit', '--strict', '--target', 'es2022'];
    const found = ['--module', module, '--moduleResolution', moduleResolution];
    run(project, process.execPath, resolve('node_modules/typescript/bin/tsc'), ...strict, ...found, ...files);
  },
  300_000,
);

test('brings types that hold where what is optional is not undefined', () => {
  writeFileSync(join(project, 'main.cts'), MAIN);
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--module', 'node16', 'main.cts'];
  const tsc = resolve('node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, ...strict], { cwd: project, encoding: 'utf8' });
  // Those of cdk8s-plus do not, and are named: nothing else is.
  const files = [...stdout.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter(file => !file.includes('node_modules/cdk8s-plus-27/'))).toEqual([]);
}, 300_000);

test('takes workloads and types of a later cdk8s-plus, which `cdk8s init` begins with', () => {
  const later = 'cdk8s-plus-33';
  symlinkSync(resolve('node_modules', later), join(project, 'node_modules', later));
  writeFileSync(join(project, 'later.cts'), LATER);
  const strict = ['--strict', '--module', 'node16', '--target', 'es2022'];
  run(project, process.execPath, resolve('node_modules/typescript/bin/tsc'), ...strict, 'later.cts');
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  run(project, process.execPath, 'later.cjs');
  const objects = parseAllDocuments(readFileSync(join(project, 'dist/shop.k8s.yaml'), 'utf8')).map(document => document.toJS());
  const [pod] = objects.filter(({ kind }) => kind === 'StatefulSet').map(({ spec }) => spec.template);
  expect(pod.metadata.annotations).toMatchObject({ 'pre.hook.backup.velero.io/container': 'main' });
  const [backup] = objects.filter(({ kind }) => kind === 'CronJob').map(({ spec }) => spec.jobTemplate.spec.template.spec);
  expect(backup.tolerations).toEqual([{ key: 'backup', operator: 'Exists' }]);
}, 300_000);

test.each(['main.mjs', 'main.cjs'])('%s synthesizes pods with their scripts', file => {
  const requires = MAIN.replace(/import (.*) from (.*);/g, 'const $1 = require($2);');
  writeFileSync(join(project, file), file.endsWith('.cjs') ? requires : MAIN);
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  run(project, process.execPath, file);

  const objects = [...parseAllDocuments(readFileSync(join(project, 'dist/shop.k8s.yaml'), 'utf8'))].map(document => document.toJS());
  const names = (kind: string) => objects.filter(object => object.kind === kind).map(({ metadata }) => metadata.name);
  expect(names('CronJob')).toEqual(['orders-backup', 'orders-verify', 'orders-restore']);

  const scripts = objects.filter(({ kind, immutable }) => kind === 'ConfigMap' && immutable);
  expect(scripts.every(({ data }) => Object.keys(data).length > 0 && Object.values(data).every(Boolean))).toBe(true);
  const shell = scripts.find(({ metadata }) => metadata.name.startsWith('backup-scripts-shell-'));
  expect(shell.data['run.sh']).toBe(readFileSync('lib/shell/jobs/run.sh', 'utf8'));
});

test('synthesizes the example platform, byte for byte, as the sources do', () => {
  cpSync(join(installed, 'examples'), join(project, 'examples'), { recursive: true });
  for (const file of filesBelow(join(project, 'examples')).filter(each => each.endsWith('.ts'))) {
    const source = join(project, 'examples', file);
    writeFileSync(source.replace(/ts$/, 'js'), transpiled(readFileSync(source, 'utf8')));
  }
  const main = readFileSync('main.ts', 'utf8').replace("from './lib'", "from 'cdk8s-backup'");
  writeFileSync(join(project, 'platform.cjs'), transpiled(main));
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  run(project, process.execPath, 'platform.cjs');
  const written = (folder: string) => Object.fromEntries(filesBelow(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')]));
  expect(written(join(project, 'dist'))).toEqual(written('dist'));
}, 300_000);

test('its examples work where it is installed', () => {
  const example = join(project, 'company');
  cpSync(join(installed, 'examples', 'company'), example, { recursive: true });
  writeFileSync(join(example, 'main.cjs'), transpiled(readFileSync(join(example, 'main.ts'), 'utf8')));
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  run(project, process.execPath, 'company/main.cjs');
  expect(readFileSync(join(project, 'dist/shop.k8s.yaml'), 'utf8')).toContain('refresh.sh: |');
}, 300_000);

test('the quick start gets to its dist/, and what CI runs writes it again', () => {
  const start = join(project, 'start');
  mkdirSync(start);
  const page = readFileSync(join(installed, 'docs', 'quick-start.md'), 'utf8');
  const [, program = ''] = /```ts\n(.*?)```/s.exec(page) ?? [];
  writeFileSync(join(start, 'main.ts'), program);
  // What npm would install is beside it already.
  for (const name of ['cdk8s-cli', 'tsx']) symlinkSync(resolve('node_modules', name), join(project, 'node_modules', name));
  run(start, 'sh', '-c', /^printf .*$/m.exec(page)?.[0] ?? 'false');
  const cdk8s = `node ${resolve('node_modules/cdk8s-cli/bin/cdk8s')}`;
  run(start, 'sh', '-c', `${cdk8s} synth --check-upgrade=false`);
  const written = () =>
    Object.fromEntries(filesBelow(join(start, 'dist')).map(file => [file, readFileSync(join(start, 'dist', file), 'utf8')]));
  const first = written();
  expect(Object.keys(first)).toEqual(['PREREQUISITES.md', 'shop.k8s.yaml']);
  const [, again = ''] = /- run: npx cdk8s (synth .*)/.exec(readFileSync(join(installed, 'docs', 'gitops.md'), 'utf8')) ?? [];
  run(start, 'sh', '-c', `${cdk8s} ${again}`);
  expect(written()).toEqual(first);
}, 120_000);

function transpiled(source: string): string {
  return transpileModule(source, { compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 } }).outputText;
}
