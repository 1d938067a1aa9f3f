import { App, Chart, Duration, JsonPatch } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Schedule } from '../../lib';
import {
  VeleroCheck,
  type VeleroCheckProps,
  VeleroDump,
  VeleroHook,
  VeleroProtection,
  VeleroSchedule,
  type VeleroScheduleProps,
  VeleroVolume,
} from '../../lib/velero';
import { backup, chart, environment, type Manifest, objects } from '../support/synth';
import { frontend, refusal, server } from './workloads';

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
    expect(rules(synthesize({}, { expectedVolumes: 1 }))).toContain('list podvolumebackups');
  });

  test('follows its schedule', () => {
    expect(environment(synthesize()['CronJob/shop-daily-check'])).toMatchObject({
      SERIES: 'shop-daily',
      STORAGE_LOCATION: '',
      NODE_AGENT: 'no',
      MAXIMUM_AGE: '108000',
    });
    const moving = synthesize({ snapshotMoveData: true, storageLocation: 'offsite' }, { expectedHooks: 2, maximumAge: Duration.days(2) });
    expect(environment(moving['CronJob/shop-daily-check'])).toMatchObject({
      STORAGE_LOCATION: 'offsite',
      NODE_AGENT: 'yes',
      MAXIMUM_AGE: '172800',
      EXPECTED_HOOKS: '2',
    });
  });

  describe('expects what the protections say that name its schedule', () => {
    const { command } = VeleroHook;
    const expected = (velero: Chart) => {
      const { EXPECTED_HOOKS, EXPECTED_VOLUMES, NODE_AGENT } = environment(objects(velero)['CronJob/shop-daily-check']);
      return { hooks: EXPECTED_HOOKS, volumes: EXPECTED_VOLUMES, nodeAgent: NODE_AGENT };
    };
    /** Two charts of one app. */
    function charts(different: Partial<VeleroCheckProps> = {}) {
      const app = new App();
      const [velero, shop] = [new Chart(app, 'velero', { namespace: 'velero' }), new Chart(app, 'shop', { namespace: 'shop' })];
      const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', { schedule: Schedule.daily() });
      new VeleroCheck(velero, 'check', { veleroSchedule, ...different });
      return { velero, shop, veleroSchedule };
    }
    const sync = command({ container: 'postgres', command: ['sync'] });

    test('the hooks of every pod, of whatever comes after it', () => {
      const { velero, shop, veleroSchedule } = charts();
      const options = { preHook: sync, postHook: sync, restoreHook: sync, backup: veleroSchedule };
      VeleroProtection.of(server(shop, { replicas: 3 }), options);
      expect(expected(velero)).toEqual({ hooks: '6', volumes: '0', nodeAgent: 'no' });
      VeleroProtection.of(frontend(shop), { preHook: command({ command: ['sync'] }), backup: veleroSchedule });
      expect(expected(velero).hooks).toBe('7');
    });

    test('the volumes that are named: of every pod, and once where all mount the same claim', () => {
      const { velero, shop, veleroSchedule } = charts();
      const { snapshot, files } = VeleroVolume;
      VeleroProtection.of(server(shop, { replicas: 3 }), { volumes: [snapshot('data'), files('dumps')], backup: veleroSchedule });
      expect(expected(velero)).toEqual({ hooks: '0', volumes: '4', nodeAgent: 'yes' });
      expect(JSON.stringify(objects(velero)['Role/shop-daily-check'].rules)).toContain('podvolumebackups');
    });

    test('once a claim that several have', () => {
      const { velero, shop, veleroSchedule } = charts();
      for (const name of ['orders', 'carts']) {
        new VeleroDump(shop, `${name}-dump`, { backup: backup(shop, {}, name), veleroBackup: veleroSchedule });
      }
      expect(expected(velero)).toEqual({ hooks: '2', volumes: '1', nodeAgent: 'yes' });
    });

    test('the hook of a dump, and the node agent that copies it', () => {
      const { velero, shop, veleroSchedule } = charts();
      new VeleroDump(shop, 'dump', { backup: backup(shop), veleroBackup: veleroSchedule });
      expect(expected(velero)).toEqual({ hooks: '1', volumes: '1', nodeAgent: 'yes' });
      expect(JSON.stringify(objects(velero)['Role/shop-daily-check'].rules)).toContain('node-agent');
    });

    test('none of a workload that has no pods, or no hooks', () => {
      const { velero, shop, veleroSchedule } = charts();
      const workload = server(shop, { replicas: 2 });
      VeleroProtection.of(workload, { preHook: sync, volumes: [VeleroVolume.files('dumps')], backup: veleroSchedule });
      workload.addJsonPatch(JsonPatch.replace('/spec/replicas', 0));
      VeleroProtection.of(frontend(shop), { backup: veleroSchedule });
      expect(expected(velero)).toMatchObject({ hooks: '0', volumes: '0' });
    });

    test('nothing of those that name another backup, or none', () => {
      const { velero, shop } = charts();
      VeleroProtection.of(server(shop), { preHook: sync });
      new VeleroDump(shop, 'dump', {
        backup: backup(shop),
        veleroBackup: new VeleroSchedule(velero, 'b', { schedule: Schedule.weekly() }),
      });
      expect(expected(velero)).toEqual({ hooks: '', volumes: '', nodeAgent: 'no' });
    });

    test('no more than what it is told', () => {
      const { velero, shop, veleroSchedule } = charts({ expectedHooks: 0, expectedVolumes: 0, nodeAgent: false });
      new VeleroDump(shop, 'dump', { backup: backup(shop), veleroBackup: veleroSchedule });
      expect(expected(velero)).toEqual({ hooks: '0', volumes: '0', nodeAgent: 'no' });
    });
  });

  test('asks for the Deployment of another name, and may', () => {
    const named = synthesize({}, { veleroDeployment: 'backups-velero' });
    expect(environment(named['CronJob/shop-daily-check'])).toMatchObject({ VELERO_DEPLOYMENT: 'backups-velero' });
    expect(named['Role/shop-daily-check'].rules[0].resourceNames).toEqual(['backups-velero']);
    expect(refusal(() => synthesize({}, { veleroDeployment: 'Velero' }))).toContain('veleroDeployment is "Velero"');
  });

  test('is refused outside of the namespace of Velero, and with half a hook', () => {
    expect(refusal(() => synthesize({}, {}, 'shop'))).toContain("create it in a Chart with namespace: 'velero'");
    expect(refusal(() => synthesize({}, { maximumAge: Duration.hours(1) }))).toContain('at least the time between two backups (1 day)');
    expect(refusal(() => synthesize({}, { maximumAge: Duration.millis(1500) }))).toContain('write whole seconds');
    expect(refusal(() => synthesize({}, { expectedHooks: 0.5 }))).toContain('expectedHooks is 0.5: write a whole number');
  });
});
