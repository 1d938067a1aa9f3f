import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { EngineOperation, type EngineStep, ScriptFolder } from '../lib';
import { scriptsOf } from '../lib/engines/bound-engine';
import { parseManifests } from './manifests/manifest';
import { problems } from './manifests/schema/judge';

test('the first example of README synthesizes what README says is emitted', () => {
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync('README.md', 'utf8')) ?? [];
  // Beside lib/, so that it finds the same packages.
  const directory = mkdtempSync(join(process.cwd(), 'build-readme-'));
  try {
    writeFileSync(join(directory, 'main.ts'), (example ?? '').replace("'cdk8s-backup'", "'../lib'"));
    execFileSync(process.execPath, ['--import', 'tsx', join(directory, 'main.ts')], { env: { ...process.env, CDK8S_OUTDIR: directory } });
    const emitted = parseAllDocuments(readFileSync(join(directory, 'shop.k8s.yaml'), 'utf8')).map(document => {
      const { kind, metadata } = document.toJS();
      return `${kind}/${metadata.name.replace(/-[0-9a-f]{10}$/, '')}`;
    });
    expect(emitted.sort()).toEqual([
      'ConfigMap/backup-scripts-files',
      'ConfigMap/backup-scripts-postgres',
      'ConfigMap/backup-scripts-shell',
      'ConfigMap/orders-restore-defaults',
      'CronJob/orders-backup',
      'CronJob/orders-restore',
      'CronJob/orders-verify',
      'NetworkPolicy/orders-backup',
      'NetworkPolicy/orders-restore',
      'NetworkPolicy/orders-verify',
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('what the package has', () => {
  const { exports, files }: { exports: object; files: string[] } = JSON.parse(readFileSync('package.json', 'utf8'));

  test('of paths to import from is what docs/troubleshooting.md names, and names of each what is there', async () => {
    const rows = [...readFileSync('docs/troubleshooting.md', 'utf8').matchAll(/^\| `(cdk8s-backup[^`]*)` \| (.*) \|$/gm)];
    const paths = Object.keys(exports).filter(path => !path.endsWith('.json'));
    expect(rows.map(([, path]) => path).sort()).toEqual(paths.map(path => path.replace('.', 'cdk8s-backup')).sort());
    for (const [, path = '', has = ''] of rows) {
      const there = Object.keys(await import(path.replace('cdk8s-backup', '../lib')));
      for (const [, name] of has.matchAll(/`(\w+)`/g)) expect(there).toContain(name);
    }
  });

  test('is all that README speaks of, but for what it says of a clone', () => {
    const prose = readFileSync('README.md', 'utf8').replace(/```.*?```/gs, '');
    const paragraphs = prose.split('\n\n').filter(paragraph => !paragraph.startsWith('In a clone of the repository'));
    const named = paragraphs.flatMap(paragraph => [...paragraph.matchAll(/`([\w./-]+)`/g)].map(([, path = '']) => path));
    const packed = files.map(file => file.split('/')[0]);
    const ownOfUsers = ['dist', 'cdk8s.yaml', 'tsconfig.json'];
    const known = [...packed, ...ownOfUsers];
    expect(named.filter(path => existsSync(path) && !known.includes(path.split('/')[0] ?? ''))).toEqual([]);
  });
});

describe('what docs/extending.md says of an engine', () => {
  const [, chapter = ''] = /^## Add an engine$(.*?)^## /ms.exec(readFileSync('docs/extending.md', 'utf8')) ?? [];
  const [, members = ''] = /^export interface EngineConfig \{$(.*?)^\}$/ms.exec(readFileSync('lib/engines/engine.ts', 'utf8')) ?? [];
  const namesOf = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].map(([, name]) => name);

  test('is the engine that the tests run, to the letter', () => {
    const source = readFileSync('test/engines/toy/toy.ts', 'utf8').replace('../../../lib', 'cdk8s-backup');
    expect(/```ts\n(.*?)```/s.exec(chapter)?.[1]).toBe(source);
    const files = ['ready.sh', 'dump.sh', 'verify.sh', 'restore.sh'];
    const scripts = files.map(file => readFileSync(join('test/engines/toy', file), 'utf8'));
    expect(namesOf(/```sh\n(.*?)```/gs, chapter)).toEqual(scripts);
    expect(readdirSync('test/engines/toy').filter(file => file.endsWith('.sh'))).toEqual(files.sort());
  });

  test('names every member, in the order of the contract', () => {
    expect(namesOf(/^\d\. `(\w+)`: /gm, chapter)).toEqual(namesOf(/^ {2}readonly (\w+):/gm, members));
    expect(namesOf(/^\| `(\w+)` \|/gm, chapter)).toEqual(namesOf(/^ {2}readonly (\w+)\?:/gm, members));
  });

  test('names every script, and no other', () => {
    const operations = [EngineOperation.BACKUP, EngineOperation.VERIFY];
    const step: EngineStep = { name: 'step', operations, image: 'etcd:3.5', command: ['etcdctl'] };
    const all = scriptsOf({
      name: 'all',
      image: { reference: 'busybox:1.37', user: 1000 },
      scripts: ScriptFolder.of('all', {}),
      connection: { port: 1, environment: [] },
      log: { restoreRequest: [] },
      serverFiles: { checked: true },
      steps: [step],
    });
    const prose = chapter.replace(/```.*?```/gs, '');
    // Of these alone an engine need not have it.
    const known = ['running.sh', ...Object.values(all).flat()];
    expect([...new Set(namesOf(/`([a-z-]+\.sh)`/g, prose))].sort()).toEqual(known.sort());
  });
});

test('the first app of the quick start needs what the quick start makes, key for key', () => {
  const text = readFileSync('docs/quick-start.md', 'utf8');
  const directory = mkdtempSync(join(process.cwd(), 'build-quick-start-'));
  try {
    const [, example = ''] = /```ts\n(.*?)```/s.exec(text) ?? [];
    writeFileSync(join(directory, 'main.ts'), example.replace("'cdk8s-backup'", "'../lib'"));
    execFileSync(process.execPath, ['--import', 'tsx', join(directory, 'main.ts')], { env: { ...process.env, CDK8S_OUTDIR: directory } });
    const page = readFileSync(join(directory, 'PREREQUISITES.md'), 'utf8').replaceAll(/ \\\n +/g, ' ');
    const secretsOf = (from: string) =>
      Object.fromEntries(
        [...from.matchAll(/^kubectl -n shop create secret generic (\S+) (.*)$/gm)].map(([, name, words = '']) => [
          name,
          [...words.matchAll(/--from-literal=(\w+)=/g)].map(([, key]) => key).sort(),
        ]),
      );
    expect(secretsOf(page)).toEqual({ 'orders-backup': ['password', 'username'], 'orders-owner': ['password', 'username'] });
    expect(secretsOf(text)).toEqual(secretsOf(page));
    for (const command of page.match(/^kubectl create namespace .*$/gm) ?? []) expect(text).toContain(`\n${command}\n`);
    expect(page.match(/^- \w+ `.*`/gm)).toEqual(['- PersistentVolumeClaim `backups`']);
    const server = parseAllDocuments(/```yaml\n(.*?)```/s.exec(text)?.[1] ?? '').map(document => document.toJS());
    expect(server.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toContain('PersistentVolumeClaim backups');
    // The same privileges, of a role that has the name in the Secret.
    const [, grants = ''] = /Backs up orders .*?```\n(.*?)```/s.exec(page) ?? [];
    for (const line of grants.replaceAll('"<username>"', 'backup').trim().split('\n')) {
      if (!line.startsWith('--')) expect(text).toContain(`\n${line}\n`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs')
    .filter(page => page.endsWith('.md'))
    .map(page => join('docs', page)),
];

test('README is read in five minutes, and leads to every page', () => {
  const readme = readFileSync('README.md', 'utf8');
  expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  expect(PAGES.filter(page => page !== 'README.md' && !readme.includes(`](${page}`))).toEqual([]);
});

test.each(PAGES)('every link of %s leads somewhere', page => {
  const prose = readFileSync(page, 'utf8').replace(/```.*?```/gs, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter(link => !/^https?:/.test(link));
  const broken = links.filter(link => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(target)) return true;
    return heading !== undefined && !headingsOf(target).includes(heading);
  });
  expect(broken).toEqual([]);
});

test('every whole program of the pages passes the compiler', () => {
  const directory = mkdtempSync(join(process.cwd(), 'build-docs-'));
  try {
    const programs = PAGES.flatMap(page =>
      [...readFileSync(page, 'utf8').matchAll(/```ts\n(import .*?)```/gs)].map(([, program = ''], index) => {
        const file = join(directory, `${page.replaceAll('/', '-')}-${index}.ts`);
        writeFileSync(file, program);
        return file;
      }),
    );
    expect(programs.length).toBeGreaterThanOrEqual(2);
    const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
    const program = ts.createProgram(programs, options);
    const problems = programs.flatMap(file => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 120_000);

test.each(PAGES)('every YAML of %s is YAML, and what Kubernetes itself knows is as it wants it', page => {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const objects = blocks.flatMap(block => parseManifests(block)).filter(({ kind }) => kind !== undefined);
  const known = objects.filter(({ apiVersion }) => !OF_OTHERS.includes(apiVersion));
  expect(known.flatMap(problems)).toEqual([]);
});

test('what the package does not hold is named by no page of those who use or extend it', () => {
  const pages = PAGES.filter(page => !['CONTRIBUTING.md', 'docs/tests.md', 'docs/fleets.md'].includes(page));
  const prose = (page: string) => readFileSync(page, 'utf8').replace(/```.*?```/gs, '');
  const named = pages.flatMap(page => [...prose(page).matchAll(/`((?:lib|test)\/[^` ]+)`/g)].map(([, path]) => `${page}: ${path}`));
  expect(named).toEqual([]);
});

/** APIs of those who apply what is emitted. */
const OF_OTHERS = ['argoproj.io/v1alpha1', 'kustomize.toolkit.fluxcd.io/v1'];

/** As the anchors of a page are written. */
function headingsOf(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
  );
}
