import { describe, expect, test } from 'vitest';
import { VeleroRestoreJob } from '../../lib';
import { chart, environment, objects } from '../support/synth';
import { refusal } from './workloads';

describe('a restore by Velero that somebody starts', () => {
  test('never runs by itself, and may make Restores and nothing else', () => {
    const velero = chart('velero');
    new VeleroRestoreJob(velero, 'shop-drill', { scheduleName: 'shop-daily', namespaceMapping: { shop: 'drill' } });
    const synthesized = objects(velero);
    expect(synthesized['CronJob/shop-drill'].spec).toMatchObject({ suspend: true, schedule: '0 0 31 2 *' });
    expect(environment(synthesized['CronJob/shop-drill'])).toMatchObject({
      BACKUP: { configMapKeyRef: { name: 'shop-drill-request', key: 'backup' } },
      SCHEDULE: 'shop-daily',
      SPEC: '{"namespaceMapping":{"shop":"drill"},"itemOperationTimeout":"14400s"}',
    });
    expect(synthesized['ConfigMap/shop-drill-request'].data).toEqual({ backup: '' });
    expect(synthesized['Role/shop-drill'].rules.map(({ verbs }: { verbs: string[] }) => verbs)).toEqual([['get'], ['get', 'create']]);
  });

  test('is of the backup that is named, until its request says another', () => {
    const velero = chart('velero');
    new VeleroRestoreJob(velero, 'shop-drill', { backupName: 'before-upgrade' });
    expect(objects(velero)['ConfigMap/shop-drill-request'].data).toEqual({ backup: 'before-upgrade' });
  });

  test('is refused outside of the namespace of Velero, where nobody would look at its Restores', () => {
    expect(refusal(() => new VeleroRestoreJob(chart('shop'), 'drill', { backupName: 'a' }))).toContain(
      "make it in a Chart with namespace: 'velero'",
    );
  });

  test('is refused as a Restore would be', () => {
    expect(refusal(() => new VeleroRestoreJob(chart('velero'), 'drill', { backupName: 'a', scheduleName: 'b' }))).toContain(
      'a restore is of one Backup',
    );
  });
});
