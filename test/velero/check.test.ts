import { Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Schedule, VeleroCheck, type VeleroCheckProps, VeleroSchedule, type VeleroScheduleProps } from '../../lib';
import { chart, environment, type Manifest, objects } from '../support/synth';
import { refusal } from './workloads';

function synthesize(of: Partial<VeleroScheduleProps> = {}, different: Partial<VeleroCheckProps> = {}, namespace = 'velero') {
  const velero = chart(namespace);
  const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', { schedule: Schedule.daily(), ...of });
  new VeleroCheck(velero, 'check', { veleroSchedule, ...different });
  return objects(velero);
}

describe('a check of Velero', () => {
  test('reads what it looks at, and may do nothing else', () => {
    const rules = (of: ReturnType<typeof synthesize>) =>
      of['Role/shop-daily-check'].rules.map(({ verbs, resources, resourceNames = [] }: Manifest) =>
        `${verbs} ${resources} ${resourceNames}`.trim(),
      );
    const always = ['get deployments velero', 'get schedules shop-daily', 'list backups'];
    expect(rules(synthesize())).toEqual([...always, 'get,list backupstoragelocations']);
    const [velero, ...others] = always;
    expect(rules(synthesize({ snapshotMoveData: true, storageLocation: 'offsite' }))).toEqual([
      velero,
      'get daemonsets node-agent',
      ...others,
      'get backupstoragelocations offsite',
    ]);
  });

  test('follows its schedule', () => {
    expect(environment(synthesize()['CronJob/shop-daily-check'])).toMatchObject({
      SERIES: 'shop-daily',
      STORAGE_LOCATION: '',
      NODE_AGENT: 'no',
      MAXIMUM_AGE: '108000',
      EXPECTED_HOOKS: '0',
    });
    const moving = synthesize({ snapshotMoveData: true, storageLocation: 'offsite' }, { expectedHooks: 2, maximumAge: Duration.hours(2) });
    expect(environment(moving['CronJob/shop-daily-check'])).toMatchObject({
      STORAGE_LOCATION: 'offsite',
      NODE_AGENT: 'yes',
      MAXIMUM_AGE: '7200',
      EXPECTED_HOOKS: '2',
    });
  });

  test('is refused outside of the namespace of Velero, and with half a hook', () => {
    expect(refusal(() => synthesize({}, {}, 'shop'))).toContain("make it in a Chart with namespace: 'velero'");
    expect(refusal(() => synthesize({}, { expectedHooks: 0.5 }))).toContain('expectedHooks is 0.5: write a whole number');
  });
});
