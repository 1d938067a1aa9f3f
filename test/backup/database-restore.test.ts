import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import {
  type DatabaseRestoreOptions,
  type EngineBindOptions,
  type EngineConfig,
  type IEngine,
  PostgresEngine,
  PostgresVersion,
  RecoveryPoint,
  Repository,
  RestoreForm,
  SecretRef,
} from '../../lib';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

describe('a restore on demand', () => {
  const shop = chart();
  backup(shop).addRestore({ credentials: SecretRef.named('orders-owner'), safetyBackup: true });
  const made = objects(shop);
  const cronJob = made['CronJob/orders-restore'];

  test('is a suspended CronJob for a date that never comes', () => {
    expect(cronJob.spec).toMatchObject({ suspend: true, schedule: '0 0 31 2 *', concurrencyPolicy: 'Forbid' });
  });

  test('is not tried again by itself', () => {
    const { backoffLimit, podFailurePolicy } = cronJob.spec.jobTemplate.spec;
    expect(backoffLimit).toBe(0);
    // The Job's condition then says that it was a disruption, though the pod may be gone with everything that it said.
    expect(podFailurePolicy.rules[0]).toEqual({ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] });
  });

  test('takes what to restore from a ConfigMap that is not emitted, and the rest from one with safe answers', () => {
    expect(made).not.toHaveProperty('ConfigMap/orders-restore-request');
    expect(made['ConfigMap/orders-restore-defaults'].data).toEqual({
      RECOVERY_POINT: 'newest-verified',
      SERIES: 'orders',
      SAFETY_BACKUP: 'yes',
      DATABASE: '',
      INTO: '',
      REPLACE: 'no',
    });
    const asked = (key: string) => ({ configMapKeyRef: { name: 'orders-restore-request', key, optional: true } });
    expect(container(cronJob).envFrom).toEqual([{ configMapRef: { name: 'orders-restore-defaults' } }]);
    expect(environment(cronJob)).toMatchObject({
      RECOVERY_POINT: asked('recoveryPoint'),
      SERIES: asked('series'),
      REPLACE: asked('replace'),
      REQUEST: '/run/request',
      REQUEST_WORDS: 'recoveryPoint series safetyBackup database into replace',
      PGPASSWORD: { secretKeyRef: { name: 'orders-owner', key: 'password' } },
    });
  });

  test('has the request mounted, where there is one, so that a word which nothing reads is seen', () => {
    expect(podSpec(cronJob).volumes).toContainEqual({ name: 'request', configMap: { name: 'orders-restore-request', optional: true } });
    expect(container(cronJob).volumeMounts).toContainEqual({ name: 'request', mountPath: '/run/request', readOnly: true });
  });

  test('makes no application of Argo CD suspended', () => {
    expect(cronJob.metadata.annotations).toEqual({ 'argocd.argoproj.io/ignore-healthcheck': 'true' });
    expect(made['CronJob/orders-backup'].metadata).not.toHaveProperty('annotations');
  });

  test('says each variable once', () => {
    const names = cronJob.spec.jobTemplate.spec.template.spec.containers[0].env.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('goes to another server when told so, and may reach it', () => {
    const staging = chart();
    backup(staging).addRestore({ name: 'restore-to-staging', host: 'orders-db.staging' });
    const objects_ = objects(staging);
    expect(environment(objects_['CronJob/orders-restore-to-staging']).PGHOST).toBe('orders-db.staging');
    expect(objects_['NetworkPolicy/orders-restore-to-staging'].spec.egress[1].to[0].namespaceSelector.matchLabels).toEqual({
      'kubernetes.io/metadata.name': 'staging',
    });
  });
});

describe('a restore as a Job', () => {
  const job = (into: string, more: Partial<DatabaseRestoreOptions> = {}) => {
    const shop = chart();
    backup(shop).addRestore({ form: RestoreForm.JOB, from: RecoveryPoint.id('20260801T023000Z-x7k2p'), request: { into }, ...more });
    const [name] = Object.keys(objects(shop)).filter(id => id.startsWith('Job/'));
    return { name: name ?? '', object: objects(shop)[name ?? ''] };
  };

  test('is named by its request: the same request is the same Job, another is another', () => {
    expect(job('copy').name).toMatch(/^Job\/orders-restore-[0-9a-f]{10}$/);
    expect(job('copy').name).toBe(job('copy').name);
    expect(job('copy').name).not.toBe(job('other').name);
  });

  test.each<[string, Partial<DatabaseRestoreOptions>]>([
    ['recovery point', { from: RecoveryPoint.newest() }],
    ['server', { host: 'orders-db.staging' }],
    ['port', { port: 5433 }],
    ['repository', { repository: Repository.files({ claimName: 'mirror' }) }],
  ])('of another %s is another', (_, more) => {
    expect(job('copy', more).name).not.toBe(job('copy').name);
  });

  test('keeps its name whatever else is changed, as another name would restore once more', () => {
    const changed = job('copy', {
      pods: { memoryLimit: Size.gibibytes(2) },
      deadline: Duration.hours(2),
      credentials: SecretRef.named('rotated'),
    });
    expect(changed.object.spec).not.toEqual(job('copy').object.spec);
    expect(changed.name).toBe(job('copy').name);
  });

  test('keeps its name when a newer engine knows a further word, which nobody has said', () => {
    class Newer extends PostgresEngine {
      public override bind(scope: Construct, options: EngineBindOptions): EngineConfig {
        const config = super.bind(scope, options);
        return { ...config, restoreRequest: [...(config.restoreRequest ?? []), { key: 'quietly', variable: 'QUIETLY', value: 'no' }] };
      }
    }
    const nameOf = (engine: IEngine, request: { [word: string]: string }) => {
      const shop = chart();
      backup(shop, { engine }).addRestore({ form: RestoreForm.JOB, request });
      return Object.keys(objects(shop)).find(id => id.startsWith('Job/'));
    };
    const options = { version: PostgresVersion.V16, databases: ['orders'] };
    const now = nameOf(new PostgresEngine(options), { into: 'copy' });
    expect(nameOf(new Newer(options), { into: 'copy' })).toBe(now);
    expect(nameOf(new Newer(options), { into: 'copy', quietly: 'no' })).toBe(now);
    expect(nameOf(new Newer(options), { into: 'copy', quietly: 'yes' })).not.toBe(now);
  });

  test('is made by Flux where it is not there, and never changed', () => {
    expect(job('copy').object.metadata.annotations).toEqual({ 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' });
  });

  test('is never cleaned up, since it would then be applied, and restore, again', () => {
    expect(job('copy').object.spec.ttlSecondsAfterFinished).toBeUndefined();
  });

  test('carries its request itself', () => {
    expect(environment(job('copy').object)).toMatchObject({ RECOVERY_POINT: '20260801T023000Z-x7k2p', INTO: 'copy', REPLACE: 'no' });
  });
});

describe('fails', () => {
  test('a recovery point that is no id', () => {
    expect(() => backup(chart()).addRestore({ from: RecoveryPoint.id('yesterday') })).toThrow(
      `shop/orders/restore: from is "yesterday": write an id as results show it, for example '20260801T023000Z-x7k2p'`,
    );
  });

  test('a word that no request has', () => {
    expect(() => backup(chart()).addRestore({ request: { target: 'x' } })).toThrow(
      'shop/orders/restore: request.target is "x": a request can have only the keys recoveryPoint, series, safetyBackup, database, into, replace',
    );
  });
});
