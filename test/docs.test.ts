import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

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

const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map(page => join('docs', page))];

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
