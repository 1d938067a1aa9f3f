import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
