import { ApiObject, type Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../lib/core/input-error';

/** A server with its data in a claim of its own, a volume for dumps, and an exporter beside it. */
export function server(chart: Chart, different: object = {}, name = 'orders-db'): ApiObject {
  return new ApiObject(chart, name, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'postgres',
              image: 'postgres:16',
              volumeMounts: [
                { name: 'data', mountPath: '/var/lib/postgresql/data' },
                { name: 'dumps', mountPath: '/dumps' },
              ],
            },
            { name: 'exporter', image: 'exporter:1' },
          ],
          volumes: [{ name: 'dumps', persistentVolumeClaim: { claimName: 'dumps' } }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
      ...different,
    },
  });
}

/** A workload without a volume of its own. */
export function frontend(chart: Chart, name = 'shop'): ApiObject {
  return new ApiObject(chart, name, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'shop', image: 'shop:1' }] } },
    },
  });
}

export function annotationsOf(workload: Construct): { [annotation: string]: string } {
  return ApiObject.of(workload).toJson().spec.template.metadata.annotations;
}

/** What an input error says; anything else that is thrown, or nothing, is no answer. */
export function refusal(of: () => unknown): string {
  try {
    of();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'nothing was refused';
}
