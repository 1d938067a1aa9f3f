import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VeleroModifierRule, VeleroResourceModifiers, VeleroRestore, VeleroRestoreJob } from '../../lib/velero';
import { chart, environment, type Manifest, objects } from '../support/synth';
import { refusal } from './workloads';

describe('a restore by Velero that somebody starts', () => {
  test('never runs by itself, and may make Restores and nothing else', () => {
    const velero = chart('velero');
    new VeleroRestoreJob(velero, 'shop-drill', { scheduleName: 'shop-daily', namespaceMapping: { shop: 'drill' } });
    const synthesized = objects(velero);
    expect(synthesized['CronJob/shop-drill'].spec).toMatchObject({ suspend: true, schedule: '0 0 31 2 *' });
    expect(environment(synthesized['CronJob/shop-drill'])).toMatchObject({
      BACKUP: { configMapKeyRef: { name: 'shop-drill-request', key: 'backup', optional: true } },
      SCHEDULE: 'shop-daily',
      SPEC: '{"namespaceMapping":{"shop":"drill"},"resourceModifier":{"kind":"configmap","name":"shop-drill-modifiers"},"itemOperationTimeout":"14400s"}',
    });
    expect(synthesized['ConfigMap/shop-drill-defaults'].data).toEqual({ BACKUP: '' });
    const rules = (of: ReturnType<typeof objects>) =>
      of['Role/shop-drill'].rules.map(({ verbs, resources, resourceNames = [] }: Manifest) =>
        `${verbs} ${resources} ${resourceNames}`.trim(),
      );
    const always = ['get,list,create,delete restores', 'get deployments velero'];
    expect(rules(synthesized)).toEqual(['get,list backups', ...always, 'get schedules shop-daily', 'list backupstoragelocations']);
    const named = chart('velero');
    new VeleroRestoreJob(named, 'shop-drill', { backupName: 'a' });
    expect(rules(objects(named))).toEqual(['get backups', ...always]);
  });

  test('reaches the Kubernetes API by its ports', () => {
    const velero = chart('velero');
    new VeleroRestoreJob(velero, 'shop-drill', { backupName: 'a', apiPorts: [16443] });
    expect(objects(velero)['NetworkPolicy/shop-drill'].spec.egress[1]).toEqual({ ports: [{ port: 16443, protocol: 'TCP' }] });
    expect(refusal(() => new VeleroRestoreJob(chart('velero'), 'drill', { backupName: 'a', apiPorts: [0] }))).toContain(
      'apiPorts is 0: write the ports of the API server',
    );
  });

  test('brings a copy back at rest: nothing of ours runs in it', () => {
    const velero = chart('velero');
    const rules = [VeleroModifierRule.merge({ groupResource: 'services' }, { metadata: { annotations: { copy: 'yes' } } })];
    const resourceModifiers = new VeleroResourceModifiers(velero, 'mine', { rules });
    const namespaceMapping = { shop: 'drill' };
    new VeleroRestoreJob(velero, 'job', { backupName: 'a', namespaceMapping });
    new VeleroRestore(velero, 'once', { backupName: 'a', namespaceMapping, resourceModifiers });
    new VeleroRestore(velero, 'same', { backupName: 'a', namespaceMapping: { shop: 'shop' } });
    new VeleroRestore(velero, 'awake', { backupName: 'a', namespaceMapping, resourceModifiers, backupsAtRest: false });
    new VeleroRestore(velero, 'resting', { backupName: 'a', backupsAtRest: true });
    const made = objects(velero);
    const changes = (name: string) =>
      parse(made[`ConfigMap/${name}-modifiers`].data['modifiers.yaml']).resourceModifierRules.map(
        (rule: { conditions: { groupResource: string }; mergePatches: { patchData: string }[] }) =>
          `${rule.conditions.groupResource}: ${rule.mergePatches[0]?.patchData.replace(/\s+/g, ' ').trim()}`,
      );
    const atRest = [
      'cronjobs.batch: spec: suspend: true',
      'jobs.batch: spec: suspend: true',
      'deployments.apps: spec: replicas: 0',
      'replicasets.apps: spec: replicas: 0',
    ];
    expect(changes('job')).toEqual(atRest);
    expect(changes('once')).toEqual(['services: metadata: annotations: copy: "yes"', ...atRest]);
    expect(changes('resting')).toEqual(atRest);
    expect(made['Restore/once'].spec.resourceModifier).toEqual({ kind: 'configmap', name: 'once-modifiers' });
    expect(made['Restore/same'].spec.resourceModifier).toBeUndefined();
    expect(made['Restore/awake'].spec.resourceModifier).toEqual({ kind: 'configmap', name: 'mine' });
    const [, jobs] = parse(made['ConfigMap/job-modifiers'].data['modifiers.yaml']).resourceModifierRules;
    expect(jobs.conditions.matches).toEqual([
      { path: '/spec/template/metadata/labels/app.kubernetes.io~1managed-by', value: 'cdk8s-backup' },
    ]);
  });

  test('is of the backup that is named, until its request says another', () => {
    const velero = chart('velero');
    new VeleroRestoreJob(velero, 'shop-drill', { backupName: 'before-upgrade' });
    expect(objects(velero)['ConfigMap/shop-drill-defaults'].data).toEqual({ BACKUP: 'before-upgrade' });
  });

  test('is refused outside of the namespace of Velero, where nobody would look at its Restores', () => {
    expect(refusal(() => new VeleroRestoreJob(chart('shop'), 'drill', { backupName: 'a' }))).toContain(
      "create it in a Chart with namespace: 'velero'",
    );
  });

  test('is refused as a Restore would be', () => {
    expect(refusal(() => new VeleroRestoreJob(chart('velero'), 'drill', { backupName: 'a', scheduleName: 'b' }))).toContain(
      'a restore uses one Backup',
    );
  });
});
