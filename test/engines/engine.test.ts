import { App, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import {
  DataVolume,
  type EngineBindOptions,
  type EngineConfig,
  EngineOperation,
  type EngineStep,
  type IEngine,
  ImageCatalog,
  ScriptFolder,
} from '../../lib';
import { VolumeCheck } from '../../lib/volumes';
import { backup, chart, container, objects, podSpec } from '../support/synth';
import { ToyEngine } from './toy/toy';

const CORE = ['ready.sh', 'dump.sh', 'verify.sh', 'restore.sh'];

/** The toy, with these scripts and what else it says. */
class Other implements IEngine {
  constructor(
    private readonly scripts: string[],
    private readonly says: Partial<EngineConfig> = {},
  ) {}

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const scripts = ScriptFolder.of('other-scripts', Object.fromEntries(this.scripts.map(file => [file, ':\n'])));
    return { ...new ToyEngine().bind(scope, options), name: 'other', scripts, ...this.says };
  }
}

const step = (operation: EngineOperation): EngineStep => ({ name: 'step', operations: [operation], image: 'etcd:3.5', command: ['x'] });
const member = { name: 'a', dataVolume: DataVolume.claim('a') };
const log = { restoreRequest: [] };
const LOG = ['log-follow.sh', 'log-received.sh', 'log-choose.sh', 'log-pack.sh', 'log-stored.sh', 'log-unpack.sh'];

describe('an engine whose folder lacks a script', () => {
  test.each<[string, string[], Partial<EngineConfig>, string]>([
    ['of every engine', ['ready.sh', 'dump.sh'], {}, 'the engine other needs verify.sh, restore.sh, which this folder lacks: write them'],
    [
      'of its log',
      [...CORE, ...LOG.slice(1)],
      { log },
      'the log of other needs log-follow.sh, which this folder lacks: write it, as docs/extending.md says',
    ],
    ['that starts a server on a volume', CORE, { serverFiles: { checked: true } }, 'the check of volumes of other needs check-volume.sh,'],
    ['before a backup’s steps', CORE, { steps: [step(EngineOperation.BACKUP)] }, 'a step of a backup of other needs examine.sh,'],
    [
      'before a verification’s steps',
      [...CORE, 'examine.sh'],
      { steps: [step(EngineOperation.BACKUP), step(EngineOperation.VERIFY)] },
      'a step of a verification or restore of other needs fetch.sh,',
    ],
    [
      'before the steps of a member',
      CORE,
      { serverFiles: { restored: true }, cluster: { members: [{ ...member, steps: [step(EngineOperation.RESTORE)] }] } },
      'a step of a verification or restore of other needs fetch.sh,',
    ],
  ])('%s is refused', (_, scripts, says, message) => {
    expect(() => backup(chart(), { engine: new Other(scripts, says) })).toThrow(
      `shop/orders: engine.scripts is "other-scripts": ${message}`,
    );
  });

  test('is no engine for a check of a volume', () => {
    const check = VolumeCheck.engine(new Other(CORE, { serverFiles: { checked: true } }));
    expect(() => check._pod(chart(), { series: 'shop', claimName: 'data', prop: 'checks[0]', labels: {} })).toThrow(
      'checks[0].scripts is "other-scripts": the check of volumes of other needs check-volume.sh, which this folder lacks',
    );
  });
});

test('an image that no catalog was asked for comes from the mirror, in a check of a volume too', () => {
  const engine = new Other([...CORE, 'check-volume.sh'], { serverFiles: { checked: true } });
  const app = new App();
  ImageCatalog.mirror(app, 'registry.example/proxy');
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  backup(shop, { engine });
  expect(container(objects(shop)['CronJob/orders-backup']).image).toBe('registry.example/proxy/busybox:1.37');
  const check = VolumeCheck.engine(engine)._pod(shop, { series: 'shop', claimName: 'data', prop: 'checks[0]', labels: {} });
  expect(check.spec?.containers[0]?.image).toBe('registry.example/proxy/busybox:1.37');
});

test('an engine with all scripts of what it says is taken', () => {
  const steps = [step(EngineOperation.BACKUP), step(EngineOperation.RESTORE)];
  const says = { log, steps, serverFiles: { checked: true, restored: true }, cluster: { members: [member] } };
  const engine = new Other([...CORE, ...LOG, 'check-volume.sh', 'examine.sh', 'fetch.sh'], says);
  expect(() => backup(chart(), { engine })).not.toThrow();
});

test('members of a cluster are restored on their volumes, or not at all', () => {
  const engine = new Other(CORE, { cluster: { members: [member, { ...member, name: 'b' }] } });
  expect(() => backup(chart(), { engine })).toThrow(
    'shop/orders: engine.cluster is ["a","b"]: a restore brings each member of other back on its own data volume: set serverFiles',
  );
});

describe('an engine of four members', () => {
  const shop = chart();
  const made = backup(shop, { engine: new ToyEngine(), podLabels: { app: 'orders' } });
  made.addVerification();
  made.addRestore();
  const all = objects(shop);

  test('has its jobs reach its server, and no other pod there', () => {
    for (const job of ['backup', 'restore']) {
      expect(JSON.stringify(all[`NetworkPolicy/orders-${job}`].spec.egress)).toContain('"matchLabels":{"app":"orders"}');
      expect(JSON.stringify(all[`NetworkPolicy/orders-${job}`].spec.egress)).toContain('"port":8080');
    }
  });

  test('has the way to the server in no verification', () => {
    const variables = (job: string) => JSON.stringify(podSpec(all[`CronJob/orders-${job}`]));
    expect(variables('backup')).toContain('TOY_URL');
    expect(variables('restore')).toContain('TOY_URL');
    expect(variables('verify')).not.toContain('TOY_URL');
  });
});
