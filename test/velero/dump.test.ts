import { Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { DataVolume, Engine, MariadbVersion, Schedule } from '../../lib';
import { VeleroDump, VeleroSchedule } from '../../lib/velero';
import { backup, chart, objects, restic } from '../support/synth';
import { refusal } from './workloads';

describe('a dump for Velero', () => {
  test('is a pod that waits, in which the pre hook makes the very backup that the CronJob makes', () => {
    const shop = chart();
    const orders = backup(shop, { schedule: Schedule.never() });
    new VeleroDump(shop, 'orders-dump', { backup: orders, timeout: Duration.minutes(30) });
    const synthesized = objects(shop);
    const { template, selector } = synthesized['Deployment/orders-velero'].spec;
    const [waits] = template.spec.containers;
    const [works] = synthesized['CronJob/orders-backup'].spec.jobTemplate.spec.template.spec.containers;
    expect(template.metadata.annotations).toEqual({
      'backup.velero.io/backup-volumes': 'repository',
      'pre.hook.backup.velero.io/container': 'backup',
      'pre.hook.backup.velero.io/command': '["sh","/opt/backup/shell/hook.sh","backup"]',
      'pre.hook.backup.velero.io/on-error': 'Fail',
      'pre.hook.backup.velero.io/timeout': '1800s',
    });
    expect({ ...waits, command: works.command }).toEqual(works);
    expect(waits.command).toEqual(['sh', '/opt/backup/shell/wait.sh']);
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    const selected = synthesized['NetworkPolicy/orders-velero'].spec.podSelector.matchLabels;
    expect(template.metadata.labels).toMatchObject(selected);
    expect(selected).toEqual({ 'cdk8s-backup/job': 'orders-velero' });
  });

  test('is refused of what is on no volume', () => {
    const shop = chart();
    expect(refusal(() => new VeleroDump(shop, 'dump', { backup: backup(shop, { repository: restic }) }))).toContain(
      'are not on a volume that Velero could copy',
    );
  });

  test('is refused of what works on the files of a server', () => {
    const shop = chart();
    const physical = backup(shop, {
      engine: Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }),
      dataVolume: DataVolume.claim('data-orders-db-0'),
      podLabels: { app: 'orders-db' },
    });
    expect(refusal(() => new VeleroDump(shop, 'dump', { backup: physical }))).toContain("its backup needs the server's own volume");
  });

  test('is refused when Velero would not wait for it', () => {
    const shop = chart();
    const veleroBackup = new VeleroSchedule(shop, 'daily', { schedule: Schedule.daily(), itemOperationTimeout: Duration.minutes(30) });
    expect(refusal(() => new VeleroDump(shop, 'dump', { backup: backup(shop), veleroBackup }))).toContain(
      'the backup gives up an operation after 30 minutes',
    );
  });
});
