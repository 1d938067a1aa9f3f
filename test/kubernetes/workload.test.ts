import { ApiObject } from 'cdk8s';
import * as plus from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Workload } from '../../lib/kubernetes/workload';
import { chart } from '../support/synth';

/** A StatefulSet as somebody would write it who needs claims, which cdk8s-plus-27 does not know. */
function database(scope: Construct, spec: object = {}): ApiObject {
  return new ApiObject(scope, 'db', {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas: 2,
      template: {
        metadata: { labels: { app: 'db' }, annotations: { team: 'orders' } },
        spec: {
          containers: [{ name: 'server', image: 'mariadb:10.11.19', volumeMounts: [{ name: 'data', mountPath: '/var/lib/mysql' }] }],
          volumes: [{ name: 'dumps', persistentVolumeClaim: { claimName: 'dumps' } }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' } }],
      ...spec,
    },
  });
}

describe('a workload', () => {
  it('is read as it will be applied', () => {
    const scope = chart();
    const workload = Workload.of(scope, 'workload', database(scope));
    expect(workload).toMatchObject({ kind: 'StatefulSet', name: 'db', namespace: 'shop', replicas: 2, podLabels: { app: 'db' } });
    expect(workload.podNames).toEqual(['db-0', 'db-1']);
    expect(workload.claimsOf('data')).toEqual(['data-db-0', 'data-db-1']);
    expect(workload.claimsOf('dumps')).toEqual(['dumps']);
    expect(workload.claimsOf('tmp')).toEqual([]);
  });

  it('counts its pods from where its ordinals start', () => {
    const scope = chart();
    expect(Workload.of(scope, 'workload', database(scope, { ordinals: { start: 5 } })).podNames).toEqual(['db-5', 'db-6']);
  });

  it('gets what is added to its pods, beside what is there, and not on itself', () => {
    const scope = chart();
    const object = database(scope);
    const workload = Workload.of(scope, 'workload', object);
    workload.annotatePods({ 'backup.velero.io/backup-volumes': 'dumps' });
    workload.addContainer({ name: 'quiesce', image: 'mariadb:10.11.19' });
    workload.addVolume({ name: 'state', emptyDir: {} });
    workload.addVolume({ name: 'state', emptyDir: {} });
    workload.mount('server', { name: 'state', mountPath: '/run/state' });
    workload.labelClaims({ 'velero.io/volume-group': 'db' });
    const { metadata, spec } = object.toJson();
    expect(metadata).toEqual({ name: 'db', namespace: 'shop' });
    expect(spec.template.metadata.annotations).toEqual({ team: 'orders', 'backup.velero.io/backup-volumes': 'dumps' });
    expect(spec.template.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(['dumps', 'state']);
    expect(spec.template.spec.containers).toEqual([
      {
        name: 'server',
        image: 'mariadb:10.11.19',
        volumeMounts: [
          { name: 'data', mountPath: '/var/lib/mysql' },
          { name: 'state', mountPath: '/run/state' },
        ],
      },
      { name: 'quiesce', image: 'mariadb:10.11.19' },
    ]);
    expect(spec.volumeClaimTemplates).toEqual([{ metadata: { name: 'data', labels: { 'velero.io/volume-group': 'db' } } }]);
  });

  it('keeps the quantities and ports of its containers', () => {
    const scope = chart();
    const resources = { requests: { cpu: plus.k8s.Quantity.fromString('2') } };
    const livenessProbe = { tcpSocket: { port: plus.k8s.IntOrString.fromNumber(3306) } };
    const set = new plus.k8s.KubeStatefulSet(scope, 'db', {
      metadata: { name: 'db' },
      spec: { serviceName: 'db', selector: {}, template: { spec: { containers: [{ name: 'server', resources, livenessProbe }] } } },
    });
    Workload.of(scope, 'workload', set).addContainer({ name: 'beside', resources });
    expect(set.toJson().spec.template.spec.containers).toEqual([
      { name: 'server', resources: { requests: { cpu: '2' } }, livenessProbe: { tcpSocket: { port: 3306 } } },
      { name: 'beside', resources: { requests: { cpu: '2' } } },
    ]);
  });

  it('is one of cdk8s-plus as well, and a construct around one', () => {
    const scope = chart();
    const deployment = new plus.Deployment(scope, 'web', { containers: [{ image: 'nginx:1.29' }], replicas: 3 });
    expect(Workload.of(scope, 'workload', deployment)).toMatchObject({ kind: 'Deployment', replicas: 3, podNames: [] });
    const around = new Construct(scope, 'around');
    database(around);
    expect(() => Workload.of(scope, 'workload', around)).toThrow('shop: workload is "shop/around": pass a single workload');
  });

  it('runs long enough to be backed up', () => {
    const scope = chart();
    const cronJob = new ApiObject(scope, 'nightly', { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'nightly' }, spec: {} });
    expect(() => Workload.of(scope, 'workload', cronJob)).toThrow('workload is "CronJob nightly": it has no pod template');
  });
});
